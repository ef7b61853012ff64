"""The purge: what has done its work goes, in small steps, and nobody waits for it."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest

from server import worker
from server.settings import Settings
from server.worker import PURGE, PURGE_ROWS, TABLES
from tests.platform import database
from tests.waiting import slowness

if TYPE_CHECKING:
    import asyncpg

BACKLOG = 60_000
# Table → its columns beside the moment, and a value of each for row n.
ROWS = {
    "outbox": ("id, type, data, request_id, occurred_at", "uuidv7(), 'x:y', '{}', n::text, now()"),
    "inbox": ("event_id", "uuidv7()"),
    "idempotency_keys": ("id, body_hash, answer", "n::text, 'h', '{}'"),
    "revocations": ("jti", "uuidv7()"),
    "stripe_events": ("id, type", "'evt_' || n, 't'"),
    "payment_ops": (
        "id, payment_id, kind, key, attempt, request_id, tries, due_at, created_at",
        "uuidv7(), uuidv7(), 'sync', uuidv7()::text, 1, '-', 1, now(), now() - interval '1 year'",
    ),
    "api_tokens": ("id, user_id, name, scopes, created_at", "uuidv7(), uuidv7(), 'ci', '[]', now()"),
}


@pytest.fixture
async def payments(empty: Settings) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """payments' schema, which has nearly every table that is purged."""
    async with database(empty, "payments") as session:
        yield session


async def store(
    session: "asyncpg.Connection[Any]", table: str, count: int, moment: str, first: int = 1
) -> None:
    """`count` rows of that moment."""
    columns, values = ROWS[table]
    await session.execute(
        f"INSERT INTO {table} ({columns}, {PURGE[table][0]}) SELECT {values}, {moment} "
        f"FROM generate_series({first}, {first + count - 1}) n"
    )


async def purge(service: str = "payments") -> None:
    """One turn."""
    await worker._purge(service, asyncio.Event())


@pytest.mark.parametrize("table", PURGE)
async def test_old_rows_go_and_others_stay(empty: Settings, table: str) -> None:
    """To the minute."""
    service = "payments" if table in TABLES["payments"] else "auth"
    age = PURGE[table][1]
    async with database(empty, service) as session:
        await store(session, table, 3, f"now() - interval '{age}' - interval '1 minute'")
        await store(session, table, 2, f"now() - interval '{age}' + interval '1 minute'", 4)
        await purge(service)
        assert await session.fetchval(f"SELECT count(*) FROM {table}") == 2


@pytest.mark.parametrize("table", ["outbox", "payment_ops"])
async def test_what_is_not_done_stays_for_ever(payments: "asyncpg.Connection[Any]", table: str) -> None:
    """An event that is not published, a call to Stripe whose outcome is unknown."""
    await store(payments, table, 3, "NULL")
    await purge()
    assert await payments.fetchval(f"SELECT count(*) FROM {table}") == 3


@pytest.mark.parametrize("service", TABLES)
async def test_every_moment_has_an_index(empty: Settings, service: str) -> None:
    """A purge that read whole tables would grow with them, past the statement timeout."""
    async with database(empty, service) as session:
        await session.execute("SET enable_seqscan = off")
        for table in TABLES[service]:
            moment, age = PURGE[table]
            plan = await session.fetch(
                f"EXPLAIN SELECT ctid FROM {table} WHERE {moment} < now() - interval '{age}' "
                f"ORDER BY {moment} LIMIT 5000 FOR UPDATE SKIP LOCKED"
            )
            assert "Index Scan" in str(plan), (table, plan)


async def test_a_backlog_goes_in_steps_and_writers_do_not_wait(
    payments: "asyncpg.Connection[Any]", settings: Settings
) -> None:
    """60,000 events and as many webhooks, while events are recorded and an old one is held by somebody."""
    for table in ("outbox", "stripe_events"):
        await store(payments, table, BACKLOG, "now() - interval '60 days'")
    waits: list[float] = []
    async with database(settings, "payments") as holder, database(settings, "payments") as writer:
        held = holder.transaction()
        await held.start()
        await holder.execute("SELECT 1 FROM outbox LIMIT 1 FOR UPDATE")
        began = time.monotonic()
        purging = asyncio.create_task(purge())
        while not purging.done():
            start = time.monotonic()
            await store(writer, "outbox", 1, "NULL", BACKLOG + len(waits) + 1)
            waits.append(time.monotonic() - start)
        await purging
        took = time.monotonic() - began
        await held.rollback()
    slow = slowness()
    assert took < 20 * slow
    assert len(waits) > BACKLOG / PURGE_ROWS
    assert max(waits) < slow
    assert await payments.fetchval("SELECT count(*) FROM stripe_events") == 0
    assert await payments.fetchval("SELECT count(*) FROM outbox WHERE published_at IS NOT NULL") == 1
    assert await payments.fetchval("SELECT count(*) FROM outbox") == 1 + len(waits)
