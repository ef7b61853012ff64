"""Two hundred buyers, one ticket, one winner; test_one_ticket_guards.py takes away what makes it so."""

import asyncio

import pytest

from tests.concurrency.races import ONE_WINNER, TWO_HUNDRED, race_for_one_ticket, storm, tally
from tests.platform import Platform


class TestOneProcess:
    """All buyers meet in one process and its pool."""

    @pytest.mark.parametrize("_round", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, 6))])
    async def test_one_of_two_hundred_wins(self, platform: Platform, _round: int) -> None:
        """One 201, and 199 that are told the ticket is reserved."""
        assert (
            await race_for_one_ticket(platform, [platform.user() for _ in range(TWO_HUNDRED)]) == ONE_WINNER
        )
        await platform.doctor()

    @pytest.mark.slow
    async def test_ten_tickets_at_once_have_ten_winners(self, platform: Platform) -> None:
        """The races do not disturb each other: twenty buyers each on ten tickets."""
        seller = platform.user()
        tickets = [await seller.list_ticket() for _ in range(10)]
        buyers = [platform.user() for _ in range(20)]
        answers = await asyncio.gather(*(storm(buyers, ticket["id"]) for ticket in tickets))
        for told in answers:
            assert tally(told) == {"201": 1, "409 ticket_reserved": 19}
        await platform.doctor()
