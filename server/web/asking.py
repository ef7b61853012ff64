"""How a page asks the services: as its visitor, on connections that all share."""

from urllib.parse import quote

from sanic import Request

from client import Tix, Unauthenticated


def tix_of(request: Request) -> Tix:
    """The API as whoever looks at the page sees it."""
    shared: Tix = request.app.ctx.tix
    return shared.speaking_for(request.ctx.visitor.token)


def signed_in(request: Request) -> Tix:
    """The same. Raises Unauthenticated for a stranger, who is then asked to sign in."""
    if request.ctx.visitor.token is None:
        raise Unauthenticated("Sign in first.", code="unauthenticated")
    return tix_of(request)


def sign_in_first(back: str) -> str:
    """The address that leads back after signing in."""
    return f"/signin?next={quote(back, safe='/')}"
