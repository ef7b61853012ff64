"""The PaymentIntent: its fields as Stripe names them, and the only steps it takes."""

import secrets
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, Field, StringConstraints

from server.stripe_sandbox.cards import Decline
from server.stripe_sandbox.errors import CardRefused, UnexpectedState
from server.stripe_sandbox.objects import API_VERSION as API_VERSION  # noqa: PLC0414 - the contract suite reads it here
from server.stripe_sandbox.objects import Items, ListParams, Metadata, Params, StripeObject
from server.stripe_sandbox.payment_methods import MethodData, PaymentMethod

Status = Literal[
    "requires_payment_method",
    "requires_confirmation",
    "requires_action",
    "requires_capture",
    "canceled",
    "succeeded",
]
CaptureMethod = Literal["automatic", "automatic_async", "manual"]

CONFIRMABLE: frozenset[Status] = frozenset(
    {"requires_payment_method", "requires_confirmation", "requires_action"}
)
CANCELABLE: frozenset[Status] = CONFIRMABLE | {"requires_capture"}

EVENT_ON: dict[Status, str] = {
    "requires_payment_method": "payment_intent.payment_failed",
    "requires_action": "payment_intent.requires_action",
    "requires_capture": "payment_intent.amount_capturable_updated",
    "canceled": "payment_intent.canceled",
    "succeeded": "payment_intent.succeeded",
}
"""The event that a step into a status sends."""

