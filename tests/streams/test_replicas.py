"""Streams over more than one process: the same ids everywhere, an orderly end, and a stream that is lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from server.app import create_app, serving
from server.kit import follow
from server.kit.keeper import STREAM
from server.local import LocalServers
from server.ports import listen
from server.settings import Settings
from tests.platform import Platform, client
from tests.streams.following import following
from tests.waiting import until

ALL = "/api/tickets/events"


@asynccontextmanager
async def replica(settings: Settings, *, grace: float = 10) -> AsyncIterator[tuple[httpx.AsyncClient, Any]]:
    """Another process's HTTP side, for all that it knows."""
    app = create_app(["auth", "tickets", "orders"], settings)
    sock = listen(0)
    async with client(f"http://127.0.0.1:{sock.getsockname()[1]}") as http:
        async with serving(app, sock, grace=grace):
            yield http, app
        assert app.ctx.streams.places.open == app.ctx.streams.feed.followers == 0


async def test_ids_mean_the_same_at_every_replica(platform: Platform) -> None:
    """A client that goes from one to the other with each change sees all of them, once."""
    seller = platform.user()
    titles: list[str] = []
    ids: list[str] = []
    async with replica(platform.settings) as (other, _):
        async with following(platform.http, ALL) as stream:
            await stream.has("ready")
        last_id = stream.last_id
        for number in range(12):
            await seller.list_ticket(title=f"Seat {number}")
            http = (platform.http, other)[number % 2]
            async with following(http, ALL, last_id=last_id) as stream:
                await stream.has("ticket")
            titles += [one["title"] for one in stream.named("ticket")]
            ids += [event.id for event in stream.events]
            last_id = stream.last_id
    assert titles == [f"Seat {number}" for number in range(12)]
    assert len(set(ids)) == 12


async def test_who_is_ahead_of_a_replica_is_waited_for(platform: Platform) -> None:
    """An id from a faster one is neither unknown nor told again."""
    seller = platform.user()
    async with following(platform.http, ALL) as stream, replica(platform.settings) as (other, app):
        await stream.has("ready")
        async with following(other, ALL) as first:
            await first.has("ready")
        feed = app.ctx.streams.feed
        may_hear, hear = asyncio.Event(), feed.hear

        async def late(*batch: Any) -> None:
            await may_hear.wait()
            await hear(*batch)

        feed.hear = late
        await seller.list_ticket(title="Ahead")
        await stream.has("ticket")
        resuming = asyncio.create_task(_resume(other, stream.last_id))
        await until(lambda: feed.followers == 1, "it waits")
        may_hear.set()
        await seller.list_ticket(title="After")
        assert await resuming == [("ticket", "After")]


async def _resume(http: httpx.AsyncClient, last_id: str) -> list[tuple[str, str]]:
    async with following(http, ALL, last_id=last_id) as stream:
        await until(lambda: stream.events, "something is told")
    return [(event.name, event.data.get("title", "")) for event in stream.events]


async def test_who_serves_no_more_says_so_and_ends(platform: Platform) -> None:
    """Streams end whole, with a hint when to come back; cut off at the end of the grace they would break."""
    async with AsyncExitStack() as clients:
        async with replica(platform.settings) as (http, _):
            streams = [await clients.enter_async_context(following(http, ALL)) for _ in range(20)]
            for stream in streams:
                await stream.has("ready")
        for stream in streams:
            await stream.ended()
            assert len(stream.retries) == 2
            assert stream.broke is None


@pytest.mark.parametrize("more", [0, 1])
async def test_a_message_lost_on_the_way_is_asked_for_again(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, more: int
) -> None:
    """The next one shows the gap; without a next one, a look after a moment of silence does."""
    monkeypatch.setattr(follow, "IDLE_SECONDS", 0.2)
    seller = platform.user()
    lost: list[Msg] = []
    may_lose = False
    subscribe = JetStreamContext.pull_subscribe

    async def lossy(self: JetStreamContext, *given: Any, **named: Any) -> Any:
        subscription: Any = await subscribe(self, *given, **named)
        fetch = subscription.fetch

        async def lose_one(batch: int = 1, timeout: float | None = 5) -> list[Msg]:
            found: list[Msg] = await fetch(batch, timeout)
            if may_lose and not lost:
                lost.extend(found)
                found = await fetch(1, timeout)
            return found

        subscription.fetch = lose_one
        return subscription

    monkeypatch.setattr(JetStreamContext, "pull_subscribe", lossy)
    async with replica(platform.settings) as (http, _), following(http, ALL) as stream:
        await stream.has("ready")
        may_lose = True
        for number in range(1 + more):
            await seller.list_ticket(title=f"Seat {number}")
        await stream.has("ticket", 1 + more)
        assert lost
    assert [one["title"] for one in stream.named("ticket")] == [f"Seat {n}" for n in range(1 + more)]


@pytest.mark.slow
async def test_a_broker_that_was_killed_is_heard_again(platform: Platform, local: LocalServers) -> None:
    """What was written meanwhile waits in the outbox and is told afterwards, on the same connection."""
    seller = platform.user()
    async with following(platform.http, ALL) as stream:
        await stream.has("ready")
        await asyncio.to_thread(local.stop_one, "nats", kill=True)
        try:
            await seller.list_ticket(title="Meanwhile")
        finally:
            await asyncio.to_thread(local.start_one, "nats")
        await stream.has("ticket", timeout=20)
    assert [one["title"] for one in stream.named("ticket")] == ["Meanwhile"]


async def test_a_stream_that_is_lost_and_made_anew_is_told(platform: Platform) -> None:
    """Numbers begin at 1 again; old ids mean nothing any more, though such numbers exist."""
    seller = platform.user()
    async with following(platform.http, ALL) as stream:
        await stream.has("ready")
        await seller.list_ticket()
        await stream.has("ticket")
        old = stream.last_id
        assert platform.bus is not None
        await platform.bus.jetstream.delete_stream(STREAM)
        await platform.bus.keeper.make()
        await stream.has("reset")
        await seller.list_ticket(title="Afterwards")
        await stream.has("ticket", 2)
    async with following(platform.http, ALL, last_id=old) as again:
        await again.has("reset")
    assert stream.named("ticket")[-1]["title"] == "Afterwards"
