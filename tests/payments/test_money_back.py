"""Money that goes back: by the seller, in Stripe's dashboard, by the buyer's bank; and when it does not."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from server.settings import Settings
from tests.dashboard import Dashboard, dashboard
from tests.platform import Platform, User
from tests.waiting import until

PRICE = 4500


@pytest.fixture
async def stripe(settings: Settings) -> AsyncIterator[Dashboard]:
    """The dashboard."""
    async with dashboard(settings) as opened:
        yield opened


@dataclass
class Sale:
    """A ticket that was paid for."""

    platform: Platform
    seller: User
    buyer: User
    ticket_id: str
    order_id: str
    intent_id: str

    async def order_in(self, *statuses: str) -> dict[str, Any]:
        """The order, as its buyer sees it, once it is in one of these."""
        return await self.buyer.order_in(self.order_id, *statuses, timeout=15)

    async def payment(self) -> dict[str, Any]:
        """The payment, as its buyer sees it."""
        answer = await self.buyer.get("/api/payments", params={"orderId": self.order_id})
        [payment] = answer.json()["items"]
        return dict(payment)

    async def payment_is(self, **expected: Any) -> dict[str, Any]:
        """The payment once it has all these values."""
        seen: dict[str, Any] = {}

        async def arrived() -> bool:
            seen.update(await self.payment())
            return expected.items() <= seen.items()

        await until(arrived, f"the payment is {expected}, and not {seen}", 15)
        return seen

    async def refund(self, who: User | None = None) -> tuple[int, str | None]:
        """Ask for a refund, as its seller by default: the answer's status and code."""
        answer = await (who or self.seller).post(f"/api/orders/{self.order_id}/refund", {})
        return answer.status_code, answer.json().get("code")

    async def told(self, service: str, type_: str) -> list[dict[str, Any]]:
        """The events of this type about this order, oldest first."""
        async with self.platform.database(service) as session:
            rows = await session.fetch(
                "SELECT data->>'outcome' AS outcome, data->>'reason' AS reason, "
                "data->'order'->>'status' AS order, data->'payment'->>'status' AS payment FROM outbox "
                "WHERE type = $1 AND coalesce(data->'order'->>'id', data->'payment'->>'orderId') = $2 "
                "ORDER BY id",
                type_,
                self.order_id,
            )
        return [{k: v for k, v in row.items() if v is not None} for row in rows]

    async def steps(self) -> list[str]:
        """The statuses the order went through."""
        return [step["status"] for step in (await self.buyer.order(self.order_id))["history"]]


async def sold(platform: Platform, method: str = "pm_card_visa", *, wait_for: str = "complete") -> Sale:
    """List, hold and pay."""
    seller, buyer = platform.user(), platform.user()
    ticket = await seller.list_ticket(price=PRICE)
    order = await buyer.hold(ticket["id"])
    answer = await buyer.pay(order["id"], method)
    assert answer.status_code == 201, answer.text
    sale = Sale(platform, seller, buyer, ticket["id"], order["id"], answer.json()["stripeId"])
    await sale.order_in(wait_for)
    return sale


