"""HTTP as Tix wants it: the token, idempotency keys, honest retries, and answers read into models."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing
from contextvars import ContextVar
from copy import copy
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
from pydantic import BaseModel, ValidationError

from client.errors import (
    BadAnswer,
    Conflict,
    TixError,
    Unauthenticated,
    Unavailable,
    read_problem,
    unreachable,
)
from client.repeats import LONGEST_WAIT, Repeat, pause, unknown, worth_repeating
from client.sse import Event, follow, opened

A = TypeVar("A", bound=BaseModel)
Wait = Callable[[float, TixError], Awaitable[None]]
"""Called before each retry with the seconds to wait and why."""
Answered = httpx.Response
traceparent: ContextVar[str | None] = ContextVar("traceparent", default=None)
"""The trace that calls belong to (W3C Trace Context), if whoever makes them is in one."""
TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]+")  # RFC 6750 §2.1


async def _sleep(seconds: float, _: TixError) -> None:
    await asyncio.sleep(seconds)


def trusted(*urls: str, environment: bool = True) -> ssl.SSLContext:
    """Who may be at the other end of connections to these; by SSL_CERT_FILE too, if `environment`.

    To read the certificates takes 45 ms and 3 MB, and is done where there is TLS only.
    """
    if any(urlsplit(url).scheme == "https" for url in urls):
        return httpx.create_ssl_context(trust_env=environment)
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # nobody


class Connection:
    """One Tix, as one user: sends, insists and reads."""

    def __init__(  # noqa: PLR0913 - all but the first have a good default
        self,
        api_url: str,
        token: str | None = None,
        *,
        timeout: float = 10,
        retries: int = 3,
        longest_wait: float = LONGEST_WAIT,
        transport: httpx.AsyncBaseTransport | None = None,
        wait: Wait = _sleep,
        hooks: Mapping[str, list[Callable[..., Awaitable[None]]]] | None = None,
    ) -> None:
        """`timeout` in seconds for each of connecting, sending and waiting; `retries` after the first try.

        What the server wants waited before a retry is waited up to `longest_wait` seconds.
        `hooks` are httpx's, by "request" and "response".
        """
        self.api_url = api_url.rstrip("/")
        self.token = token
        self._retries = retries
        self._longest_wait = longest_wait
        self._wait = wait
        # A proxy set for the world outside must not be asked for this machine.
        local = urlsplit(api_url).hostname in {"127.0.0.1", "::1", "localhost"}
        self._http = httpx.AsyncClient(
            base_url=self.api_url,
            timeout=timeout,
            transport=transport,
            verify=True if transport else trusted(self.api_url, environment=not local),
            trust_env=not local,
            event_hooks=hooks,
        )

    async def __aenter__(self) -> Self:
        """Open nothing yet; connections are made when needed."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        await self._http.aclose()

    def speaking_for(self, token: str | None) -> Self:
        """The same connections, as another user: who opened them closes them."""
        other = copy(self)
        other.token = token
        return other

    async def request(  # noqa: PLR0913 - what a request is made of
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        key: str | None = None,
    ) -> Answered:
        """Any call, as it stands; a POST gets a key unless one is given. Raises TixError."""
        key = key or (new_key() if method == "POST" else None)
        sent = {**({"Content-Type": "application/json"} if content else {}), **(headers or {})}
        request = self._http.build_request(
            method, path, params=query or None, content=content, headers={**sent, **self._headers(key)}
        )
        # Edits are refused the second time, and at the doors of auth a key changes nothing.
        once = method in {"PUT", "PATCH"} or (method == "POST" and path.startswith("/api/users/"))
        return await self._insist(request, Repeat.SEEN if once else Repeat.HARMLESS, keyed=key is not None)

    async def _ask(self, model: type[A], method: str, path: str, **request: Any) -> A:  # noqa: ANN401 - as `_call` has it
        return read(model, await self._call(method, path, **request))

    async def _call(  # noqa: PLR0913 - what a request is made of
        self,
        method: str,
        path: str,
        *,
        query: BaseModel | Mapping[str, Any] | None = None,
        body: BaseModel | Mapping[str, Any] | None = None,
        key: str | None = None,
        repeat: Repeat = Repeat.HARMLESS,
    ) -> httpx.Response:
        request = self._http.build_request(
            method,
            path,
            params={name: value for name, value in (_plain(query) or {}).items() if value is not None}
            or None,
            json=_plain(body),
            headers=self._headers(key),
        )
        return await self._insist(request, repeat, keyed=key is not None)

    async def _insist(self, request: httpx.Request, repeat: Repeat, *, keyed: bool) -> httpx.Response:
        unclear = False
        for attempt in range(self._retries + 1):
            try:
                return await self._send(request)
            except TixError as error:
                if unclear and repeat is Repeat.SEEN and isinstance(error, Conflict):
                    raise unknown(error) from error
                if attempt == self._retries:
                    raise
                if not worth_repeating(error, repeat, keyed=keyed, longest_wait=self._longest_wait):
                    raise
                # A 503 may be the answer to something that was done all the same.
                unclear = unclear or isinstance(error, Unavailable)
                await self._wait(pause(attempt, error), error)
        raise AssertionError("the last attempt returns or raises")

    def _headers(self, key: str | None) -> dict[str, str]:
        return {
            **({"Authorization": _bearer(self.token)} if self.token else {}),
            **({"Idempotency-Key": key} if key else {}),
            **({"traceparent": trace} if (trace := traceparent.get()) else {}),
        }

    def follow(self, path: str, **query: str) -> AbstractAsyncContextManager[AsyncIterator[Event | TixError]]:
        """An event stream, whatever becomes of its connection; see `client.sse`."""
        open_ = partial(opened, self._http, path, query, self._headers(None))
        return aclosing(follow(open_, wait=self._wait, retries=self._retries))

    async def _send(self, request: httpx.Request) -> httpx.Response:
        try:
            answer = await self._http.send(request)
        except httpx.RequestError as error:
            raise unreachable(self.api_url, error) from error
        if not answer.is_success:
            raise read_problem(answer.status_code, answer.headers, answer.content)
        return answer


def _bearer(token: str) -> str:
    """Checked here: what refuses it later, h11, says so with the token in its message."""
    if not TOKEN.fullmatch(token):
        raise Unauthenticated(
            "This is no token: it has characters that no token has.", code="malformed_token"
        )
    return f"Bearer {token}"


def new_key() -> str:
    """An Idempotency-Key that nobody else has."""
    return str(uuid4())


def _plain(sent: BaseModel | Mapping[str, Any] | None) -> Any:  # noqa: ANN401 - what httpx turns into JSON or a query
    if isinstance(sent, BaseModel):
        return sent.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return sent


def read(model: type[A], answer: httpx.Response) -> A:
    """The answer as a model. Raises BadAnswer."""
    try:
        return model.model_validate_json(answer.content)
    except ValidationError as error:
        raise BadAnswer(
            _foreign(answer.request.url, error),
            code="bad_answer",
            status=answer.status_code,
            request_id=answer.headers.get("x-request-id"),
        ) from error


def _foreign(url: httpx.URL, error: ValidationError) -> str:
    """What is wrong with an answer: a word this client does not know is no other program's work."""
    problems = error.errors(include_url=False, include_context=False)
    if all(problem["type"] == "literal_error" for problem in problems):
        place, word = problems[0]["loc"][-1], problems[0]["input"]
        return f"{url} says {place} {word!r}, which this tix does not know; a newer one will."
    return f"The answer of {url} is not one of Tix; is the address right?"
