"""Charges, refunds and disputes, as Stripe's own library sees them."""

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from stripe import Charge, Dispute, InvalidRequestError, StripeClient

from tests.stripe_sandbox.paying import AMOUNT, opened, paid
from tests.stripe_sandbox.running import Receiver

if TYPE_CHECKING:
    from stripe.params import DisputeUpdateParamsEvidence


async def charge_of(sdk: StripeClient, intent_id: str) -> Charge:
    """The intent's charge, seen through the intent."""
    intent = await sdk.v1.payment_intents.retrieve_async(intent_id, {"expand": ["latest_charge"]})
    assert isinstance(intent.latest_charge, Charge)
    return intent.latest_charge


async def dispute_of(sdk: StripeClient, intent_id: str) -> Dispute:
    """The intent's only dispute."""
    page = await sdk.v1.disputes.list_async({"payment_intent": intent_id})
    (dispute,) = page.data
    return dispute


class TestCharges:
    """Every attempt on a card is one."""

    async def test_an_authorisation_is_a_charge_not_captured(self, sdk: StripeClient) -> None:
        """Expanded in the answer of the call itself."""
        intent = await sdk.v1.payment_intents.create_async(
            {
                "amount": AMOUNT,
                "currency": "eur",
                "capture_method": "manual",
                "confirm": True,
                "payment_method": "pm_card_mastercard",
                "metadata": {"orderId": "o1"},
                "expand": ["latest_charge", "payment_method"],
            }
        )
        charge = intent.latest_charge
        assert isinstance(charge, Charge)
        assert (charge.status, charge.paid, charge.captured) == ("succeeded", True, False)
        assert (charge.amount, charge.amount_captured, charge.amount_refunded) == (AMOUNT, 0, 0)
        assert (charge.payment_intent, charge.currency, charge.livemode) == (intent.id, "eur", False)
        assert charge.metadata.to_dict() == {"orderId": "o1"}
        assert (await sdk.v1.charges.retrieve_async(charge.id)).to_dict() == charge.to_dict()
        captured = await sdk.v1.payment_intents.capture_async(intent.id, {"expand": ["latest_charge"]})
        charge = captured.latest_charge
        assert isinstance(charge, Charge)
        assert (charge.captured, charge.amount_captured) == (True, AMOUNT)

    async def test_a_decline_is_a_charge_that_failed(self, sdk: StripeClient, receiver: Receiver) -> None:
        """The intent names it, and the error too."""
        intent = await opened(sdk, "pm_card_threeDSecureRequiredChargeDeclined")
        assert intent.latest_charge is None
        intent = await opened(sdk)
        with pytest.raises(Exception, match="declined"):
            await sdk.v1.payment_intents.confirm_async(
                intent.id, {"payment_method": "pm_card_chargeDeclinedInsufficientFunds"}
            )
        charge = await charge_of(sdk, intent.id)
        assert (charge.status, charge.paid, charge.failure_code) == ("failed", False, "card_declined")
        (told,) = await receiver.told(intent.id, "payment_intent.payment_failed")
        assert told["last_payment_error"]["charge"] == told["latest_charge"] == charge.id

    async def test_what_cannot_be_expanded(self, sdk: StripeClient) -> None:
        """Is named."""
        intent = await opened(sdk, "pm_card_visa")
        for path in ("colour", "amount", "latest_charge.colour"):
            with pytest.raises(InvalidRequestError, match=f"cannot be expanded \\({path}\\)"):
                await sdk.v1.payment_intents.retrieve_async(intent.id, {"expand": [path]})

    async def test_a_cancel_lets_go_of_the_money(self, sdk: StripeClient, receiver: Receiver) -> None:
        """Which Stripe books as a refund of a charge that was never captured: no money moved."""
        intent = await opened(sdk, "pm_card_visa")
        canceled = await sdk.v1.payment_intents.cancel_async(intent.id, {"cancellation_reason": "abandoned"})
        assert (canceled.status, canceled.cancellation_reason) == ("canceled", "abandoned")
        refunded, refund = await receiver.told(intent.id, "charge.refunded", "refund.created")
        assert (refunded["captured"], refunded["amount_captured"], refunded["refunded"]) == (False, 0, True)
        assert refund["amount"] == refunded["amount_refunded"] == AMOUNT

    async def test_a_cancel_of_nothing_lets_go_of_nothing(self, sdk: StripeClient) -> None:
        """No card was tried."""
        intent = await opened(sdk)
        await sdk.v1.payment_intents.cancel_async(intent.id)
        assert (await sdk.v1.refunds.list_async({"payment_intent": intent.id})).data == []


