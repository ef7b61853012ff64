"""One order, two tabs: a card in one, a hosted page in the other. One of them pays, once."""

import asyncio
import random
from functools import partial

import pytest

from server.app import gateway_of
from server.payments import till
from server.payments.models import Payment, PaymentStatus
from server.settings import Settings
from tests.concurrency.gateways import TappedGateway
from tests.concurrency.races import NO_ALARMS, audit, rounds, turns, verdict, without_index
from tests.concurrency.test_two_tabs import AT_ONCE, authorisations
from tests.dashboard import Dashboard, dashboard
from tests.platform import Platform, User, started
from tests.problems import assert_problem
from tests.waiting import until

FURTHEST = 60
"""Turns of the loop that one tab may be ahead of the other: about half a request."""


async def card(buyer: User, order_id: str, ahead: int) -> str:
    """Pay by card, and ask again until there is an answer: the payment's status, or why not."""
    await turns(ahead)

    async def answered() -> str:
        answer = await buyer.pay(order_id, headers={"Idempotency-Key": f"card-{order_id}"})
        told = str(answer.json()["status"]) if answer.is_success else verdict(answer)
        return "" if answer.status_code == 503 or told == "409 idempotency_in_flight" else told

    return await until(answered, "the card is answered", 30)


async def page(buyer: User, order_id: str, stripe: Dashboard, ahead: int) -> str:
    """Open the page and pay on it at once: what the page said, or the status of what there was already."""
    await turns(ahead)

    async def opened() -> str:
        answer = await buyer.open_page(order_id, headers={"Idempotency-Key": f"page-{order_id}"})
        if answer.status_code in {409, 503}:
            return ""
        payment = answer.json()
        return payment["checkoutUrl"] or str(payment["status"])

    url = await until(opened, "the page is answered", 30)
    return str((await stripe.pay_page(url)).status_code) if url.startswith("http") else url


async def race(platform: Platform, stripe: Dashboard, number: int) -> tuple[str, str]:
    """Both tabs at once; what each was told."""
    rng = random.Random(number)  # noqa: S311 - a repeatable race, no secret
    buyer = platform.user()
    order = await buyer.hold((await platform.user().list_ticket())["id"])
    known = "SELECT count(*) FROM orders WHERE id = $1"
    await until(lambda: platform.count("payments", known, order["id"]), "payments knows the order")
    offset = rng.randint(-FURTHEST, FURTHEST)
    answers = await asyncio.gather(
        card(buyer, order["id"], max(0, -offset)), page(buyer, order["id"], stripe, max(0, offset))
    )
    await buyer.order_in(order["id"], "complete", timeout=20)
    return answers[0], answers[1]


@pytest.mark.parametrize(
    "count", [4, pytest.param(40, marks=pytest.mark.slow), pytest.param(120, marks=pytest.mark.exhaustive)]
)
async def test_one_of_the_two_is_charged(empty: Settings, count: int) -> None:
    """Whichever came last and was not too late; the other one's intent or page is closed."""
    async with started(empty, jobs=NO_ALARMS) as platform, dashboard(empty) as stripe:
        outcomes = await rounds(
            partial(race, platform, stripe), count, AT_ONCE, until_seen=lambda seen: len(seen) > 1
        )
        assert await audit(platform) == {"complete": outcomes.total()}
        assert await authorisations(platform) == [1] * outcomes.total()
    assert len(outcomes) > 1, f"always in the same order: {outcomes}"


async def test_without_closing_the_first_both_are_charged(
    empty: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: the payment begun before is written off here, and Stripe is not told."""

    async def write_off(payment: Payment, _: till.Runner) -> None:
        await Payment.filter(id=payment.id).update(status=PaymentStatus.VOIDED)

    monkeypatch.setattr(till, "_close", write_off)
    async with (
        without_index(empty, "one_live_payment_per_order", "payments"),
        started(empty, jobs=NO_ALARMS) as platform,
        dashboard(empty) as stripe,
    ):
        for _ in range(20):
            buyer = platform.user()
            order = await buyer.hold((await platform.user().list_ticket())["id"])
            url = (await buyer.open_page(order["id"])).json()["checkoutUrl"]
            await asyncio.gather(buyer.pay(order["id"]), stripe.pay_page(url))
            if max(await authorisations(platform), default=0) > 1:
                return
        raise AssertionError("never charged twice in 20 races")


async def test_a_page_waits_for_the_card_that_is_being_tried(empty: Settings) -> None:
    """Else it would cancel what the bank has just reserved, and the order would be rejected."""
    asked, may_go = asyncio.Event(), asyncio.Event()

    async def gate(call: str) -> None:
        if call == "confirm":
            asked.set()
            await may_go.wait()

    gateway = TappedGateway(gateway_of(empty), gate)
    async with started(empty, jobs=NO_ALARMS, gateway=gateway) as platform:
        buyer = platform.user()
        order = await buyer.hold((await platform.user().list_ticket())["id"])
        card = asyncio.create_task(buyer.pay(order["id"]))
        await asked.wait()
        assert_problem(await buyer.open_page(order["id"]), 503, "payments_unavailable")
        may_go.set()
        paid = (await card).json()
        answer = await buyer.open_page(order["id"])
        assert (answer.status_code, answer.json()["id"]) == (200, paid["id"])
        await buyer.order_in(order["id"], "complete")
    await gateway.close()
