"""The latest changes in the order of the bus, in memory once for all clients of this process.

A client has a place (`Mark`) in the feed and no buffer of its own: who is slow reads later, and whose place
has fallen out of memory has to read anew.
"""

import asyncio
import re
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Self

from server.kit.errors import Unavailable
from server.kit.events import Event

KEPT = 10_000
"""Changes in memory, about 1 kB each: at 50 a second, those of three minutes."""
OPEN_SECONDS = 5
"""How long the first client waits for the feed to be filled; some 0.5 s on an idle machine."""
AHEAD_SECONDS = 2
"""How far one replica may be behind another from which a client comes."""
MARK = re.compile(r"([0-9a-f]{1,16})-([0-9]{1,19})(?:\.([0-9a-z]{1,20}))?")


class EventsUnavailable(Unavailable):
    """The bus cannot be heard, or this process is ending."""

    code = "events_unavailable"
    title = "Changes cannot be followed at the moment; try again"


class Mark(NamedTuple):
    """A place in the stream and the id of what is sent: `19b0c2f4a3e-412.3`.

    Which stream it is, the number of the message, and what the view adds. It means the same at every replica
    and after a restart; a stream that was lost and made anew is another one.
    """

    stream: str
    seq: int
    extra: str = ""

    def __str__(self) -> str:
        """As it stands in `id:`."""
        return f"{self.stream}-{self.seq}" + (f".{self.extra}" if self.extra else "")

    @classmethod
    def read(cls, text: str) -> Self | None:
        """What a client sent back; None if it is none of ours."""
        found = MARK.fullmatch(text)
        return cls(found[1], int(found[2]), found[3] or "") if found else None


@dataclass(frozen=True, slots=True)
class Heard:
    """An event and its number in the stream."""

    seq: int
    occurred_at: datetime
    event: Event


@dataclass(frozen=True, slots=True)
class Change:
    """What an event means to those who follow one of `topics`; `about` is the view's own."""

    seq: int
    topics: tuple[str, ...]
    about: Any


Projection = Callable[[Sequence[Heard]], Awaitable[list[Change]]]
"""A service's changes in a batch of events. When it raises it is asked again about the same ones."""
Follow = Callable[["Feed"], Awaitable[None]]


class Feed:
    """The last KEPT changes; the bus is heard from the first client on, until the process ends."""

    def __init__(self, projections: Sequence[Projection], follow: Follow) -> None:
        """`follow` fills the feed until it is cancelled."""
        self._projections = projections
        self._follow = follow
        self._following: asyncio.Future[None] | None = None
        self._changes: deque[Change] = deque()
        self._bells: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._ready = asyncio.Event()
        self._news = asyncio.Event()
        self.stream = ""
        self.seq = 0
        """The last message of which everything is known."""
        self.floor = 0
        """Whoever knows less than this has missed something."""
        self.is_ending = False

    # --- filled by ----------------------------------------------------------------------------------------

    def begin(self, stream: str, seq: int) -> None:
        """Another stream, or a gap: nothing is known of what was before `seq`."""
        self.stream, self.seq, self.floor = stream, seq, seq
        self._changes.clear()
        self._ready.clear()
        self._ring(self._bells)

    async def hear(self, batch: Sequence[Heard], seq: int) -> None:
        """Take in all messages up to `seq`, of which `batch` are events."""
        found = [change for project in self._projections for change in await project(batch)]
        for change in sorted(found, key=lambda one: one.seq):
            self._changes.append(change)
            while len(self._changes) > KEPT:
                self.floor = self._changes.popleft().seq
        self.seq = seq
        self._ring(topic for change in found for topic in change.topics)
        self._news.set()
        self._news = asyncio.Event()

    def caught_up(self) -> None:
        """All that the stream holds was heard."""
        self._ready.set()

    # --- read by ------------------------------------------------------------------------------------------

    async def opened(self) -> None:
        """Hear the bus, if nobody did before. Raises EventsUnavailable."""
        if self.is_ending:
            raise EventsUnavailable
        if self._following is None:
            self._following = asyncio.ensure_future(self._follow(self))
        try:
            await asyncio.wait_for(self._ready.wait(), OPEN_SECONDS)
        except TimeoutError as error:
            raise EventsUnavailable(retry_after=2) from error

    async def knows(self, mark: Mark) -> bool:
        """Whether all that came after `mark` is here; another replica may have been some messages ahead."""
        end = asyncio.get_running_loop().time() + AHEAD_SECONDS
        while mark.stream == self.stream and mark.seq > self.seq:
            try:
                await asyncio.wait_for(self._news.wait(), end - asyncio.get_running_loop().time())
            except TimeoutError:
                return False
        return mark.stream == self.stream and self.floor <= mark.seq

    def since(self, seq: int, topic: str) -> list[Change]:
        """The changes of `topic` after `seq`, oldest first."""
        found = []
        for change in reversed(self._changes):
            if change.seq <= seq:
                break
            if topic in change.topics:
                found.append(change)
        return found[::-1]

    @contextmanager
    def following(self, topic: str) -> Iterator[asyncio.Event]:
        """An event that is set with every change of `topic`, and when the feed begins anew or ends."""
        bell = asyncio.Event()
        self._bells[topic].add(bell)
        try:
            yield bell
        finally:
            self._bells[topic].discard(bell)
            if not self._bells[topic]:
                del self._bells[topic]

    def end(self) -> None:
        """Let everybody go who follows."""
        self.is_ending = True
        self._ring(self._bells)

    async def close(self) -> None:
        """Stop hearing the bus."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait([self._following])

    @property
    def followers(self) -> int:
        """How many follow something."""
        return sum(map(len, self._bells.values()))

    def _ring(self, topics: Iterable[str]) -> None:
        for topic in topics:
            for bell in self._bells.get(topic, ()):
                bell.set()
