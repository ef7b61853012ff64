"""One order, two tabs, two cards, two keys: one intent, one authorisation, one charge."""

import asyncio
import random
from collections import Counter
from functools import partial

import pytest

from server.payments.models import Order
from server.settings import Settings
from tests.concurrency.races import (
    MOST_ROUNDS,
    NO_ALARMS,
    audit,
    batches,
    fetch,
    rounds,
    turns,
    verdict,
    without_index,
)
from tests.dashboard import dashboard
from tests.platform import Platform, User, started
from tests.waiting import until

CARDS = [
    ("pm_card_visa", "pm_card_mastercard"),
    ("pm_card_chargeDeclined", "pm_card_visa"),
    ("pm_card_visa", "pm_card_chargeDeclinedInsufficientFunds"),
]
PAID = {"authorized", "capturing", "captured"}
FURTHEST = 60
"""Turns of the loop that one tab may be ahead of the other: about half a request."""
AT_ONCE = 6


async def tab(buyer: User, order_id: str, method: str, ahead: int) -> str:
    """Pay, and ask again with the same key until there is an answer: it, or the payment's status."""
    await turns(ahead)
    headers = {"Idempotency-Key": f"{order_id}-{method}"}

    async def answered() -> str:
        answer = await buyer.pay(order_id, method, headers=headers)
        if answer.is_success:
            return "paid" if answer.json()["status"] in PAID else str(answer.json()["status"])
        told = verdict(answer)
        return "" if answer.status_code == 503 or told == "409 idempotency_in_flight" else told

    return await until(answered, f"{method} is answered", 30)


async def race(platform: Platform, number: int) -> tuple[str, ...]:
    """Both tabs pay; what each was told."""
    rng = random.Random(number)  # noqa: S311 - a repeatable race, no secret
    cards = CARDS[number % len(CARDS)]
    buyer = platform.user()
    order = await buyer.hold((await platform.user().list_ticket())["id"])
    known = "SELECT count(*) FROM orders WHERE id = $1"
    await until(lambda: platform.count("payments", known, order["id"]), "payments knows the order")
    offset = rng.randint(-FURTHEST, FURTHEST)
    told = await asyncio.gather(
        tab(buyer, order["id"], cards[0], max(0, -offset)), tab(buyer, order["id"], cards[1], max(0, offset))
    )
    if "paid" not in told:  # the newest card counts, and it was a bad one
        assert (await tab(buyer, order["id"], "pm_card_amex", 0)) == "paid"
    await buyer.order_in(order["id"], "complete", timeout=20)
    return tuple(
        f"{'bad' if 'Declined' in card else 'good'}: {answer}"
        for card, answer in zip(cards, told, strict=True)
    )


def in_both_orders(outcomes: Counter[tuple[str, ...]]) -> bool:
    """Whether the same two cards were answered in more than one way."""
    return len(outcomes) > len(CARDS)


@pytest.mark.parametrize(
    "count", [4, pytest.param(50, marks=pytest.mark.slow), pytest.param(150, marks=pytest.mark.exhaustive)]
)
async def test_one_intent_and_one_charge(empty: Settings, count: int) -> None:
    """The good card pays, whatever the other tab does; a bad one is told so, or that it is paid already."""
    async with started(empty, jobs=NO_ALARMS) as platform:
        outcomes = await rounds(partial(race, platform), count, AT_ONCE, until_seen=in_both_orders)
        assert await audit(platform) == {"complete": outcomes.total()}
        assert await authorisations(platform) == [1] * outcomes.total()
    # `open`: the other tab was quicker to name the next card, so that this one was never tried.
    assert {answer for outcome in outcomes for answer in outcome} <= {
        *("good: paid", "good: open", "bad: 402 card_declined", "bad: paid", "bad: open")
    }
    assert in_both_orders(outcomes), outcomes


@pytest.mark.slow
async def test_without_lock_and_index_an_order_is_authorised_twice(
    empty: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: neither tab waits for the other, and nothing says that a payment is the only one."""
    monkeypatch.setattr(Order, "select_for_update", Order.all)
    async with (
        without_index(empty, "one_live_payment_per_order", "payments"),
        started(empty, jobs=NO_ALARMS) as platform,
    ):
        for first in range(0, 6 * MOST_ROUNDS, 6):
            both_good = (race(platform, len(CARDS) * number) for number in range(first, first + 6))
            await batches(both_good, AT_ONCE)
            if max(await authorisations(platform)) > 1:
                return
    pytest.fail("each order was authorised once, in every race")


async def authorisations(platform: Platform) -> list[int]:
    """How many charges a bank approved, for each order that was paid."""
    orders = {str(row["id"]) for row in await fetch(platform, "payments", "SELECT id FROM orders")}
    approved: Counter[str] = Counter()
    async with dashboard(platform.settings) as stripe:
        for intent in await stripe.intents(orders):
            charge = (await stripe.picture(intent["id"]))["charge"]
            if charge is not None and charge["status"] != "failed":
                approved[intent["metadata"]["orderId"]] += 1
    return sorted(approved.values())
