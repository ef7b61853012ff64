"""Failures: the one place that knows exit codes, hints and how an error looks."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cli import INTERRUPTED
from cli.output import harmless

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import typer

OK, UNEXPECTED, USAGE, DECLINED, AUTH, NOT_FOUND, CONFLICT, REJECTED, PENDING, UNAVAILABLE = range(10)
PARTLY = 10
MEANINGS: Mapping[int, str] = {
    OK: "done",
    UNEXPECTED: "unexpected",
    USAGE: "usage",
    DECLINED: "cancelled by you",
    AUTH: "sign-in missing or not allowed",
    NOT_FOUND: "not found",
    CONFLICT: "conflict (reserved, sold, changed, hold over)",
    REJECTED: "rejected (fields, card)",
    PENDING: "still pending",
    UNAVAILABLE: "unavailable",
    PARTLY: "done in part",
    INTERRUPTED: "stopped by Ctrl-C",
}

BY_STATUS: Mapping[int, int] = {
    400: REJECTED,
    401: AUTH,
    402: REJECTED,
    403: AUTH,
    404: NOT_FOUND,
    409: CONFLICT,
    413: REJECTED,
    422: REJECTED,
    429: UNAVAILABLE,
    502: UNAVAILABLE,
    503: UNAVAILABLE,
    504: UNAVAILABLE,
}
BY_CODE: Mapping[str, int] = {
    "bad_answer": UNEXPECTED,
    "malformed_token": AUTH,  # found before it was sent
    "too_many_holds": CONFLICT,  # a 429 that waiting does not cure
    "unreachable": UNAVAILABLE,
}
HINTS: Mapping[str, str] = {
    "bad_answer": "tix auth status{flags}",
    "card_declined": "tix orders show {order}{flags}",
    "email_taken": "tix auth login{flags}",
    "extension_used": "tix orders show {order}{flags}",
    "insufficient_scope": "tix auth login{flags}",
    "invalid_credentials": "tix auth login{flags}",
    "malformed_token": "tix auth login{flags}",
    "not_owner": "tix auth status{flags}",
    "not_refundable": "tix orders show {order}{flags}",
    "order_not_cancellable": "tix orders show {order}{flags}",
    "order_not_extendable": "tix orders show {order}{flags}",
    "order_not_found": "tix orders list{flags}",
    "order_not_payable": "tix orders show {order}{flags}",
    "own_ticket": "tix tickets list --status available{flags}",
    "price_changed": "tix tickets show {ticket}{flags}",
    "ticket_not_found": "tix tickets list{flags}",
    "ticket_reserved": "tix tickets show {ticket}{flags}",
    "ticket_sold": "tix tickets list --status available{flags}",
    "ticket_withdrawn": "tix tickets list --status available{flags}",
    "token_not_found": "tix auth token list{flags}",
    "too_many_holds": "tix orders list --status created{flags}",
    "too_many_tokens": "tix auth token list{flags}",
    "unauthenticated": "tix auth login{flags}",
    "version_conflict": "tix tickets show {ticket}{flags}",
}
"""What to run next, by code; the names in braces are the command's own arguments."""


class Refused(Exception):
    """A failure the CLI itself found; `hint` is a command that can be copied and run."""

    def __init__(self, detail: str, *, code: str, exit_code: int, hint: str | None = None) -> None:
        """`code` is stable snake_case; `exit_code` is one of this module's."""
        super().__init__(detail)
        self.detail = detail
        self.code = code
        self.exit_code = exit_code
        self.hint = hint


