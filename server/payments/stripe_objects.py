"""Stripe's objects in our words: what its SDK gave us, and the events it sends."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AliasPath, BaseModel, Field, StringConstraints, TypeAdapter

from server.payments.gateway import (
    Checkout,
    Dispute,
    Intent,
    IntentStatus,
    Refund,
    RefundStatus,
    StripeEvent,
)
from server.payments.stripe_sdk import stripe

STATUS: TypeAdapter[IntentStatus] = TypeAdapter(IntentStatus)
REFUND_STATUS: TypeAdapter[RefundStatus] = TypeAdapter(RefundStatus)
CHECKOUT_STATUS: TypeAdapter[Literal["open", "complete", "expired"]] = TypeAdapter(
    Literal["open", "complete", "expired"]
)
HIDDEN_DECLINES = frozenset({"fraudulent", "lost_card", "merchant_blacklist", "stolen_card"})
"""Stripe asks to tell the buyer no more than `generic_decline`: https://docs.stripe.com/declines/codes"""

Name = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,80}$")]
"""What our columns hold: anything else would be a 500, and Stripe would send it again for days."""

OLDEST = 300
"""Seconds after which a signed event is too old, so that a captured one cannot be replayed."""
NEWEST = 60
"""Seconds that a signature may lie ahead of our clock; the SDK itself would take any future time."""


def is_signed(body: bytes, signature: str, secret: str) -> bool:
    """Whether this secret signed an event's body, in the last few minutes."""
    try:
        stripe.WebhookSignature.verify_header(body, signature, secret, OLDEST)
        stamp = next(part for part in signature.split(",") if part.startswith("t="))
        return int(stamp.removeprefix("t=")) <= time.time() + NEWEST
    except (stripe.SignatureVerificationError, ValueError, TypeError):
        # The latter two: a header that is not ASCII, a body that is not UTF-8.
        return False


class Event(BaseModel):
    """What we read of an event; its subject is an intent, or something that names one."""

    id: Name
    type: Name
    livemode: bool
    account: str | None = None
    subject: str = Field(validation_alias=AliasPath("data", "object", "object"))
    subject_id: str | None = Field(None, validation_alias=AliasPath("data", "object", "id"))
    status: Any = Field(None, validation_alias=AliasPath("data", "object", "status"))
    payment_intent: str | None = Field(None, validation_alias=AliasPath("data", "object", "payment_intent"))
    metadata: dict[str, str] | None = Field(None, validation_alias=AliasPath("data", "object", "metadata"))

    def essence(self) -> StripeEvent:
        """What the gateway tells of it."""
        metadata = self.metadata or {}
        is_intent = self.subject == "payment_intent"
        return StripeEvent(
            id=self.id,
            type=self.type,
            intent_id=self.subject_id if is_intent else self.payment_intent,
            livemode=self.livemode,
            account=self.account,
            payment_id=metadata.get("paymentId"),
            order_id=metadata.get("orderId"),
            checkout_id=self.subject_id if self.subject == "checkout.session" else None,
            told=self.status if is_intent and isinstance(self.status, str) else None,
        )


def read_intent(
    intent: stripe.PaymentIntent,
    refunds: Sequence[stripe.Refund] = (),
    disputes: Sequence[stripe.Dispute] = (),
) -> Intent:
    """The intent, with what was looked up of it.

    Stripe calls it a refund, too, when an authorisation is let go of; no money has moved then.
    """
    charge = intent.latest_charge
    made = [intent.created, *(refund.created for refund in refunds), *(d.created for d in disputes)]
    if isinstance(charge, stripe.Charge):
        made.append(charge.created)
    moved = intent.status == "succeeded"
    failure = intent.last_payment_error
    # Absent, not null, where the next action is of another kind.
    redirect = getattr(intent.next_action, "redirect_to_url", None)
    return Intent(
        id=intent.id,
        client_secret=intent.client_secret or "",
        status=STATUS.validate_python(intent.status),
        amount=intent.amount,
        amount_received=intent.amount_received,
        currency=intent.currency,
        livemode=intent.livemode,
        metadata=intent.metadata.to_dict(),
        next_action_url=redirect.url if redirect else None,
        decline_code=decline_code_of(failure) if failure else None,
        refunds=tuple(_read_refund(refund) for refund in refunds if moved),
        disputes=tuple(_read_dispute(dispute) for dispute in disputes if moved),
        changed_at=datetime.fromtimestamp(max(made), UTC),
    )


def read_checkout(session: stripe.checkout.Session) -> Checkout:
    """The hosted page; its intent is not expanded."""
    intent = session.payment_intent
    return Checkout(
        id=session.id,
        status=CHECKOUT_STATUS.validate_python(session.status),
        url=session.url,
        intent_id=intent if isinstance(intent, str) else None,
        livemode=session.livemode,
    )


def _read_refund(refund: stripe.Refund) -> Refund:
    attempt = (refund.metadata.to_dict() if refund.metadata else {}).get("attempt", "")
    return Refund(
        id=refund.id,
        amount=refund.amount,
        status=REFUND_STATUS.validate_python(refund.status),
        failure_reason=getattr(refund, "failure_reason", None),
        attempt=int(attempt) if attempt.isdecimal() else None,
    )


def _read_dispute(dispute: stripe.Dispute) -> Dispute:
    status: Literal["warning", "open", "won", "lost"]
    match dispute.status:
        case "won" | "lost":
            status = dispute.status
        case str() as word if word.startswith("warning_") or word == "prevented":
            status = "warning"
        case _:
            status = "open"
    return Dispute(id=dispute.id, amount=dispute.amount, status=status)


def decline_code_of(failure: Any) -> str:  # noqa: ANN401 - an intent's last_payment_error or an error's object
    """Why the bank said no, as far as the buyer may know."""
    code = getattr(failure, "decline_code", None) or getattr(failure, "code", None) or "generic_decline"
    return "generic_decline" if code in HIDDEN_DECLINES else str(code)
