"""Pages of accounts: sign up, sign in, sign out."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from sanic import Blueprint, HTTPResponse, Request

from client import Conflict, Invalid, Tix, TooMany, Unauthenticated
from server.auth.schemas import Credentials, Session
from server.web.asking import tix_of
from server.web.forms import Form, Wrong, fields, inside, read
from server.web.render import page, see
from server.web.visitor import Visitor

NAMES = {"email": "e-mail address", "password": "password"}
HOME = "/tickets"
SHOWN_AGAIN = ("email", "next")


@dataclass(frozen=True)
class Door:
    """Sign in or sign up: where it is, and what it says."""

    path: str
    heading: str
    autocomplete: str
    """What a password manager offers: https://html.spec.whatwg.org/multipage/form-control-infrastructure.html."""
    hint: str | None = None


SIGN_IN = Door("/signin", "Sign in", "current-password")
SIGN_UP = Door(
    "/signup",
    "Create account",
    "new-password",
    "8 characters or more. A phrase is good; paste and password managers are welcome.",
)


def pages() -> Blueprint:
    """Sign up, sign in, sign out."""
    routes = Blueprint("accounts")
    for door, enter in ((SIGN_IN, sign_in), (SIGN_UP, sign_up)):
        routes.add_route(partial(show_door, door=door), door.path, name=f"show {door.path[1:]}")
        routes.add_route(enter, door.path, methods=["POST"], name=door.path[1:])
    routes.add_route(sign_out, "/signout", methods=["POST"], name="signout")
    return routes


async def show_door(request: Request, *, door: Door) -> HTTPResponse:
    """The form."""
    return _show(request, door, Form({"next": request.args.get("next", "")}))


async def sign_in(request: Request) -> HTTPResponse:
    """On to where the visitor came from; 422 or 429 with the form."""
    return await _enter(request, SIGN_IN, _sign_in)


async def sign_up(request: Request) -> HTTPResponse:
    """On as the new account; 422 or 429 with the form."""
    return await _enter(request, SIGN_UP, _sign_up)


async def _sign_in(tix: Tix, given: Mapping[str, str]) -> Session:
    if not given.get("email") or not given.get("password"):
        raise Wrong({"email": "Enter your e-mail address and your password."})
    return await tix.sign_in(given["email"], given["password"])


async def _sign_up(tix: Tix, given: Mapping[str, str]) -> Session:
    wanted = read(Credentials, {name: given.get(name, "") for name in NAMES}, NAMES)
    return await tix.sign_up(wanted.email, wanted.password)


async def _enter(
    request: Request, door: Door, ask: Callable[[Tix, Mapping[str, str]], Awaitable[Session]]
) -> HTTPResponse:
    given = fields(request)
    try:
        session = await ask(tix_of(request), given)
    except Unauthenticated:
        wrong = Wrong({"email": "No account has this e-mail address and password. Check both."})
    except Conflict:
        wrong = Wrong({"email": "There is an account with this e-mail address. Sign in instead."})
    except Invalid as error:
        wrong = Wrong.of(error, NAMES)
    except TooMany as error:
        return _wait(request, door, given, error)
    except Wrong as error:
        wrong = error
    else:
        answer = see(inside(given.get("next"), HOME))
        request.app.ctx.cookies.write(answer, Visitor.signed_in(session))
        request.ctx.is_new = False
        return answer
    return _again(request, door, given, wrong)


async def sign_out(request: Request) -> HTTPResponse:
    """The token ends everywhere, the cookie here."""
    with suppress(Unauthenticated):
        if request.ctx.visitor.token:
            await tix_of(request).sign_out()
    request.ctx.forget = True
    return see("/")


def _show(request: Request, door: Door, form: Form, status: int = 200) -> HTTPResponse:
    return page(request, "door.html", status, door=door, form=form, over="over" in request.args)


def _again(request: Request, door: Door, given: Mapping[str, str], wrong: Wrong) -> HTTPResponse:
    kept = {name: given.get(name, "") for name in SHOWN_AGAIN}
    return _show(request, door, Form(kept, wrong.errors), 422)


def _wait(request: Request, door: Door, given: Mapping[str, str], error: TooMany) -> HTTPResponse:
    seconds = round(error.retry_after or 1)
    answer = _again(request, door, given, Wrong({"": f"Too many tries. Wait {seconds} s, then try again."}))
    answer.status = 429
    answer.headers["Retry-After"] = str(seconds)
    return answer
