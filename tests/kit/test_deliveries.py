"""A replica that stops in the middle of a flood leaves no message that the broker would wait for."""

import asyncio
from contextlib import suppress

import nats.errors
import pytest
from nats.aio.msg import Msg

from server.kit import deliveries
from server.kit.bus import LANES, Listener
from server.kit.deliveries import ACK_SECONDS, AHEAD
from server.kit.failures import BUCKET, count_failure
from server.kit.inbox import HeardOnce
from server.kit.keeper import STREAM
from server.settings import Settings
from tests.kit.test_bus import Probed, connected, envelope, listening
from tests.waiting import until

STOPS = 12
FLOOD = 40


@pytest.mark.slow
async def test_what_is_on_its_way_to_a_replica_that_stops_is_dealt_with(empty: Settings) -> None:
    """Handled, or never sent. With fetches that were just cancelled, every third stop lost some for 10 s."""
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
                return not info.num_ack_pending

            await until(all_are_acknowledged, "each that was sent is acknowledged", 3)
            await link.jetstream.delete_consumer(STREAM, listener.durable)
            await link.jetstream.purge_stream(STREAM)


async def test_who_is_cancelled_gives_back_what_nobody_took(empty: Settings) -> None:
    """Another replica has it at once, and not after ACK_SECONDS."""
    begun, heard = set[int](), set[int]()

    async def hang(event: Probed, once: HeardOnce) -> None:
        begun.add(event.number)
        await asyncio.Event().wait()

    async def hear(event: Probed, once: HeardOnce) -> None:
        heard.add(event.number)

    async with connected(empty) as link, connected(empty) as other:
        await link.publish_all((envelope(number), "r", None) for number in range(AHEAD))
        task = asyncio.create_task(link.listen(Listener("tickets", Probed, hang), asyncio.Event()))
        await until(lambda: len(begun) == LANES, "all lanes hang")
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        async with listening(other, hear):
            left = set(range(AHEAD)) - begun
            await until(lambda: heard >= left, "the others are heard", ACK_SECONDS / 2)


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
