"""The relay: what committed is published, what did not is not, nothing is skipped, a crash only repeats."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from tortoise.exceptions import OperationalError
from uuid_utils.compat import uuid7

from server import events
from server.kit import relay
from server.kit.bus import Bus
from server.kit.db import rows, transaction
from server.kit.events import Envelope
from server.kit.keeper import STREAM
from server.settings import Settings
from server.tickets.models import Outbox
from tests.platform import database, keeping

INSERT = """
INSERT INTO outbox (id, type, data, request_id, occurred_at) VALUES ($1, 'token:revoked', '{}', 'r', now())
"""


@pytest.fixture
async def link(empty: Settings) -> AsyncIterator[Bus]:
    """The stream, with nothing in it, and nobody who relays or listens."""
    async with keeping(empty) as made:
        yield made


def revoked() -> events.TokenRevoked:
    """Any event."""
    return events.TokenRevoked(jti=uuid4(), until=datetime.now(UTC) + timedelta(hours=1))


async def in_stream(link: Bus) -> list[UUID]:
    """The ids of all events in the stream, in order."""
    count = (await link.jetstream.stream_info(STREAM)).state.messages
    messages = [await link.jetstream.get_msg(STREAM, seq) for seq in range(1, count + 1)]
    return [Envelope.model_validate_json(message.data or b"").id for message in messages]


async def pending() -> int:
    """Rows not yet marked."""
    return len(await rows("tickets", "SELECT 1 FROM outbox WHERE published_at IS NULL"))


async def test_what_committed_is_published_and_then_marked(link: Bus) -> None:
    """Whole: id, type, data and the request that caused it."""
    event = revoked()
    async with transaction("tickets"):
        await Outbox.record(event)
    assert await relay.publish_pending("tickets", link) == 1
    assert await pending() == 0
    message = await link.jetstream.get_msg(STREAM, 1)
    assert message.subject == "token.revoked"
    envelope = Envelope.model_validate_json(message.data or b"")
    assert events.TokenRevoked.hear(envelope.data) == event
    assert message.headers == {"Nats-Msg-Id": str(envelope.id), "X-Request-Id": "-"}
    assert await relay.publish_pending("tickets", link) == 0


async def test_what_was_rolled_back_is_never_published(link: Bus) -> None:
    """No event without its effect."""
    with pytest.raises(ValueError, match="no"):  # noqa: PT012 - leaving the block is what raises
        async with transaction("tickets"):
            await Outbox.record(revoked())
            raise ValueError("no")
    assert await relay.publish_pending("tickets", link) == 0
    assert await in_stream(link) == []


async def test_an_event_outside_of_a_transaction_is_refused(link: Bus) -> None:
    """It could commit without its effect."""
    with pytest.raises(RuntimeError, match="no transaction"):
        await Outbox.record(revoked())
    assert await pending() == 0


async def test_p09_a_crash_between_publish_and_mark_only_repeats(
    link: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next relay publishes again, and the stream knows the id."""
    async with transaction("tickets"):
        await Outbox.record(revoked(), revoked())
    with monkeypatch.context() as broken:
        broken.setattr(relay, "MARK", "SELECT 1 / 0, $1::uuid[]")
        with pytest.raises(OperationalError):
            await relay.publish_pending("tickets", link)
    assert len(await in_stream(link)) == 2
    assert await pending() == 2
    assert await relay.publish_pending("tickets", link) == 2
    assert len(await in_stream(link)) == 2
    assert await pending() == 0


async def test_p09_what_the_stream_did_not_acknowledge_stays(
    link: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows are marked one by one: only those that are surely stored."""
    async with transaction("tickets"):
        await Outbox.record(revoked(), revoked(), revoked())
    publish = link.publish
    refused: list[UUID] = []

    async def sometimes(envelope: Envelope, *, request: str, copy: str, trace: str | None) -> None:
        if not refused:
            refused.append(envelope.id)
            raise TimeoutError
        await publish(envelope, request=request, copy=copy, trace=trace)

    with monkeypatch.context() as broken:
        broken.setattr(link, "publish", sometimes)
        assert await relay.publish_pending("tickets", link) == 2
    left = await rows("tickets", "SELECT id FROM outbox WHERE published_at IS NULL")
    assert [row["id"] for row in left] == refused
    assert await relay.publish_pending("tickets", link) == 1
    assert len(await in_stream(link)) == 3


async def test_p09_a_row_that_commits_late_is_not_skipped(link: Bus, empty: Settings) -> None:
    """Its id is older than one published already: a cursor would have passed it."""
    early, late = uuid7(), uuid7()
    async with database(empty, "tickets") as slow, database(empty, "tickets") as fast:
        hanging = slow.transaction()
        await hanging.start()
        await slow.execute(INSERT, early)
        await fast.execute(INSERT, late)
        assert await relay.publish_pending("tickets", link) == 1
        assert await in_stream(link) == [late]
        await hanging.commit()
    assert await relay.publish_pending("tickets", link) == 1
    assert await in_stream(link) == [late, early]


async def test_two_relays_do_not_publish_the_same_row(link: Bus, empty: Settings) -> None:
    """The second takes what the first has not locked, and never waits."""
    first, second = uuid7(), uuid7()
    async with database(empty, "tickets") as other:
        await other.execute(INSERT, first)
        await other.execute(INSERT, second)
        holding = other.transaction()
        await holding.start()
        await other.execute("SELECT 1 FROM outbox WHERE id = $1 FOR UPDATE", first)
        assert await relay.publish_pending("tickets", link) == 1
        await holding.rollback()
    assert await in_stream(link) == [second]
    assert await relay.publish_pending("tickets", link) == 1


async def test_more_than_a_batch_is_published_in_order(link: Bus) -> None:
    """Batch by batch, by id."""
    async with transaction("tickets"):
        await Outbox.record(*(revoked() for _ in range(relay.BATCH + 50)))
    assert await relay.publish_pending("tickets", link) == relay.BATCH
    assert await relay.publish_pending("tickets", link) == 50
    stored = await rows("tickets", "SELECT id FROM outbox ORDER BY id")
    assert set(await in_stream(link)) == {row["id"] for row in stored}
