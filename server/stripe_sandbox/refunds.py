"""The Refund: money on its way back, never more than was captured."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from server.stripe_sandbox.charges import Charge, charge_of
from server.stripe_sandbox.disputes import bars_refund
from server.stripe_sandbox.errors import (
    AlreadyRefunded,
    BadParameter,
    ChargeDisputed,
    RefundTooLarge,
    UnexpectedState,
)
from server.stripe_sandbox.intents import PaymentIntent
from server.stripe_sandbox.objects import Metadata, Params, StripeObject, keep, read
from server.stripe_sandbox.state import Books

SETTLES_AFTER = 1.0
"""Seconds until a pending refund succeeds, or one that is bound to fail does."""

Reason = Literal["duplicate", "fraudulent", "requested_by_customer"]
Settled = Literal["succeeded", "failed", "canceled"]


class RefundParams(Params):
    """Parameters of create; without `amount`, all that is left."""

    payment_intent: str | None = None
    charge: str | None = None
    amount: Annotated[int, Field(ge=1)] | None = None
    reason: Reason | None = None
    metadata: Metadata = Field({})


class Refund(StripeObject):
    """A refund; at Stripe, too, it has no `livemode`."""

    KIND: ClassVar[str] = "refund"
    PREFIX: ClassVar[str] = "re"

    object: Literal["refund"] = "refund"
    amount: int
    balance_transaction: str | None = None
    charge: str
    currency: str
    failure_reason: str | None = None
    metadata: dict[str, str] = Field({})
    payment_intent: str
    pending_reason: str | None = None
    reason: str | None = None
    receipt_number: None = None
    status: Literal["pending", "succeeded", "failed", "canceled"]


def create_refund(books: Books, params: RefundParams) -> Refund:
    """Give back what was captured, or a part of it."""
    charge = _charge_to_refund(books, params)
    if bars_refund(books, charge):
        raise ChargeDisputed(f"Charge {charge.id} has been charged back; see its dispute.", charge=charge.id)
    if charge.refundable <= 0:
        raise AlreadyRefunded(f"Charge {charge.id} has already been refunded.", charge=charge.id)
    amount = charge.refundable if params.amount is None else params.amount
    if amount > charge.refundable:
        raise RefundTooLarge(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({charge.refundable})",
            param="amount",
            charge=charge.id,
        )
    pending = charge.card.refund == "pends"
    refund = Refund(
        id=Refund.new_id(),
        created=int(books.now),
        amount=amount,
        charge=charge.id,
        currency=charge.currency,
        metadata=params.metadata,
        payment_intent=charge.payment_intent,
        pending_reason="processing" if pending else None,
        reason=params.reason,
        status="pending" if pending else "succeeded",
    )
    keep(books, refund, "refund.created")
    keep(books, charge.give_back(amount), "charge.refunded")
    if charge.card.refund != "succeeds":
        books.after(SETTLES_AFTER, "fail_refund" if not pending else "settle_refund", refund.id)
    return refund


def settle(books: Books, refund: Refund, status: Settled, *, failure_reason: str = "unknown") -> Refund:
    """What a refund came to in the end; failed or canceled, the money stays with the seller."""
    open_to = {"pending": {"succeeded", "failed", "canceled"}, "succeeded": {"failed"}}
    if status not in open_to.get(refund.status, set()):
        raise UnexpectedState(f"{refund.id} is {refund.status} and cannot become {status}.")
    lost = status == "failed"
    change = {"status": status, "failure_reason": failure_reason if lost else None, "pending_reason": None}
    settled = refund.model_copy(update=change)
    if status != "succeeded":
        keep(books, read(books, Charge, refund.charge).give_back(-refund.amount))
    return keep(books, settled, *(["refund.failed"] if lost else []), "refund.updated")


def release(books: Books, charge: Charge | None, *, reason: str | None) -> None:
    """Let go of an authorisation: Stripe calls that a refund, too, of a charge that was never captured."""
    if charge is None:
        return
    refund = Refund(
        id=Refund.new_id(),
        created=int(books.now),
        amount=charge.amount,
        charge=charge.id,
        currency=charge.currency,
        payment_intent=charge.payment_intent,
        reason="expired_uncaptured_charge" if reason == "automatic" else None,
        status="succeeded",
    )
    keep(books, refund, "refund.created")
    keep(books, charge.give_back(charge.amount), "charge.refunded")


def _charge_to_refund(books: Books, params: RefundParams) -> Charge:
    if params.payment_intent is not None:
        intent = read(books, PaymentIntent, params.payment_intent, param="payment_intent")
        charge = charge_of(books, intent)
        if charge is None or not charge.captured:
            raise UnexpectedState(f"{intent.id} does not have a successful charge to refund.")
        if params.charge not in {None, charge.id}:
            raise BadParameter(f"Charge {params.charge} is not one of {intent.id}.", param="charge")
        return charge
    if params.charge is None:
        raise BadParameter("Name what to refund: `payment_intent` or `charge`.", code="parameter_missing")
    charge = read(books, Charge, params.charge, param="charge")
    if not charge.captured:
        raise UnexpectedState(
            f"{charge.id} was not captured; cancel {charge.payment_intent} to let go of the money."
        )
    return charge
