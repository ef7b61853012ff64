"""Dead letters: looked at, handed over again, acted on once; what fails again stays."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from server import events, worker
from server.kit.db import rows
from server.kit.deadletters import bury
from server.kit.events import Envelope, Event
from server.orders import service as orders
from server.settings import SERVICES, Settings
from server.worker import Jobs
from tests.platform import Platform, command, environment, started, wipe
from tests.waiting import until


@pytest.fixture
async def resting(empty: Settings) -> AsyncIterator[Platform]:
    """Only the APIs: nobody relays, hears or sweeps; a hold is over after a second."""
    async with started(empty.model_copy(update={"hold_seconds": 1}), background=False) as platform:
        yield platform
    await wipe(empty)


async def letter(consumer: str, event: Event | bytes, *, event_id: UUID | None = None) -> UUID:
    """An event that orders buried; returns its id."""
    id_ = event_id or uuid7()
    payload = event
    if isinstance(event, Event):
        data = event.model_dump(mode="json", by_alias=True)
        envelope = Envelope(id=id_, type=event.type, occurred_at=datetime.now(UTC), data=data)
        payload = envelope.model_dump_json(by_alias=True).encode()
    assert isinstance(payload, bytes)
    await bury(
        "orders",
        consumer=consumer,
        subject="a.subject",
        event_id=str(id_),
        headers={"X-Request-Id": f"request-of-{id_}"},
        payload=payload,
        error="RuntimeError('as it was\\n then')",
    )
    return UUID(str((await rows("orders", "SELECT id FROM dead_letters ORDER BY id DESC"))[0]["id"]))


async def left() -> set[UUID]:
    """The ids of orders' letters."""
    return {row["id"] for row in await rows("orders", "SELECT id FROM dead_letters")}


def only_databases(platform: Platform) -> dict[str, str]:
    """An environment that leads nowhere but to PostgreSQL."""
    return {"DATABASE_URL": environment(platform.settings)["DATABASE_URL"]}


async def overdue_order(platform: Platform) -> UUID:
    """An order whose hold is over and that nobody has expired."""
    ticket = uuid7()
    await rows(
        "orders",
        "INSERT INTO tickets "
        "(id, user_id, title, price, currency, withdrawn, version, seat_status, seat_version) "
        "VALUES ($1, $2, 'Front row', 4500, 'usd', false, 1, 'available', 0)",
        ticket,
        uuid7(),
    )
    order = UUID((await platform.user().hold(str(ticket)))["id"])

    async def over() -> Any:
        return await rows("orders", "SELECT 1 FROM orders WHERE id = $1 AND expires_at < now()", order)

    await until(over, "the hold is over")
    return order


async def expired(order: UUID) -> list[dict[str, Any]]:
    """The history rows that say so."""
    sql = "SELECT * FROM order_history WHERE order_id = $1 AND status = 'expired'"
    return await rows("orders", sql, order)


