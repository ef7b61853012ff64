"""Answers are kept while nothing is written, and not a moment longer, whoever writes."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest
from tortoise.exceptions import OperationalError

from server.kit import db, kept
from server.kit.db import rows
from server.kit.kept import Kept, Snapshot
from server.kit.pool import busy
from server.kit.transient import is_transient
from server.settings import Settings
from server.worker import Jobs
from tests.platform import Platform, databases, started, wipe
from tests.waiting import until

COUNT = "SELECT count(*) AS count FROM inbox"
WRITE = "INSERT INTO inbox (event_id, received_at) VALUES (gen_random_uuid(), now())"


@pytest.fixture(scope="module")
async def platform(settings: Settings) -> AsyncIterator[Platform]:
    """Nothing is written but by a test."""
    await wipe(settings)
    nothing = Jobs(sweeper=False, alarms=False, relays=False, payments=False)
    async with started(settings, jobs=nothing) as running:
        yield running


@dataclass
class Counter:
    """How many rows there are, kept; and how often they were counted."""

    settings: Settings
    kept: Kept[str, int] = field(default_factory=lambda: Kept(Snapshot("tickets"), most=2))
    reads: int = 0

    async def get(self, key: str = "all") -> int:
        return await self.kept.get(key, self.read)

    async def read(self) -> int:
        self.reads += 1
        [found] = await rows("tickets", COUNT)
        return int(found["count"])


@pytest.fixture
def counter(platform: Platform) -> Counter:
    return Counter(platform.settings)


async def stays(counter: Counter, *keys: str) -> bool:
    """Whether these are answered without being read anew; PostgreSQL's own housekeeping writes, too."""
    for _ in range(20):
        for key in keys:
            await counter.get(key)
        before = counter.reads
        for key in keys:
            await counter.get(key)
        if counter.reads == before:
            return True
    return False


async def test_what_was_read_is_kept(counter: Counter) -> None:
    assert await stays(counter, "all")


async def test_a_write_of_anybody_is_seen_at_once(platform: Platform, counter: Counter) -> None:
    """Here of a session of its own, as another process has; and a hundred times."""
    async with platform.database("tickets") as session:
        for _ in range(100):
            before = await counter.get()
            await session.execute(WRITE)
            assert await counter.get() == before + 1


