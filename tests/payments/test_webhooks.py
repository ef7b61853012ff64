"""Stripe's webhooks as they really come: never, twice, in any order, about strangers, with wrong numbers."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from server.payments import service
from server.payments.models import Payment
from server.settings import Settings
from tests.concurrency.races import fetch
from tests.dashboard import Dashboard, dashboard
from tests.platform import Platform, User
from tests.waiting import until

THREE_D_SECURE = "pm_card_authenticationRequired"
OPEN = "SELECT count(*) FROM payment_ops WHERE done_at IS NULL AND (tries > 0 OR due_at <= now())"


@pytest.fixture
async def stripe(settings: Settings) -> AsyncIterator[Dashboard]:
    """The dashboard; at the end nothing goes wrong any more."""
    async with dashboard(settings) as opened:
        yield opened
        await opened.no_faults()


async def held(platform: Platform) -> tuple[User, dict[str, Any]]:
    """A buyer with a hold."""
    buyer = platform.user()
    return buyer, await buyer.hold((await platform.user().list_ticket())["id"])


async def at_the_bank(platform: Platform) -> tuple[User, dict[str, Any], str]:
    """A buyer at the bank's page; his order and its intent."""
    buyer, order = await held(platform)
    payment = (await buyer.pay(order["id"], THREE_D_SECURE)).json()
    assert payment["status"] == "requires_action"
    return buyer, order, payment["stripeId"]


async def payment_of(buyer: User, order: dict[str, Any]) -> dict[str, Any]:
    """The order's newest payment."""
    return dict((await buyer.get(f"/api/payments?orderId={order['id']}")).json()["items"][0])


async def agreed(stripe: Dashboard, buyer: User, order: dict[str, Any]) -> bool:
    """Whether Stripe has of the payment's money what we tell of it."""
    payment = await payment_of(buyer, order)
    money = await stripe.money(payment["stripeId"])
    return (money.captured, money.refunded) == (payment["amountCaptured"], payment["amountRefunded"])


async def told(platform: Platform, order: dict[str, Any]) -> list[str]:
    """The events of payments about this order, with the reason of a decline, oldest first."""
    sql = (
        "SELECT concat_ws(' ', type, data->>'declineCode') AS said FROM outbox "
        "WHERE data->'payment'->>'orderId' = $1 ORDER BY id"
    )
    return [row["said"] for row in await fetch(platform, "payments", sql, order["id"])]


async def rung(platform: Platform, intent_id: str, type_: str) -> None:
    """Wait until this event about this intent was stored, and whatever it made us owe is done."""
    sql = "SELECT count(*) FROM stripe_events WHERE intent_id = $1 AND type = $2"

    async def done() -> bool:
        heard = await platform.count("payments", sql, intent_id, type_)
        return bool(heard) and not await platform.count("payments", OPEN)

    await until(done, f"{type_} of {intent_id} is acted on")