@pytest.mark.slow
async def test_a_bug_and_its_repair(empty: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A consumer that cannot hear a listing; then a release that can, on the running platform."""

    async def bug(**_: object) -> None:
        raise RuntimeError("a bug in this release")

    async with (
        started(empty, background=False) as platform,
        worker.running(SERVICES, empty, patience=0.0005),
    ):
        with monkeypatch.context() as release:
            release.setattr(orders, "listing_changed", bug)
            ticket = await platform.user().list_ticket()
            await until(left, "the event is buried")
        status, table, _ = await command("dead-letters", "list", env=only_databases(platform))
        [row] = table.splitlines()[1:]
        assert status == 0
        assert "orders   orders-ticket-created  ticket.created" in row
        assert "a bug in this release" in row
        _, answer, _ = await command("dead-letters", "list", "--json", env=only_databases(platform))
        [letter] = json.loads(answer)
        assert json.loads(letter["payload"])["data"]["ticket"]["id"] == ticket["id"]
        assert row.startswith(letter["id"])
        status, said, _ = await command("dead-letters", "replay", letter["id"], env=only_databases(platform))
        assert (status, said.splitlines()[-1]) == (0, "1 of 1 dead letters were acted on.")
        await platform.user().hold(ticket["id"])
        _, said, _ = await command("dead-letters", "list", env=only_databases(platform))
        assert said == "There are no dead letters.\n"
        await platform.doctor()
    await wipe(empty)


@pytest.mark.slow
async def test_on_a_stopped_platform_the_effects_go_out_at_the_next_start(resting: Platform) -> None:
    """Acted on in one transaction, under the request id of old; the outbox keeps what it says."""
    order = await overdue_order(resting)
    event_id = uuid7()
    expiry = events.ExpirationComplete(order_id=order)
    await letter("orders-expiration-complete", expiry, event_id=event_id)
    status, _, _ = await command("dead-letters", "replay", "--all", env=only_databases(resting))
    assert status == 0
    [step] = await expired(order)
    assert step["request_id"] == f"request-of-{event_id}"
    waiting = "SELECT 1 FROM outbox WHERE type = 'order:expired' AND published_at IS NULL"
    assert len(await rows("orders", waiting)) == 1
    async with worker.running(["orders"], resting.settings, jobs=Jobs(sweeper=False)):

        async def sent() -> bool:
            return not await rows("orders", waiting)

        await until(sent, "it is published")


@pytest.mark.slow
async def test_an_effect_that_is_there_is_not_made_twice(resting: Platform) -> None:
    """Two people at once, with two copies of one event: the inbox lets one through, and every letter goes."""
    order = await overdue_order(resting)
    event_id = uuid7()
    expiry = events.ExpirationComplete(order_id=order)
    first = await letter("orders-expiration-complete", expiry, event_id=event_id)
    second = await letter("orders-expiration-complete", expiry, event_id=event_id)
    assert await left() == {first, second}
    env = only_databases(resting)
    done = await asyncio.gather(*(command("dead-letters", "replay", "--all", env=env) for _ in range(2)))
    assert [status for status, _, _ in done] == [0, 0]
    assert len(await expired(order)) == 1
    assert await left() == set()


@pytest.mark.slow
async def test_what_fails_again_stays_and_is_explained(resting: Platform) -> None:
    """Exit 10; the others are acted on."""
    order = await overdue_order(resting)
    garbage = await letter("orders-expiration-complete", b"no event")
    stranger = await letter("orders-nobody-hears", events.ExpirationComplete(order_id=order))
    await letter("orders-expiration-complete", events.ExpirationComplete(order_id=order))
    status, said, why = await command("dead-letters", "replay", "--all", env=only_databases(resting))
    assert (status, said.splitlines()[-1]) == (10, "1 of 3 dead letters were acted on.")
    assert f"{garbage} failed again" in why
    assert "no consumer has the name orders-nobody-hears" in why
    assert await left() == {garbage, stranger}
    assert len(await expired(order)) == 1


@pytest.mark.slow
async def test_an_unknown_id_is_5_and_nothing_is_done(resting: Platform) -> None:
    """A mistyped id beside a right one, and a right one that is another service's."""
    order = await overdue_order(resting)
    right = await letter("orders-expiration-complete", events.ExpirationComplete(order_id=order))
    wrong, env = uuid7(), only_databases(resting)
    status, said, why = await command("dead-letters", "replay", str(right), str(wrong), env=env)
    assert (status, said) == (5, "")
    assert why == f"There is no such dead letter: {wrong}\n"
    status, _, _ = await command("dead-letters", "replay", str(right), "--service", "tickets", env=env)
    assert status == 5
    assert await expired(order) == []
    assert await left() == {right}


@pytest.mark.slow
async def test_other_services_letters_are_left_alone(resting: Platform) -> None:
    """`--all --service tickets` does not touch those of orders."""
    letter_id = await letter("orders-nobody-hears", b"x")
    env = only_databases(resting)
    status, said, _ = await command("dead-letters", "replay", "--all", "--service", "tickets", env=env)
    assert (status, said) == (0, "0 of 0 dead letters were acted on.\n")
    assert await left() == {letter_id}


@pytest.mark.slow
async def test_unreachable_database_is_a_sentence() -> None:
    """Exit 1; no traceback, no password."""
    env = {"DATABASE_URL": "postgres://tix:hush-hush@127.0.0.1:1/tix"}
    status, _, why = await command("dead-letters", "list", env=env)
    assert status == 1
    assert "Is Tix running?" in why
    assert "Traceback" not in why
    assert "hush-hush" not in why
