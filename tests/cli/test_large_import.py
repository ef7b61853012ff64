"""Ten thousand rows: quick, in flat memory, killed half-way without a duplicate; and the example script."""

import asyncio
import json
import os
import sys
import time
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from tests.cli.terminal import ROOT
from tests.platform import Platform, User
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.alone]

ROWS = 10_000
MEGABYTES = 1 << 20
MEASURED = """
import os, sys, threading
from cli.main import main

most, ended = 0, threading.Event()

def watch():
    global most
    while not ended.wait(0.01):
        with open("/proc/self/statm") as pages:
            most = max(most, int(pages.read().split()[1]) * os.sysconf("SC_PAGESIZE"))

threading.Thread(target=watch).start()
code = main(["tickets", "import", *sys.argv[1:], "--json"])
ended.set()
print(most, file=sys.stderr)
sys.exit(code)
"""
"""`tix tickets import`, which ends by saying how many bytes of memory it had at most."""


@pytest.fixture
async def seller(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> User:
    """Somebody new, whose token is in the environment."""
    credentials = {"email": f"{uuid4()}@example.com", "password": "pass word 1"}
    session = (await platform.http.post("/api/users/signup", json=credentials)).json()
    monkeypatch.setenv("TIX_API_URL", platform.api_url)
    monkeypatch.setenv("TIX_TOKEN", session["token"])
    headers = {"Authorization": f"Bearer {session['token']}"}
    return User(UUID(session["user"]["id"]), platform.http, headers)


def seats(path: Path, count: int) -> str:
    """A file of so many listings; returns its name."""
    with path.open("w") as file:
        for n in range(count):
            row = {
                "externalId": f"{path.stem}-{n}",
                "title": f"Seat {n}",
                "price": 100 + n,
                "venue": "Hall A",
            }
            file.write(json.dumps(row) + "\n")
    return str(path)


async def importing(file: str) -> Process:
    """An import under way."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", MEASURED, file, "--timeout", "60"), cwd=ROOT, stdout=PIPE, stderr=PIPE
    )


async def imported(file: str) -> tuple[dict[str, int], int]:
    """What an import came to, and how much memory it took."""
    process = await importing(file)
    out, err = await asyncio.wait_for(process.communicate(), 110)
    assert process.returncode == 0, err
    document = json.loads(out)
    return {name: document[name] for name in ("created", "updated", "unchanged", "failed")}, int(err)


async def count(platform: Platform, seller: User) -> int:
    """The seller's listings, each externalId once."""
    sql = "SELECT count(*) AS rows, count(DISTINCT external_id) AS ids FROM tickets WHERE user_id = $1"
    async with platform.database("tickets") as session:
        [found] = await session.fetch(sql, seller.id)
    assert found["rows"] == found["ids"], "a row is there twice"
    return int(found["rows"])


async def test_c09_ten_thousand_rows_are_quick_and_memory_is_flat(
    platform: Platform, seller: User, tmp_path: Path
) -> None:
    """A row takes a fifth of a single POST at most; ten times the rows take the memory of one tenth."""
    singles, began = 200, time.monotonic()
    for n in range(singles):
        await seller.list_ticket(externalId=f"single-{n}")
    single = (time.monotonic() - began) / singles
    told, little = await imported(seats(tmp_path / "little.ndjson", ROWS // 10))
    assert told["created"] == ROWS // 10
    began = time.monotonic()
    told, much = await imported(seats(tmp_path / "much.ndjson", ROWS))
    assert told["created"] == ROWS
    assert (time.monotonic() - began) / ROWS < single / 5
    assert much - little < 10 * MEGABYTES, f"{little} for {ROWS // 10} rows, {much} for {ROWS}"


async def test_c08_c10_killed_half_way_and_run_again_there_is_no_duplicate(
    platform: Platform, seller: User, tmp_path: Path
) -> None:
    """kill -9 in the middle; the second run brings the rest, a third says 0 changed."""
    file = seats(tmp_path / "seats.ndjson", ROWS)
    process = await importing(file)

    async def under_way() -> bool:
        return await count(platform, seller) > 0

    await until(under_way, "the first batch is listed", 60)
    process.kill()
    await process.communicate()
    half = await count(platform, seller)
    assert 0 < half < ROWS, "it was killed in the middle"
    told, _ = await imported(file)
    # What the killed one had sent may have been listed after we looked.
    assert told["created"] + told["unchanged"] == ROWS
    assert 0 < told["created"] <= ROWS - half
    assert await count(platform, seller) == ROWS
    outbox = "SELECT count(*) FROM outbox WHERE data->'ticket'->>'userId' = $1"
    assert await platform.count("tickets", outbox, str(seller.id)) == ROWS
    again, _ = await imported(file)
    assert again == {"created": 0, "updated": 0, "unchanged": ROWS, "failed": 0}
    assert await platform.count("tickets", outbox, str(seller.id)) == ROWS


async def test_the_example_lists_a_house_and_reprices_it(platform: Platform, seller: User) -> None:
    """As it is in the documentation: a thousand seats, repriced, and then left alone."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "docs/examples/relist.py"),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=PIPE,
        stderr=PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 110)
    assert (process.returncode, err) == (0, b"")
    assert out.decode().splitlines() == [
        "from 99.00 USD: 1000 created",
        "from 79.00 USD: 1000 updated",
        "from 79.00 USD: 1000 unchanged",
    ]
    assert await count(platform, seller) == 1000
    sql = "SELECT sum(price) FROM tickets WHERE user_id = $1"
    assert await platform.count("tickets", sql, seller.id) == sum(50 * (7900 - 100 * n) for n in range(20))
