"""Alarms on taskiq and Redis: a second, independent waker beside the orders sweeper; a hint, no authority.

taskiq-redis as it comes fires twice with two schedulers, keeps two entries for one id, pickles, hammers a
Redis that is away, reads all keys each second, and hands a dead worker's tasks on only when another message
arrives; each is dealt with below.
"""

import asyncio
import math
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

from taskiq import AckableMessage, ScheduledTask, TaskiqScheduler
from taskiq.api import run_receiver_task, run_scheduler_task
from taskiq.exceptions import ScheduledTaskCancelledError
from taskiq.schedule_sources import LabelScheduleSource
from taskiq.serializers import JSONSerializer

from server.kit import telemetry
from server.kit.errors import Unavailable
from server.kit.hiding import hiding
from server.kit.log import log

with hiding("opentelemetry.sdk"):  # for Redis' own metrics, which nobody asks for: 50 ms, 3 MB
    from redis.asyncio import Redis
    from redis.exceptions import RedisError
    from taskiq_redis import ListRedisScheduleSource, RedisStreamBroker

QUEUE = "tix-alarms"
PREFIX = "tix-alarm"
"""Without a colon: with one, taskiq-redis cannot read its own keys of past minutes."""
CLAIM_MS = 30_000
IDLE_MS = 10_000
"""A task unacknowledged for this long belongs to a dead worker; ringing takes milliseconds."""
HEARTBEAT_SECONDS = 5
RETRY_SECONDS = 1
CANCEL_SECONDS = 0.2

Ring = Callable[[UUID], Awaitable[None]]


class RedisUnavailable(Unavailable):
    """Redis does not answer; the event is heard again later."""

    code = "alarms_unavailable"
    title = "Redis does not answer"


class _Alarms(ListRedisScheduleSource):
    """One entry per schedule id, and one scheduler per firing."""

    def __init__(self, url: str) -> None:
        super().__init__(url, prefix=PREFIX, serializer=JSONSerializer())
        self._redis = Redis(connection_pool=self._connection_pool)
        self._looked: datetime | None = None

    async def _get_previous_time_schedules(self) -> list[bytes]:
        """What was due before this minute: all of it once a minute, else of the last one.

        The library looks for all each second, through every key: with 20,000 holds 0.4 of a core.
        """
        minute = datetime.now(UTC).replace(second=0, microsecond=0)
        if minute == self._looked:
            last = self._get_time_key(minute - timedelta(minutes=1))
            return cast("list[bytes]", await self._redis.lrange(last, 0, -1))
        found = await super()._get_previous_time_schedules()
        self._looked = minute
        return found

    async def add_schedule(self, schedule: ScheduledTask) -> None:
        """Data and entry in one trip, by a client that stays: the library makes one for each of four."""
        assert schedule.time is not None  # noqa: S101 - narrows the type: an alarm has one
        data, entries = self._get_data_key(schedule.schedule_id), self._get_time_key(schedule.time)
        async with self._redis.pipeline(transaction=True) as both:
            both.exists(data)
            both.set(data, self._serializer.dumpb(schedule.model_dump(mode="json")))
            both.rpush(entries, schedule.schedule_id)
            was_there, *_ = await both.execute()
        if was_there:  # for the same second, which is in the id: one entry is enough
            async with self._redis.pipeline(transaction=True) as again:
                again.lrem(entries, 0, schedule.schedule_id)
                again.rpush(entries, schedule.schedule_id)
                await again.execute()

    async def pre_send(self, task: ScheduledTask) -> None:
        async with Redis(connection_pool=self._connection_pool) as redis:
            if not await redis.set(f"{self._prefix}:claim:{task.schedule_id}", "1", nx=True, px=CLAIM_MS):
                raise ScheduledTaskCancelledError

    async def shutdown(self) -> None:
        await self._connection_pool.disconnect()


class _Broker(RedisStreamBroker):
    """Waits for a Redis that is away, and makes its group again in one that was wiped."""

    async def listen(self) -> AsyncGenerator[AckableMessage, None]:
        while True:
            messages = super().listen()
            try:
                while True:
                    # A task of its own: taskiq cancels once, and waits for ever if that was swallowed.
                    message = asyncio.ensure_future(anext(messages))
                    try:
                        await asyncio.wait({message})
                    finally:
                        await _end(message)
                    yield message.result()
            except RedisError as error:
                log.warning("alarms wait for redis", error=repr(error))
                await asyncio.sleep(RETRY_SECONDS)
                with suppress(RedisError):
                    await self._declare_consumer_group()


