"""A lost stream is built anew from the outboxes, and who heard it all before does nothing twice."""

import argparse
import asyncio
import json
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import nats.js.errors
import pytest

from server import events
from server.__main__ import moment
from server.kit import relay
from server.kit.bus import Bus
from server.kit.db import rows, transaction
from server.kit.events import Envelope
from server.kit.keeper import STREAM
from server.settings import Settings
from server.tickets.models import Outbox
from tests.platform import Platform, Process, command, database, environment, keeping, started, wipe
from tests.waiting import slowness, until

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
async def link(empty: Settings) -> AsyncIterator[Bus]:
    """The stream, with nothing in it, and nobody who relays or listens."""
    async with keeping(empty) as made:
        yield made


async def published(link: Bus, count: int) -> list[UUID]:
    """The ids of that many events of tickets, published by the relay."""
    async with transaction("tickets"):
        until = datetime.now(UTC) + timedelta(hours=1)
        await Outbox.record(*(events.TokenRevoked(jti=uuid4(), until=until) for _ in range(count)))
    while await relay.publish_pending("tickets", link):
        pass
    return [row["id"] for row in await rows("tickets", "SELECT id FROM outbox ORDER BY published_at, id")]


async def in_stream(link: Bus) -> list[UUID]:
    """The ids of all events in the stream, in order."""
    state = (await link.jetstream.stream_info(STREAM)).state
    found = []
    for number in range(state.first_seq, state.last_seq + 1):
        try:
            message = await link.jetstream.get_msg(STREAM, number)
        except nats.js.errors.NotFoundError:
            continue
        found.append(Envelope.model_validate_json(message.data or b"").id)
    return found


async def lose(link: Bus, every: int) -> None:
    """Delete each `every`th message of the stream."""
    last = (await link.jetstream.stream_info(STREAM)).state.last_seq
    for number in range(every, last + 1, every):
        await link.jetstream.delete_msg(STREAM, number)


async def test_a_tenth_of_the_stream_is_lost_and_comes_back(link: Bus) -> None:
    """Moments after it was published, when JetStream still believes to have it."""
    ids = await published(link, 50)
    await lose(link, 10)
    assert len(await in_stream(link)) == 45
    assert await relay.replay("tickets", link, LONG_AGO) == 50
    assert set(await in_stream(link)) == set(ids)


async def test_unmarked_rows_would_be_marked_again_and_not_come_back(link: Bus) -> None:
    """Why the replay does not go by the relay: JetStream acknowledges ids it knows, and stores nothing."""
    await published(link, 50)
    await lose(link, 10)
    await rows("tickets", "UPDATE outbox SET published_at = NULL")
    assert await relay.publish_pending("tickets", link) == 50
    assert len(await in_stream(link)) == 45


@pytest.mark.parametrize("at", ["clock_timestamp()", "now()"], ids=["one by one", "at one moment"])
async def test_more_than_a_batch_comes_once_each_and_in_order(link: Bus, at: str) -> None:
    """However many rows share a time of publication."""
    await published(link, relay.BATCH * 2 + 50)
    await rows("tickets", f"UPDATE outbox SET published_at = {at}")
    ids = await published(link, 0)
    await link.jetstream.purge_stream(STREAM)
    assert await relay.replay("tickets", link, LONG_AGO) == len(ids)
    stored = await in_stream(link)
    assert sorted(stored) == sorted(ids)
    batches = [set(stored[first : first + relay.BATCH]) for first in range(0, len(ids), relay.BATCH)]
    assert batches == [set(ids[first : first + relay.BATCH]) for first in range(0, len(ids), relay.BATCH)]


async def test_only_what_was_published_since_then(link: Bus) -> None:
    """By the time of publication, not of the event; what waits in the outbox is the relay's."""
    ids = await published(link, 4)
    await rows("tickets", "UPDATE outbox SET published_at = now() - interval '3 hours' WHERE id = $1", ids[3])
    await rows("tickets", "UPDATE outbox SET published_at = NULL WHERE id = $1", ids[2])
    since = await relay.ago("tickets", timedelta(hours=2))
    assert await relay.published("tickets", since) == 2
    await link.jetstream.purge_stream(STREAM)
    assert await relay.replay("tickets", link, since) == 2
    assert await in_stream(link) == ids[:2]


