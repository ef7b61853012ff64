"""A plain client of an event stream: it reads lines and knows nothing of Tix."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.waiting import until


@dataclass(frozen=True)
class Event:
    """What came over the wire."""

    id: str
    name: str
    data: Any


@dataclass
class Stream:
    """What an open stream has said so far."""

    answer: httpx.Response
    events: list[Event] = field(default_factory=list)
    retries: list[int] = field(default_factory=list)
    comments: int = 0
    last_id: str = ""
    is_open: bool = True
    broke: httpx.HTTPError | None = None

    def named(self, name: str) -> list[Any]:
        """The data of all events of that name."""
        return [event.data for event in self.events if event.name == name]

    async def has(self, name: str, count: int = 1, timeout: float = 10) -> list[Any]:
        """The data of the events of that name, once there are so many."""
        await until(lambda: len(self.named(name)) >= count, f"{count} × {name}, got {self.events}", timeout)
        return self.named(name)

    async def ended(self, timeout: float = 10) -> None:
        """Wait until the server closes it."""
        await until(lambda: not self.is_open, "the stream ends", timeout)

    async def read(self) -> None:
        """Read to its end."""
        fields: dict[str, str] = {}
        try:
            async for line in self.answer.aiter_lines():
                name, _, value = line.partition(":")
                if not line:
                    self._take(fields)
                    fields = {}
                elif not name:
                    self.comments += 1
                else:
                    fields[name] = value.removeprefix(" ")
        except httpx.RemoteProtocolError as error:
            self.broke = error
        finally:
            self.is_open = False

    def _take(self, fields: Mapping[str, str]) -> None:
        self.last_id = fields.get("id", self.last_id)
        if "retry" in fields:
            self.retries.append(int(fields["retry"]))
        if "data" in fields:
            self.events.append(Event(self.last_id, fields["event"], json.loads(fields["data"])))


@asynccontextmanager
async def following(
    http: httpx.AsyncClient, path: str, *, headers: Mapping[str, str] | None = None, last_id: str = ""
) -> AsyncIterator[Stream]:
    """Follow until the block ends; it hangs up then."""
    given = {**(headers or {}), **({"Last-Event-ID": last_id} if last_id else {})}
    async with http.stream("GET", path, headers=given, timeout=30) as answer:
        assert answer.status_code == 200, await answer.aread()
        stream = Stream(answer, last_id=last_id)
        reading = asyncio.create_task(stream.read())
        try:
            yield stream
        finally:
            reading.cancel()
            await asyncio.wait([reading])