class TestDelivery:
    """How an event comes."""

    @pytest.mark.parametrize("fault", ["webhook_duplicate", "webhook_reorder", "webhook_delay"])
    async def test_twice_late_or_backwards(self, platform: Platform, stripe: Dashboard, fault: str) -> None:
        """The same end; each event is stored once, and nothing is done twice."""
        await stripe.fault(fault, count=6, seconds=0.2)
        buyer, order, intent = await at_the_bank(platform)
        assert await stripe.act(intent, "authenticate")
        await buyer.order_in(order["id"], "complete")
        await rung(platform, intent, "payment_intent.succeeded")
        assert await agreed(stripe, buyer, order)
        assert await told(platform, order) == ["payment:authorized", "payment:created"]
        await platform.doctor()

    async def test_never(
        self, platform: Platform, stripe: Dashboard, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The reconciler looks at what was quiet for too long."""
        await stripe.fault("webhook_drop", count=None)
        buyer, order, intent = await at_the_bank(platform)
        assert await stripe.act(intent, "authenticate")
        assert (await payment_of(buyer, order))["status"] == "requires_action"
        monkeypatch.setattr(service, "QUIET", timedelta(0))
        await service.reconcile()
        await buyer.order_in(order["id"], "complete")
        heard = "SELECT count(*) FROM stripe_events WHERE intent_id = $1"
        assert await platform.count("payments", heard, intent) == 0
        assert await agreed(stripe, buyer, order)

    async def test_while_the_payment_is_being_opened(
        self, platform: Platform, stripe: Dashboard, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The intent becomes known between the two looks of the doorbell: it is ours, and not a stray one."""
        buyer, order, intent = await at_the_bank(platform)
        await rung(platform, intent, "payment_intent.created")
        find = Payment.get_or_none
        missed: list[str] = []

        async def a_moment_too_early(**where: Any) -> Payment | None:
            if "stripe_id" in where:
                missed.append(where["stripe_id"])
                return None
            return await find(**where)

        monkeypatch.setattr(Payment, "get_or_none", a_moment_too_early)
        await stripe.ring("payment_intent.processing", payment_intent=intent)
        await until(lambda: missed, "the doorbell rang")
        monkeypatch.undo()
        assert await stripe.act(intent, "authenticate")
        await buyer.order_in(order["id"], "complete")
        stray = "SELECT count(*) FROM payment_ops WHERE stripe_id = $1"
        assert await platform.count("payments", stray, intent) == 0


class TestStrangers:
    """Intents that are not a payment's own."""

    async def test_one_that_names_an_order_of_ours_is_cancelled(
        self, platform: Platform, stripe: Dashboard
    ) -> None:
        """Made by somebody with our key, not captured: let go of; the order is paid as if nothing was."""
        buyer, order, intent = await at_the_bank(platform)
        stray = await stripe.create(4500, orderId=order["id"])
        await rung(platform, stray, "payment_intent.canceled")
        assert (await stripe.picture(stray))["payment_intent"]["status"] == "canceled"
        assert await stripe.act(intent, "authenticate")
        done = await buyer.order_in(order["id"], "complete")
        assert done["needsReview"] is False
        assert await agreed(stripe, buyer, order)

    async def test_one_that_took_money_calls_a_person(self, platform: Platform, stripe: Dashboard) -> None:
        """Money is never given back blindly: the order and its payment are flagged, and nothing moves."""
        buyer, order, intent = await at_the_bank(platform)
        assert await stripe.act(intent, "authenticate")
        await buyer.order_in(order["id"], "complete")
        before = await payment_of(buyer, order)
        # Taken already when the news of it comes: nobody saw it open.
        await stripe.fault("webhook_drop", event="payment_intent.", count=None)
        stray = await stripe.create(4500, paymentId=before["id"])
        await stripe.confirm(stray, "pm_card_visa")
        await stripe.capture(stray)
        await stripe.no_faults()
        await stripe.ring("payment_intent.succeeded", payment_intent=stray)

        async def flagged() -> bool:
            return bool((await buyer.order(order["id"]))["needsReview"])

        await until(flagged, "the order is flagged")
        after = await payment_of(buyer, order)
        assert (after["status"], after["needsReview"]) == ("captured", True)
        assert after["amountCaptured"] == before["amountCaptured"]
        assert (await stripe.money(stray)).refunded == 0
        await platform.doctor()

    async def test_a_foreign_one_is_left_alone(self, platform: Platform, stripe: Dashboard) -> None:
        """It names nothing of ours: stored, and no call is made about it."""
        foreign = await stripe.create(4500, orderId=str(UUID(int=7)), paymentId="a note of somebody else's")
        await rung(platform, foreign, "payment_intent.created")
        calls = "SELECT count(*) FROM payment_ops WHERE stripe_id = $1"
        assert await platform.count("payments", calls, foreign) == 0
        assert (await stripe.picture(foreign))["payment_intent"]["status"] == "requires_payment_method"


WRONG: dict[str, dict[str, Any]] = {
    "amount": {"amount": 4400},
    "currency": {"currency": "eur"},
    "order": {"metadata": {"orderId": str(UUID(int=7))}},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
class TestMismatch:
    """The intent is not what we made: somebody changed it at Stripe."""

    async def test_authorised_it_is_voided(
        self, platform: Platform, stripe: Dashboard, wrong: dict[str, Any]
    ) -> None:
        """It is no payment for this order: let go of, flagged, and the order can still be paid."""
        buyer, order, intent = await at_the_bank(platform)
        assert await stripe.act(intent, "alter", **wrong)
        assert await stripe.act(intent, "authenticate")

        async def voided() -> bool:
            return bool((await payment_of(buyer, order))["status"] == "voided")

        await until(voided, "the payment is voided")
        payment = await payment_of(buyer, order)
        assert (payment["needsReview"], payment["amountCaptured"]) == (True, 0)
        assert (await stripe.money(intent)).captured == 0
        assert (await buyer.pay(order["id"])).status_code == 201
        await buyer.order_in(order["id"], "complete")
        await platform.doctor()

    async def test_captured_it_is_kept_and_a_person_is_called(
        self, platform: Platform, stripe: Dashboard, wrong: dict[str, Any]
    ) -> None:
        """Money that was taken is not given back blindly: complete, and needsReview."""
        await stripe.fault("webhook_drop", count=None)
        buyer, order, intent = await at_the_bank(platform)
        assert await stripe.act(intent, "authenticate")
        assert await stripe.act(intent, "alter", **wrong)
        await stripe.capture(intent)
        await stripe.no_faults()
        await stripe.ring("payment_intent.succeeded", payment_intent=intent)
        done = await buyer.order_in(order["id"], "complete")
        assert done["needsReview"] is True
        taken = wrong.get("amount", 4500)
        assert (await payment_of(buyer, order))["amountCaptured"] == taken
        assert (await stripe.money(intent)).captured == taken
        await platform.doctor()


async def test_the_next_card_after_the_bank_refused_the_first(platform: Platform, stripe: Dashboard) -> None:
    """Failed at the bank's page, declined, then paid: one intent, and each decline has its reason."""
    buyer, order, intent = await at_the_bank(platform)
    assert await stripe.act(intent, "authenticate", outcome="fail")

    async def failed() -> bool:
        return bool((await payment_of(buyer, order))["declineCode"])

    await until(failed, "the failure is told")
    assert (await payment_of(buyer, order))["declineCode"] == "payment_intent_authentication_failure"
    declined = await buyer.pay(order["id"], "pm_card_chargeDeclinedInsufficientFunds")
    assert (declined.status_code, declined.json()["declineCode"]) == (402, "insufficient_funds")
    paid = (await buyer.pay(order["id"])).json()
    assert (paid["stripeId"], paid["declineCode"]) == (intent, None)
    await buyer.order_in(order["id"], "complete")
    assert await told(platform, order) == [
        "payment:failed payment_intent_authentication_failure",
        "payment:failed insufficient_funds",
        "payment:authorized",
        "payment:created",
    ]
    assert await agreed(stripe, buyer, order)
