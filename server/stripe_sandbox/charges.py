"""The Charge: one attempt to get money of a card, and how much of it was taken and given back."""

from typing import ClassVar, Literal, Self

from pydantic import BaseModel

from server.stripe_sandbox.cards import Card, Decline
from server.stripe_sandbox.intents import PaymentIntent
from server.stripe_sandbox.objects import StripeObject
from server.stripe_sandbox.payment_methods import BillingDetails, CardDetails, PaymentMethod
from server.stripe_sandbox.state import Books


class MethodDetails(BaseModel):
    """The card at the time of the charge."""

    card: CardDetails
    type: Literal["card"] = "card"


class Outcome(BaseModel):
    """What the bank or Stripe said."""

    network_status: str = "approved_by_network"
    reason: str | None = None
    risk_level: str = "normal"
    risk_score: int = 1
    seller_message: str = "Payment complete."
    type: str = "authorized"


class Charge(StripeObject):
    """An attempt on a card; an authorisation let go of counts as refunded, though nothing was captured."""

    KIND: ClassVar[str] = "charge"
    PREFIX: ClassVar[str] = "ch"

    object: Literal["charge"] = "charge"
    amount: int
    amount_captured: int = 0
    amount_refunded: int = 0
    balance_transaction: str | None = None
    billing_details: BillingDetails
    captured: bool = False
    currency: str
    customer: str | None = None
    description: str | None = None
    disputed: bool = False
    failure_code: str | None = None
    failure_message: str | None = None
    livemode: Literal[False] = False
    metadata: dict[str, str]
    outcome: Outcome = Outcome()
    paid: bool
    payment_intent: str
    payment_method: str
    payment_method_details: MethodDetails
    receipt_url: str | None = None
    refunded: bool = False
    status: Literal["succeeded", "pending", "failed"]

    @property
    def card(self) -> Card:
        """The test card that was charged."""
        return self.payment_method_details.card.card

    @property
    def refundable(self) -> int:
        """What was captured and not given back."""
        return self.amount_captured - self.amount_refunded

    @classmethod
    def attempt(
        cls, intent: PaymentIntent, method: PaymentMethod, *, now: float, decline: Decline | None
    ) -> Self:
        """An authorisation, or a refusal."""
        charge = cls(
            id=cls.new_id(),
            created=int(now),
            amount=intent.amount,
            billing_details=method.billing_details,
            currency=intent.currency,
            customer=intent.customer,
            description=intent.description,
            metadata=intent.metadata,
            paid=decline is None,
            payment_intent=intent.id,
            payment_method=method.id,
            payment_method_details=MethodDetails(card=method.card),
            status="succeeded" if decline is None else "failed",
        )
        if decline is None:
            return charge
        blocked = decline.decline_code == "fraudulent"
        outcome = Outcome(
            network_status="not_sent_to_network" if blocked else "declined_by_network",
            reason=decline.decline_code or decline.code,
            risk_level="highest" if blocked else "normal",
            seller_message=decline.message,
            type="blocked" if blocked else "issuer_declined",
        )
        failure = {"failure_code": decline.code, "failure_message": decline.message, "outcome": outcome}
        return charge.model_copy(update=failure)

    def capture(self) -> Self:
        """Take the whole amount."""
        return self.model_copy(update={"captured": True, "amount_captured": self.amount})

    def give_back(self, amount: int) -> Self:
        """Count a refund, or with a negative amount one that failed."""
        total = self.amount_refunded + amount
        whole = self.amount_captured if self.captured else self.amount
        return self.model_copy(update={"amount_refunded": total, "refunded": total == whole})


def charge_of(books: Books, intent: PaymentIntent) -> Charge | None:
    """The intent's newest charge, if there was an attempt; a file of an older sandbox has none."""
    body = intent.latest_charge and books.read(Charge.KIND, intent.latest_charge)
    return Charge.model_validate_json(body) if body else None
