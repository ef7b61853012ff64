"""An order right after its ticket and a payment right after its order: news on its way is no excuse."""

import httpx
import pytest

from tests.concurrency.races import audit, batches, tally
from tests.platform import Platform

AT_ONCE = 20
"""With a hundred, one process on two cores takes 1 to 3 s to get round, and patience ends at 2."""


class TestRightAfter:
    """No pause between the steps, and twenty people at once."""

    @pytest.mark.parametrize(
        "count",
        [10, pytest.param(40, marks=pytest.mark.slow), pytest.param(100, marks=pytest.mark.exhaustive)],
    )
    async def test_p22_a_ticket_just_created_can_be_ordered(self, platform: Platform, count: int) -> None:
        """So many tickets, each reserved the moment it was answered: every one is held."""
        sellers = [platform.user() for _ in range(count)]

        async def list_and_reserve(number: int) -> httpx.Response:
            ticket = await sellers[number].list_ticket()
            return await platform.user().reserve(ticket["id"])

        answers = await batches(map(list_and_reserve, range(count)), AT_ONCE)
        assert tally(answers) == {"201": count}
        await platform.doctor()

    @pytest.mark.parametrize(
        "count",
        [8, pytest.param(40, marks=pytest.mark.slow), pytest.param(100, marks=pytest.mark.exhaustive)],
    )
    async def test_p22_an_order_just_made_can_be_paid(self, platform: Platform, count: int) -> None:
        """List, reserve and pay in one breath: every payment is taken and every order complete."""

        async def in_one_breath() -> httpx.Response:
            buyer = platform.user()
            ticket = await platform.user().list_ticket()
            order = await buyer.hold(ticket["id"])
            return await buyer.pay(order["id"])

        before = await platform.count("orders", "SELECT count(*) FROM orders WHERE status = 'complete'")
        answers = await batches((in_one_breath() for _ in range(count)), AT_ONCE)
        assert tally(answers) == {"201": count}
        assert (await audit(platform))["complete"] == before + count
