"""Server-Sent Events out: a view of the feed, told to one client.

Format: https://html.spec.whatwg.org/multipage/server-sent-events.html

A stream begins with `ready` or, for a `Last-Event-ID` that is not known any more, with `reset`. Both mean:
read now what you want to show; whatever changes from here on is told. One that resumes begins with what it
missed.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import NamedTuple, Protocol

from sanic import HTTPResponse, Request
from sanic.http import Http
from sanic.response import BaseHTTPResponse

from server.kit import limits
from server.kit.auth import Principal, Revocations
from server.kit.feed import Change, EventsUnavailable, Feed, Mark
from server.kit.log import log
from server.kit.metrics import SSE_CLIENTS
from server.kit.transient import is_transient

HEARTBEAT_SECONDS = 10
"""Below the 15 s after which Sanic, and many a proxy, gives up a silent answer."""
SEND_SECONDS = 8
"""A client that takes nothing for so long is cut off; it resumes when it can."""
AT_ONCE = 100
"""Changes written at once: one write for a burst, and some 60 kB for who missed a lot."""
RETRY_MILLISECONDS = (1000, 3000)
"""How long clients wait before they come back; not all of them at the same moment."""
RESUME = {"Last-Event-ID": "the last event's id, to go on after it"}
REFUSES = (limits.TooManyStreams, EventsUnavailable, limits.StreamsFull)
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Told(NamedTuple):
    """An event for a client: its name and its data, JSON on one line."""

    name: str
    data: str


class View(Protocol):
    """What one client follows: a topic of the feed, and what is told of its changes."""

    @property
    def topic(self) -> str:
        """Which changes."""

    @property
    def extra(self) -> str:
        """What the ids say beside the place in the stream."""

    @property
    def is_over(self) -> bool:
        """Whether nothing will change any more: then the stream ends."""

    async def first(self) -> Sequence[Told]:
        """What a client has to know who begins, or begins anew."""

    async def tell(self, change: Change) -> Told | None:
        """What is new in `change` for this client."""


class Streams:
    """The streams of one process."""

    def __init__(self, feed: Feed) -> None:
        """All of them read `feed`."""
        self.feed = feed
        self.places = limits.Streams()

    async def serve(self, request: Request, view: View, *, reader: Principal | None) -> HTTPResponse | None:
        """Answer with a stream until the client hangs up, the token ends, or the process does.

        Nothing (204) to who comes back although the view is over: a browser then stops asking.
        Raises EventsUnavailable, StreamsFull, TooManyStreams.
        """
        if view.is_over:
            return HTTPResponse(status=204, headers=HEADERS)
        key, most = (
            (str(reader.id), limits.STREAMS_PER_USER)
            if reader
            else (request.client_ip, limits.STREAMS_PER_ADDRESS)
        )
        with (
            self.places.one(key, most),
            SSE_CLIENTS.track_inprogress(),
            self.feed.following(view.topic) as bell,
        ):
            await self.feed.opened()
            mark = resumed(request)
            knows = mark is not None and await self.feed.knows(mark)
            line = request.stream
            assert isinstance(line, Http)  # noqa: S101 - HTTP/1.1 is all we serve
            line.keep_alive = False
            answer = await request.respond(headers=HEADERS, content_type="text/event-stream; charset=utf-8")
            assert answer is not None  # noqa: S101 - a middleware of ours answers nothing
            client = _Client(
                self.feed, view, mark if knows else None, is_new="last-event-id" not in request.headers
            )
            try:
                await client.run(answer, bell, _validity(request, reader))
            except TimeoutError:
                line.protocol.abort()
            except Exception as error:  # noqa: BLE001 - the answer is under way: all that is left is to end it
                report = log.warning if is_transient(error) else log.exception
                if line.protocol.transport is not None:
                    report("stream interrupted; its client resumes it", path=request.path, error=repr(error))
            if line.protocol.transport is None:  # cut off: Sanic would still try to end the answer
                raise asyncio.CancelledError
        return None


class _Client:
    def __init__(self, feed: Feed, view: View, mark: Mark | None, *, is_new: bool) -> None:
        self._feed, self._view = feed, view
        self._name, self._seq = (mark.stream, mark.seq) if mark else ("", 0)
        self._greeting = "ready" if is_new else "reset"

    async def run(self, answer: BaseHTTPResponse, bell: asyncio.Event, is_valid: Callable[[], bool]) -> None:
        """Tell, wait, tell; raises TimeoutError when the client takes nothing for SEND_SECONDS."""
        await _send(answer, _retry())
        while is_valid():
            bell.clear()
            async for text in self._news():
                await _send(answer, text)
            if self._view.is_over or self._feed.is_ending:
                await _send(answer, _retry())
                return
            if not await _rings(bell):
                await _send(answer, f": still here\nid: {self._mark()}\n\n")

    async def _news(self) -> AsyncIterator[str]:
        """What is to be written now; what comes in meanwhile is for the next time."""
        if self._name != self._feed.stream or self._seq < self._feed.floor:
            self._name, self._seq = self._feed.stream, self._feed.seq
            begun = [Told(self._greeting, "{}"), *await self._view.first()]
            self._greeting = "reset"
            yield "".join(map(self._event, begun))
            return
        until, changes = self._feed.seq, self._feed.since(self._seq, self._view.topic)
        texts = []
        for number, change in enumerate(changes, start=1):
            told = await self._view.tell(change)
            self._seq = change.seq
            if told:
                texts.append(self._event(told))
            if texts and (number % AT_ONCE == 0 or self._view.is_over or number == len(changes)):
                yield "".join(texts)
                texts.clear()
            if self._view.is_over:
                return
        self._seq = until

    def _mark(self) -> Mark:
        return Mark(self._name, self._seq, self._view.extra)

    def _event(self, told: Told) -> str:
        return f"id: {self._mark()}\nevent: {told.name}\ndata: {told.data}\n\n"


def resumed(request: Request) -> Mark | None:
    """Where the client was, if it was here before."""
    return Mark.read(request.headers.get("last-event-id", ""))


async def _send(answer: BaseHTTPResponse, text: str) -> None:
    await asyncio.wait_for(answer.send(text), SEND_SECONDS)


async def _rings(bell: asyncio.Event) -> bool:
    try:
        await asyncio.wait_for(bell.wait(), HEARTBEAT_SECONDS)
    except TimeoutError:
        return False
    return True


def _retry() -> str:
    return f"retry: {random.randint(*RETRY_MILLISECONDS)}\n\n"  # noqa: S311 - no secret


def _validity(request: Request, reader: Principal | None) -> Callable[[], bool]:
    """Whether the token with which the stream was asked for still works: not expired, not revoked."""
    if reader is None:
        return lambda: True
    assert request.route is not None  # noqa: S101 - only a route's handler serves
    revocations: Revocations = request.app.ctx.revocations[request.route.ctx.service]
    return lambda: time.time() < reader.expires_at.timestamp() and reader.jti not in revocations