async def test_a_bus_that_stops_answering_is_told(link: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    """With how far it came; the rows are untouched, so that it can be done again."""
    await published(link, 5)
    publish = link.publish
    count = 0

    async def sometimes(envelope: Envelope, *, request: str, copy: str, trace: str | None) -> None:
        nonlocal count
        count += 1
        if count > 3:
            raise TimeoutError
        await publish(envelope, request=request, copy=copy, trace=trace)

    monkeypatch.setattr(link, "publish", sometimes)
    with pytest.raises(relay.BusStopped) as caught:
        await relay.replay("tickets", link, LONG_AGO)
    assert caught.value.count == 3
    assert await relay.published("tickets", LONG_AGO) == 5


class TestWhen:
    """What may be typed for WHEN."""

    @pytest.mark.parametrize(
        ("text", "means"),
        [
            ("90s", timedelta(seconds=90)),
            ("30m", timedelta(minutes=30)),
            ("2h", timedelta(hours=2)),
            ("7d", timedelta(days=7)),
            ("2026-11-24T12:00:00Z", datetime(2026, 11, 24, 12, tzinfo=UTC)),
            ("2026-11-24T13:00:00.5+01:00", datetime(2026, 11, 24, 12, 0, 0, 500_000, tzinfo=UTC)),
        ],
    )
    def test_a_time_or_how_long_ago(self, text: str, means: datetime | timedelta) -> None:
        assert moment(text) == means

    @pytest.mark.parametrize(
        "text", ["", "2", "h", "-2h", "2h30m", "2w", "yesterday", "2026-11-24T12:00:00", "2026-13-01T00:00Z"]
    )
    def test_anything_else_is_refused(self, text: str) -> None:
        """A time without an offset too: whose clock would it be?"""
        with pytest.raises(argparse.ArgumentTypeError):
            moment(text)


async def counts(platform: Platform) -> dict[str, int]:
    """How often each thing was done that must not be done twice."""
    return {
        "steps": await platform.count("orders", "SELECT count(*) FROM order_history"),
        "ledger": await platform.count("payments", "SELECT count(*) FROM ledger"),
        "payments": await platform.count("payments", "SELECT count(*) FROM payments"),
        "stripe": await platform.count("payments", "SELECT count(*) FROM payment_ops WHERE kind <> 'sync'"),
    }


@pytest.mark.slow
async def test_a_lost_stream_and_two_lost_replicas(empty: Settings) -> None:
    """Bookings are made; stream, replicas and their inboxes are lost; the command brings all of it back."""
    async with started(empty) as platform:
        seller = platform.user()
        tickets = [await seller.list_ticket(title=f"Seat {n}") for n in range(8)]
        for number, ticket in enumerate(tickets):
            buyer = platform.user()
            order = await buyer.hold(ticket["id"])
            if number % 2:
                assert (await buyer.pay(order["id"])).status_code == 201
                await buyer.order_in(order["id"], "complete")
        await platform.doctor()
        before = await counts(platform)

    async with keeping(empty) as link:
        await link.jetstream.delete_stream(STREAM)
    async with database(empty, "payments") as session:
        await session.execute("TRUNCATE orders, inbox")
    async with database(empty, "tickets") as session:
        await session.execute("TRUNCATE inbox")
        await session.execute(
            "UPDATE tickets SET order_id = NULL, seat_status = 'available', seat_version = 0"
        )
    env = environment(empty)
    told = await command("relay", "--replay-since", "1h", "--dry-run", env=env)
    assert told[:2] == (
        0,
        (
            "auth: 0 events would be published again\n"
            "tickets: 8 events would be published again\n"
            "orders: 16 events would be published again\n"
            "payments: 8 events would be published again\n"
        ),
    )
    status, said, _ = await command("relay", "--replay-since", "1h", env=env)
    assert (status, said) == (0, told[1].replace("would be", "were"))

    async with started(empty) as platform:
        await platform.doctor(patience=20)
        assert await counts(platform) == before
        sold = [await platform.ticket_in(ticket["id"], "sold") for ticket in tickets[1::2]]
        assert len(sold) == 4
        buyer = platform.user()
        order = await buyer.hold((await platform.user().list_ticket())["id"])
        assert (await buyer.pay(order["id"])).status_code == 201
        await buyer.order_in(order["id"], "complete")
        await platform.doctor()
    await wipe(empty)


@pytest.mark.slow
async def test_one_service_and_a_bus_that_is_away(empty: Settings) -> None:
    """--service names whose events; without a bus a sentence and exit 1, though --dry-run needs none."""
    env = {**environment(empty), "NATS_URL": "nats://127.0.0.1:1"}
    container = {name: value for name, value in env.items() if name not in {"NATS_URL", "ORDERS_NATS_URL"}}
    counted, refused, elsewhere = await asyncio.gather(
        command("relay", "--replay-since", "1d", "--service", "orders", "--dry-run", env=env),
        command("relay", "--replay-since", "1d", "--service", "orders", env=env),
        command("relay", "--replay-since", "1d", env=container),
    )
    assert counted[:2] == (0, "orders: 0 events would be published again\n")
    assert refused == (1, "", "The bus does not answer. Is Tix running?\n")
    assert elsewhere[:2] == (1, "")
    assert "ORDERS_NATS_URL is not set" in elsewhere[2]
    assert "container" in elsewhere[2]


@pytest.mark.slow
async def test_one_can_look_on_from_another_terminal(link: Bus, empty: Settings, tmp_path: Path) -> None:
    """`trace`: each event as a line, until Ctrl-C, which ends it with 0."""
    process = Process("trace", env=environment(empty), log=tmp_path / "trace.log")
    told: list[UUID] = []

    async def seen() -> bool:
        told.extend((await published(link, 1))[-1:])
        return any(str(id_) in process.log.read_text() for id_ in told)

    await until(seen, "an event is printed", 20 * slowness())
    assert await process.end(signal.SIGINT) == 0
    [*_, line] = [line for line in process.log.read_text().splitlines() if line.startswith("{")]
    assert json.loads(line)["type"] == "token:revoked"