class Alarms:
    """One alarm per end of a hold; `ring` is called at the next whole second after it, at least once.

    An extended hold has two, and the first rings for nothing. One alarm that moves would need a lock: its
    old time may be heard after its new one, or be ringing, and be deleted as done, just as it moves.
    """

    def __init__(self, redis_url: str, ring: Ring) -> None:
        """`ring` publishes the hint."""
        self._broker = _Broker(
            redis_url,
            queue_name=QUEUE,
            consumer_id="0",  # the default skips what was queued before the group existed
            idle_timeout=IDLE_MS,
            maxlen=100_000,  # by default the stream only grows
            unacknowledged_lock_timeout=5,
            xread_block=500,
        )
        self._source = _Alarms(redis_url)

        @self._broker.task(task_name="ring")
        async def ring_task(order_id: str, trace: str | None = None) -> None:
            with telemetry.door("ring alarm", trace, "CONSUMER") if trace else telemetry.NOTHING:
                await ring(UUID(order_id))

        @self._broker.task(task_name="heartbeat", schedule=[{"interval": HEARTBEAT_SECONDS}])
        async def heartbeat() -> None:
            """A message now and then, since only a new one makes workers look for a dead one's tasks."""

        self._ring = ring_task

    async def set(self, order_id: UUID, at: datetime) -> None:
        """Ring for this order after `at`; again for the same time does nothing. Raises RedisUnavailable."""
        moment = _whole_second_after(at)
        alarm = self._ring.kicker().with_schedule_id(_alarm_id(order_id, at))
        more = {"trace": trace} if (trace := telemetry.current()) else {}  # a release before knows none
        try:
            await alarm.schedule_by_time(self._source, moment, str(order_id), **more)
        except RedisError as error:
            raise RedisUnavailable from error

    async def unset(self, order_id: UUID, at: datetime) -> None:
        """Do not ring for this order after `at`. Raises RedisUnavailable."""
        try:
            await self._source.delete_schedule(_alarm_id(order_id, at))
        except RedisError as error:
            raise RedisUnavailable from error

    async def run(self, stopping: asyncio.Event) -> None:
        """Schedule and ring until `stopping`."""
        scheduler = TaskiqScheduler(self._broker, [self._source, LabelScheduleSource(self._broker)])
        while not stopping.is_set():
            try:
                await self._broker.startup()
                break
            except RedisError as error:
                log.warning("alarms wait for redis", error=repr(error))
                with suppress(TimeoutError):
                    await asyncio.wait_for(stopping.wait(), RETRY_SECONDS)
        work = [
            asyncio.create_task(self._until(stopping, run_receiver_task, self._broker, max_async_tasks=100)),
            asyncio.create_task(
                self._until(
                    stopping, run_scheduler_task, scheduler, interval=timedelta(seconds=1)
                )  # default: 60 s
            ),
        ]
        await stopping.wait()
        await _end(*work)

    async def close(self) -> None:
        """Let go of Redis, once nobody sets alarms any more."""
        await self._broker.shutdown()
        await self._source.shutdown()

    @staticmethod
    async def _until(
        stopping: asyncio.Event, part: Callable[..., Awaitable[None]], *args: object, **options: object
    ) -> None:
        while not stopping.is_set():
            try:
                await part(*args, **options)
            except Exception as error:  # noqa: BLE001 - a waker that died silently would be noticed too late
                log.warning("alarms restarted", part=part.__name__, error=repr(error))
            await asyncio.sleep(RETRY_SECONDS)


async def _end(*tasks: asyncio.Future[Any]) -> None:
    """Cancel them until they end: redis-py takes a cancel for its own timeout when both come at once."""
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        ended, left = await asyncio.wait(left, timeout=CANCEL_SECONDS)
        for task in ended:
            _ = task.cancelled() or task.exception()  # seen, so that nobody is told of it later


def _whole_second_after(at: datetime) -> datetime:
    """The scheduler floors to seconds, and an early ring is a wasted one."""
    return datetime.fromtimestamp(math.floor(at.timestamp()) + 1, UTC)


def _alarm_id(order_id: UUID, at: datetime) -> str:
    return f"{order_id}.{_whole_second_after(at).timestamp():.0f}"
