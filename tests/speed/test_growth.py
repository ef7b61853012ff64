"""A page costs with 20,000 tickets on sale what it does with 1,000: what PostgreSQL reads is counted."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from bench.seed import COMMON, NONE, RARE, SOME
from server.kit.cursors import encode_cursor
from server.settings import Settings
from server.worker import Jobs
from tests.platform import Platform, started, wipe
from tests.speed.conftest import seed
from tests.speed.statements import counted

FEW, MANY = 1_000, 20_000
SPARE = 60
"""Buffers that are not of the page: the upper levels of indexes, and the list of words not yet in theirs."""
PAGES = {
    "first": "",
    "deep": "?cursor={deep}",
    "by price": "?sort=price&cursor={price}",
    "by date": "?sort=startsAt",
    "a price": "?minPrice=5000&maxPrice=5001",
    "withdrawn": "?status=withdrawn",
    "search one": f"?q={RARE}",
    "search some": f"?q={SOME}",
    "search half": f"?q={COMMON}",
    "search none": f"?q={NONE}",
    "search two letters": "?q=zz",
}


async def read(platform: Platform) -> dict[str, int]:
    """Buffers that each page touches."""
    cursors = {
        "deep": await middle(platform, "-createdAt", "created_at DESC, id DESC", "created_at"),
        "price": await middle(platform, "price", "price, id", "price"),
    }
    return {name: await buffers(platform, path.format(**cursors)) for name, path in PAGES.items()}


async def middle(platform: Platform, sort: str, order: str, key: str) -> str:
    """A cursor from the middle of the list."""
    async with platform.database("tickets") as session:
        row = await session.fetchrow(
            f"SELECT {key}::text AS key, id FROM tickets ORDER BY {order} "
            "OFFSET (SELECT count(*) / 2 FROM tickets) LIMIT 1"
        )
    assert row is not None
    return encode_cursor(sort, row["key"], row["id"])


async def buffers(platform: Platform, path: str) -> int:
    """What the statements of this page touch, in buffers."""
    with counted() as seen:
        answer = await platform.http.get(f"/api/tickets{path}", headers=seen.headers)
    assert answer.status_code == 200, answer.text
    return sum([await touched(platform, sql, values) for sql, values in seen.ran])


async def touched(platform: Platform, sql: str, values: Sequence[Any]) -> int:
    """Buffers of one statement."""
    async with platform.database("tickets") as session:
        told = await session.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", *values)
    plan = json.loads(told)[0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


@pytest.mark.slow
async def test_no_page_reads_more_where_there_are_more(empty: Settings) -> None:
    """Not even a search, and not even for what is not there."""
    await wipe(empty)
    async with started(
        empty, jobs=Jobs(sweeper=False, alarms=False, relays=False, payments=False)
    ) as platform:
        await seed(platform, 1, FEW)
        few = await read(platform)
        await seed(platform, FEW + 1, MANY)
        many = await read(platform)
    grown = {name: (few[name], many[name]) for name in PAGES if many[name] > 3 * few[name] + SPARE}
    assert grown == {}
