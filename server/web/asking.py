"""How a page asks the services: as its visitor, on connections that all share."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import TypeVar
from urllib.parse import quote

from sanic import Request

from client import NotFound, Tix, TixError, TooMany, Unauthenticated, Unavailable, Unreachable

T = TypeVar("T")
PATIENCE_SECONDS = 1.0
"""For all that a page can do without, together, from the first such question on."""


def tix_of(request: Request) -> Tix:
    """The API as whoever looks at the page sees it."""
    shared: Tix = request.app.ctx.tix
    return shared.speaking_for(request.ctx.visitor.token)


def signed_in(request: Request) -> Tix:
    """The same. Raises Unauthenticated for a stranger, who is then asked to sign in."""
    if request.ctx.visitor.token is None:
        raise Unauthenticated("Sign in first.", code="unauthenticated")
    return tix_of(request)


async def if_there(request: Request, asked: Awaitable[T]) -> T | None:
    """What a page can do without: None if it is not there, or the page's patience ends first."""
    if not hasattr(request.ctx, "patient_until"):
        request.ctx.patient_until = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    with suppress(NotFound, TooMany, Unavailable, Unreachable, TimeoutError):
        async with asyncio.timeout_at(request.ctx.patient_until):
            return await asked
    return None


def is_at_work(error: TixError) -> bool:
    """Whether a form was sent twice and the first is still at work: nothing is refused yet."""
    return error.code == "idempotency_in_flight"


def sign_in_first(back: str) -> str:
    """The address that leads back after signing in."""
    return f"/signin?next={quote(back, safe='/')}"