async def test_without_the_snapshot_it_would_be_missed(
    platform: Platform, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the test above can fail."""
    monkeypatch.setattr(kept, "SNAPSHOT", "SELECT 'the same' AS snapshot")
    async with platform.database("tickets") as session:
        before = await counter.get()
        await session.execute(WRITE)
        assert await counter.get() == before


async def test_a_transaction_counts_when_it_ends(platform: Platform, counter: Counter) -> None:
    """Not when it begins, writes, or is overtaken by another."""
    async with platform.database("tickets") as slow, platform.database("tickets") as quick:
        before = await counter.get()
        transaction = slow.transaction()
        await transaction.start()
        await slow.execute(WRITE)
        assert await counter.get() == before
        await quick.execute(WRITE)
        assert await counter.get() == before + 1
        await transaction.commit()
        assert await counter.get() == before + 2


async def test_what_was_read_before_a_write_is_not_kept_after_it(
    platform: Platform, counter: Counter
) -> None:
    """A slow read, and meanwhile somebody writes and reads."""
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slowly() -> int:
        found = await counter.read()
        begun.set()
        await go_on.wait()
        return found

    slow = asyncio.create_task(counter.kept.get("all", slowly))
    await begun.wait()
    async with platform.database("tickets") as session:
        await session.execute(WRITE)
    newer = await counter.get("another")
    go_on.set()
    assert await slow == newer - 1
    assert await counter.get() == newer


async def test_nobody_sees_less_than_was_written_before_they_asked(platform: Platform) -> None:
    """Two replicas and a writer, all at once."""
    replicas = [Counter(platform.settings), Counter(platform.settings)]
    written, is_over = 0, asyncio.Event()
    [found] = await rows("tickets", COUNT)
    start = found["count"]

    async def write() -> None:
        nonlocal written
        async with platform.database("tickets") as session:
            for _ in range(300):
                await session.execute(WRITE)
                written += 1
        is_over.set()

    async def look(counter: Counter) -> int:
        looks = 0
        while not is_over.is_set():
            at_least = start + written
            assert await counter.get() >= at_least
            looks += 1
        return looks

    writing = asyncio.create_task(write())
    looks = await asyncio.gather(*(look(one) for one in replicas for _ in range(3)))
    await writing
    assert min(looks) > 10


async def test_one_snapshot_serves_a_crowd(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0
    fetch = asyncpg.Connection.fetch

    async def counting(self: Any, query: str, *values: object, **options: Any) -> Any:
        nonlocal asked
        asked += query == kept.SNAPSHOT
        return await fetch(self, query, *values, **options)

    monkeypatch.setattr(asyncpg.Connection, "fetch", counting)
    await asyncio.gather(*(counter.get() for _ in range(100)))
    assert 1 <= asked <= 2


async def test_the_oldest_are_forgotten(counter: Counter) -> None:
    """`most` is two."""
    assert await stays(counter, "a", "b")
    assert not await stays(counter, "a", "b", "c")


async def test_a_failure_is_everybodys_and_is_not_kept(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(kept, "SNAPSHOT", "SELECT 1 / 0")
        failed = await asyncio.gather(*(counter.get() for _ in range(5)), return_exceptions=True)
        assert {type(one) for one in failed} == {OperationalError}
    assert await stays(counter, "all")


async def test_who_leaves_harms_nobody(counter: Counter) -> None:
    """Everybody asks, and every other hangs up."""
    asking = [asyncio.create_task(counter.get()) for _ in range(20)]
    await asyncio.sleep(0)
    for one in asking[::2]:
        one.cancel()
    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert {type(one) for one in answers[::2]} == {asyncio.CancelledError}
    assert set(answers[1::2]) == {await counter.get()}


async def test_a_connection_that_broke_is_replaced(platform: Platform, counter: Counter) -> None:
    """The one that was kept for the next who asks."""
    await counter.get()
    async with platform.database("tickets") as session:
        await session.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'tix-tickets' AND pid <> pg_backend_pid()"
        )

    async def answered() -> bool:
        try:
            return await counter.get() >= 0
        except Exception as error:
            if not is_transient(error):  # it had not been noticed yet
                raise
            return False

    await until(answered, "another connection answers")


async def test_a_connection_that_is_silent_holds_nobody_else_up(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asked by it is refused in time, and who asked later is answered by another."""
    fetch, silent = asyncpg.Connection.fetch, list[str]()

    async def hang(self: Any, query: str, *values: object, **options: Any) -> Any:
        if query == kept.SNAPSHOT and not silent:
            silent.append(query)
            await asyncio.Event().wait()
        return await fetch(self, query, *values, **options)

    monkeypatch.setattr(asyncpg.Connection, "fetch", hang)
    monkeypatch.setattr(kept, "LOOK_SECONDS", 0.2)
    first = asyncio.create_task(counter.get())
    await until(lambda: silent, "it is asked")
    later = await counter.get()
    with pytest.raises(TimeoutError):
        await first
    assert later == await counter.get()


async def test_a_new_connection_makes_everything_anew(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that crashed may have counted on from before; it cannot be told by the numbers."""
    monkeypatch.setattr(kept, "SNAPSHOT", "SELECT 'the same' AS snapshot")
    await counter.get()
    await counter.get()
    assert counter.reads == 1
    await db.disconnect()
    await db.connect(databases(counter.settings))
    await counter.get()
    assert counter.reads == 2


async def test_the_connection_is_given_back(counter: Counter) -> None:
    """When nobody asks any more."""
    await counter.get()

    async def idle() -> bool:
        return busy("tickets").in_use == 0

    await until(idle, "no connection is in use")
