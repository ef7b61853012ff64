"""The control API: what it does to payments, and whom it obeys."""

from typing import Any

import httpx
import pytest
from stripe import StripeClient

from tests.stripe_sandbox.paying import AMOUNT, opened, paid
from tests.stripe_sandbox.running import Receiver
from tests.waiting import until

CONTROL = "/_sandbox/payment_intents"


async def act(stripe: httpx.AsyncClient, intent_id: str, action: str, **body: Any) -> dict[str, Any]:
    """Do it, and see the whole payment."""
    response = await stripe.post(f"{CONTROL}/{intent_id}/{action}", json=body)
    assert response.status_code == 200, response.text
    picture: dict[str, Any] = response.json()
    return picture


class TestActions:
    """A person in Stripe's dashboard."""

    async def test_captures(self, sdk: StripeClient, stripe: httpx.AsyncClient, receiver: Receiver) -> None:
        """Behind Tix's back; Tix hears of it as of any capture."""
        intent = await opened(sdk, "pm_card_visa")
        picture = await act(stripe, intent.id, "capture")
        assert picture["payment_intent"]["status"] == "succeeded"
        assert picture["charge"]["captured"] is True
        (told,) = await receiver.told(intent.id, "payment_intent.succeeded")
        assert told == picture["payment_intent"]

    @pytest.mark.parametrize(
        ("action", "reason"), [("cancel", "requested_by_customer"), ("lapse", "automatic")]
    )
    async def test_lets_go(
        self, sdk: StripeClient, stripe: httpx.AsyncClient, receiver: Receiver, action: str, reason: str
    ) -> None:
        """By hand, or by the passing of seven days."""
        intent = await opened(sdk, "pm_card_visa")
        picture = await act(stripe, intent.id, action)
        assert picture["payment_intent"]["cancellation_reason"] == reason
        assert [refund["amount"] for refund in picture["refunds"]] == [AMOUNT]
        await receiver.told(intent.id, "payment_intent.canceled", "charge.refunded")

    async def test_refunds_and_says_what_became_of_it(
        self, sdk: StripeClient, stripe: httpx.AsyncClient, receiver: Receiver
    ) -> None:
        """In part, then the rest; the rest fails."""
        intent = await paid(sdk)
        await act(stripe, intent.id, "refund", amount=500)
        picture = await act(stripe, intent.id, "refund")
        assert [refund["amount"] for refund in picture["refunds"]] == [AMOUNT - 500, 500]
        picture = await act(
            stripe, intent.id, "settle_refund", status="failed", failure_reason="insufficient_funds"
        )
        assert (picture["refunds"][0]["status"], picture["charge"]["amount_refunded"]) == ("failed", 500)
        (told,) = await receiver.told(intent.id, "refund.failed")
        assert told["failure_reason"] == "insufficient_funds"

    @pytest.mark.parametrize("status", ["succeeded", "canceled", "failed"])
    async def test_ends_a_refund_that_takes_its_time(
        self, sdk: StripeClient, stripe: httpx.AsyncClient, receiver: Receiver, status: str
    ) -> None:
        """Before it would end by itself; ended, it is over."""
        intent = await paid(sdk, "pm_card_pendingRefund")
        refund = await sdk.v1.refunds.create_async({"payment_intent": intent.id})
        picture = await act(stripe, intent.id, "settle_refund", refund=refund.id, status=status)
        left = AMOUNT if status == "succeeded" else 0
        assert (picture["refunds"][0]["status"], picture["charge"]["amount_refunded"]) == (status, left)
        (told,) = await receiver.told(intent.id, "refund.updated")
        assert told["status"] == status
        again = await stripe.post(f"{CONTROL}/{intent.id}/settle_refund", json={"status": "canceled"})
        assert again.status_code == 400

    @pytest.mark.parametrize(("outcome", "moved"), [("won", [-AMOUNT, AMOUNT]), ("lost", [-AMOUNT])])
    async def test_disputes(
        self,
        sdk: StripeClient,
        stripe: httpx.AsyncClient,
        receiver: Receiver,
        outcome: str,
        moved: list[int],
    ) -> None:
        """Opened by the buyer, closed by their bank."""
        intent = await paid(sdk)
        picture = await act(stripe, intent.id, "dispute", reason="product_not_received")
        assert picture["disputes"][0]["reason"] == "product_not_received"
        picture = await act(stripe, intent.id, "close_dispute", outcome=outcome)
        (dispute,) = picture["disputes"]
        assert dispute["status"] == outcome
        assert [it["amount"] for it in dispute["balance_transactions"]] == moved
        await receiver.told(intent.id, "charge.dispute.created", "charge.dispute.closed")

    async def test_disputes_no_more_than_was_taken(
        self, sdk: StripeClient, stripe: httpx.AsyncClient
    ) -> None:
        """A part may be."""
        intent = await paid(sdk)
        path = f"{CONTROL}/{intent.id}/dispute"
        assert (await stripe.post(path, json={"amount": AMOUNT + 1})).status_code == 400
        picture = await act(stripe, intent.id, "dispute", amount=1)
        assert picture["disputes"][0]["amount"] == 1

    async def test_an_inquiry_is_closed(self, sdk: StripeClient, stripe: httpx.AsyncClient) -> None:
        """Or becomes nothing else: it cannot be won."""
        intent = await paid(sdk)
        await act(stripe, intent.id, "dispute", inquiry=True)
        refused = await stripe.post(f"{CONTROL}/{intent.id}/close_dispute", json={"outcome": "won"})
        assert refused.status_code == 400
        picture = await act(stripe, intent.id, "close_dispute", outcome="warning_closed")
        assert picture["disputes"][0]["status"] == "warning_closed"

    async def test_declines(self, sdk: StripeClient, stripe: httpx.AsyncClient, receiver: Receiver) -> None:
        """A payment that waits for its buyer."""
        intent = await opened(sdk, "pm_card_authenticationRequired")
        picture = await act(stripe, intent.id, "decline", decline_code="insufficient_funds")
        assert picture["payment_intent"]["last_payment_error"]["decline_code"] == "insufficient_funds"
        await receiver.told(intent.id, "payment_intent.payment_failed")

    async def test_a_pending_refund_fails_when_it_is_disputed(
        self, sdk: StripeClient, stripe: httpx.AsyncClient, receiver: Receiver
    ) -> None:
        """The bank has taken the money that was to go back."""
        intent = await paid(sdk, "pm_card_pendingRefund")
        await sdk.v1.refunds.create_async({"payment_intent": intent.id})
        picture = await act(stripe, intent.id, "dispute")
        (refund,) = picture["refunds"]
        assert (refund["status"], refund["failure_reason"]) == (
            "failed",
            "charge_for_pending_refund_disputed",
        )
        await receiver.told(intent.id, "refund.failed", "charge.dispute.created")

    async def test_alters(self, sdk: StripeClient, stripe: httpx.AsyncClient) -> None:
        """Whatever Tix compares with its own row."""
        intent = await opened(sdk, "pm_card_visa")
        await act(stripe, intent.id, "alter", amount=1999, currency="eur", metadata={"orderId": "another"})
        altered = await sdk.v1.payment_intents.retrieve_async(intent.id)
        assert (altered.amount, altered.amount_capturable, altered.currency) == (1999, 1999, "eur")
        assert altered.metadata.to_dict() == {"orderId": "another"}
        captured = await sdk.v1.payment_intents.capture_async(intent.id)
        assert captured.amount_received == 1999

    @pytest.mark.parametrize(
        ("action", "body"),
        [
            ("capture", {}),
            ("lapse", {}),
            ("refund", {"amount": 1}),
            ("dispute", {}),
            ("close_dispute", {"outcome": "won"}),
            ("settle_refund", {"status": "failed"}),
            ("authenticate", {}),
            ("dance", {}),
            ("cancel", {"colour": "red"}),
            ("alter", {"amount": "much"}),
        ],
    )
    async def test_refuses_what_stripe_would(
        self, sdk: StripeClient, stripe: httpx.AsyncClient, action: str, body: dict[str, Any]
    ) -> None:
        """In Stripe's shape; nothing changes."""
        intent = await opened(sdk)
        response = await stripe.post(f"{CONTROL}/{intent.id}/{action}", json=body)
        assert response.status_code in {400, 404}
        assert response.json()["error"]["message"]
        assert (await sdk.v1.payment_intents.retrieve_async(intent.id)).to_dict() == intent.to_dict()

    async def test_of_nothing(self, stripe: httpx.AsyncClient) -> None:
        """No such payment."""
        assert (await stripe.post(f"{CONTROL}/pi_none/cancel")).status_code == 404
        assert (await stripe.get(f"{CONTROL}/pi_none")).status_code == 404


