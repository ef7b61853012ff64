"""Pages of accounts: sign up, sign in, sign out."""

from contextlib import suppress
from typing import TYPE_CHECKING

from sanic import Blueprint, HTTPResponse, Request

from client import Conflict, Invalid, TooMany, Unauthenticated
from server.auth.schemas import Credentials
from server.web.asking import tix_of
from server.web.forms import Form, Wrong, fields, inside, read
from server.web.render import page, see
from server.web.visitor import Visitor

if TYPE_CHECKING:
    from server.auth.schemas import Session

LABELS = {"email": "Email", "password": "Password"}
HOME = "/tickets"
SHOWN_AGAIN = ("email", "next")


def pages() -> Blueprint:
    """Sign up, sign in, sign out."""
    routes = Blueprint("accounts")
    routes.add_route(show_sign_in, "/signin", name="signin")
    routes.add_route(show_sign_up, "/signup", name="signup")
    routes.add_route(sign_in, "/signin", methods=["POST"], name="sign in")
    routes.add_route(sign_up, "/signup", methods=["POST"], name="sign up")
    routes.add_route(sign_out, "/signout", methods=["POST"], name="sign out")
    return routes


async def show_sign_in(request: Request) -> HTTPResponse:
    """The form."""
    return _show(request, "signin.html", Form({"next": request.args.get("next", "")}))


async def show_sign_up(request: Request) -> HTTPResponse:
    """The form."""
    return _show(request, "signup.html", Form({"next": request.args.get("next", "")}))


async def sign_in(request: Request) -> HTTPResponse:
    """On to where the visitor came from; 422 or 429 with the form."""
    given = fields(request)
    try:
        if not given.get("email") or not given.get("password"):
            raise Wrong({"email": "Enter your e-mail address and your password."})
        session = await tix_of(request).sign_in(given["email"], given["password"])
    except Unauthenticated:
        wrong = Wrong({"email": "No account has this e-mail address and password. Check both."})
        return _again(request, "signin.html", given, wrong)
    except Invalid as error:
        return _again(request, "signin.html", given, Wrong.of(error, LABELS))
    except TooMany as error:
        return _wait(request, "signin.html", given, error)
    except Wrong as error:
        return _again(request, "signin.html", given, error)
    return _enter(request, session, given)


async def sign_up(request: Request) -> HTTPResponse:
    """On as the new account; 422 or 429 with the form."""
    given = fields(request)
    try:
        asked = {name: given.get(name, "") for name in LABELS}
        wanted = read(Credentials, asked, LABELS)
        session = await tix_of(request).sign_up(wanted.email, wanted.password)
    except Conflict:
        taken = Wrong({"email": "There is an account with this e-mail address. Sign in instead."})
        return _again(request, "signup.html", given, taken)
    except TooMany as error:
        return _wait(request, "signup.html", given, error)
    except Wrong as error:
        return _again(request, "signup.html", given, error)
    return _enter(request, session, given)


async def sign_out(request: Request) -> HTTPResponse:
    """The token ends everywhere, the cookie here."""
    with suppress(Unauthenticated):
        if request.ctx.visitor.token:
            await tix_of(request).sign_out()
    request.ctx.forget = True
    return see("/")


def _show(request: Request, template: str, form: Form, status: int = 200) -> HTTPResponse:
    return page(request, template, status, form=form, over="over" in request.args)


def _again(request: Request, template: str, given: dict[str, str], wrong: Wrong) -> HTTPResponse:
    kept = {name: given.get(name, "") for name in SHOWN_AGAIN}
    return _show(request, template, Form(kept, wrong.errors), 422)


def _wait(request: Request, template: str, given: dict[str, str], error: TooMany) -> HTTPResponse:
    seconds = round(error.retry_after or 1)
    wrong = Wrong({"": f"Too many tries. Wait {seconds} s, then try again."})
    answer = _again(request, template, given, wrong)
    answer.status = 429
    answer.headers["Retry-After"] = str(seconds)
    return answer


def _enter(request: Request, session: "Session", given: dict[str, str]) -> HTTPResponse:
    answer = see(inside(given.get("next"), HOME))
    request.app.ctx.cookies.write(answer, Visitor.signed_in(session))
    request.ctx.is_new = False
    return answer
