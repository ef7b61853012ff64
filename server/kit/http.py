"""HTTP in: bodies read, tokens checked, errors rendered as problem+json (RFC 9457), a log line a request."""

import re
import time
from collections.abc import Awaitable, Callable, Coroutine
from functools import cache
from typing import Any, TypeVar
from urllib.parse import parse_qs
from uuid import UUID

from pydantic import BaseModel, ValidationError
from sanic import HTTPResponse, Request, Sanic
from sanic.http import Http
from uuid_utils import uuid7

from server.kit import guard, limits, telemetry
from server.kit.answers import Answer, PlainHeaders
from server.kit.auth import Keys, Principal, Revocations, Verified, verify
from server.kit.errors import BadRequest, Invalid, NotFound, TooLarge, Unauthenticated
from server.kit.idempotency import MAX_LENGTH, KeyedOnce
from server.kit.log import log, request_id, user_id
from server.kit.metrics import METHODS, observe_request
from server.kit.problems import Problems
from server.kit.schemas import Body

B = TypeVar("B", bound=BaseModel)
Handler = Callable[..., Awaitable[HTTPResponse | None]]
"""None: it has answered by itself, as a stream does."""
PARAMETER = re.compile(r"<(\w+)(?::[^>]*)?>")
PROBES = frozenset({"/livez", "/readyz"})
SANE_ID = re.compile(r"[A-Za-z0-9._\-]{8,64}")


class UnreadableBody(BadRequest):
    """The body is not a JSON object."""

    code = "unreadable_body"
    title = "The body is not a JSON object"


# --- in ---------------------------------------------------------------------------------------------------


def parse(model: type[B], request: Request) -> B:
    """Read the JSON body. Raises UnreadableBody, or Invalid with every wrong field."""
    try:
        return model.model_validate_json(request.body, by_alias=True, by_name=False)
    except ValidationError as error:
        kinds = {problem["type"] for problem in error.errors(include_url=False, include_input=False)}
        if kinds & {"json_invalid", "model_type", "model_attributes_type"}:
            raise UnreadableBody from error
        raise invalid(error) from error


def parse_query(model: type[B], request: Request) -> B:
    """Read a request's query. Raises Invalid."""
    return read_query(model, request.query_string)


def read_query(model: type[B], query: str) -> B:
    """Read a query string. Raises Invalid; a parameter given twice is wrong."""
    given = parse_qs(query, keep_blank_values=True)
    twice = [name for name, values in given.items() if len(values) > 1]
    if twice:
        raise Invalid.field(twice[0], "give this parameter once")
    try:
        return model.model_validate(
            {name: values[0] for name, values in given.items()}, strict=False, by_alias=True, by_name=False
        )
    except ValidationError as error:
        raise invalid(error) from error


def invalid(error: ValidationError) -> Invalid:
    """Every wrong field with a sentence; never the value that was sent."""
    errors = [
        {"field": _printable(".".join(map(str, problem["loc"]))) or "body", "message": problem["msg"]}
        for problem in error.errors(include_url=False, include_input=False, include_context=False)
    ]
    return Invalid("; ".join(f"{e['field']}: {e['message']}" for e in errors[:5]), errors=errors)


def _printable(name: str) -> str:
    """An unknown field has the name that was sent; PostgreSQL keeps no NUL and no half of a character."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in name)


def no_query(request: Request) -> None:
    """Refuse a query: who writes `?dryRun=true` must not get the real thing. Raises Invalid."""
    parse_query(Body, request)


def path_id(value: str, missing: type[NotFound]) -> UUID:
    """An id from the path; what is no UUID names nothing. Raises `missing`."""
    try:
        return UUID(value)
    except ValueError as error:
        raise missing from error


def requires(scope: str | None = None) -> Callable[[Handler], Handler]:
    """Give the handler the Principal as second argument. Raises Unauthenticated, InsufficientScope."""

    def wrap(handler: Handler) -> Handler:
        async def guarded(request: Request, **path: str) -> HTTPResponse | None:
            principal = await authenticate(request)
            if principal is None:
                raise Unauthenticated("Send a token: Authorization: Bearer <token>.")
            if scope is not None:
                principal.need(scope)
            return await handler(request, principal, **path)

        guarded.__name__ = handler.__name__
        guarded.scope = scope  # type: ignore[attr-defined] # for the reference
        return guarded

    return wrap


async def authenticate(request: Request) -> Principal | None:
    """Who asks; None without a token. Raises Unauthenticated for a bad one."""
    given = request.headers.getall("authorization", [])
    if not given:
        return None
    scheme, _, token = given[0].partition(" ")
    if len(given) > 1 or scheme.lower() != "bearer":
        raise Unauthenticated("Send one header: Authorization: Bearer <token>.")
    assert request.route is not None  # noqa: S101 - only a route's handler asks
    revocations: Revocations = request.app.ctx.revocations[request.route.ctx.service]
    principal = await verify(token.strip(), request.app.ctx.keys, revocations, request.app.ctx.verified)
    user_id.set(str(principal.id))
    return principal


def keyed(request: Request, principal: Principal, render: Callable[[Any], Any]) -> KeyedOnce | None:
    """The request's idempotency key, if it sent one. Raises Invalid."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not 0 < len(key) <= MAX_LENGTH or not key.isascii():
        raise Invalid.field("Idempotency-Key", f"1 to {MAX_LENGTH} ASCII characters")
    return KeyedOnce(
        user=str(principal.id),
        route=f"{request.method} {request.path}",
        key=key,
        body=request.body,
        render=render,
    )


