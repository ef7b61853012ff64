"""Limits: how much, how often, how many at once. All sizes in bytes, all rates per process."""

import asyncio
import time
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from server.kit.errors import TooMany, Unavailable

BODY = 64 * 1024
WEBHOOK_BODY = 256 * 1024
BATCH_BODY = 1024 * 1024
SIGN_INS_PER_EMAIL = 10
SIGN_INS_PER_ADDRESS = 30
HASHES_AT_ONCE = 2
HASHES_WAITING = 16
STREAMS = 1000
"""Open at once in a process: some 40 kB and a file each."""
STREAMS_PER_USER = 20
STREAMS_PER_ADDRESS = 100
"""Without a token; a proxy is one address."""


class Rate:
    """At most `limit` per minute and key, in a sliding window; the least recent keys are forgotten."""

    WINDOW_SECONDS = 60
    MAX_KEYS = 50_000

    def __init__(self, limit: int) -> None:
        """`limit` per minute."""
        self._limit = limit
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()

    def take(self, key: str) -> None:
        """Count one. Raises TooMany with the seconds until the next is allowed."""
        now = time.monotonic()
        times = self._seen.setdefault(key, deque())
        self._seen.move_to_end(key)
        while times and times[0] <= now - self.WINDOW_SECONDS:
            times.popleft()
        if len(times) >= self._limit:
            raise TooMany(
                "Too many attempts; wait a moment.", retry_after=times[0] + self.WINDOW_SECONDS - now
            )
        times.append(now)
        if len(self._seen) > self.MAX_KEYS:
            self._seen.popitem(last=False)


class Queue:
    """`at_once` run, `waiting` wait, the next is refused."""

    def __init__(self, at_once: int, waiting: int) -> None:
        """Counts, not seconds."""
        self._running = asyncio.Semaphore(at_once)
        self._room = at_once + waiting
        self._inside = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn. Raises TooMany when the queue is full."""
        if self._inside >= self._room:
            raise TooMany("Too many people are signing in right now; try again in a moment.", retry_after=2)
        self._inside += 1
        try:
            async with self._running:
                yield
        finally:
            self._inside -= 1


class TooManyStreams(TooMany):
    """This user or address follows enough already."""

    code = "too_many_streams"
    title = "You have too many streams open; close one first"


class StreamsFull(Unavailable):
    """The process has all the streams it can serve."""

    code = "streams_full"
    title = "Too many people are following changes right now; try again in a moment"


class Streams:
    """Open streams are counted: `STREAMS` in all, `most` of one key."""

    RETRY_SECONDS = 5

    def __init__(self) -> None:
        """None is open."""
        self._open: Counter[str] = Counter()

    @property
    def open(self) -> int:
        """How many, of everybody."""
        return self._open.total()

    @contextmanager
    def one(self, key: str, most: int) -> Iterator[None]:
        """Count one for the block. Raises StreamsFull, TooManyStreams."""
        if self._open.total() >= STREAMS:
            raise StreamsFull(retry_after=self.RETRY_SECONDS)
        if self._open[key] >= most:
            raise TooManyStreams(retry_after=self.RETRY_SECONDS)
        self._open[key] += 1
        try:
            yield
        finally:
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]
