"""Paying on a hosted page: what it says, who pays on it, what closes it, and what Stripe forgets to tell."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from server.app import gateway_of
from server.kit.db import transaction
from server.payments import audit, ops, service
from server.settings import Settings
from tests.concurrency.races import expire_now, fetch
from tests.dashboard import DECLINED_CARD, SECURE_CARD, Dashboard, dashboard
from tests.payments.test_api import FIELDS, held
from tests.payments.test_webhooks import payment_of, told
from tests.platform import Platform, User
from tests.problems import assert_problem
from tests.waiting import until

ENDINGS = [
    ("cancelled", True),
    ("expired", False),
    pytest.param("cancelled", False, marks=pytest.mark.slow),
    pytest.param("expired", True, marks=pytest.mark.slow),
]
"""How the order ends, and whether a card was tried on the page."""
CHECKOUT = "SELECT checkout_id FROM payments WHERE id = $1"


@pytest.fixture
async def stripe(settings: Settings) -> AsyncIterator[Dashboard]:
    """The dashboard; at the end nothing goes wrong any more."""
    async with dashboard(settings) as opened:
        yield opened
        await opened.no_faults()


async def opened(platform: Platform) -> tuple[User, dict[str, Any], dict[str, Any]]:
    """A buyer, a hold, and its payment with a hosted page."""
    buyer, order = await held(platform)
    answer = await buyer.open_page(order["id"])
    assert answer.status_code == 201, answer.text
    return buyer, order, answer.json()


async def payment_in(buyer: User, order: dict[str, Any], status: str) -> dict[str, Any]:
    """The order's newest payment, once it is there."""
    seen: dict[str, Any] = {}

    async def there() -> bool:
        seen.update(await payment_of(buyer, order))
        return bool(seen["status"] == status)

    await until(there, f"the payment is {status}")
    return seen


async def is_closed(stripe: Dashboard, payment: dict[str, Any]) -> bool:
    """Whether nobody can pay on its page."""
    return (await stripe.http.get(payment["checkoutUrl"])).status_code == 404


class TestPage:
    """POST /api/payments with `mode: checkout`."""

    async def test_is_a_page_and_no_intent_yet(self, platform: Platform, stripe: Dashboard) -> None:
        """Asked for again it is the same one; it says the order's price."""
        buyer, order, payment = await opened(platform)
        assert payment.keys() == FIELDS
        assert (payment["mode"], payment["status"], payment["amount"]) == ("checkout", "open", 4500)
        assert (payment["stripeId"], payment["clientSecret"], payment["nextAction"]) == (None, None, None)
        again = await buyer.open_page(order["id"])
        assert (again.status_code, again.json()) == (200, payment)
        assert "45.00 USD" in (await stripe.http.get(payment["checkoutUrl"])).text

    async def test_is_paid_on(self, platform: Platform, stripe: Dashboard) -> None:
        """Authorised there, captured once orders has said yes; the buyer comes back to the order."""
        buyer, order, payment = await opened(platform)
        paid = await stripe.pay_page(payment["checkoutUrl"])
        assert paid.status_code == 303
        assert paid.headers["location"].endswith(f"/orders/{order['id']}?came=paid")
        await buyer.order_in(order["id"], "complete")
        after = await payment_of(buyer, order)
        assert (after["id"], after["amountCaptured"], after["checkoutUrl"]) == (payment["id"], 4500, None)
        assert (await stripe.money(after["stripeId"])).captured == 4500
        assert await told(platform, order) == ["payment:authorized", "payment:created"]
        answer = await buyer.open_page(order["id"])
        assert (answer.status_code, answer.json()["id"]) == (200, payment["id"])

    async def test_takes_another_card_after_a_decline(self, platform: Platform, stripe: Dashboard) -> None:
        """The payment says why, and stays the same one."""
        buyer, order, payment = await opened(platform)
        assert (await stripe.pay_page(payment["checkoutUrl"], DECLINED_CARD)).status_code == 402

        async def heard() -> bool:
            return bool((await payment_of(buyer, order))["declineCode"] == "insufficient_funds")

        await until(heard, "the decline is known")
        assert (await buyer.open_page(order["id"])).json()["checkoutUrl"] == payment["checkoutUrl"]
        assert (await stripe.pay_page(payment["checkoutUrl"])).status_code == 303
        await buyer.order_in(order["id"], "complete")
        assert (await payment_of(buyer, order))["id"] == payment["id"]

    async def test_leads_to_the_bank_and_back(self, platform: Platform, stripe: Dashboard) -> None:
        """3-D Secure: first not passed, then passed."""
        buyer, order, payment = await opened(platform)
        for outcome, status in (("fail", "open"), ("complete", "captured")):
            asked = await stripe.pay_page(payment["checkoutUrl"], SECURE_CARD)
            await payment_in(buyer, order, "requires_action")
            await stripe.http.post(asked.headers["location"], data={"outcome": outcome})
            await payment_in(buyer, order, status)
        await buyer.order_in(order["id"], "complete")

    async def test_asks_for_the_card_itself(self, platform: Platform) -> None:
        """422; nothing is opened."""
        buyer, order = await held(platform)
        body = {"orderId": order["id"], "mode": "checkout", "paymentMethod": "pm_card_visa"}
        assert_problem(await buyer.post("/api/payments", body), 422, "invalid", field="mode")
        assert (await buyer.get(f"/api/payments?orderId={order['id']}")).json()["items"] == []

    async def test_same_key_same_page(self, platform: Platform) -> None:
        """A lost answer can be asked for again, whatever became of the payment since."""
        buyer, order = await held(platform)
        key = {"Idempotency-Key": "page"}
        first, again = [await buyer.open_page(order["id"], headers=key) for _ in range(2)]
        assert (first.status_code, again.status_code) == (201, 201)
        assert again.json() == first.json()
        assert (await buyer.pay(order["id"], None)).status_code == 201
        late = (await buyer.open_page(order["id"], headers=key)).json()
        assert (late["id"], late["status"]) == (first.json()["id"], "voided")