Amount = Annotated[int, Field(ge=1, le=99_999_999)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{3}$", to_lower=True)]
Url = Annotated[str, Field(pattern=r"^https?://")]
AUTHENTICATION = "/authenticate"
"""Where the bank's pages are."""

FutureUsage = Literal["on_session", "off_session"]


class ClientParams(Params):
    """What Stripe.js adds: its key if not in a header, and the secret by which it may touch this object."""

    key: str | None = None
    client_secret: str | None = None
    use_stripe_sdk: bool = False


class AttemptParams(Params):
    """Parameters of an attempt; `payment_method_data` is a card as it is typed."""

    payment_method: str | None = None
    payment_method_data: MethodData | None = None
    return_url: Url | None = None
    off_session: bool = False
    setup_future_usage: FutureUsage | None = None


class ConfirmParams(AttemptParams, ClientParams):
    """Parameters of confirm."""


class CreateParams(AttemptParams):
    """Parameters of create; `amount` in minor units."""

    amount: Amount
    currency: Currency
    capture_method: CaptureMethod = "automatic_async"
    confirm: bool = False
    customer: str | None = None
    description: str | None = None
    metadata: Metadata = Field({})
    # Its predecessor `payment_method_types` is refused since 2026-09-30.endive, and so it is here.
    allowed_payment_method_types: Items[Literal["card"]] = ("card",)


class CancelParams(Params):
    """Parameters of cancel."""

    cancellation_reason: Literal["abandoned", "duplicate", "fraudulent", "requested_by_customer"] | None = (
        None
    )


class IntentListParams(ListParams):
    """Parameters of the list."""

    customer: str | None = None


class RedirectToUrl(BaseModel):
    """Where the buyer authenticates, and where the page sends them afterwards."""

    url: str
    return_url: str | None


class NextAction(BaseModel):
    """What the buyer must do before the payment goes on."""

    type: Literal["redirect_to_url"] = "redirect_to_url"
    redirect_to_url: RedirectToUrl

    @classmethod
    def at(cls, page: str, *, return_url: str | None) -> Self:
        """Send the buyer to the bank's page; the random part of its address is the secret of this attempt."""
        url = f"{page}/{secrets.token_urlsafe(18)}"
        return cls(redirect_to_url=RedirectToUrl(url=url, return_url=return_url))


class PaymentError(BaseModel):
    """Why the last attempt failed."""

    type: Literal["card_error", "invalid_request_error"]
    code: str
    decline_code: str | None
    message: str
    charge: str | None = None
    payment_method: PaymentMethod | None = None

    @classmethod
    def of(cls, decline: Decline, method: PaymentMethod | None, *, charge: str | None) -> Self:
        """A decline as the intent remembers it."""
        return cls(
            type="card_error",
            code=decline.code,
            decline_code=decline.decline_code,
            message=decline.message,
            charge=charge,
            payment_method=method,
        )


NOT_AUTHENTICATED = PaymentError(
    type="invalid_request_error",
    code="payment_intent_authentication_failure",
    decline_code=None,
    message="The buyer did not pass the bank's authentication. Confirm again to try once more.",
)


class PaymentIntent(StripeObject):
    """One payment."""

    KIND: ClassVar[str] = "payment_intent"
    PREFIX: ClassVar[str] = "pi"

    object: Literal["payment_intent"] = "payment_intent"
    amount: int
    amount_capturable: int = 0
    amount_received: int = 0
    canceled_at: int | None = None
    cancellation_reason: str | None = None
    capture_method: CaptureMethod
    client_secret: str
    confirmation_method: Literal["automatic"] = "automatic"
    currency: str
    customer: str | None = None
    description: str | None = None
    last_payment_error: PaymentError | None = None
    latest_charge: str | None = None
    livemode: Literal[False] = False
    metadata: dict[str, str]
    next_action: NextAction | None = None
    payment_method: str | None = None
    payment_method_types: tuple[str, ...]
    processing: None = None
    receipt_email: None = None
    setup_future_usage: FutureUsage | None = None
    status: Status

    @classmethod
    def new(cls, params: CreateParams, *, method: PaymentMethod | None, now: float) -> Self:
        """A payment that waits for a payment method, or for confirmation if it has one."""
        intent_id = cls.new_id()
        return cls(
            id=intent_id,
            amount=params.amount,
            capture_method=params.capture_method,
            client_secret=f"{intent_id}_secret_{secrets.token_hex(12)}",
            created=int(now),
            currency=params.currency,
            customer=params.customer,
            description=params.description,
            metadata=params.metadata,
            payment_method=None if method is None else method.id,
            payment_method_types=params.allowed_payment_method_types,
            setup_future_usage=params.setup_future_usage,
            status="requires_payment_method" if method is None else "requires_confirmation",
        )

    def await_buyer(self, method_id: str, *, page: str, return_url: str | None) -> Self:
        """The bank wants to see the buyer, at a page whose address begins with `page`."""
        change = {
            "status": "requires_action",
            "payment_method": method_id,
            "next_action": NextAction.at(f"{page}/{self.id}", return_url=return_url),
        }
        return self.model_copy(update={**change, "last_payment_error": None})

    def authorise(self, method_id: str, charge_id: str) -> Self:
        """The bank said yes; unless capture waits, the money is taken."""
        manual = self.capture_method == "manual"
        change = {
            "status": "requires_capture" if manual else "succeeded",
            "amount_capturable": self.amount if manual else 0,
            "amount_received": 0 if manual else self.amount,
            "latest_charge": charge_id,
            "payment_method": method_id,
        }
        return self.model_copy(update={**change, "last_payment_error": None, "next_action": None})

    def fail(self, error: PaymentError, *, charge_id: str | None = None) -> Self:
        """The attempt came to nothing."""
        # As at Stripe, the card that failed is taken off the intent, so the next confirm must name one.
        change = {"status": "requires_payment_method", "payment_method": None, "next_action": None}
        latest = charge_id or self.latest_charge
        return self.model_copy(update={**change, "last_payment_error": error, "latest_charge": latest})

    def capture(self) -> Self:
        """Take the whole authorised amount."""
        self.expect(frozenset({"requires_capture"}), "captured")
        return self.model_copy(
            update={"status": "succeeded", "amount_capturable": 0, "amount_received": self.amount_capturable}
        )

    def cancel(self, *, now: float, reason: str | None) -> Self:
        """End the payment; an authorisation is let go of."""
        self.expect(CANCELABLE, "canceled")
        change = {"status": "canceled", "canceled_at": int(now), "amount_capturable": 0, "next_action": None}
        return self.model_copy(update={**change, "cancellation_reason": reason})

    def expect(self, allowed: frozenset[Status], step: str) -> None:
        """Refuse a step that does not lead on from here."""
        if self.status not in allowed:
            raise UnexpectedState(
                f"{self.id} is {self.status}; only one that is {' or '.join(sorted(allowed))} can be {step}.",
                payment_intent=self.shown(),
            )

    def refuse_if_declined(self) -> Self:
        """A confirmation that fails answers with the error, though the intent is changed and kept."""
        error = self.last_payment_error
        if self.status != "requires_payment_method" or error is None:
            return self
        said: dict[str, Any] = {"charge": error.charge, "decline_code": error.decline_code}
        raise CardRefused(error.message, code=error.code, payment_intent=self.shown(), **said)
