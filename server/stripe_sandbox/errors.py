"""Refusals in Stripe's own shape: `{"error": {type, code, decline_code, message, param, payment_intent}}`."""

from typing import Any, ClassVar, Self


class StripeRefusal(Exception):
    """What Stripe answers instead of the object that was asked for."""

    status: int = 400
    headers: dict[str, str] | None = None
    type: ClassVar[str] = "invalid_request_error"
    code: ClassVar[str | None] = None
    final: ClassVar[bool] = False
    """Whether the request had begun to execute, so that its idempotency key answers the same for ever."""

    def __init__(self, message: str, **members: Any) -> None:  # noqa: ANN401 - whatever JSON Stripe adds
        """Join `members` (`param`, `payment_intent`, …) to the error object."""
        super().__init__(message)
        self.message = message
        self.members = members

    def body(self) -> dict[str, Any]:
        """Render as Stripe does, absent members left out."""
        error = {"type": self.type, "code": self.code, "message": self.message, **self.members}
        return {"error": {name: value for name, value in error.items() if value is not None}}


class BadParameter(StripeRefusal):
    """A parameter is missing, unknown or malformed."""


class UnknownKey(StripeRefusal):
    """No API key, or not a test mode secret key."""

    status = 401


class NoSuchObject(StripeRefusal):
    """The path names an object that does not exist."""

    status = 404
    code = "resource_missing"


class NoSuchParameterObject(BadParameter):
    """A parameter names an object that does not exist."""

    code = "resource_missing"


class NoSuchRoute(StripeRefusal):
    """Stripe has no such URL, or the sandbox does not speak it yet."""

    status = 404


class UnexpectedState(StripeRefusal):
    """The intent is in a state from which this call leads nowhere."""

    code = "payment_intent_unexpected_state"
    final = True


class CardRefused(StripeRefusal):
    """The bank said no; the intent may be confirmed again with another card."""

    status = 402
    type = "card_error"
    code = "card_declined"
    final = True


class AlreadyRefunded(StripeRefusal):
    """Nothing is left of the charge to give back."""

    code = "charge_already_refunded"
    final = True


class ChargeDisputed(StripeRefusal):
    """The cardholder's bank has taken the money; a refund would give it twice."""

    code = "charge_disputed"
    final = True


class RefundTooLarge(StripeRefusal):
    """More than is left; Stripe names the parameter and gives no code."""

    final = True


class SessionOver(StripeRefusal):
    """The Checkout session is complete or expired."""

    final = True


class KeyReused(StripeRefusal):
    """The idempotency key was first used for another request."""

    type = "idempotency_error"


class KeyInUse(StripeRefusal):
    """The first request with this idempotency key is still running."""

    status = 409
    type = "idempotency_error"
    code = "idempotency_key_in_use"


class RateLimited(StripeRefusal):
    """Too many calls; `retry_after` in seconds."""

    status = 429
    code = "rate_limit"

    def __init__(self, message: str, *, retry_after: float) -> None:
        """Say when to come again."""
        super().__init__(message)
        self.headers = {"Retry-After": str(max(1, round(retry_after)))}


class OutOfOrder(StripeRefusal):
    """The sandbox itself failed, or was told to."""

    status = 500
    type = "api_error"

    def with_status(self, status: int) -> Self:
        """Another 5xx than 500."""
        self.status = status
        return self
