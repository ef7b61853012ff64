"""Looking on at the bus: from now on, over an outage, a stream made anew and what is no event."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from uuid_utils.compat import uuid7

from server.kit import tap
from server.kit.bus import Bus
from server.kit.events import Envelope
from server.kit.keeper import STREAM
from server.local import LocalServers
from server.settings import Settings
from tests.logged import Logged
from tests.platform import keeping
from tests.waiting import until


@pytest.fixture
async def link(empty: Settings) -> AsyncIterator[Bus]:
    """The stream, with nothing in it."""
    async with keeping(empty) as made:
        yield made


async def tell(link: Bus, number: int) -> None:
    """Publish an event of that number."""
    data = {"number": number}
    envelope = Envelope(id=uuid7(), type="ticket:probed", occurred_at=datetime.now(UTC), data=data)
    await link.publish(envelope, request="r")


@asynccontextmanager
async def looking_on(link: Bus) -> AsyncIterator[list[int]]:
    """The numbers above 0 that were seen, for the block."""
    above: list[int] = []
    begun: list[int] = []
    stopping = asyncio.Event()

    async def look() -> None:
        async for event in tap.events(link, stopping):
            (above if event["data"]["number"] else begun).append(event["data"]["number"])

    task = asyncio.create_task(look())

    async def looks() -> bool:
        await tell(link, 0)
        return bool(begun)

    await until(looks, "it looks on")
    try:
        yield above
    finally:
        stopping.set()
        await task


async def test_what_is_published_from_now_on_is_seen_in_order(link: Bus) -> None:
    """What was there before is not told; what is no event, or deleted meanwhile, is passed over."""
    await tell(link, 99)
    async with looking_on(link) as seen:
        await link.jetstream.publish("ticket.probed", b"no event")
        for number in range(1, 31):
            await tell(link, number)
        await until(lambda: len(seen) == 30, "all are seen")
    assert seen == list(range(1, 31))


async def test_it_goes_on_after_the_broker_was_away(link: Bus, local: LocalServers, logged: Logged) -> None:
    """Said once in the log, not ended in silence; nothing is missed."""
    async with looking_on(link) as seen:
        await tell(link, 1)
        await until(lambda: seen == [1], "the first is seen")
        await asyncio.to_thread(local.stop_one, "nats", kill=True)
        await until(lambda: "trace interrupted" in logged.text, "it says so")
        await asyncio.to_thread(local.start_one, "nats")
        await link.ready()
        await tell(link, 2)
        await until(lambda: seen == [1, 2], "the second is seen")


async def test_it_goes_on_in_a_stream_made_anew(link: Bus) -> None:
    """Sequence numbers begin again at 1."""
    async with looking_on(link) as seen:
        await tell(link, 1)
        await until(lambda: seen == [1], "the first is seen")
        await link.jetstream.delete_stream(STREAM)
        await link.keeper.make()
        await tell(link, 2)
        await until(lambda: seen == [1, 2], "the second is seen")