class TestRefundOrder:
    """POST /api/orders/:id/refund."""

    async def test_the_ticket_is_void_first_then_the_money_goes_back(self, platform: Platform) -> None:
        """202 with the order revoked; free at once; then refunded, and the ledger says how much."""
        sale = await sold(platform)
        answer = await sale.seller.post(f"/api/orders/{sale.order_id}/refund", {})
        assert (answer.status_code, answer.json()["status"]) == (202, "revoked")
        assert answer.json()["userId"] is None, "a seller does not learn who bought"
        await platform.ticket_in(sale.ticket_id, "available")
        order = await sale.order_in("refunded")
        assert not order["needsReview"]
        payment = await sale.payment()
        assert (payment["status"], payment["amountCaptured"], payment["amountRefunded"]) == (
            "refunded",
            PRICE,
            PRICE,
        )
        assert await sale.steps() == ["created", "accepted", "complete", "revoked", "refunded"]
        assert await sale.told("orders", "order:revoked") == [{"reason": "refund", "order": "revoked"}]
        assert await sale.told("payments", "payment:refunded") == [
            {"outcome": "succeeded", "payment": "refunded"}
        ]
        await platform.doctor()

    async def test_the_ticket_can_be_sold_again(self, platform: Platform) -> None:
        """To somebody else, at once, whatever Stripe does with the first buyer's money."""
        sale = await sold(platform)
        assert await sale.refund() == (202, None)
        second = platform.user()
        order = await second.hold(sale.ticket_id)
        assert (await second.pay(order["id"])).status_code == 201
        await second.order_in(order["id"], "complete")
        await sale.order_in("refunded")
        await platform.doctor()

    async def test_only_the_seller_may(self, platform: Platform) -> None:
        """The buyer is told so; to a stranger there is no such order; nothing changes."""
        sale = await sold(platform)
        assert await sale.refund(sale.buyer) == (403, "not_owner")
        assert await sale.refund(platform.user()) == (404, "order_not_found")
        assert await sale.steps() == ["created", "accepted", "complete"]

    async def test_only_what_is_complete_and_only_once(self, platform: Platform) -> None:
        """409 for a hold, for one under way and for one that is done."""
        seller, buyer = platform.user(), platform.user()
        hold = await buyer.hold((await seller.list_ticket())["id"])
        answer = await seller.post(f"/api/orders/{hold['id']}/refund", {})
        assert (answer.status_code, answer.json()["code"]) == (409, "not_refundable")
        sale = await sold(platform)
        assert await sale.refund() == (202, None)
        assert await sale.refund() == (409, "not_refundable")
        await sale.order_in("refunded")
        assert await sale.refund() == (409, "not_refundable")
        assert (await sale.payment())["amountRefunded"] == PRICE

    async def test_the_same_key_answers_the_same(self, platform: Platform) -> None:
        """202 twice, one refund."""
        sale = await sold(platform)
        key = {"Idempotency-Key": "refund-1"}
        path = f"/api/orders/{sale.order_id}/refund"
        first = await sale.seller.post(path, {}, headers=key)
        again = await sale.seller.post(path, {}, headers=key)
        assert (first.status_code, again.status_code) == (202, 202)
        assert again.headers["Idempotency-Replayed"] == "true"
        await sale.order_in("refunded")
        assert await sale.steps() == ["created", "accepted", "complete", "revoked", "refunded"]

    async def test_a_pending_refund_is_told_and_then_done(self, platform: Platform) -> None:
        """The order stays revoked while the bank takes its time."""
        sale = await sold(platform, "pm_card_pendingRefund")
        assert await sale.refund() == (202, None)
        await sale.order_in("refunded")
        assert [news["outcome"] for news in await sale.told("payments", "payment:refunded")] == [
            "pending",
            "succeeded",
        ]
        await platform.doctor()

    @pytest.mark.slow
    async def test_one_that_the_bank_sends_back_is_tried_again(
        self, platform: Platform, stripe: Dashboard
    ) -> None:
        """Refunded, then not: revoked again and flagged, the money with us; the seller may try again."""
        sale = await sold(platform, "pm_card_refundFail")
        assert await sale.refund() == (202, None)
        await sale.payment_is(status="refund_failed", amountRefunded=0, needsReview=True)

        came_back = ["refunded", "revoked"]

        async def came_back_times(times: int) -> bool:
            order = await sale.buyer.order(sale.order_id)
            steps = [step["status"] for step in order["history"]][3:]
            return bool(order["needsReview"]) and steps == (["revoked", *came_back] * times)

        await until(lambda: came_back_times(1), "the order is revoked and flagged", 15)
        await platform.doctor()
        assert await sale.refund() == (202, None)
        assert await sale.refund() == (409, "not_refundable")
        await until(lambda: came_back_times(2), "the second one came back, too", 15)
        attempts = "SELECT count(*) FROM payment_ops WHERE kind = 'refund' AND payment_id = $1"
        assert await platform.count("payments", attempts, UUID((await sale.payment())["id"])) == 2
        await platform.doctor()


