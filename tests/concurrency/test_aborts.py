"""Clients that hang up, and connections that run out: the pool stays whole and nothing is left half done."""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper

from server.kit import db, pool
from server.settings import Settings
from tests.concurrency.races import NO_ALARMS, fetch, known_to_orders, tally
from tests.concurrency.storms import abandon_pool, borrowed, hang_up_storm, parallel_transactions, pool_of
from tests.platform import Platform, started
from tests.waiting import until

POOLS = ("orders", "tickets")

HALF_DONE = """
SELECT o.id FROM orders o
WHERE NOT EXISTS (SELECT FROM order_history h WHERE h.order_id = o.id AND h.version = 1)
   OR NOT EXISTS
      (SELECT FROM outbox e WHERE e.type = 'order:created' AND e.data -> 'order' ->> 'id' = o.id::text)
   OR NOT EXISTS (SELECT FROM tickets t WHERE t.id = o.ticket_id AND t.seat_version > 0)
"""
LISTED_IN_SILENCE = """
SELECT t.id FROM tickets t WHERE NOT EXISTS
  (SELECT FROM outbox e WHERE e.type = 'ticket:created' AND e.data -> 'ticket' ->> 'id' = t.id::text)
"""
IN_TRANSACTION = """
SELECT count(*) FROM pg_stat_activity
WHERE state LIKE 'idle in transaction%' AND application_name LIKE 'tix-%'
"""


async def is_idle(service: str) -> bool:
    """Whether every connection of the pool is in it."""
    pool = pool_of(service)
    return pool.get_size() == pool.get_idle_size()


async def assert_whole(platform: Platform) -> None:
    """All connections are back, none of them in a transaction, and all of them work at the same time."""
    for service in POOLS:
        await until(partial(is_idle, service), f"{service}'s connections are all back")
        async with asyncio.timeout(2):
            await parallel_transactions(service, 20)

    async def nobody_is_stuck() -> bool:
        return await platform.count("orders", IN_TRANSACTION) == 0

    await until(nobody_is_stuck, "no session is idle in a transaction")


class TestHangUps:
    """Requests whose clients go away at any moment."""

    @pytest.mark.parametrize(
        "count", [pytest.param(400, marks=pytest.mark.slow), pytest.param(1500, marks=pytest.mark.exhaustive)]
    )
    async def test_p20_hang_ups_leave_nothing_behind(self, empty: Settings, count: int) -> None:
        """The pool is whole; what was committed has its history and event; every hold ends."""
        async with started(empty.model_copy(update={"hold_seconds": 2})) as platform:
            await hang_up_storm(platform, count)
            await assert_whole(platform)
            orders = await platform.count("orders", "SELECT count(*) FROM orders")
            assert 0 < orders < count / 2, "some were cut off before COMMIT and some after"
            assert await fetch(platform, "orders", HALF_DONE) == []
            assert await fetch(platform, "tickets", LISTED_IN_SILENCE) == []

            async def all_ended() -> bool:
                return not await platform.count(
                    "orders", "SELECT count(*) FROM orders WHERE status = 'created'"
                )

            await until(all_ended, "every hold has ended")
            ends = Counter(
                row["status"] for row in await fetch(platform, "orders", "SELECT status FROM orders")
            )
            assert ends == {"expired": orders}
            await platform.doctor()

    @pytest.mark.parametrize(
        ("shield", "release"), [(True, False), (False, True)], ids=["only the shield", "only the release"]
    )
    @pytest.mark.slow
    async def test_either_guard_suffices(self, empty: Settings, *, shield: bool, release: bool) -> None:
        """BEGIN out of the cancellation's reach, or its connection given back: one of them keeps the pool."""
        async with started(empty, jobs=NO_ALARMS) as platform:
            with guarded(shield=shield, release=release):
                await hang_up_storm(platform, 400)
                await assert_whole(platform)

    @pytest.mark.slow
    async def test_without_both_the_pool_leaks(self, empty: Settings) -> None:
        """Negative control: BEGIN as Tortoise does it; cancelled, it keeps its connection for ever."""
        async with started(empty, jobs=NO_ALARMS) as platform:
            with guarded(shield=False, release=False):
                for seed in range(6):
                    if await leaks(platform, seed):
                        return
        pytest.fail("six storms, and every connection came back")


async def leaks(platform: Platform, seed: int) -> bool:
    """Whether a connection is still away a second after the storm, when nobody is waiting for an answer."""
    await hang_up_storm(platform, 200, seed=seed, longest=2)  # many while their BEGIN is under way
    try:
        for service in POOLS:
            await until(partial(is_idle, service), f"{service}'s connections are all back", 1)
    except AssertionError:
        return True
    return False


@contextmanager
def guarded(*, shield: bool, release: bool) -> Iterator[None]:
    """Transactions with the guards that are left; afterwards new pools, as these may have leaked."""
    with pytest.MonkeyPatch.context() as patch:
        if not shield:
            patch.setattr(db, "_unbroken", _plainly)
        if not release:
            patch.setattr(db, "_begin", _begin_without_release)
        yield
    for service in POOLS:
        abandon_pool(service)


async def _plainly(step: Coroutine[Any, Any, Any], *, undo: object = None) -> Any:
    return await step


async def _begin_without_release(pool_client: AsyncpgDBClient) -> TransactionWrapper:
    client = TransactionWrapper(pool_client)
    client._connection = await pool_client.acquire_connection().__aenter__()
    await client._connection.execute("BEGIN")
    return client


class TestNoConnectionLeft:
    """More work than connections."""

    @pytest.mark.slow
    async def test_p26_is_503_and_leaves_no_orphan(
        self, empty: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Every request says when to come back; who was told 503 has no order, and gets one later."""
        async with started(empty) as platform:
            seller = platform.user()
            tickets = [(await seller.list_ticket())["id"] for _ in range(60)]
            buyers = [platform.user() for _ in tickets]
            await known_to_orders(platform, tickets[-1])
            held = await platform.user().hold(tickets.pop())
            monkeypatch.setattr(pool, "ACQUIRE_SECONDS", 0.25)

            async def everybody(indices: range) -> list[Any]:
                return await asyncio.gather(*(buyers[n].reserve(tickets[n]) for n in indices))

            async with borrowed("orders", pool.POOL_SIZE):
                refused = await everybody(range(20))
                reads = [seller.get("/api/orders?role=seller"), seller.get(f"/api/orders/{held['id']}")]
                refused += await asyncio.gather(*reads, buyers[0].delete(f"/api/orders/{held['id']}"))
            assert tally(refused) == {"503 database_unavailable": 23}
            assert {answer.headers["retry-after"] for answer in refused} == {"1"}

            monkeypatch.setattr(pool, "ACQUIRE_SECONDS", 0.04)
            async with borrowed("orders", pool.POOL_SIZE - 1):
                answers = await everybody(range(59))
            assert set(tally(answers)) == {"201", "503 database_unavailable"}
            monkeypatch.undo()
            won = {str(buyer.id) for buyer, answer in zip(buyers, answers, strict=False) if answer.is_success}
            rows = await fetch(platform, "orders", "SELECT user_id FROM orders WHERE id <> $1", held["id"])
            assert Counter(str(row["user_id"]) for row in rows) == Counter(won)
            again = [n for n in range(59) if str(buyers[n].id) not in won]
            assert {
                answer.status_code
                for answer in await asyncio.gather(*(buyers[n].reserve(tickets[n]) for n in again))
            } == {201}
            await platform.doctor()