class TestRefunds:
    """Money goes back, never more than came."""

    async def test_a_whole_refund(self, sdk: StripeClient, receiver: Receiver) -> None:
        """Without an amount; both of its events show where everything stands."""
        intent = await paid(sdk)
        refund = await sdk.v1.refunds.create_async(
            {
                "payment_intent": intent.id,
                "reason": "requested_by_customer",
                "metadata": {"orderId": "o1"},
            }
        )
        assert (refund.status, refund.amount, refund.currency) == ("succeeded", AMOUNT, "usd")
        assert (refund.payment_intent, refund.reason) == (intent.id, "requested_by_customer")
        assert "livemode" not in refund.to_dict()
        charge = await charge_of(sdk, intent.id)
        assert (charge.id, charge.amount_refunded, charge.refunded) == (refund.charge, AMOUNT, True)
        created, refunded = await receiver.told(intent.id, "refund.created", "charge.refunded")
        assert created == refund.to_dict()
        assert refunded == charge.to_dict()

    async def test_in_parts_and_not_a_cent_more(self, sdk: StripeClient) -> None:
        """What is left is refused by its amount, nothing left by its code."""
        intent = await paid(sdk)
        charge_id = str(intent.latest_charge)
        await sdk.v1.refunds.create_async({"payment_intent": intent.id, "amount": 500})
        with pytest.raises(InvalidRequestError, match="greater than unrefunded amount") as refused:
            await sdk.v1.refunds.create_async({"charge": charge_id, "amount": AMOUNT - 499})
        assert (refused.value.param, refused.value.code) == ("amount", None)
        charge = await charge_of(sdk, intent.id)
        assert (charge.amount_refunded, charge.refunded) == (500, False)
        rest = await sdk.v1.refunds.create_async({"charge": charge_id})
        assert rest.amount == AMOUNT - 500
        with pytest.raises(InvalidRequestError) as refused:
            await sdk.v1.refunds.create_async({"payment_intent": intent.id, "amount": 1})
        assert refused.value.code == "charge_already_refunded"

    async def test_one_key_is_one_refund(self, sdk: StripeClient) -> None:
        """A lost answer can be asked for again; a refusal is remembered as well."""
        intent = await paid(sdk)
        key = str(uuid4())
        first, second = [
            await sdk.v1.refunds.create_async(
                {"payment_intent": intent.id, "amount": 700}, {"idempotency_key": key}
            )
            for _ in range(2)
        ]
        assert first.id == second.id
        assert (await charge_of(sdk, intent.id)).amount_refunded == 700
        listed = await sdk.v1.refunds.list_async({"payment_intent": intent.id})
        assert [refund.id for refund in listed.data] == [first.id]

    @pytest.mark.parametrize("card", ["", "pm_card_visa", "pm_card_authenticationRequired"])
    async def test_what_was_not_captured(self, sdk: StripeClient, card: str) -> None:
        """Cannot be refunded."""
        intent = await opened(sdk, card)
        with pytest.raises(InvalidRequestError) as refused:
            await sdk.v1.refunds.create_async({"payment_intent": intent.id})
        assert refused.value.code == "payment_intent_unexpected_state"
        if intent.latest_charge:
            with pytest.raises(InvalidRequestError, match="cancel"):
                await sdk.v1.refunds.create_async({"charge": str(intent.latest_charge)})

    @pytest.mark.parametrize(
        ("params", "param"),
        [
            ({}, None),
            ({"payment_intent": "pi_none"}, "payment_intent"),
            ({"charge": "ch_none"}, "charge"),
            ({"charge": "ch_none", "amount": 0}, "amount"),
            ({"charge": "ch_none", "reason": "bored"}, "reason"),
            ({"colour": "red"}, "colour"),
        ],
    )
    async def test_bad_parameters(self, sdk: StripeClient, params: dict[str, Any], param: str | None) -> None:
        """Are named."""
        with pytest.raises(InvalidRequestError) as refused:
            await sdk.v1.refunds.create_async(params)  # type: ignore[arg-type]
        assert (refused.value.http_status, refused.value.param) == (400, param)

    async def test_one_that_fails_later(self, sdk: StripeClient, receiver: Receiver) -> None:
        """Succeeded at first; then the money is the seller's again, and may be sent once more."""
        intent = await paid(sdk, "pm_card_refundFail")
        refund = await sdk.v1.refunds.create_async({"payment_intent": intent.id})
        assert refund.status == "succeeded"
        failed, updated = await receiver.told(intent.id, "refund.failed", "refund.updated")
        assert (failed["status"], failed["failure_reason"]) == ("failed", "expired_or_canceled_card")
        assert updated == failed == (await sdk.v1.refunds.retrieve_async(refund.id)).to_dict()
        charge = await charge_of(sdk, intent.id)
        assert (charge.amount_refunded, charge.refunded) == (0, False)
        again = await sdk.v1.refunds.create_async({"payment_intent": intent.id})
        assert again.id != refund.id

    async def test_one_that_takes_its_time(self, sdk: StripeClient, receiver: Receiver) -> None:
        """Pending counts against what is left, and ends well."""
        intent = await paid(sdk, "pm_card_pendingRefund")
        refund = await sdk.v1.refunds.create_async({"payment_intent": intent.id})
        assert (refund.status, refund.pending_reason) == ("pending", "processing")
        with pytest.raises(InvalidRequestError) as refused:
            await sdk.v1.refunds.create_async({"payment_intent": intent.id})
        assert refused.value.code == "charge_already_refunded"
        (updated,) = await receiver.told(intent.id, "refund.updated")
        assert (updated["status"], updated["id"]) == ("succeeded", refund.id)


