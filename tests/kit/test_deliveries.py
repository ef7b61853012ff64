"""A replica that stops in the middle of a flood leaves no message that the broker would wait for."""

import asyncio

import pytest

from server.kit.bus import Listener
from server.kit.inbox import HeardOnce
from server.kit.keeper import STREAM
from server.settings import Settings
from tests.kit.test_bus import Probed, connected, envelope
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
