"""Two who bring the same listing up to date at the same moment: one makes it, the other finds it made."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from server.settings import Settings
from server.tickets import service, statements
from tests.concurrency.races import NO_ALARMS, verdict, without_index
from tests.platform import Platform, User, started

ONE_PER_SELLER = "one_external_id_per_seller"
LISTING = {"title": "Front row", "price": 4500}


@pytest.fixture
async def platform(empty: Settings) -> AsyncIterator[Platform]:
    """Each test's own, since one takes an index away."""
    async with started(empty, jobs=NO_ALARMS) as running:
        yield running


async def at_once(platform: Platform, seller: User, external_id: str, count: int = 8) -> Counter[str]:
    """The same upsert so often at the same moment; what was answered, and how many rows there are."""
    path = f"/api/tickets/by-external-id/{external_id}"
    answers = await asyncio.gather(*(seller.put(path, LISTING) for _ in range(count)))
    found = Counter(verdict(answer) for answer in answers)
    sql = "SELECT count(*) FROM tickets WHERE user_id = $1 AND external_id = $2"
    found["rows"] = await platform.count("tickets", sql, seller.id, external_id)
    found["changed"] = sum(answer.json().get("changed", False) for answer in answers)
    return found


class TestUpsert:
    """PUT /api/tickets/by-external-id/:externalId against itself."""

    @pytest.mark.parametrize(
        "races",
        [10, pytest.param(30, marks=pytest.mark.slow), pytest.param(100, marks=pytest.mark.exhaustive)],
    )
    async def test_one_makes_it_and_the_others_find_it(self, platform: Platform, races: int) -> None:
        """One 201, the rest 200 unchanged; one row, one event."""
        seller = platform.user()
        for race in range(races):
            found = await at_once(platform, seller, f"row-{race}")
            assert found == {"201": 1, "200": 7, "rows": 1, "changed": 1}
        told = "SELECT count(*) FROM outbox WHERE data->'ticket'->>'userId' = $1"
        assert await platform.count("tickets", told, str(seller.id)) == races

    async def test_without_the_index_there_are_two(
        self, empty: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Negative control: look first, then insert."""
        look_first = (
            "WHERE NOT EXISTS "
            "(SELECT FROM tickets o WHERE o.user_id = $1 AND o.external_id = g.external_id) RETURNING"
        )
        blind, replaced = re.subn(
            r"ORDER BY g\.number\s+ON CONFLICT.*?RETURNING", look_first, statements.UPSERT, flags=re.DOTALL
        )
        assert replaced == 1
        monkeypatch.setattr(statements, "UPSERT", blind)
        async with (
            without_index(empty, ONE_PER_SELLER, "tickets"),
            started(empty, jobs=NO_ALARMS) as platform,
        ):
            seller = platform.user()
            for race in range(50):
                if (await at_once(platform, seller, f"row-{race}"))["rows"] > 1:
                    return
        pytest.fail("eight at once never made two")


class TestBatch:
    """Two batches that name the same rows in opposite order."""

    async def test_neither_is_the_victim_of_a_deadlock(self, platform: Platform) -> None:
        """Both are answered; each row is made once."""
        answers = await self._crossed(platform)
        made = Counter(result["status"] for answer in answers for result in answer.json()["results"])
        assert made == {"created": 300, "unchanged": 300}

    @pytest.mark.slow
    async def test_unsorted_one_of_them_dies(
        self, platform: Platform, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Negative control: rows locked in the order in which they were sent."""
        monkeypatch.setattr(service, "sorted", lambda rows, **_: list(rows), raising=False)
        for _ in range(20):
            if {answer.status_code for answer in await self._crossed(platform)} != {200}:
                return
        pytest.fail("they never met")

    @staticmethod
    async def _crossed(platform: Platform) -> list[Any]:
        seller = platform.user()
        items = [{**LISTING, "externalId": f"row-{n:03}"} for n in range(300)]
        both = ({"items": items}, {"items": items[::-1]})
        return await asyncio.gather(*(seller.post("/api/tickets/batch", body) for body in both))
