"""What was read and rendered, kept until anything is written.

PostgreSQL names the transactions that a statement sees, its snapshot. Of two equal ones the second sees the
very rows that the first saw, so what was made of those is what it would be made anew; and one never comes
again once a transaction that wrote has ended. To ask for it is the cheapest of statements, and one serves all
who ask at the same moment. As in `kit.gather`, nobody is answered with what was known before they asked.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from contextvars import Context
from typing import Generic, TypeVar

from server.kit.db import rows
from server.kit.pool import opened

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

SNAPSHOT = "SELECT pg_current_snapshot()::text AS snapshot"
LOOK_SECONDS = 3
"""As long as any statement may take. A connection that went silent must not hold up who asks later."""


class Snapshot:
    """The snapshot of a service's database."""

    def __init__(self, service: str) -> None:
        """`service` owns the database."""
        self._service = service
        self._waiting: list[asyncio.Future[object]] = []
        self._asking: asyncio.Task[None] | None = None
        self._looks: set[asyncio.Task[object]] = set()

    async def now(self) -> object:
        """What a statement would see that began after this. Raises what `rows` does, and TimeoutError."""
        answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._waiting.append(answer)
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask(), context=Context())
        return await answer

    async def _ask(self) -> None:
        """One look at a time, for those who waited when it began."""
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, []
                look = asyncio.create_task(self._look())
                self._looks.add(look)
                look.add_done_callback(self._over)
                await asyncio.wait((look,), timeout=LOOK_SECONDS)
                error = look.exception() if look.done() else TimeoutError("PostgreSQL did not answer in time")
                look.cancel()  # asyncpg takes its time for that; it does nothing to what is done
                for answer in waiting:
                    if answer.done():  # who asked is gone
                        continue
                    if error is None:
                        answer.set_result(look.result())
                    else:
                        answer.set_exception(error)
        finally:
            self._asking = None

    async def _look(self) -> object:
        before = opened(self._service)
        [found] = await rows(self._service, SNAPSHOT)
        # A server that has crashed, or another one, may count the same numbers again; but not without new
        # connections.
        return found["snapshot"], before, opened(self._service)

    def _over(self, look: asyncio.Task[object]) -> None:
        self._looks.discard(look)
        _ = look.cancelled() or look.exception()  # seen, so that nobody is told of it later


class Kept(Generic[K, V]):
    """The newest `most` answers, as long as nothing is written."""

    def __init__(self, snapshot: Snapshot, *, most: int) -> None:
        """None yet."""
        self._snapshot = snapshot
        self._most = most
        self._seen: object = None
        self._kept: dict[K, V] = {}

    async def get(self, key: K, read: Callable[[], Awaitable[V]]) -> V:
        """What `read` gives now, or would give. Raises what it raises."""
        seen = await self._snapshot.now()
        if seen != self._seen:
            self._seen = seen
            self._kept.clear()
        found = self._kept.get(key)
        if found is None:
            found = await read()
            if seen == self._seen:  # nobody has found meanwhile that something was written
                self._kept[key] = found
                if len(self._kept) > self._most:
                    del self._kept[next(iter(self._kept))]
        return found
