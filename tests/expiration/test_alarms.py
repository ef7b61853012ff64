"""Each end of a hold has an alarm of its own, so news of them may come in any order and at any moment."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from redis.asyncio import Redis
from taskiq import AckableMessage, ScheduledTask
from taskiq_redis import RedisStreamBroker
from uuid_utils.compat import uuid7

from server.expiration.tasks import Alarms, _Alarms
from server.settings import Settings
from server.worker import redis_url
from tests.waiting import until


@pytest.fixture
async def rung(settings: Settings, empty: Settings) -> AsyncIterator[tuple[Alarms, list[datetime]]]:
    """Running alarms, and the moments at which one rang."""
    moments: list[datetime] = []

    async def ring(_: UUID) -> None:
        moments.append(datetime.now(UTC))

    alarms, stopping = Alarms(redis_url(settings), ring), asyncio.Event()
    running = asyncio.create_task(alarms.run(stopping))
    yield alarms, moments
    stopping.set()
    await running
    await alarms.close()


@pytest.mark.slow
@pytest.mark.parametrize("later_first", [True, False])
async def test_the_later_end_rings_whichever_is_heard_first(
    rung: tuple[Alarms, list[datetime]], *, later_first: bool
) -> None:
    """`order:created` may be heard after `order:extended`."""
    alarms, moments = rung
    order_id, now = uuid7(), datetime.now(UTC)
    end, longer = now, now + timedelta(seconds=1.5)
    for at in (longer, end) if later_first else (end, longer):
        await alarms.set(order_id, at)
    await until(lambda: any(moment >= longer for moment in moments), "it rings after the later end")


@pytest.mark.slow
async def test_the_later_end_rings_when_both_are_heard_at_once(rung: tuple[Alarms, list[datetime]]) -> None:
    """Twenty orders, whose two ends are set at the same instant."""
    alarms, moments = rung
    longer = datetime.now(UTC) + timedelta(seconds=2)
    ids = [uuid7() for _ in range(20)]
    ends = (longer, longer - timedelta(seconds=1), longer)
    await asyncio.gather(*(alarms.set(id_, at) for id_ in ids for at in ends))
    await until(lambda: sum(moment >= longer for moment in moments) >= 20, "20 ring after the later end")


@pytest.mark.slow
async def test_an_end_set_after_the_first_alarm_rang_rings_too(rung: tuple[Alarms, list[datetime]]) -> None:
    """A hold extended in its last moment, when its alarm is ringing already."""
    alarms, moments = rung
    order_id = uuid7()
    await alarms.set(order_id, datetime.now(UTC) - timedelta(seconds=1))
    await until(lambda: moments, "the first rings")
    await alarms.set(order_id, datetime.now(UTC))
    await until(lambda: len(moments) == 2, "the second rings")


@pytest.mark.slow
async def test_an_alarm_that_was_unset_does_not_ring(rung: tuple[Alarms, list[datetime]]) -> None:
    """The buyer cancelled; the alarm of another order, due later, rings."""
    alarms, moments = rung
    cancelled, end = uuid7(), datetime.now(UTC) + timedelta(seconds=1)
    await alarms.set(cancelled, end)
    await alarms.unset(cancelled, end)
    await alarms.set(uuid7(), end + timedelta(seconds=1))
    await until(lambda: moments, "the other order's alarm rings")
    assert len(moments) == 1
    assert moments[0] >= end + timedelta(seconds=1)


@pytest.mark.parametrize("swallowed", [0, 1, 3])
async def test_they_end_though_a_cancel_is_swallowed(
    settings: Settings, empty: Settings, monkeypatch: pytest.MonkeyPatch, *, swallowed: int
) -> None:
    """redis-py may take a cancel for a timeout of its own; taskiq would wait for the next message."""
    reads = 0

    async def listen(broker: RedisStreamBroker) -> AsyncIterator[AckableMessage]:
        nonlocal reads
        for _ in range(swallowed):
            reads += 1
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        reads += 1
        await asyncio.Event().wait()
        yield  # type: ignore[misc]

    async def ring(_: UUID) -> None:
        """Nothing rings here."""

    monkeypatch.setattr(RedisStreamBroker, "listen", listen)
    alarms, stopping = Alarms(redis_url(settings), ring), asyncio.Event()
    running = asyncio.create_task(alarms.run(stopping))
    await until(lambda: reads, "it reads")
    stopping.set()
    async with asyncio.timeout(5):
        await running
    assert reads == swallowed + 1
    await alarms.close()


async def test_those_of_holds_that_last_are_not_looked_through_each_second(
    settings: Settings, empty: Settings
) -> None:
    """Once a minute, to find what was missed; what was due in the last minute is seen by each look."""
    source = _Alarms(redis_url(settings))
    redis = Redis.from_url(redis_url(settings))

    async def scans() -> int:
        stats = await redis.info("commandstats")
        return int(stats.get("cmdstat_scan", {}).get("calls", 0))

    def alarm(at: datetime) -> ScheduledTask:
        return ScheduledTask(task_name="ring", labels={}, args=[], kwargs={}, time=at)

    for second in range(300):
        await source.add_schedule(alarm(datetime.now(UTC) + timedelta(minutes=10, seconds=second)))
    before = await scans()
    await source.get_schedules()
    at_first = await scans() - before
    missed = alarm(datetime.now(UTC) - timedelta(seconds=30))
    await source.add_schedule(missed)
    for _ in range(5):
        found = [each.schedule_id for each in await source.get_schedules()]
        assert missed.schedule_id in found
    assert at_first > 10
    assert await scans() - before <= 2 * at_first + 5, "at most one more, if a minute began meanwhile"
    await source.shutdown()
    await redis.aclose()


async def test_an_alarm_that_is_set_again_is_one(settings: Settings, empty: Settings) -> None:
    """Also where half of the first was lost."""

    async def ring(_: UUID) -> None:
        raise AssertionError("nothing runs here")

    alarms, at = Alarms(redis_url(settings), ring), datetime.now(UTC) + timedelta(hours=1)
    order_id = uuid7()
    async with Redis.from_url(redis_url(settings), decode_responses=True) as redis:

        async def entries() -> list[bytes | str]:
            [key] = [key async for key in redis.scan_iter("tix-alarm:time:*")]
            return await redis.lrange(key, 0, -1)

        await alarms.set(order_id, at)
        first = await entries()
        await alarms.set(order_id, at)
        assert await entries() == first
        await redis.delete(*[key async for key in redis.scan_iter("tix-alarm:time:*")])
        await alarms.set(order_id, at)
        assert await entries() == first
    assert len(first) == 1
    await alarms.close()
