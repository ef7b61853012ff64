"""The API for scripts of our pages: `/api/…` of the shop goes to the services, the cookie as the token."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote

import httpx
from pydantic import ValidationError
from sanic import Blueprint, HTTPResponse, Request, Sanic
from sanic.http import Http

from server.auth.schemas import Session
from server.kit import limits
from server.kit.errors import BadRequest, NotFound, Unavailable
from server.kit.log import log
from server.web.visitor import Visitor

NOUNS: Mapping[str, str] = {
    "auth": "users",
    "tickets": "tickets",
    "orders": "orders",
    "payments": "payments",
}
"""A service, which is also the shop's name of its collection → the service's own name of it."""
METHODS = ("GET", "POST", "PUT", "DELETE")
TAKEN_ALONG = ("accept", "content-type", "idempotency-key", "if-match", "if-none-match", "last-event-id")
BROUGHT_BACK = (
    "allow",
    "cache-control",
    "etag",
    "idempotency-replayed",
    "retry-after",
    "www-authenticate",
    "x-accel-buffering",
    "x-request-id",
)
CLOSED = ("payments", "webhook")
"""Stripe knocks at the service itself."""
ENTRANCES = frozenset({("auth", "signup"), ("auth", "signin")})
EXIT = ("auth", "signout")
SILENCE_SECONDS = 25.0
"""A stream says something every 10 s; one that is silent for so long is dead."""
SEND_SECONDS = 8
"""A browser that takes nothing for so long is cut off; it resumes when it can."""


def pages() -> Blueprint:
    """One route for each service and for what has a limit of its own."""
    routes = Blueprint("bff")
    for noun in NOUNS:
        for at, path in enumerate((f"/api/{noun}", f"/api/{noun}/<rest:path>")):
            routes.add_route(pass_on, path, methods=METHODS, name=f"{noun} {at}")
    routes.add_route(
        pass_on,
        "/api/tickets/batch",
        methods=["POST"],
        name="tickets batch",
        ctx_body_limit=limits.BATCH_BODY,
    )
    return routes


def add_streams(app: Sanic[Any, Any]) -> None:
    """Have the open streams end when the process does."""
    app.ctx.followed = set()

    @app.before_server_stop
    async def hang_up(app: Sanic[Any, Any]) -> None:
        for timeout in app.ctx.followed:
            timeout.reschedule(asyncio.get_running_loop().time())


async def pass_on(request: Request, rest: str = "") -> HTTPResponse | None:
    """Ask the service as whoever looks at the page, and answer what it answers. Raises Unavailable."""
    del rest  # the address counts as it was sent, percent signs included
    target, parts = _address(request)
    async with _asked(request, target) as answer:
        if answer.headers.get("content-type", "").startswith("text/event-stream"):
            await _stream(request, answer)
            return None
        body = await answer.aread()
    made = HTTPResponse(
        body,
        status=answer.status_code,
        headers=_headers(answer),
        content_type=answer.headers.get("content-type"),
    )
    if parts in ENTRANCES and answer.is_success:
        return _let_in(request, made, body)
    if parts == EXIT and answer.status_code in {204, 401}:
        _know(request, made, Visitor.stranger())
    return made


def _address(request: Request) -> tuple[bytes, tuple[str, ...]]:
    """The service's address, and the parts of the shop's. Raises NotFound, BadRequest."""
    try:
        path, mark, query = request.raw_url.decode("ascii").partition("?")
    except UnicodeDecodeError as error:
        raise BadRequest("An address has ASCII characters only; write the others percent-encoded.") from error
    _, api, noun, *rest = path.split("/")
    parts = (noun, *(unquote(part) for part in rest if part))
    if {".", ".."} & {*rest} or parts == CLOSED:
        raise NotFound
    return "/".join(("", api, NOUNS[noun], *rest)).encode() + (mark + query).encode(), parts


@asynccontextmanager
async def _asked(request: Request, target: bytes) -> AsyncIterator[httpx.Response]:
    client: httpx.AsyncClient = request.app.ctx.services
    headers = {
        name: request.headers[name].encode(errors="surrogateescape")
        for name in TAKEN_ALONG
        if name in request.headers
    }
    if request.ctx.visitor.token:
        headers["authorization"] = f"Bearer {request.ctx.visitor.token}".encode()
    try:
        async with client.stream(
            request.method,
            client.base_url.copy_with(raw_path=target),
            headers={"accept-encoding": b"identity", **headers},
            content=request.body or None,
        ) as answer:
            yield answer
    except (httpx.InvalidURL, httpx.LocalProtocolError) as error:
        raise BadRequest from error
    except httpx.RequestError as error:
        raise Unavailable("Part of Tix does not answer; try again in a moment.") from error


def _headers(answer: httpx.Response) -> dict[str, str]:
    return {name: answer.headers[name] for name in BROUGHT_BACK if name in answer.headers}


async def _stream(request: Request, answer: httpx.Response) -> None:
    """Piece by piece, until the service ends it, the browser hangs up, or the process stops."""
    line = request.stream
    assert isinstance(line, Http)  # noqa: S101 - HTTP/1.1 is all we serve
    line.keep_alive = False
    out = await request.respond(
        status=answer.status_code, headers=_headers(answer), content_type=answer.headers["content-type"]
    )
    assert out is not None  # noqa: S101 - a middleware of ours answers nothing
    followed: set[asyncio.Timeout] = request.app.ctx.followed
    until_stop = asyncio.timeout(None)
    try:
        async with until_stop:
            followed.add(until_stop)
            async for piece in answer.aiter_raw():
                await _send(request, out, piece)
    except (TimeoutError, httpx.RequestError) as error:
        log.info("stream ended; its reader resumes it", path=request.path, error=repr(error))
    finally:
        followed.discard(until_stop)
    if line.protocol.transport is None:  # cut off: Sanic would still try to end the answer
        raise asyncio.CancelledError


async def _send(request: Request, out: Any, piece: bytes) -> None:  # noqa: ANN401 - Sanic does not type it
    try:
        await asyncio.wait_for(out.send(piece), SEND_SECONDS)
    except TimeoutError:
        assert isinstance(request.stream, Http)  # noqa: S101 - as above
        request.stream.protocol.abort()
        raise


def _let_in(request: Request, made: HTTPResponse, body: bytes) -> HTTPResponse:
    """The token goes into the cookie, and nowhere else: no script sees it. Raises Unavailable."""
    try:
        session = Session.model_validate_json(body)
    except ValidationError as error:
        raise Unavailable("The answer of auth is not one of Tix.") from error
    made.body = session.model_dump_json(by_alias=True, exclude={"token"}).encode()
    _know(request, made, Visitor.signed_in(session))
    return made


def _know(request: Request, made: HTTPResponse, visitor: Visitor) -> None:
    """From here on the browser is `visitor`; the forms of the page it shows need the new token."""
    request.app.ctx.cookies.write(made, visitor)
    made.headers["X-CSRF"] = visitor.masked_csrf
