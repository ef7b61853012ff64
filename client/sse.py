"""Server-Sent Events in: one stream that goes on where it was, over as many connections as it takes."""

import asyncio
import random
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass

import httpx

from client.errors import (
    BadAnswer,
    NotFound,
    TixError,
    TooMany,
    Unavailable,
    Unreachable,
    read_problem,
    unreachable,
)
from client.repeats import pause

STREAM = "text/event-stream"
NO_CONTENT = 204
SILENCE_SECONDS = 25.0
"""Tix says something every 10 s; a stream that is silent for so long is dead."""
RETRY_SECONDS = 2.0
"""Before a stream that ended is asked for again, unless it said how long."""
JITTER_SECONDS = 0.5
REMEMBERED = 256
"""Ids of which a second event is left out."""
NO_STREAM = "not_found"
"""What an older Tix, which has no streams, says of the address."""

Chunks = AsyncIterator[bytes]
Open = Callable[[str], AbstractAsyncContextManager[Chunks | None]]
"""Asks for what came after an id; None when nothing will come any more."""


@dataclass(frozen=True)
class Event:
    """One event; `data` is JSON."""

    id: str
    name: str
    data: str


@asynccontextmanager
async def opened(
    http: httpx.AsyncClient, path: str, query: Mapping[str, str], headers: Mapping[str, str], last_id: str
) -> AsyncIterator[Chunks | None]:
    """One connection, as `Open`. Raises what its answer says, and Unreachable when it breaks off."""
    request = http.build_request(
        "GET",
        path,
        params=query,
        headers={"Accept": STREAM, **headers, **({"Last-Event-ID": last_id} if last_id else {})},
        timeout=httpx.Timeout(**{**http.timeout.as_dict(), "read": SILENCE_SECONDS}),
    )
    try:
        async with asyncio.timeout(http.timeout.read):  # the answer itself comes as soon as any other
            begun = await http.send(request, stream=True)
        async with aclosing(begun) as answer:
            if not answer.is_success:
                raise read_problem(answer.status_code, answer.headers, await answer.aread())
            if not answer.headers.get("content-type", STREAM).startswith(STREAM):
                sentence = f"The answer of {request.url} is no stream; is something in between?"
                raise BadAnswer(sentence, code="bad_answer", status=answer.status_code)
            yield None if answer.status_code == NO_CONTENT else answer.aiter_bytes()
    except (TimeoutError, httpx.RequestError) as error:
        lost = error if isinstance(error, httpx.RequestError) else httpx.ReadTimeout("")
        raise unreachable(str(http.base_url).rstrip("/"), lost) from error


async def follow(
    open_: Open, *, wait: Callable[[float, TixError], Awaitable[None]], retries: int
) -> AsyncGenerator[Event | TixError, None]:
    """The events of a stream, each once, until the server says that all is told.

    Each time that the stream is refused there is the refusal in place of an event: its reader can look by
    itself meanwhile. Raises what is no use to repeat, and Unreachable when it never was there.
    """
    place = _Place()
    attempt, was_there = 0, False
    while True:
        try:
            async with open_(place.last_id) as chunks:
                if chunks is None:
                    return
                attempt, was_there = 0, True
                async with aclosing(place.events(chunks)) as events:
                    async for event in events:
                        yield event
            await asyncio.sleep(place.retry + random.uniform(0, JITTER_SECONDS))  # noqa: S311 - no secret
        except Unreachable as error:
            if not was_there and attempt >= retries:
                raise
            await wait(pause(attempt, error), error)
        except (TooMany, Unavailable, BadAnswer, NotFound) as error:
            if isinstance(error, NotFound) and error.code != NO_STREAM:
                raise
            yield error
            await wait(max(pause(attempt, error), place.retry), error)
        attempt += 1


class _Place:
    """How far the stream was read."""

    def __init__(self) -> None:
        self.last_id = ""
        self.retry = RETRY_SECONDS
        self._seen: deque[tuple[str, str]] = deque(maxlen=REMEMBERED)

    async def events(self, chunks: Chunks) -> AsyncGenerator[Event, None]:
        """What one connection says.

        Split at line feeds only: what Python takes for ends of lines, too, may stand in a title.
        """
        rest = b""
        async for chunk in chunks:
            *blocks, rest = (rest + chunk).split(b"\n\n")
            for block in blocks:
                event = self._read(block.decode())
                if event is not None:
                    yield event

    def _read(self, block: str) -> Event | None:
        pairs = (line.partition(":") for line in block.split("\n"))
        fields = {name: value.removeprefix(" ") for name, _, value in pairs}
        self.last_id = fields.get("id", self.last_id)
        if fields.get("retry", "").isdecimal():
            self.retry = int(fields["retry"]) / 1000
        event = Event(self.last_id, fields.get("event", "message"), fields.get("data", ""))
        if not event.data or (event.id, event.name) in self._seen:
            return None
        self._seen.append((event.id, event.name))
        return event
