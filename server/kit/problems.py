"""Every failure as problem+json (RFC 9457), the framework's own included; a client never sees a traceback."""

import asyncio
import json
from contextlib import suppress

from sanic import HTTPResponse, Request
from sanic.exceptions import SanicException
from sanic.handlers import ErrorHandler

from server.kit.answers import Answer
from server.kit.errors import DomainError
from server.kit.idempotency import Replayed
from server.kit.log import log, request_id
from server.kit.pool import DatabaseUnavailable
from server.kit.transient import is_transient

PROBLEM = "application/problem+json"
CLIENT_GONE = 499
"""Only our log sees it: the client hung up before it was answered."""
CODES = {
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    413: "too_large",
    503: "unavailable",
}


def problem(request: Request | None, error: DomainError) -> HTTPResponse:
    """An error as problem+json."""
    note_code(request, error)
    body = {
        "type": f"urn:tix:problem:{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "requestId": request_id.get(),
        **error.details,
    }
    headers = {"X-Request-Id": request_id.get(), "Cache-Control": "no-store"}
    if error.retry_after is not None:
        headers["Retry-After"] = str(max(1, round(error.retry_after)))
    if error.status == 401:  # noqa: PLR2004 - RFC 9110 §11.6.1 asks for it
        headers["WWW-Authenticate"] = 'Bearer realm="tix"'
    return Answer(json.dumps(body, default=str), status=error.status, headers=headers, content_type=PROBLEM)


def note_code(request: Request | None, error: DomainError) -> None:
    """Keep what a request was refused for, to be counted."""
    if request is not None:
        request.ctx.code = error.code


class Problems(ErrorHandler):
    """Renders every failure, the framework's too; what nobody foresaw is logged once and told to no one."""

    def default(self, request: Request | None, exception: BaseException) -> HTTPResponse:
        """The one renderer."""
        if isinstance(exception, Replayed):
            replay = exception.answer
            return HTTPResponse(
                json.dumps(replay["body"]),
                status=replay["status"],
                headers={**replay["headers"], "Idempotency-Replayed": "true"},
                content_type="application/json",
            )
        if isinstance(exception, asyncio.CancelledError):
            return HTTPResponse(status=CLIENT_GONE)  # nobody reads it; what was open was rolled back
        if isinstance(exception, DomainError):
            if exception.status >= 500:  # noqa: PLR2004
                log.warning(
                    "unavailable",
                    code=exception.code,
                    cause=repr(exception.__cause__),
                    notes=getattr(exception, "__notes__", None),
                )
            return problem(request, exception)
        if is_transient(exception):
            log.warning("database unavailable", error=repr(exception))
            return problem(request, DatabaseUnavailable())
        if isinstance(exception, SanicException):
            return self._framework(request, exception)
        log.error("unexpected error", path=request.path if request else None, exc_info=exception)
        ours = DomainError("This should not have happened. The request id leads to what did.")
        return problem(request, ours)

    @staticmethod
    def _framework(request: Request | None, exception: SanicException) -> HTTPResponse:
        error = DomainError()
        status = int(exception.status_code or 500)
        error.status = status
        error.code = CODES.get(status, "bad_request" if status < 500 else "internal_error")  # noqa: PLR2004
        error.title = error.detail = {
            404: "There is nothing at this address",
            405: "This address does not take that method",
            408: "The request took too long to arrive",
            413: "The request is larger than the limit",
            503: "The answer took too long; try again",
        }.get(status, "The request could not be read" if status < 500 else "Something went wrong")  # noqa: PLR2004
        if status == 503:  # noqa: PLR2004
            error.retry_after = 1
        if status >= 500:  # noqa: PLR2004
            log.error("framework error", path=request.path if request else None, error=repr(exception))
        answer = problem(request, error)
        if status == 405 and request is not None:  # noqa: PLR2004 - RFC 9110 §15.5.6 asks for it
            answer.headers["Allow"] = ", ".join(_allowed(request))
        for name, value in (getattr(exception, "headers", None) or {}).items():
            answer.headers.setdefault(name, value)
        return answer


def _allowed(request: Request) -> list[str]:
    """The methods that this path takes; Sanic knows them for paths without parameters only."""
    found = []
    for method in ("GET", "POST", "PUT", "DELETE"):
        with suppress(SanicException):
            request.app.router.get(request.path, method, None)
            found.append(method)
    return found
