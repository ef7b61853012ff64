"""Paying against the end of the hold: whoever wins, nobody pays for nothing and nothing is owned twice."""

import pytest

from tests.concurrency.paying import LANES, assert_fair, compete
from tests.concurrency.races import audit
from tests.platform import Platform


class TestCancelAgainstPay:
    """DELETE /api/orders/:id while the same order is being paid."""

    @pytest.mark.parametrize("count", LANES)
    async def test_p06_cancelled_is_cancelled_and_paid_is_paid(self, platform: Platform, count: int) -> None:
        """A 204 is never undone by the payment; a 409 means that the order is complete."""
        races = await compete(platform, count, "cancel")
        await audit(platform)
        assert_fair(races)
        told = {(race.end, race.order) for race in races}
        assert told == {("204", "cancelled"), ("409 order_not_cancellable", "complete")}


class TestExpireAgainstPay:
    """The hold ends while its order is being paid."""

    @pytest.mark.parametrize("count", LANES)
    async def test_p11_a_paid_order_is_never_expired(self, platform: Platform, count: int) -> None:
        """Paid and owned, or expired and nothing was taken; late money is taken only for a free ticket."""
        races = await compete(platform, count, "expire")
        await audit(platform)
        assert_fair(races)
        assert {race.order for race in races} <= {"complete", "expired", "rejected"}