class TestOtherMode:
    """One payment ends before the next begins."""

    async def test_a_page_takes_the_place_of_an_intent(self, platform: Platform, stripe: Dashboard) -> None:
        """Also of one whose buyer is at the bank."""
        buyer, order = await held(platform)
        before = (await buyer.pay(order["id"], "pm_card_authenticationRequired")).json()
        page = await buyer.open_page(order["id"])
        assert page.status_code == 201
        assert (await stripe.picture(before["stripeId"]))["payment_intent"]["status"] == "canceled"
        shown = (await buyer.get(f"/api/payments/{before['id']}")).json()
        assert (shown["status"], shown["nextAction"]) == ("voided", None)
        await stripe.pay_page(page.json()["checkoutUrl"])
        await buyer.order_in(order["id"], "complete")
        await platform.doctor()

    async def test_an_intent_takes_the_place_of_a_page(self, platform: Platform, stripe: Dashboard) -> None:
        """Also of one on which a card was declined, whose intent ends with it."""
        buyer, order, before = await opened(platform)
        await stripe.pay_page(before["checkoutUrl"], DECLINED_CARD)
        answer = await buyer.pay(order["id"])
        assert answer.status_code == 201
        assert await is_closed(stripe, before)
        shown = (await buyer.get(f"/api/payments/{before['id']}")).json()
        assert (shown["status"], shown["checkoutUrl"]) == ("voided", None)
        assert (await stripe.picture(shown["stripeId"]))["payment_intent"]["status"] == "canceled"
        await buyer.order_in(order["id"], "complete")
        await platform.doctor()

    async def test_what_was_paid_is_the_answer(self, platform: Platform, stripe: Dashboard) -> None:
        """Nobody had heard of it yet."""
        await stripe.fault("webhook_drop", count=None)
        buyer, order, payment = await opened(platform)
        await stripe.pay_page(payment["checkoutUrl"])
        answer = await buyer.pay(order["id"], "pm_card_mastercard")
        assert (answer.status_code, answer.json()["id"]) == (200, payment["id"])
        await buyer.order_in(order["id"], "complete")
        assert (await payment_of(buyer, order))["id"] == payment["id"]


