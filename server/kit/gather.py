"""Reads that many ask for at the same moment, made once for all of them.

Nobody is answered with what was read before they asked: a read answers those who asked before it began, and
who comes later waits for the next. So what one has just written, one also sees. Alone, one waits for nobody.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Gathered(Generic[K, V]):
    """One statement for many keys; never to be asked inside a transaction, whose connection it would use."""

    def __init__(self, read: Callable[[Collection[K]], Awaitable[Mapping[K, V]]]) -> None:
        """`read` gives what it finds, by key."""
        self._read = read
        self._asked: dict[K, asyncio.Future[V | None]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def get(self, key: K) -> V | None:
        """What is there now; None if nothing is. Raises what `read` raises."""
        answer = self._asked.get(key)
        if answer is None:
            answer = self._asked[key] = asyncio.get_running_loop().create_future()
        if self._reading is None:
            self._reading = asyncio.create_task(self._go_on())
        return await asyncio.shield(answer)  # another may wait for it, too

    async def _go_on(self) -> None:
        try:
            while self._asked:
                asked, self._asked = self._asked, {}
                try:
                    found = await self._read(asked.keys())
                except Exception as error:  # noqa: BLE001 - it is raised to each who asked
                    for answer in asked.values():
                        answer.set_exception(error)
                        answer.exception()  # who asked may be gone, and nobody need be told of that
                else:
                    for key, answer in asked.items():
                        answer.set_result(found.get(key))
        finally:
            self._reading = None


class Shared(Generic[K, V]):
    """One read for all who ask for the same; different ones do not wait for each other."""

    def __init__(self, read: Callable[[K], Awaitable[V]]) -> None:
        """`read` gives what is there now."""
        self._read = read
        self._reading: dict[K, asyncio.Task[V]] = {}
        self._next: dict[K, asyncio.Task[V]] = {}

    async def get(self, key: K) -> V:
        """What is there now. Raises what `read` raises."""
        read = self._next.get(key)
        if read is None:
            read = self._next[key] = asyncio.create_task(self._turn(key))
            read.add_done_callback(lambda done: done.cancelled() or done.exception())  # as above
        return await asyncio.shield(read)

    async def _turn(self, key: K) -> V:
        if before := self._reading.get(key):
            await asyncio.wait({before})
        mine = self._reading[key] = self._next.pop(key)
        try:
            return await self._read(key)
        finally:
            if self._reading.get(key) is mine:
                del self._reading[key]
