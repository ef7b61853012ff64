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

from tortoise.connection import get_connection

from server.kit.pool import is_wanted

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

# The second says which server it is: after a failover another one may count the same numbers again.
SNAPSHOT = "SELECT pg_current_snapshot()::text, pg_postmaster_start_time()"
LINGER_SECONDS = 0.005
"""How long the connection is kept for the next who asks: to borrow it costs half as much as to ask."""


class Snapshot:
    """The snapshot of a service's database."""

    def __init__(self, service: str) -> None:
        """`service` owns the database."""
        self._service = service
        self._waiting: list[asyncio.Future[object]] = []
        self._asking: asyncio.Task[None] | None = None
        self._idle: asyncio.Future[None] | None = None

    async def now(self) -> object:
        """What a statement would see that began after this was called. Raises as `kit.db.rows` does."""
        answer = asyncio.get_running_loop().create_future()
        self._waiting.append(answer)
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask(), context=Context())
        self._rouse()
        return await answer

    async def _ask(self) -> None:
        waiting: list[asyncio.Future[object]] = []
        try:
            while self._waiting:
                async with get_connection(self._service).acquire_connection() as connection:
                    while await self._is_asked() and not connection.is_closed():
                        waiting, self._waiting = self._waiting, []
                        found = await connection.fetchrow(SNAPSHOT)
                        for answer in waiting:
                            if not answer.done():  # who asked may be gone
                                answer.set_result(found)
                        if is_wanted(self._service):  # by those we answered, perhaps, who now read
                            break
        except Exception as error:  # noqa: BLE001 - it is raised to each who asked
            for answer in waiting + self._waiting:
                if not answer.done():
                    answer.set_exception(error)
            self._waiting = []
        finally:
            self._asking = None

    async def _is_asked(self) -> bool:
        """Whether somebody asks now or within LINGER_SECONDS."""
        if not self._waiting:
            loop = asyncio.get_running_loop()
            self._idle = loop.create_future()
            end = loop.call_later(LINGER_SECONDS, self._rouse)
            await self._idle
            end.cancel()
        return bool(self._waiting)

    def _rouse(self) -> None:
        if self._idle is not None and not self._idle.done():
            self._idle.set_result(None)


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