class TestEvents:
    """Any event can be sent."""

    async def test_about_a_payment_nobody_knows(self, stripe: httpx.AsyncClient, receiver: Receiver) -> None:
        """Not even Stripe, when asked."""
        sent = await stripe.post(
            "/_sandbox/events",
            json={"type": "payment_intent.succeeded", "metadata": {"orderId": "o1"}, "amount": 77},
        )
        intent = sent.json()["object"]
        assert (intent["amount_received"], intent["metadata"]) == (77, {"orderId": "o1"})
        assert await receiver.told(intent["id"], "payment_intent.succeeded") == [intent]
        assert (await stripe.get(f"/v1/payment_intents/{intent['id']}")).status_code == 404

    async def test_about_a_payment_as_it_is(
        self, sdk: StripeClient, stripe: httpx.AsyncClient, receiver: Receiver
    ) -> None:
        """Though it is not what the event's name says."""
        intent = await opened(sdk)
        body = {"type": "payment_intent.succeeded", "payment_intent": intent.id}
        assert (await stripe.post("/_sandbox/events", json=body)).status_code == 200
        (told,) = await receiver.told(intent.id, "payment_intent.succeeded")
        assert told["status"] == "requires_payment_method"

    async def test_of_another_account(self, stripe: httpx.AsyncClient, receiver: Receiver) -> None:
        """Or mode, and about anything."""
        subject = {"id": "cus_1", "object": "customer"}
        body = {"type": "customer.created", "object": subject, "account": "acct_1", "livemode": True}
        assert (await stripe.post("/_sandbox/events", json=body)).json()["object"] == subject
        events = await until(lambda: receiver.events("cus_1"), "the event came")
        assert (events[0]["account"], events[0]["livemode"]) == ("acct_1", True)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/_sandbox/faults"),
        ("POST", "/_sandbox/faults"),
        ("DELETE", "/_sandbox/faults"),
        ("POST", "/_sandbox/events"),
        ("POST", f"{CONTROL}/pi_none/cancel"),
    ],
)
async def test_wants_the_key(stripe: httpx.AsyncClient, method: str, path: str) -> None:
    """As the API does."""
    for authorization in ("", "Bearer pk_test_1"):
        response = await stripe.request(method, path, headers={"Authorization": authorization})
        assert response.status_code == 401
