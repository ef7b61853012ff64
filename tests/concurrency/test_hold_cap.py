"""A buyer has at most MAX_LIVE_HOLDS unpaid holds, however many requests arrive at once."""

import asyncio
from collections import Counter

import pytest

from server.orders import statements
from server.settings import Settings
from tests.concurrency.races import (
    MOST_ROUNDS,
    NO_ALARMS,
    ONE_PER_SLOT,
    known_to_orders,
    tally,
    without_index,
)
from tests.platform import Platform, started

TICKETS = 30


async def grab(platform: Platform) -> Counter[str]:
    """One buyer reserves thirty tickets at the same moment; as often as needed to fill the slots."""
    seller, buyer = platform.user(), platform.user()
    tickets = await asyncio.gather(*(seller.list_ticket() for _ in range(TICKETS)))
    for ticket in tickets:
        await known_to_orders(platform, ticket["id"])
    answers = await asyncio.gather(*(buyer.reserve(ticket["id"]) for ticket in tickets))
    told = tally(answers)
    held = await buyer.get("/api/orders?status=created&limit=100")
    assert len(held.json()["items"]) == told["201"]
    for answer in answers:
        assert answer.status_code == 201 or answer.headers["retry-after"]
    return told


class TestHoldCap:
    """Counting would race; slots and a unique index do not."""

    @pytest.mark.parametrize("_round", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, 5))])
    async def test_thirty_at_once_get_ten_at_most(self, empty: Settings, _round: int) -> None:
        """Ten are held at most, the rest are told too_many_holds; one given up makes room for one."""
        async with started(empty) as platform:
            told = await grab(platform)
            assert set(told) == {"201", "429 too_many_holds"}
            assert 1 <= told["201"] <= empty.max_live_holds
            await platform.doctor()

    async def test_one_given_up_makes_room_for_one(self, empty: Settings) -> None:
        """At the cap, the next is refused; after a cancel it is held, and the one after it refused."""
        async with started(empty) as platform:
            seller, buyer = platform.user(), platform.user()
            tickets = [(await seller.list_ticket())["id"] for _ in range(empty.max_live_holds + 2)]
            orders = [await buyer.hold(ticket) for ticket in tickets[:-2]]
            told = tally(await asyncio.gather(*(buyer.reserve(ticket) for ticket in tickets[-2:])))
            assert told == {"429 too_many_holds": 2}
            assert (await buyer.delete(f"/api/orders/{orders[3]['id']}")).status_code == 204
            told = tally(await asyncio.gather(*(buyer.reserve(ticket) for ticket in tickets[-2:])))
            assert told == {"201": 1, "429 too_many_holds": 1}

    async def test_without_the_index_there_are_more(
        self, empty: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Negative control: two requests that look at the same time see the same free slot."""
        slowly = statements.RESERVE.replace("FROM generate_series", "FROM pg_sleep(0.02), generate_series")
        assert slowly != statements.RESERVE
        monkeypatch.setattr(statements, "RESERVE", slowly)
        async with without_index(empty, ONE_PER_SLOT), started(empty, jobs=NO_ALARMS) as platform:
            for _ in range(MOST_ROUNDS):
                if (await grab(platform))["201"] > empty.max_live_holds:
                    return
        pytest.fail("nobody got more than he may")