class TestAtStripe:
    """Somebody gives money back in Stripe's dashboard."""

    async def test_the_whole(self, platform: Platform, stripe: Dashboard) -> None:
        """The ticket goes back on sale, and payments is not asked to give the money back a second time."""
        sale = await sold(platform)
        await stripe.refund(sale.intent_id)
        await sale.order_in("refunded")
        assert await sale.steps() == ["created", "accepted", "complete", "revoked", "refunded"]
        assert await sale.told("orders", "order:revoked") == [
            {"reason": "refunded_elsewhere", "order": "revoked"}
        ]
        await platform.ticket_in(sale.ticket_id, "available")
        await platform.doctor()

    async def test_a_part_leaves_the_ticket(self, platform: Platform, stripe: Dashboard) -> None:
        """The order stays complete; the amount is told; a second part makes it whole."""
        sale = await sold(platform)
        await stripe.refund(sale.intent_id, 1000)
        await sale.payment_is(status="captured", amountRefunded=1000)
        await platform.doctor()
        assert (await sale.buyer.order(sale.order_id))["status"] == "complete"
        await stripe.refund(sale.intent_id)
        await sale.order_in("refunded")
        assert (await sale.payment())["amountRefunded"] == PRICE
        await platform.doctor()

    async def test_a_part_before_the_sellers_refund(self, platform: Platform, stripe: Dashboard) -> None:
        """The seller's refund gives back the rest and no more."""
        sale = await sold(platform)
        await stripe.refund(sale.intent_id, 1000)
        await sale.payment_is(amountRefunded=1000)
        assert await sale.refund() == (202, None)
        await sale.order_in("refunded")
        assert (await sale.payment())["amountRefunded"] == PRICE
        await platform.doctor()

    async def test_a_failed_refund_made_good_by_hand(self, platform: Platform, stripe: Dashboard) -> None:
        """The flag goes when the money does."""
        sale = await sold(platform, "pm_card_refundFail")
        assert await sale.refund() == (202, None)
        await sale.payment_is(status="refund_failed")
        await stripe.refund(sale.intent_id)
        await sale.payment_is(status="refunded", needsReview=False)
        await sale.order_in("refunded")


class TestDisputes:
    """The buyer's bank takes the money back."""

    async def test_opened_and_won(self, platform: Platform, stripe: Dashboard) -> None:
        """Disputed, the ticket still the buyer's; then complete again."""
        sale = await sold(platform, "pm_card_createDispute", wait_for="disputed")
        assert (await sale.payment())["status"] == "disputed"
        await platform.ticket_in(sale.ticket_id, "sold")
        assert await sale.refund() == (409, "not_refundable")
        await platform.doctor()
        await stripe.decide(sale.intent_id, won=True)
        await sale.order_in("complete")
        assert await sale.steps() == ["created", "accepted", "complete", "disputed", "complete"]
        await platform.doctor()

    async def test_opened_and_lost(self, platform: Platform, stripe: Dashboard) -> None:
        """The ticket is free for the next buyer; nothing more is given back."""
        sale = await sold(platform, "pm_card_createDispute", wait_for="disputed")
        await stripe.decide(sale.intent_id, won=False)
        await sale.order_in("charged_back")
        assert (await sale.payment_is(status="charged_back"))["amountRefunded"] == 0
        assert await sale.told("orders", "order:revoked") == [
            {"reason": "chargeback", "order": "charged_back"}
        ]
        await platform.ticket_in(sale.ticket_id, "available")
        await platform.doctor()

    async def test_an_inquiry_moves_nothing(self, platform: Platform, stripe: Dashboard) -> None:
        """The bank only asks: no money has moved."""
        sale = await sold(platform, "pm_card_createDisputeInquiry")

        async def rang() -> bool:
            rung = "SELECT count(*) FROM stripe_events WHERE type = 'charge.dispute.created'"
            owed = "SELECT count(*) FROM payment_ops WHERE done_at IS NULL"
            return bool(await platform.count("payments", rung)) and not await platform.count("payments", owed)

        await until(rang, "the webhook is acted on")
        assert (await sale.payment())["status"] == "captured"
        await platform.doctor()
