"""Stripe's test cards (https://docs.stripe.com/testing) and what becomes of money that is asked of them."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from server.stripe_sandbox.errors import CardRefused


@dataclass(frozen=True)
class Decline:
    """Why a bank, or Stripe itself, says no."""

    code: str
    decline_code: str | None
    message: str

    def refusal(self, **members: Any) -> CardRefused:  # noqa: ANN401 - whatever JSON Stripe adds
        """The error that says so."""
        return CardRefused(self.message, code=self.code, decline_code=self.decline_code, **members)


GENERIC = Decline("card_declined", "generic_decline", "The bank declined this card.")
CAPTURE_REFUSED = Decline(
    "card_declined", "generic_decline", "The bank refused to pay what it had authorised."
)


def declined(decline_code: str) -> Decline:
    """A bank's refusal with a reason."""
    reason = decline_code.replace("_", " ")
    return Decline("card_declined", decline_code, f"The bank declined this card: {reason}.")


@dataclass(frozen=True)
class Card:
    """A test card: its number, its names as a payment method, and how it differs from a good one."""

    number: str
    names: tuple[str, ...]
    brand: str = "visa"
    funding: Literal["credit", "debit", "prepaid"] = "credit"
    decline: Decline | None = None
    """What every charge hears, once authentication, if it is asked for, is passed."""
    authentication: Literal["never", "until_set_up", "on_session", "always"] = "never"
    """`on_session`: as if it had been set up long ago."""
    dispute: str | None = None
    """The reason for which a charge is disputed as soon as the money is taken."""
    inquiry: bool = False
    """The bank only asks; no money is taken."""
    attachable: bool = False
    """Though it declines every charge, it can be kept for a customer."""
    refund: Literal["succeeds", "fails_later", "pends"] = "succeeds"
    capture: Literal["succeeds", "fails", "lapses"] = "succeeds"

    @cached_property
    def fingerprint(self) -> str:
        """What Stripe shows of a card number so that two uses of it can be told to be the same."""
        return hashlib.sha256(self.number.encode()).hexdigest()[:16]


def luhn(number: str) -> bool:
    """Whether the last digit of a card number is right."""
    doubled = (
        sum(divmod(int(digit) * 2, 10)) if place % 2 else int(digit)
        for place, digit in enumerate(reversed(number))
    )
    return sum(doubled) % 10 == 0


def _refused(number: str, suffix: str, decline: Decline, *, visa: bool = False) -> Card:
    # Stripe's own names have `visa` in the middle for some; older scripts leave it out.
    names = (f"pm_card_visa_{suffix}",) if visa else ()
    return Card(number, (*names, f"pm_card_{suffix}"), decline=decline)


CARDS = (
    Card("4242424242424242", ("pm_card_visa",)),
    Card("4000056655665556", ("pm_card_visa_debit",), funding="debit"),
    Card("5555555555554444", ("pm_card_mastercard",), "mastercard"),
    Card("5200828282828210", ("pm_card_mastercard_debit",), "mastercard", "debit"),
    Card("5105105105105100", ("pm_card_mastercard_prepaid",), "mastercard", "prepaid"),
    Card("378282246310005", ("pm_card_amex",), "amex"),
    Card("6011111111111117", ("pm_card_discover",), "discover"),
    Card("3056930009020004", ("pm_card_diners",), "diners"),
    Card("3566002020360505", ("pm_card_jcb",), "jcb"),
    Card("6200000000000005", ("pm_card_unionpay",), "unionpay"),
    _refused("4000000000000002", "chargeDeclined", GENERIC, visa=True),
    _refused(
        "4000000000009995", "chargeDeclinedInsufficientFunds", declined("insufficient_funds"), visa=True
    ),
    _refused("4000000000009987", "chargeDeclinedLostCard", declined("lost_card"), visa=True),
    _refused("4000000000009979", "chargeDeclinedStolenCard", declined("stolen_card"), visa=True),
    _refused(
        "4000000000006975",
        "chargeDeclinedVelocityLimitExceeded",
        declined("card_velocity_exceeded"),
        visa=True,
    ),
    _refused(
        "4000000000000069",
        "chargeDeclinedExpiredCard",
        Decline("expired_card", None, "The card has expired."),
    ),
    _refused(
        "4000000000000127",
        "chargeDeclinedIncorrectCvc",
        Decline("incorrect_cvc", None, "The CVC is incorrect."),
    ),
    _refused(
        "4000000000000119",
        "chargeDeclinedProcessingError",
        Decline(
            "processing_error", None, "An error occurred while processing the card. Try again in a moment."
        ),
    ),
    Card("4000000000000341", ("pm_card_chargeCustomerFail",), decline=GENERIC, attachable=True),
    Card(
        "4100000000000019",
        ("pm_card_radarBlock", "pm_card_chargeDeclinedFraudulent"),
        decline=Decline("card_declined", "fraudulent", "The payment was blocked as fraudulent."),
    ),
    Card("4000002500003155", ("pm_card_authenticationRequiredOnSetup",), authentication="until_set_up"),
    Card(
        "4000003800000446",
        ("pm_card_authenticationRequiredSetupForOffSession",),
        authentication="on_session",
    ),
    Card("4000002760003184", ("pm_card_authenticationRequired",), authentication="always"),
    Card("4000000000003220", ("pm_card_threeDSecure2Required",), authentication="always"),
    Card(
        "4000008260003178",
        ("pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",),
        decline=declined("insufficient_funds"),
        authentication="always",
    ),
    Card(
        "4000008400001629",
        ("pm_card_threeDSecureRequiredChargeDeclined",),
        decline=GENERIC,
        authentication="always",
    ),
    Card("4000000000000259", ("pm_card_createDispute",), dispute="fraudulent"),
    Card("4000000000002685", ("pm_card_createDisputeProductNotReceived",), dispute="product_not_received"),
    Card("4000000000001976", ("pm_card_createDisputeInquiry",), dispute="fraudulent", inquiry=True),
    Card("4000000000007726", ("pm_card_pendingRefund",), refund="pends"),
    Card("4000000000005126", ("pm_card_refundFail",), refund="fails_later"),
    # Stripe has no test card for these two, and they happen.
    Card("4000000000008005", ("pm_sandbox_captureFails",), capture="fails"),
    Card("4000000000008104", ("pm_sandbox_authorizationLapses",), capture="lapses"),
)

BY_NAME = {name: card for card in CARDS for name in card.names}
BY_NUMBER = {card.number: card for card in CARDS}
BY_FINGERPRINT = {card.fingerprint: card for card in CARDS}