@dataclass(frozen=True)
class Problem:
    """A failure as it is shown."""

    code: str
    detail: str
    exit_code: int
    hint: str | None = None
    request_id: str | None = None
    status: int | None = None
    errors: Sequence[Mapping[str, str]] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    def show(self, *, as_json: bool) -> None:
        """Write it to stderr: a line of JSON, or a few for a person."""
        sys.stderr.write((self._json() if as_json else self._text()) + "\n")

    def _json(self) -> str:
        members = {
            **self.extra,
            "code": self.code,
            "detail": self.detail,
            "hint": self.hint,
            "exitCode": self.exit_code,
            "status": self.status,
            "errors": list(self.errors) or None,
            "requestId": self.request_id,
        }
        needed = {"code", "detail", "hint", "exitCode"}
        return json.dumps(
            {name: value for name, value in members.items() if value is not None or name in needed}
        )

    def _text(self) -> str:
        lines = [f"error: {self.detail}"]
        if len(self.errors) > 1:
            lines = ["error: some fields are not valid"]
            lines += [f"  {error['field']}: {error['message']}" for error in self.errors]
        if self.request_id:
            lines.append(f"request-id: {self.request_id}")
        if self.hint:
            lines.append(f"hint: {self.hint}")
        return "\n".join(harmless(line) for line in lines)


def explain(error: Exception, subject: Mapping[str, str]) -> Problem:
    """Any failure as a Problem; `subject` holds what the hints name (ticket, order, flags), or the `hint`.

    Its `ticket_line` is the command line with TICKET in place of the ticket; `order_line` likewise.
    """
    from client.errors import TixError  # noqa: PLC0415 - brings httpx, which only a request needs

    if isinstance(error, Refused):
        problem = Problem(error.code, error.detail, error.exit_code, error.hint or _hint(error.code, subject))
    elif isinstance(error, TixError):
        problem = Problem(
            error.code,
            _tell(error),
            BY_CODE.get(error.code, BY_STATUS.get(error.status or 0, UNEXPECTED)),
            hint=subject.get("hint") or _hint(error.code, subject),
            request_id=error.request_id,
            status=error.status,
            errors=error.errors,
            extra={**error.extra, **({"retryAfter": error.retry_after} if error.retry_after else {})},
        )
    else:
        return Problem(
            "unexpected",
            f"tix itself failed: {type(error).__name__}: {error}",
            UNEXPECTED,
            hint="run it again with --verbose for the traceback",
        )
    return _guessed(problem, subject)


def _guessed(problem: Problem, subject: Mapping[str, str]) -> Problem:
    """With the ids that may have been meant by one that is not there; of a single one the hint makes use."""
    noun = problem.code.removesuffix("_not_found")
    line = subject.get(f"{noun}_line")
    if line is None:
        return problem
    from cli.completion import meant  # noqa: PLC0415 - only now

    near = meant(noun, subject[noun])
    if not near:
        return problem
    names = " or ".join(f"{id_} ({title})" if title else id_ for id_, title in near)
    hint = line.replace(noun.upper(), near[0][0], 1) if len(near) == 1 else problem.hint
    return replace(problem, detail=f"{problem.detail} Did you mean {names}?", hint=hint)


def misused(error: typer.TyperException) -> Problem:
    """What the parser complains about."""
    ctx = getattr(error, "ctx", None)
    detail = plain(error.format_message())
    if near := getattr(error, "possibilities", None):  # of an option, best first
        detail = f"{detail.partition(' (')[0]}. Did you mean {near[0]}?"
    return Problem("usage", detail, USAGE, hint=f"{ctx.command_path if ctx else 'tix'} --help")


def plain(text: str) -> str:
    """What pydantic, and with it Typer, says of a value, without its own words around it."""
    text = text.replace("Value error, ", "").replace("Input should be", "must be")
    return re.sub(", unable to parse .*", "", text)


def sentence(text: str) -> str:
    """With a full stop, so that another may follow; titles of problems come without."""
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def _tell(error: Any) -> str:  # noqa: ANN401 - a TixError, which is imported late
    detail = sentence(str(error.detail))
    if decline := error.extra.get("declineCode"):
        detail += f" The bank's reason: {decline}. The ticket stays yours to pay until the hold ends."
    if error.retry_after:
        detail += f" Try again in {error.retry_after:.0f} s."
    return detail


def _hint(code: str, subject: Mapping[str, str]) -> str | None:
    if code == "unreachable":
        host = urlsplit(subject.get("api_url", "")).hostname
        return "tix up" if host in {"127.0.0.1", "localhost", "::1"} else "tix auth status --api-url URL"
    names = {"ticket": "TICKET", "order": "ORDER", "flags": ""}
    return HINTS[code].format_map({**names, **subject}) if code in HINTS else None
