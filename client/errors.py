"""What can go wrong between a client and Tix: the API's problem documents, and no answer at all."""

import json
from collections.abc import Mapping
from typing import Any

import httpx

NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
ENVELOPE = frozenset({"type", "title", "status", "detail", "code", "requestId", "errors"})


class TixError(Exception):
    """A request that did not do what was asked; `code` is stable, `detail` is a sentence for a person."""

    def __init__(  # noqa: PLR0913 - the members of a problem document
        self,
        detail: str,
        *,
        code: str,
        status: int | None = None,
        errors: list[dict[str, str]] | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        """`status` is None without an answer; `retry_after` in seconds; `extra` as `currentVersion`."""
        super().__init__(detail)
        self.detail = detail
        self.code = code
        self.status = status
        self.errors = errors or []
        self.request_id = request_id
        self.retry_after = retry_after
        self.extra = dict(extra or {})


class Invalid(TixError):
    """400, 413 or 422: the request is malformed; `errors` names the fields."""


class Unauthenticated(TixError):
    """401: no token, or one that is not accepted."""


class PaymentRefused(TixError):
    """402: the card was declined; `extra["declineCode"]` says why."""


class Forbidden(TixError):
    """403: known, but not allowed."""


class NotFound(TixError):
    """404: absent, or another user's."""


class Conflict(TixError):
    """409: well-formed, but not now."""


class OutcomeUnknown(Conflict):
    """409 to a repeated edit: what changed the listing may have been its own first attempt."""


class TooMany(TixError):
    """429: too much or too often; `retry_after` says when again."""


class Unavailable(TixError):
    """502, 503 or 504: a part of Tix does not answer; `retry_after` says when to ask again."""


class BadAnswer(TixError):
    """An answer that is not Tix's: another program, or a proxy in between."""


class Unreachable(TixError):
    """No answer; `may_have_arrived` is False when the request surely was not sent."""

    def __init__(self, detail: str, *, may_have_arrived: bool) -> None:
        """Say what happened to the connection."""
        super().__init__(detail, code="unreachable")
        self.may_have_arrived = may_have_arrived


KINDS: Mapping[int, type[TixError]] = {
    400: Invalid,
    401: Unauthenticated,
    402: PaymentRefused,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: Invalid,
    422: Invalid,
    429: TooMany,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}


def read_problem(status: int, headers: Mapping[str, str], body: bytes) -> TixError:
    """The error in an answer that is no success; one without a problem document keeps its status."""
    try:
        problem = json.loads(body)
        code, detail = str(problem["code"]), str(problem["detail"])
    except (ValueError, LookupError, TypeError):
        if status < 500:  # noqa: PLR2004 - Tix explains every refusal, so this is somebody else's
            sentence = f"The answer {status} is not one of Tix; is the address right?"
            return BadAnswer(sentence, code="bad_answer", status=status)
        problem = {}
        code, detail = f"http_{status}", f"The server answered {status} and no explanation."
    said = headers.get("retry-after", "")
    return KINDS.get(status, TixError)(
        detail,
        code=code,
        status=status,
        errors=problem.get("errors"),
        request_id=problem.get("requestId") or headers.get("x-request-id"),
        retry_after=float(said) if said.isascii() and said.isdigit() else None,
        extra={name: value for name, value in problem.items() if name not in ENVELOPE},
    )


def unreachable(address: str, error: httpx.RequestError) -> Unreachable:
    """What it means that there is no answer."""
    if isinstance(error, httpx.TimeoutException):
        reason = "it took too long"
    elif isinstance(error, httpx.ConnectError):
        reason = "nothing listens there, or the way to it is closed"
    else:
        reason = str(error) or type(error).__name__
    return Unreachable(
        f"No answer from {address}: {reason}.", may_have_arrived=not isinstance(error, NOT_SENT)
    )
