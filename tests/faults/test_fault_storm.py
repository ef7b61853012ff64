"""Two hundred bookings while Stripe fails in every way the sandbox knows: at the end everything is true."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from server.payments import ops, service
from server.payments.stripe_gateway import StripeGateway
from server.settings import Settings
from tests.concurrency.races import audit, batches
from tests.dashboard import Dashboard, dashboard
from tests.faults.bookings import PLANS, Buyer, decide, paid_twice, undecided
from tests.platform import Platform, started
from tests.waiting import until

BOOKINGS = 200
AT_ONCE = 24
SEED = 20261124
CALLS: dict[str, dict[str, Any]] = {
    "error_before": {"status": 500},
    "error_after": {"status": 503},
    "rate_limit": {"seconds": 1},
    "timeout": {"seconds": 1.5},
    "drop_before": {},
    "drop_after": {},
    "latency": {"seconds": 0.3},
}
WEBHOOKS: dict[str, dict[str, Any]] = {
    "webhook_duplicate": {},
    "webhook_delay": {"seconds": 2},
    # A dispute is told by webhooks alone: Stripe repeats them for days, and the sandbox would not.
    "webhook_drop": {"event": "payment_intent."},
}


async def storm(stripe: Dashboard) -> None:
    """Three calls in a hundred go wrong in each way, and one webhook in five."""
    for number, (fault, more) in enumerate(CALLS.items()):
        await stripe.fault(fault, count=None, share=0.03, seed=SEED + number, **more)
    for number, (fault, more) in enumerate(WEBHOOKS.items()):
        await stripe.fault(fault, count=None, share=0.2, seed=SEED - number, **more)
    await stripe.fault("webhook_reorder", count=100, share=0.2, seed=SEED, seconds=0.02)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_everything_goes_wrong_and_comes_right(
    empty: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Doctor is clean, Stripe's books agree, nothing is dead, and nobody was told what was not so."""
    monkeypatch.setattr(service, "QUIET", timedelta(seconds=5))
    monkeypatch.setattr(service, "RETURNING_QUIET", timedelta(seconds=5))
    monkeypatch.setattr(ops, "SLOWEST_RETRY_SECONDS", 2)
    gateway = StripeGateway(
        key=empty.stripe_key or "",
        webhook_secret=empty.stripe_webhook_secret or "",
        base=empty.stripe_api_base,
        timeout=1,
    )
    short = empty.model_copy(update={"hold_seconds": 12})
    async with dashboard(empty) as stripe, started(short, gateway=gateway) as platform:
        buyers = [Buyer(platform, stripe, PLANS[n % len(PLANS)], n) for n in range(BOOKINGS)]
        await storm(stripe)
        try:
            bookings = await batches((buyer.book() for buyer in buyers), AT_ONCE)
        finally:
            happened = await stripe.no_faults()
        assert happened.keys() >= CALLS.keys() | WEBHOOKS.keys()
        assert min(happened.values()) > 0, happened
        await come_to_rest(platform, stripe, buyers)
        assert await paid_twice(platform) == []
        ends = await audit(platform, timeout=40)
        assert [lie for buyer in buyers for lie in (await buyer.end()).lies()] == []
    await gateway.close()
    assert {"complete", "cancelled", "expired", "rejected", "refunded", "charged_back"} <= ends.keys(), ends
    answers = Counter(booking.paid for booking in bookings)
    assert len(answers) > 3, answers


async def come_to_rest(platform: Platform, stripe: Dashboard, buyers: list[Buyer]) -> None:
    """The banks decide, holds end, and what is owed is paid."""

    async def at_rest() -> bool:
        for buyer in buyers:
            if buyer.booking.plan.startswith("dispute"):
                await decide(stripe, buyer.booking)
        return await undecided(platform) == 0

    await until(at_rest, "everything came to an end", 60)