# --- out --------------------------------------------------------------------------------------------------


def reply(
    body: BaseModel | None, status: int = 200, *, headers: dict[str, str] | None = None
) -> HTTPResponse:
    """A JSON answer; 204 without a body."""
    if body is None:
        return Answer(status=status, headers=headers)
    return Answer(
        body.model_dump_json(by_alias=True), status=status, headers=headers, content_type="application/json"
    )


def stored(status: int, body: BaseModel, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """The form in which an answer is kept under an idempotency key."""
    return {"status": status, "body": body.model_dump(mode="json", by_alias=True), "headers": headers or {}}


# --- the application --------------------------------------------------------------------------------------


def new_app(
    name: str,
    *,
    keys: Keys | None,
    revocations: dict[str, Revocations],
    timeout: float = 15,
    errors: Problems | None = None,
) -> Sanic[Any, Any]:
    """A Sanic application with Tix's limits, guard, request ids and problems; the caller adds routes."""
    app: Sanic[Any, Any] = Sanic(
        name,
        error_handler=errors or Problems(),
        request_class=guard.AnswerableRequest,
        configure_logging=False,
    )
    app.config.update(
        {
            "REQUEST_MAX_SIZE": limits.BATCH_BODY,
            "REQUEST_TIMEOUT": 10,
            "RESPONSE_TIMEOUT": timeout,
            "KEEP_ALIVE_TIMEOUT": 15,
            "ACCESS_LOG": False,
            "MOTD": False,
        }
    )
    app.ctx.keys = keys
    app.ctx.verified = Verified()
    app.ctx.revocations = revocations
    app.ctx.draining = False
    app.ctx.only_looks_on = False  # otherwise its requests are counted, traced and logged
    app.on_request(_enter)
    app.on_response(_leave)
    return app


def _enter(request: Request) -> Coroutine[Any, Any, None] | None:
    given = request.headers.get("x-request-id")
    request_id.set(given if given and SANE_ID.fullmatch(given) else str(uuid7()))
    user_id.set(None)
    request.ctx.started = time.perf_counter()
    if not request.app.ctx.only_looks_on:
        request.ctx.ended = _traced(request)
    if not request.head:  # the parser gave up on it: its own error is the answer
        return None
    try:
        guard.check(request)
    except guard.Malformed:
        if isinstance(request.stream, Http):
            request.stream.keep_alive = False  # what follows on this connection cannot be trusted
        raise
    if request.stream and request.stream.request_body:
        return _read(request)
    if request.body:
        _measure(request)
    return None


async def _read(request: Request) -> None:
    if request.route and request.route.extra.ignore_body:  # a GET's; Sanic calls one left unread an error
        await request.receive_body()
    _measure(request)


def _measure(request: Request) -> None:
    limit = getattr(request.route.ctx, "body_limit", limits.BODY) if request.route else limits.BODY
    if len(request.body) > limit:
        raise TooLarge(f"The body may have {limit} bytes at most.")


def _leave(request: Request, response: HTTPResponse) -> None:
    if not isinstance(response, Answer):
        response.headers = PlainHeaders(response.headers)
    response.headers.setdefault("X-Request-Id", request_id.get())
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Cache-Control", "no-store")  # tokens and orders are for who asked only
    guard.discard_rest(request, response.status)
    if request.app.ctx.draining and isinstance(request.stream, Http):
        request.stream.keep_alive = False
    if not request.app.ctx.only_looks_on:
        _tell(request, response.status)


def _tell(request: Request, status: int) -> None:
    told = request.ctx
    started = getattr(told, "started", None)
    seconds = time.perf_counter() - started if started else None
    observe_request(*place(request), status=status, code=getattr(told, "code", ""), seconds=seconds)
    say = log.debug if request.path in PROBES else log.info  # they are asked every few seconds
    say(
        "request",
        method=request.method,
        path=request.path,
        status=status,
        ms=round(seconds * 1000, 1) if seconds is not None else None,
    )
    if ended := getattr(told, "ended", None):
        ended(status)


def _traced(request: Request) -> Callable[[int], None] | None:
    """Begin its span, unless it is a probe's."""
    if not telemetry.is_on():
        return None
    service, method, route = place(request)
    if route in PROBES:
        return None
    return telemetry.request(
        f"{method} {route or 'none'}",
        request.headers.get(telemetry.HEADER),
        **{
            "http.request.method": method,
            "http.route": route or "none",
            "tix.service": service,
            "tix.request_id": request_id.get(),
        },
    )


def place(request: Request) -> tuple[str, str, str | None]:
    """Service, method and route of a request, the route as it is written: `/api/users/tokens/:token_id`.

    Methods of somebody's own are one, `other`: there is no end to what a stranger can call his.
    """
    service, route = request.app.name.partition("-")[0], request.route
    method = request.method if request.method in METHODS else "other"
    if route is None:
        return service, method, None
    return getattr(route.ctx, "service", service), method, _written(route.path)


@cache
def _written(path: str) -> str:
    return PARAMETER.sub(r":\1", f"/{path}")