class TestEnd:
    """A page that may not be paid on any more."""

    @pytest.mark.parametrize(("ending", "begun"), ENDINGS)
    async def test_closes_with_the_hold(
        self, platform: Platform, stripe: Dashboard, ending: str, *, begun: bool
    ) -> None:
        """Whether or not a card was tried on it: nobody pays for nothing."""
        buyer, order, payment = await opened(platform)
        if begun:
            await stripe.pay_page(payment["checkoutUrl"], DECLINED_CARD)
        if ending == "cancelled":
            await buyer.delete(f"/api/orders/{order['id']}")
        else:
            await expire_now(platform, order["id"])
        after = await payment_in(buyer, order, "voided")
        assert (after["checkoutUrl"], after["stripeId"] is None) == (None, not begun)
        assert (await stripe.pay_page(payment["checkoutUrl"])).status_code == 404
        assert_problem(await buyer.open_page(order["id"]), 409, "order_not_payable")
        await platform.doctor()

    async def test_paid_while_its_order_was_cancelled(self, platform: Platform, stripe: Dashboard) -> None:
        """Nobody had heard of it: what the bank reserved is let go of."""
        await stripe.fault("webhook_drop", count=None)
        buyer, order, payment = await opened(platform)
        await stripe.pay_page(payment["checkoutUrl"])
        await buyer.delete(f"/api/orders/{order['id']}")
        after = await payment_in(buyer, order, "voided")
        assert (await stripe.picture(after["stripeId"]))["payment_intent"]["status"] == "canceled"
        await platform.doctor()

    async def test_paid_while_its_hold_ran_out(self, platform: Platform, stripe: Dashboard) -> None:
        """The ticket is free still, so it is the buyer's."""
        await stripe.fault("webhook_drop", count=None)
        buyer, order, payment = await opened(platform)
        await stripe.pay_page(payment["checkoutUrl"])
        await expire_now(platform, order["id"])
        await buyer.order_in(order["id"], "complete")

    async def test_closed_by_stripe_is_followed_by_a_new_one(
        self, platform: Platform, stripe: Dashboard
    ) -> None:
        """As long as the hold lasts."""
        buyer, order, payment = await opened(platform)
        [row] = await fetch(platform, "payments", CHECKOUT, payment["id"])
        await stripe.close_page(row["checkout_id"])
        await payment_in(buyer, order, "voided")
        answer = await buyer.open_page(order["id"])
        assert (answer.status_code, answer.json()["status"]) == (201, "open")
        assert answer.json()["id"] != payment["id"]


class TestUntold:
    """Stripe's bell does not ring."""

    async def test_the_reconciler_finds_what_was_paid(
        self, platform: Platform, stripe: Dashboard, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It looks at the page, and so learns of the intent."""
        await stripe.fault("webhook_drop", count=None)
        buyer, order, payment = await opened(platform)
        await stripe.pay_page(payment["checkoutUrl"])
        assert (await payment_of(buyer, order))["stripeId"] is None
        monkeypatch.setattr(service, "QUIET", timedelta(0))
        await service.reconcile()
        await buyer.order_in(order["id"], "complete")

    async def test_the_audit_has_it_looked_at_and_not_let_go_of(
        self, platform: Platform, stripe: Dashboard, settings: Settings
    ) -> None:
        """Money on an intent that no payment has: its page's."""
        await stripe.fault("webhook_drop", count=None)
        buyer, order, payment = await opened(platform)
        await stripe.pay_page(payment["checkoutUrl"])
        gateway = gateway_of(settings)
        found = await audit.differences(gateway, settling=timedelta(0))
        await gateway.close()
        [mine] = [difference for difference in found if str(difference.order_id) == order["id"]]
        assert (str(mine.payment_id), mine.is_stray) == (payment["id"], False)
        async with transaction("payments"):
            await audit.look_into([mine])
        await buyer.order_in(order["id"], "complete")


class TestRefused:
    """Stripe will not open a page: here because it would close too soon, as after a long outage."""

    @pytest.fixture(autouse=True)
    def too_soon(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A quarter of an hour, where Stripe wants half of one."""
        monkeypatch.setattr(ops, "CHECKOUT_LIFE", timedelta(minutes=15))

    async def test_is_for_a_person(self, platform: Platform) -> None:
        """The order can be paid otherwise."""
        buyer, order = await held(platform)
        assert_problem(await buyer.open_page(order["id"]), 409, "order_not_payable")
        refused = await payment_of(buyer, order)
        assert (refused["status"], refused["needsReview"]) == ("voided", True)
        assert (await buyer.pay(order["id"])).status_code == 201
        await buyer.order_in(order["id"], "complete")

    @pytest.mark.slow
    async def test_is_nobody_s_affair_once_the_order_is_over(
        self, platform: Platform, stripe: Dashboard
    ) -> None:
        """Stripe was away until then; nobody has seen the page."""
        await stripe.fault("error_before", path="/v1/checkout", status=503, count=None)
        buyer, order = await held(platform)
        assert_problem(await buyer.open_page(order["id"]), 503, "payments_unavailable")
        await buyer.delete(f"/api/orders/{order['id']}")
        known = "SELECT count(*) FROM orders WHERE id = $1 AND status = 'cancelled'"
        await until(lambda: platform.count("payments", known, order["id"]), "payments knows")
        await stripe.no_faults()
        assert (await payment_in(buyer, order, "voided"))["needsReview"] is False
