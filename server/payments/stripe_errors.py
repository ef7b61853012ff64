"""Stripe's errors (https://docs.stripe.com/error-codes) in our words."""

from server.kit.errors import Invalid
from server.payments.gateway import (
    CardDeclined,
    GatewayRefused,
    GatewayUnavailable,
    IntentMissing,
    IntentStateConflict,
)
from server.payments.stripe_objects import decline_code_of
from server.payments.stripe_sdk import stripe

MOVED_ON = frozenset({"payment_intent_unexpected_state", "charge_already_refunded", "charge_disputed"})
"""Error codes of a call that came too late: look, and act on what is."""


def in_our_words(error: stripe.StripeError) -> Exception:
    """Our name for what Stripe said; a 409, a 5xx and what is not JSON at all are `APIError` to the SDK."""
    if isinstance(error, stripe.APIConnectionError | stripe.RateLimitError | stripe.APIError):
        return GatewayUnavailable(
            "Stripe gave no usable answer; the outcome is unknown.", retry_after=retry_after(error)
        )
    if isinstance(error, stripe.AuthenticationError | stripe.PermissionError):  # our fault
        return GatewayUnavailable("Stripe does not accept our key.", retry_after=30)
    if isinstance(error, stripe.CardError):
        code = decline_code_of(error.error or error)
        return CardDeclined("The bank declined this card; nothing was charged.", declineCode=code)
    if error.code in MOVED_ON:
        return IntentStateConflict("Stripe has this payment in another state.")
    if isinstance(error, stripe.InvalidRequestError) and error.param == "payment_method":
        return Invalid.field("paymentMethod", "Stripe does not know it, or it cannot be used again.")
    fault = f"{error.http_status} {error.code or type(error).__name__}: {error}"
    if isinstance(error, stripe.InvalidRequestError) and error.code == "resource_missing":
        return IntentMissing(fault)
    return GatewayRefused(fault)


def retry_after(error: stripe.StripeError) -> float:
    """Seconds that Stripe asks us to wait; a second where it does not say."""
    said = (error.headers or {}).get("retry-after", "")
    return float(said) if said.isdecimal() else 1.0
