"""A replica that stops in the middle of a flood leaves no message that the broker would wait for."""

import asyncio
import time
from contextlib import suppress

import nats.errors
import pytest
from nats.aio.msg import Msg
from nats.js.errors import NotFoundError

from server.kit import deliveries
from server.kit.bus import Listener
from server.kit.deliveries import ACK_SECONDS, LANES, Deliveries
from server.kit.failures import BUCKET, count_failure
from server.kit.inbox import HeardOnce
from server.kit.keeper import STREAM
from server.settings import Settings
from tests.kit.test_bus import Probed, connected, envelope, listening, settled
from tests.waiting import until

STOPS = 12
FLOOD = 40


@pytest.mark.slow
async def test_what_is_on_its_way_to_a_replica_that_stops_is_dealt_with(empty: Settings) -> None:
    """Handled, or another's at once. Just cancelled, every third stop would lose some for 10 s."""
    heard: list[int] = []

    async def hear(event: Probed, once: HeardOnce) -> None:
        heard.append(event.number)

    listener = Listener("tickets", Probed, hear)
    async with connected(empty) as link, connected(empty) as other:
        for number in range(STOPS):
            stopping = asyncio.Event()
            enough = len(heard) + number * FLOOD // STOPS
            task = asyncio.create_task(other.listen(listener, stopping))
            await link.publish_all((envelope(number), "r", None) for _ in range(FLOOD))
            await until(lambda enough=enough: len(heard) > enough, "some are heard")  # type: ignore[misc]
            stopping.set()
            await task

            async def all_are_acknowledged() -> bool:
                info = await link.jetstream.consumer_info(STREAM, listener.durable)
                return not info.num_ack_pending and not info.num_pending

            async with listening(link, hear):
                await until(all_are_acknowledged, "another replica has all that is left", 3)
            await link.jetstream.delete_consumer(STREAM, listener.durable)
            await link.jetstream.purge_stream(STREAM)


async def test_a_busy_replica_hoards_nothing(empty: Settings) -> None:
    """What it cannot begin is another's at once, and not after ACK_SECONDS."""
    begun, heard = set[int](), set[int]()

    async def hang(event: Probed, once: HeardOnce) -> None:
        begun.add(event.number)
        await asyncio.Event().wait()

    async def hear(event: Probed, once: HeardOnce) -> None:
        heard.add(event.number)

    async with connected(empty) as link, connected(empty) as other:
        await link.publish_all((envelope(number), "r", None) for number in range(3 * LANES))
        task = asyncio.create_task(link.listen(Listener("tickets", Probed, hang), asyncio.Event()))
        await until(lambda: len(begun) == LANES, "all lanes hang")
        async with listening(other, hear):
            left = set(range(3 * LANES)) - begun
            await until(lambda: heard >= left, "the others are heard", ACK_SECONDS / 2)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_there_are_never_more_lanes(empty: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though the connection is interrupted, again and again, while handlers are still at it."""
    at_once, most, go_on = 0, 0, asyncio.Event()

    async def hear(event: Probed, once: HeardOnce) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await go_on.wait()
        at_once -= 1

    interrupted = 0
    real = Deliveries._next

    async def breaking(messages: Deliveries) -> Msg | None:
        nonlocal interrupted
        if at_once and interrupted < 3:
            interrupted += 1
            raise OSError
        return await real(messages)

    monkeypatch.setattr(Deliveries, "_next", breaking)
    monkeypatch.setattr(deliveries, "FETCH_SECONDS", 0.2)
    monkeypatch.setattr(deliveries, "ROUND_TRIP_SECONDS", 0.1)
    async with connected(empty) as link, listening(link, hear) as listener:
        await link.publish_all((envelope(number), "r", None) for number in range(3 * LANES))
        await until(lambda: interrupted == 3 and at_once == LANES, "it goes on after three interruptions")
        go_on.set()
        await until(settled(link, listener, 3 * LANES), "all are heard")
    assert most == LANES


async def test_one_request_stands(empty: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often the end of one was missed, by a process that stood still for longer than it lasts."""
    monkeypatch.setattr(deliveries, "FETCH_SECONDS", 0.2)
    monkeypatch.setattr(deliveries, "ROUND_TRIP_SECONDS", 0.1)

    async def hear(event: Probed, once: HeardOnce) -> None: ...

    async with connected(empty) as link, listening(link, hear) as listener:

        async def standing() -> int:
            with suppress(NotFoundError):  # the consumer is about to be made
                return (await link.jetstream.consumer_info(STREAM, listener.durable)).num_waiting or 0
            return 0

        await until(standing, "there is a request")
        for _ in range(3):
            time.sleep(0.5)  # noqa: ASYNC251 - the standstill
            await until(standing, "there is one again")
        assert max([await standing() for _ in range(100)]) == 1


@pytest.mark.parametrize("error", [nats.errors.ConnectionClosedError(), BrokenPipeError()])
async def test_a_broker_that_is_away_for_a_moment_is_told_again(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That the handler is still at it; or the message would be another's as well."""
    told: list[str] = []

    class Message(Msg):
        async def in_progress(self) -> None:
            told.append("still")
            if len(told) == 1:
                raise error

    monkeypatch.setattr(deliveries, "ACK_SECONDS", 0.002)
    monkeypatch.setattr(deliveries, "HANDLER_SECONDS", 0.003)
    await deliveries.hold(Message(None))  # type: ignore[arg-type]  # it asks no client
    assert told == ["still"] * 3


async def test_what_is_no_number_is_none_yet(empty: Settings) -> None:
    """Somebody else's, in the place for a count; the next one counts on."""
    async with connected(empty) as link:
        bucket = await link.jetstream.key_value(BUCKET)
        assert await count_failure(link.jetstream, "some", "id") == 1
        [key] = [key for key in await bucket.keys() if key.startswith("some.")]
        await bucket.put(key, b"seven")
        assert [await count_failure(link.jetstream, "some", "id") for _ in range(2)] == [1, 2]
