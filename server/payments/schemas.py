"""payments' public contract."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints, ValidationInfo, field_validator

from server.kit.schemas import Answer, Body, Moment

Status = Literal[
    "open",
    "requires_action",
    "authorized",
    "capturing",
    "captured",
    "voided",
    "refunding",
    "refunded",
    "refund_failed",
    "disputed",
    "charged_back",
]


Mode = Literal["intent", "checkout"]


class NewPayment(Body):
    """Which order to pay; with a `paymentMethod` of Stripe's it is confirmed at once.

    `checkout`: on a page of Stripe's, which asks for the card itself.
    """

    order_id: UUID
    payment_method: Annotated[str, StringConstraints(pattern=r"^pm_[A-Za-z0-9_]{1,70}$")] | None = None
    mode: Mode = "intent"

    @field_validator("mode")
    @classmethod
    def _asks_for_the_card_once(cls, mode: Mode, info: ValidationInfo) -> Mode:
        if mode == "checkout" and info.data.get("payment_method") is not None:
            raise ValueError("checkout asks for the card on its own page; leave paymentMethod out")
        return mode


class PaymentQuery(Body):
    """Payments of one order."""

    order_id: UUID
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    cursor: Annotated[str, StringConstraints(max_length=500)] | None = None


class NextAction(Answer):
    """Where the buyer goes to authenticate (3-D Secure)."""

    url: str


class PaymentOut(Answer):
    """A payment as its buyer sees it; amounts in minor units, from the ledger."""

    id: UUID
    order_id: UUID
    mode: Mode
    stripe_id: str | None
    client_secret: str | None
    checkout_url: str | None
    next_action: NextAction | None
    amount: int
    currency: str
    status: Status
    decline_code: str | None
    amount_captured: int
    amount_refunded: int
    needs_review: bool
    version: int
    created_at: Moment
    updated_at: Moment
