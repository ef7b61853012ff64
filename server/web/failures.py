"""Failures as pages: what happened in plain words, what to do next, and the id that finds it in the logs."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode

from sanic import HTTPResponse, Request
from sanic.exceptions import SanicException

from client import TixError, Unauthenticated
from client.repeats import NO_USE
from server.kit.errors import DomainError
from server.kit.log import log, request_id
from server.kit.problems import CODES, Problems, note_code, problem
from server.web.forms import inside
from server.web.render import page, see


class StaleForm(DomainError):
    """A form that is not from this visitor's own pages, or from before they signed in or out."""

    status = 403
    code = "stale_form"
    title = "This form is out of date"


TITLES: Mapping[str | int, str] = {
    "stale_form": StaleForm.title,
    "too_many_holds": "You hold as many tickets as you may",
    400: "That request could not be read",
    403: "This is not yours to do",
    404: "There is nothing here",
    405: "This page does not take that",
    409: "Not possible just now",
    410: "This is over",
    413: "That was too much at once",
    422: "Something in the form is not right",
    429: "Too much at once",
    503: "Part of Tix does not answer",
}
"""By code, otherwise by status."""
NEXT: Mapping[str | int, str] = {
    "stale_form": "Go back, reload the page and send it again.",
    "too_many_holds": "Pay for one or give one up, then reserve again.",
    403: "If you have another account, sign in with that one.",
    404: "The address may be mistyped, or what was here is gone.",
    410: "It does not come back. There may be another like it.",
    429: "Wait a moment, then try again. Nothing was lost.",
    500: "Tell the request id below to whoever runs this shop.",
    503: "Nothing was lost. Try again in a moment.",
}
WAYS: Mapping[str, tuple[str, str]] = {"too_many_holds": ("/orders?status=created", "Your holds")}
"""Where the next step is taken, and what that is called; elsewhere people go on to find tickets."""
REFUSAL, TOO_OFTEN, FAULT = 400, 429, 500
"""From which status on an answer is one; an answer below that could not be understood has failed too."""
FAULTS: Mapping[int, str] = {
    500: "This should not have happened.",
    503: "It may be starting again, or have very much to do.",
}
"""What is told of our own faults: what lies behind them is for the log."""
SAFE = frozenset({"GET", "HEAD"})
"""Methods that may be asked again."""
AWAY_SECONDS = 2.0
"""After which a service that does not answer is worth asking again."""
OF_STRIPE = ("payment_intent", "setup_intent")
"""How the names begin that Stripe adds to an address, a secret among them: not for history and logs."""


@dataclass(frozen=True)
class Failure:
    """What a page tells."""

    status: int
    code: str
    title: str
    detail: str
    request_id: str
    retry_after: int | None
    next: str
    way: tuple[str, str] = ("/tickets", "Find tickets")
    """Where to go from here, and what that is called."""


class Failures(Problems):
    """Pages for people; below /api/ problem documents, as the services answer."""

    def default(self, request: Request | None, exception: BaseException) -> HTTPResponse:
        """The one renderer."""
        if isinstance(exception, StaleForm) and isinstance(exception.__context__, SanicException):
            exception = exception.__context__  # Sanic checks the form of what it has already refused, too
        known = exception if isinstance(exception, DomainError) else None
        if isinstance(exception, TixError):
            known = _from_service(exception)
        if request is None or request.path.startswith("/api/") or not hasattr(request.ctx, "visitor"):
            return problem(request, known) if known else super().default(request, exception)
        if isinstance(exception, Unauthenticated):
            answer = see(f"/signin?next={quote(_way_back(request), safe='/')}&over=1")
            request.ctx.forget = request.ctx.visitor.token is not None
            return answer
        if known:
            return show(request, known)
        plain = super().default(request, exception)
        answer = show(request, _of_framework(plain))
        if "Allow" in plain.headers:
            answer.headers["Allow"] = plain.headers["Allow"]
        return answer


def show(request: Request, error: DomainError) -> HTTPResponse:
    """A failure as a page."""
    note_code(request, error)
    told = Failure(
        status=error.status,
        code=error.code,
        title=_told(TITLES, error, error.title if error.status < FAULT else "Something went wrong"),
        detail=error.detail if error.status < FAULT else FAULTS.get(error.status, FAULTS[FAULT]),
        request_id=request_id.get(),
        retry_after=round(error.retry_after) if error.retry_after and error.code not in NO_USE else None,
        next=_told(NEXT, error, ""),
        way=WAYS.get(error.code) or _way(request, error),
    )
    answer = page(request, "failure.html", status=told.status, problem=told)
    if told.retry_after:
        answer.headers["Retry-After"] = str(told.retry_after)
    return answer


def _told(words: Mapping[str | int, str], error: DomainError, otherwise: str) -> str:
    return words.get(error.code) or words.get(error.status, otherwise)


def _way(request: Request, error: DomainError) -> tuple[str, str]:
    """What failed may work next time; a form is not sent again by a link, so that leads to its page."""
    if error.status < FAULT and error.status != TOO_OFTEN:
        return Failure.way
    back = inside(_way_back(request), "/")
    return (back, "Try again") if request.method in SAFE else (back, "Go back")


def _way_back(request: Request) -> str:
    """Where to go after signing in: the page itself, or the one whose form was sent."""
    if request.method not in SAFE:
        return request.path.rpartition("/")[0]
    asked = parse_qsl(request.query_string, keep_blank_values=True)
    kept = urlencode([(name, value) for name, value in asked if not name.startswith(OF_STRIPE)])
    return f"{request.path}?{kept}" if kept else request.path


def _from_service(error: TixError) -> DomainError:
    made = DomainError(error.detail)
    made.status = error.status if error.status and error.status >= REFUSAL else 503
    made.code, made.retry_after = error.code, error.retry_after
    if made.status >= FAULT:
        made.retry_after = error.retry_after or AWAY_SECONDS
        log.warning("a service did not answer", code=error.code, detail=error.detail)
    return made


def _of_framework(answer: HTTPResponse) -> DomainError:
    made = DomainError()
    made.status = answer.status
    if answer.status < FAULT:
        made.code = CODES.get(answer.status, "bad_request")
        made.detail = TITLES.get(answer.status, TITLES[400]) + "."
    return made
