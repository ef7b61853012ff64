"""Paying over HTTP: whose payment, whose amount, what a decline leaves behind."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from uuid_utils.compat import uuid7

from server.kit.db import transaction
from server.payments.models import Payment
from server.payments.owed import OpKind, PaymentOp
from tests.platform import Platform, User
from tests.problems import assert_problem
from tests.waiting import until

FIELDS = {
    *("id", "orderId", "mode", "stripeId", "clientSecret", "checkoutUrl", "nextAction", "amount", "currency"),
    *("status", "declineCode", "amountCaptured", "amountRefunded", "needsReview", "version"),
    *("createdAt", "updatedAt"),
}


async def held(platform: Platform, **fields: Any) -> tuple[User, dict[str, Any]]:
    """A buyer with a hold."""
    buyer = platform.user()
    ticket = await platform.user().list_ticket(**fields)
    return buyer, await buyer.hold(ticket["id"])


async def intents(platform: Platform, order: dict[str, Any]) -> int:
    """How many payments the order has."""
    return await platform.count("payments", "SELECT count(*) FROM payments WHERE order_id = $1", order["id"])


class TestPay:
    """POST /api/payments."""

    async def test_p10_amount_and_currency_are_the_order_s(self, platform: Platform) -> None:
        """In the answer, in the database, and at Stripe."""
        buyer, order = await held(platform, price=12345, currency="eur")
        answer = await buyer.pay(order["id"], None)
        assert answer.status_code == 201
        payment = answer.json()
        assert payment.keys() == FIELDS
        assert (payment["amount"], payment["currency"]) == (12345, "eur")
        assert (payment["status"], payment["amountCaptured"], payment["version"]) == ("open", 0, 0)
        assert payment["clientSecret"].startswith(payment["stripeId"])

    async def test_p10_an_order_is_not_complete_because_an_intent_was_made(self, platform: Platform) -> None:
        """It stays a hold, and can be cancelled."""
        buyer, order = await held(platform)
        await buyer.pay(order["id"], None)
        assert (await buyer.order(order["id"]))["status"] == "created"
        assert (await buyer.delete(f"/api/orders/{order['id']}")).status_code == 204
        heard = "SELECT count(*) FROM orders WHERE id = $1 AND status = 'cancelled'"
        await until(lambda: platform.count("payments", heard, order["id"]), "payments knows")
        assert_problem(await buyer.pay(order["id"]), 409, "order_not_payable")

    async def test_p10_paying_six_times_makes_one_intent(self, platform: Platform) -> None:
        """201 once, 200 with the same payment afterwards; at once, too."""
        buyer, order = await held(platform)
        answers = [await buyer.pay(order["id"], None) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [201] + [200] * 5
        assert len({answer.json()["stripeId"] for answer in answers}) == 1
        assert await intents(platform, order) == 1
        other, order = await held(platform)
        answers = await asyncio.gather(*(other.pay(order["id"], None) for _ in range(6)))
        assert {answer.status_code for answer in answers} <= {200, 201, 503}
        assert sum(answer.status_code == 201 for answer in answers) <= 1
        assert await intents(platform, order) == 1

    async def test_p10_a_decline_is_402_and_the_order_stays_payable(self, platform: Platform) -> None:
        """The next card pays it: one payment, one capture."""
        code = "generic_decline"
        buyer, order = await held(platform)
        declined = await buyer.pay(order["id"], "pm_card_chargeDeclined")
        assert assert_problem(declined, 402, "card_declined")["declineCode"] == code
        assert (await buyer.order(order["id"]))["status"] == "created"
        [shown] = (await buyer.get(f"/api/payments?orderId={order['id']}")).json()["items"]
        assert (shown["status"], shown["declineCode"], shown["amountCaptured"]) == ("open", code, 0)
        paid = await buyer.pay(order["id"])
        assert paid.status_code == 200
        assert paid.json()["id"] == shown["id"]
        await buyer.order_in(order["id"], "complete")
        assert await intents(platform, order) == 1

    async def test_a_repeat_that_tried_no_card_hears_of_no_decline(self, platform: Platform) -> None:
        """Only opened, or asked for, beside a card that was declined: the same answer again."""
        buyer, order = await held(platform)
        await buyer.pay(order["id"], "pm_card_chargeDeclined")
        key = {"Idempotency-Key": "no-card"}
        first = await buyer.pay(order["id"], None, headers=key)
        again = await buyer.pay(order["id"], None, headers=key)
        assert (first.status_code, again.status_code) == (200, 200)
        assert again.headers["Idempotency-Replayed"] == "true"
        looked_at = {"updatedAt": first.json()["updatedAt"]}  # by a webhook of the declined card, in between
        assert {**again.json(), **looked_at} == first.json()

    async def test_who_tries_no_card_hears_of_no_decline(self, platform: Platform) -> None:
        """Another tab's card was written down and not tried yet: this request tries it, and is silent."""
        buyer, order = await held(platform)
        payment = (await buyer.pay(order["id"], None)).json()
        async with transaction("payments"):
            locked = await Payment.locked(UUID(payment["id"]))
            locked.attempt = 1
            await locked.save()
            await PaymentOp.owe(locked.id, OpKind.CONFIRM, payment_method="pm_card_chargeDeclined", mine=True)
        answer = await buyer.pay(order["id"], None)
        assert (answer.status_code, answer.json()["declineCode"]) == (200, "generic_decline")

    async def test_an_unknown_payment_method_is_422(self, platform: Platform) -> None:
        """Found out by Stripe, told in our words; the order stays payable."""
        buyer, order = await held(platform)
        answer = await buyer.pay(order["id"], "pm_nonsense")
        assert_problem(answer, 422, "invalid", field="paymentMethod")
        assert (await buyer.pay(order["id"])).status_code == 200
        await buyer.order_in(order["id"], "complete")

    async def test_what_needs_the_buyer_says_where_to_go(self, platform: Platform) -> None:
        """3-D Secure: requires_action with a URL, and nothing is taken yet."""
        buyer, order = await held(platform)
        payment = (await buyer.pay(order["id"], "pm_card_authenticationRequired")).json()
        assert payment["status"] == "requires_action"
        assert payment["nextAction"]["url"].startswith("http")
        assert (await buyer.order(order["id"]))["status"] == "created"

    @pytest.mark.parametrize("method", [None, "pm_card_visa"])
    async def test_an_order_paid_already_is_answered_with_its_payment(
        self, platform: Platform, method: str | None
    ) -> None:
        """200, unchanged, and nothing is charged again."""
        buyer, order = await held(platform)
        first = (await buyer.pay(order["id"])).json()
        await buyer.order_in(order["id"], "complete")
        again = await buyer.pay(order["id"], method)
        assert (again.status_code, again.json()["id"]) == (200, first["id"])
        assert again.json()["amountCaptured"] == 4500
        charged = "SELECT sum(amount) FROM ledger WHERE account = 'cash' AND payment_id = $1"
        assert await platform.count("payments", charged, first["id"]) == 4500

    async def test_an_order_that_is_not_there_is_404_or_not_yet(self, platform: Platform) -> None:
        """404 at once for an old id; a fresh one may be on its way."""
        buyer = platform.user()
        assert_problem(await buyer.pay(str(uuid4())), 404, "order_not_found")
        answer = await buyer.get(f"/api/payments?orderId={uuid4()}")
        assert_problem(answer, 404, "order_not_found")
        answer = await buyer.post("/api/payments", {"orderId": str(uuid7())})
        assert_problem(answer, 503, "not_yet_visible")

    async def test_p10_nobody_pays_without_a_token(self, platform: Platform) -> None:
        """401, and no intent is made."""
        _, order = await held(platform)
        body = {"orderId": order["id"], "paymentMethod": "pm_card_visa"}
        assert_problem(await platform.http.post("/api/payments", json=body), 401, "unauthenticated")
        assert await intents(platform, order) == 0

    async def test_p10_nobody_else_pays_an_order(self, platform: Platform) -> None:
        """Not even as a present; 404, and no intent is made."""
        _, order = await held(platform)
        assert_problem(await platform.user().pay(order["id"]), 404, "order_not_found")
        assert await intents(platform, order) == 0


class TestShow:
    """GET /api/payments/:id and ?orderId=."""

    async def test_the_payment_and_the_list_agree(self, platform: Platform) -> None:
        """One page, no cursor."""
        buyer, order = await held(platform)
        made = (await buyer.pay(order["id"], None)).json()
        alone = (await buyer.get(f"/api/payments/{made['id']}")).json()
        listed = (await buyer.get(f"/api/payments?orderId={order['id']}")).json()
        assert alone == made
        assert listed == {"items": [made], "nextCursor": None}

    async def test_p16_an_order_without_payments_has_an_empty_list(self, platform: Platform) -> None:
        """`[]`, as soon as payments knows the order."""
        buyer, order = await held(platform)
        answer = await buyer.get(f"/api/payments?orderId={order['id']}")
        assert answer.text == '{"items":[],"nextCursor":null}'
