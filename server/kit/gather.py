"""Reads that many ask for at the same moment, made once for all of them.

Nobody is answered with what was read before they asked: a read answers those who asked before it began, and
who comes later waits for the next. So what one has just written, one also sees. Alone, one waits for nobody.
What nobody waits for any more is not read. A read is nobody's own: it has no request id, user or trace.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping
from contextvars import Context
from functools import partial
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class _Waiters:
    """Who waits for what; the last to leave cancels it."""

    def __init__(self) -> None:
        self._counts: Counter[asyncio.Future[Any]] = Counter()

    async def wait(self, answer: asyncio.Future[V]) -> V:
        self._counts[answer] += 1
        try:
            return await asyncio.shield(answer)  # another may wait for it, too
        finally:
            self._counts[answer] -= 1
            if not self._counts[answer]:
                del self._counts[answer]
                answer.cancel()  # which does nothing to what is done


class Gathered(Generic[K, V]):
    """One statement for many keys; never to be asked inside a transaction, whose connection it would use."""

    def __init__(self, read: Callable[[Collection[K]], Awaitable[Mapping[K, V]]]) -> None:
        """`read` gives what it finds, by key."""
        self._read = read
        self._asked: dict[K, asyncio.Future[V | None]] = {}
        self._reading: asyncio.Task[None] | None = None
        self._waiters = _Waiters()

    async def get(self, key: K) -> V | None:
        """What is there now; None if nothing is. Raises what `read` raises."""
        answer = self._asked.get(key)
        if answer is None or answer.cancelled():
            answer = self._asked[key] = asyncio.get_running_loop().create_future()
        if self._reading is None:
            self._reading = asyncio.create_task(self._go_on(), context=Context())
        return await self._waiters.wait(answer)

    async def _go_on(self) -> None:
        """One statement at a time, by key and so a short one: it is not broken off when all have left."""
        try:
            while self._asked:
                asked = {key: answer for key, answer in self._asked.items() if not answer.cancelled()}
                self._asked = {}
                if asked:
                    await self._answer(asked)
        finally:
            self._reading = None

    async def _answer(self, asked: "dict[K, asyncio.Future[V | None]]") -> None:
        try:
            found = await self._read(asked.keys())
        except Exception as error:  # noqa: BLE001 - it is raised to each who asked
            for answer in asked.values():
                if not answer.cancelled():
                    answer.set_exception(error)
                    answer.exception()  # who asked may be gone, and nobody need be told of that
        else:
            for key, answer in asked.items():
                if not answer.cancelled():
                    answer.set_result(found.get(key))


class Shared(Generic[K, V]):
    """One read for all who ask for the same; different ones do not wait for each other."""

    def __init__(self, read: Callable[[K], Awaitable[V]]) -> None:
        """`read` gives what is there now."""
        self._read = read
        self._reading: dict[K, asyncio.Task[V]] = {}
        self._next: dict[K, asyncio.Task[V]] = {}
        self._waiters = _Waiters()

    async def get(self, key: K) -> V:
        """What is there now. Raises what `read` raises."""
        read = self._next.get(key)
        if read is None or read.cancelling():
            read = self._next[key] = asyncio.create_task(self._turn(key), context=Context())
            read.add_done_callback(partial(self._forget, key))
        return await self._waiters.wait(read)

    def _forget(self, key: K, read: asyncio.Task[V]) -> None:
        if self._next.get(key) is read:  # it was cancelled before its turn came
            del self._next[key]
        if not read.cancelled():
            read.exception()  # as above

    async def _turn(self, key: K) -> V:
        if before := self._reading.get(key):
            await asyncio.wait({before})
        mine = self._reading[key] = self._next.pop(key)
        try:
            return await self._read(key)
        finally:
            if self._reading.get(key) is mine:
                del self._reading[key]