class TestDisputes:
    """The bank takes the money, and perhaps gives it back."""

    async def test_one_is_opened_when_the_money_is_taken(self, sdk: StripeClient, receiver: Receiver) -> None:
        """Not while it is only authorised."""
        intent = await opened(sdk, "pm_card_createDispute")
        assert (await charge_of(sdk, intent.id)).disputed is False
        await sdk.v1.payment_intents.capture_async(intent.id)
        dispute = await dispute_of(sdk, intent.id)
        charge = await charge_of(sdk, intent.id)
        assert (dispute.status, dispute.reason, dispute.amount) == ("needs_response", "fraudulent", AMOUNT)
        assert (dispute.charge, dispute.payment_intent) == (charge.id, intent.id)
        assert [it.amount for it in dispute.balance_transactions] == [-AMOUNT]
        assert (charge.disputed, charge.amount_refunded) == (True, 0)
        created, withdrawn = await receiver.told(
            intent.id, "charge.dispute.created", "charge.dispute.funds_withdrawn"
        )
        assert created == withdrawn == dispute.to_dict()

    async def test_bars_a_refund(self, sdk: StripeClient) -> None:
        """The buyer would be paid twice."""
        intent = await paid(sdk, "pm_card_createDisputeProductNotReceived")
        with pytest.raises(InvalidRequestError) as refused:
            await sdk.v1.refunds.create_async({"payment_intent": intent.id})
        assert refused.value.code == "charge_disputed"
        assert (await dispute_of(sdk, intent.id)).reason == "product_not_received"

    async def test_can_be_accepted(self, sdk: StripeClient, receiver: Receiver) -> None:
        """Which loses it; nothing comes back, and it cannot be accepted twice."""
        intent = await paid(sdk, "pm_card_createDispute")
        dispute = await dispute_of(sdk, intent.id)
        closed = await sdk.v1.disputes.close_async(dispute.id)
        assert (closed.status, len(closed.balance_transactions)) == ("lost", 1)
        (told,) = await receiver.told(intent.id, "charge.dispute.closed")
        assert told["status"] == "lost"
        with pytest.raises(InvalidRequestError):
            await sdk.v1.disputes.close_async(dispute.id)
        with pytest.raises(InvalidRequestError) as refused:
            await sdk.v1.refunds.create_async({"payment_intent": intent.id})
        assert refused.value.code == "charge_disputed"

    async def test_can_be_won(self, sdk: StripeClient, receiver: Receiver) -> None:
        """With the evidence that Stripe's test mode believes; then a refund is possible again."""
        intent = await paid(sdk, "pm_card_createDispute")
        dispute = await dispute_of(sdk, intent.id)
        won = await sdk.v1.disputes.update_async(
            dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}}
        )
        assert (won.status, [it.amount for it in won.balance_transactions]) == ("won", [-AMOUNT, AMOUNT])
        reviewed, closed, reinstated = await receiver.told(
            intent.id, "charge.dispute.updated", "charge.dispute.closed", "charge.dispute.funds_reinstated"
        )
        assert (reviewed["status"], closed["status"], reinstated["status"]) == ("under_review", "won", "won")
        assert (await charge_of(sdk, intent.id)).disputed is True
        assert (await sdk.v1.refunds.create_async({"payment_intent": intent.id})).status == "succeeded"

    async def test_stays_under_review(self, sdk: StripeClient) -> None:
        """With any other evidence."""
        intent = await paid(sdk, "pm_card_createDispute")
        dispute = await dispute_of(sdk, intent.id)
        text: DisputeUpdateParamsEvidence = {"uncategorized_text": "They were there."}
        draft = await sdk.v1.disputes.update_async(dispute.id, {"evidence": text, "submit": False})
        assert (draft.status, draft.evidence_details.submission_count) == ("needs_response", 0)
        sent = await sdk.v1.disputes.update_async(dispute.id, {"evidence": text})
        assert (sent.status, sent.evidence_details.submission_count) == ("under_review", 1)

    async def test_an_inquiry_takes_no_money(self, sdk: StripeClient, receiver: Receiver) -> None:
        """And a refund is the answer to it."""
        intent = await paid(sdk, "pm_card_createDisputeInquiry")
        dispute = await dispute_of(sdk, intent.id)
        assert (dispute.status, dispute.balance_transactions) == ("warning_needs_response", [])
        await receiver.told(intent.id, "charge.dispute.created")
        assert (await sdk.v1.refunds.create_async({"payment_intent": intent.id})).status == "succeeded"
