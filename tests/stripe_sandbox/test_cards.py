"""Each test card does what its name says."""

import pytest
from stripe import CardError, InvalidRequestError, StripeClient

from server.stripe_sandbox.cards import BY_NAME, BY_NUMBER, CARDS, luhn
from tests.stripe_sandbox.paying import AMOUNT, opened, paid
from tests.stripe_sandbox.running import Receiver, Sandbox
from tests.waiting import until

GOOD = ["pm_card_visa", "pm_card_visa_debit", "pm_card_mastercard", "pm_card_amex", "pm_card_discover"]
BAD = {
    "pm_card_chargeDeclined": ("card_declined", "generic_decline"),
    "pm_card_visa_chargeDeclined": ("card_declined", "generic_decline"),
    "pm_card_chargeDeclinedInsufficientFunds": ("card_declined", "insufficient_funds"),
    "pm_card_visa_chargeDeclinedInsufficientFunds": ("card_declined", "insufficient_funds"),
    "pm_card_chargeDeclinedLostCard": ("card_declined", "lost_card"),
    "pm_card_chargeDeclinedStolenCard": ("card_declined", "stolen_card"),
    "pm_card_chargeDeclinedVelocityLimitExceeded": ("card_declined", "card_velocity_exceeded"),
    "pm_card_chargeDeclinedExpiredCard": ("expired_card", None),
    "pm_card_chargeDeclinedIncorrectCvc": ("incorrect_cvc", None),
    "pm_card_chargeDeclinedProcessingError": ("processing_error", None),
    "pm_card_chargeDeclinedFraudulent": ("card_declined", "fraudulent"),
    "pm_card_radarBlock": ("card_declined", "fraudulent"),
    "pm_card_chargeCustomerFail": ("card_declined", "generic_decline"),
}


def test_numbers_and_names_are_one_card_each() -> None:
    """And a number can be typed into a form."""
    assert len(BY_NUMBER) == len(CARDS)
    assert len(BY_NAME) == sum(len(card.names) for card in CARDS)
    assert all(luhn(number) for number in BY_NUMBER)
    assert not luhn("4242424242424241")


@pytest.mark.parametrize("card", GOOD)
async def test_good_cards(sdk: StripeClient, card: str) -> None:
    """Are charged, and make a payment method of their own each time."""
    first, second = await opened(sdk, card), await opened(sdk, card, manual=False)
    assert (first.status, second.status) == ("requires_capture", "succeeded")
    assert first.payment_method != second.payment_method
    assert str(first.payment_method).startswith("pm_")


@pytest.mark.parametrize(("card", "reason"), BAD.items())
async def test_bad_cards(sdk: StripeClient, card: str, reason: tuple[str, str | None]) -> None:
    """Say why, in the error and on the intent."""
    intent = await opened(sdk)
    with pytest.raises(CardError) as declined:
        await sdk.v1.payment_intents.confirm_async(intent.id, {"payment_method": card})
    said = declined.value.error
    assert said is not None
    assert (said.code, getattr(said, "decline_code", None)) == reason
    intent = await sdk.v1.payment_intents.retrieve_async(intent.id)
    failure = intent.last_payment_error
    assert failure is not None
    assert (intent.status, failure.code, failure.decline_code) == ("requires_payment_method", *reason)
    assert (
        await sdk.v1.payment_intents.confirm_async(intent.id, {"payment_method": "pm_card_visa"})
    ).status == ("requires_capture")


@pytest.mark.parametrize(
    ("card", "status"),
    [
        ("pm_card_authenticationRequired", "requires_capture"),
        ("pm_card_authenticationRequiredOnSetup", "requires_capture"),
        ("pm_card_threeDSecure2Required", "requires_capture"),
        ("pm_card_authenticationRequiredChargeDeclinedInsufficientFunds", "requires_payment_method"),
        ("pm_card_threeDSecureRequiredChargeDeclined", "requires_payment_method"),
    ],
)
async def test_cards_that_ask_for_the_buyer(
    sdk: StripeClient, sandbox: Sandbox, card: str, status: str
) -> None:
    """Some decline even so."""
    intent = await opened(sdk, card)
    assert intent.status == "requires_action"
    async with sandbox.client() as client:
        await client.post(f"/_sandbox/payment_intents/{intent.id}/authenticate")
    intent = await sdk.v1.payment_intents.retrieve_async(intent.id)
    assert intent.status == status
    assert (intent.last_payment_error is None) == (status == "requires_capture")


async def test_a_capture_the_bank_refuses(sdk: StripeClient) -> None:
    """Leaves the authorisation, so that it can be let go of."""
    intent = await opened(sdk, "pm_sandbox_captureFails")
    for _ in range(2):
        with pytest.raises(CardError) as refused:
            await sdk.v1.payment_intents.capture_async(intent.id)
        assert refused.value.code == "card_declined"
    intent = await sdk.v1.payment_intents.retrieve_async(intent.id)
    assert (intent.status, intent.amount_capturable) == ("requires_capture", AMOUNT)
    assert (await sdk.v1.payment_intents.cancel_async(intent.id)).status == "canceled"


async def test_an_authorisation_that_is_gone_at_capture(sdk: StripeClient, receiver: Receiver) -> None:
    """Stripe has canceled the intent itself."""
    intent = await opened(sdk, "pm_sandbox_authorizationLapses")
    assert intent.status == "requires_capture"
    with pytest.raises(InvalidRequestError) as refused:
        await sdk.v1.payment_intents.capture_async(intent.id)
    assert refused.value.code == "payment_intent_unexpected_state"
    canceled, refund = await receiver.told(intent.id, "payment_intent.canceled", "refund.created")
    assert (canceled["status"], canceled["cancellation_reason"]) == ("canceled", "automatic")
    assert refund["reason"] == "expired_uncaptured_charge"


async def test_an_authorisation_that_lapses_by_itself(sdk: StripeClient, receiver: Receiver) -> None:
    """If nobody tries to capture it."""
    intent = await opened(sdk, "pm_sandbox_authorizationLapses")
    (canceled,) = await receiver.told(intent.id, "payment_intent.canceled")
    assert canceled["cancellation_reason"] == "automatic"


@pytest.mark.slow
async def test_what_is_due_outlives_kill_9(
    sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A refund that was to fail fails when the sandbox is back."""
    data = tmp_path_factory.mktemp("later") / "stripe.db"
    async with Sandbox(data, webhook_url=sandbox.webhook_url) as other, other.sdk() as sdk:
        intent = await paid(sdk, "pm_card_refundFail")
        refund = await sdk.v1.refunds.create_async({"payment_intent": intent.id})
        await other.kill()
        await other.start()

        async def failed() -> bool:
            return (await sdk.v1.refunds.retrieve_async(refund.id)).status == "failed"

        await until(failed, "the refund has failed")
