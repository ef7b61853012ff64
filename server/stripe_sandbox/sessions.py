"""The Checkout Session: a payment whose page is Stripe's."""

import secrets
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from server.stripe_sandbox.customers import Customer
from server.stripe_sandbox.errors import BadParameter
from server.stripe_sandbox.intents import CaptureMethod, Currency, FutureUsage, PaymentIntent, Url
from server.stripe_sandbox.objects import (
    Items,
    ListParams,
    Metadata,
    Params,
    StripeObject,
    keep,
    of_intent,
    read,
)
from server.stripe_sandbox.state import Books

PAGE = "/c/pay"
"""Where the pages of sessions are."""

SHORTEST = 30 * 60
LONGEST = 24 * 3600
"""Seconds a session may live; the longest if nothing is said."""

MOST = 99_999_999
"""Minor units a payment may have."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ProductData(_Part):
    """What is sold."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=250)]
    description: str | None = None
    metadata: Metadata = Field({})


class PriceData(_Part):
    """For how much; `unit_amount` in minor units."""

    currency: Currency
    unit_amount: Annotated[int, Field(ge=0, le=MOST)]
    product_data: ProductData


class LineItem(_Part):
    """How many of it."""

    price_data: PriceData
    quantity: Annotated[int, Field(ge=1, le=10_000)] = 1


class IntentData(_Part):
    """What the payment gets that the session makes."""

    capture_method: CaptureMethod = "automatic_async"
    description: str | None = None
    metadata: Metadata = Field({})
    setup_future_usage: FutureUsage | None = None


class SessionParams(Params):
    """Parameters of create."""

    mode: Literal["payment"]
    line_items: Annotated[Items[LineItem], Field(min_length=1)]
    success_url: Url
    cancel_url: Url | None = None
    expires_at: int | None = None
    payment_intent_data: IntentData = IntentData()
    metadata: Metadata = Field({})
    client_reference_id: Annotated[str, StringConstraints(max_length=200)] | None = None
    customer: str | None = None
    customer_email: str | None = None
    allowed_payment_method_types: Items[Literal["card"]] = ("card",)
    ui_mode: Literal["hosted_page"] = "hosted_page"


class SessionListParams(ListParams):
    """Parameters of the list."""

    payment_intent: str | None = None
    customer: str | None = None
    status: Literal["open", "complete", "expired"] | None = None


class Session(StripeObject):
    """A session; it has no payment until its buyer tries to pay."""

    KIND: ClassVar[str] = "checkout.session"
    PREFIX: ClassVar[str] = "cs_test"

    object: Literal["checkout.session"] = "checkout.session"
    amount_subtotal: int
    amount_total: int
    cancel_url: str | None
    client_reference_id: str | None
    currency: str
    customer: str | None
    customer_email: str | None
    expires_at: int
    line_items: dict[str, Any]
    livemode: Literal[False] = False
    metadata: dict[str, str]
    mode: Literal["payment"] = "payment"
    payment_intent: str | None = None
    payment_intent_data: IntentData
    payment_method_types: tuple[str, ...] = ("card",)
    payment_status: Literal["paid", "unpaid"] = "unpaid"
    status: Literal["open", "complete", "expired"] = "open"
    success_url: str
    ui_mode: Literal["hosted_page"] = "hosted_page"
    url: str | None

    def shown(self) -> dict[str, Any]:
        """Without what the payment will be made of."""
        return self.model_dump(mode="json", exclude={"payment_intent_data"})

    @property
    def way_out(self) -> str:
        """Where the buyer goes who has paid."""
        return self.success_url.replace("{CHECKOUT_SESSION_ID}", self.id)

    def end(self, status: Literal["complete", "expired"], **change: str) -> Self:
        """Nobody pays here any more."""
        return self.model_copy(update={"status": status, "url": None, **change})


def create_session(books: Books, params: SessionParams) -> Session:
    """Open a page for a buyer."""
    if params.customer is not None:
        read(books, Customer, params.customer, param="customer")
    now = int(books.now)
    expires_at = now + LONGEST if params.expires_at is None else params.expires_at
    if not now + SHORTEST <= expires_at <= now + LONGEST:
        raise BadParameter("A session lives 30 minutes to 24 hours from its creation.", param="expires_at")
    currencies = {item.price_data.currency for item in params.line_items}
    if len(currencies) > 1:
        raise BadParameter("All line items must have the same currency.", param="line_items")
    total = sum(item.price_data.unit_amount * item.quantity for item in params.line_items)
    if not 1 <= total <= MOST:
        raise BadParameter(f"The total must be 1 to {MOST} minor units.", param="line_items")
    session_id = f"{Session.PREFIX}_{secrets.token_hex(24)}"
    given = params.model_dump(exclude={"expand", "line_items", "mode", "expires_at", "ui_mode"})
    del given["allowed_payment_method_types"]
    session = Session(
        id=session_id,
        created=now,
        amount_subtotal=total,
        amount_total=total,
        currency=currencies.pop(),
        expires_at=expires_at,
        line_items=_list_items(params.line_items, url=f"/v1/checkout/sessions/{session_id}/line_items"),
        url=f"{books.home}{PAGE}/{session_id}",
        **given,
    )
    books.after(expires_at - books.now, "expire_session", session.id)
    return keep(books, session)


def session_of(books: Books, intent: PaymentIntent) -> Session | None:
    """The session that made this payment."""
    return next(iter(of_intent(books, Session, intent.id)), None)


def note_authorised(books: Books, intent: PaymentIntent) -> None:
    """The bank said yes; if the buyer came by a session, that is complete, paid or to be captured."""
    session = session_of(books, intent)
    if session is not None and session.status == "open":
        paid = "paid" if intent.status == "succeeded" else "unpaid"
        keep(books, session.end("complete", payment_status=paid), "checkout.session.completed")


def note_captured(books: Books, intent: PaymentIntent) -> None:
    """The money has come."""
    session = session_of(books, intent)
    if session is not None:
        keep(books, session.model_copy(update={"payment_status": "paid"}))


def _list_items(items: tuple[LineItem, ...], *, url: str) -> dict[str, Any]:
    data = [
        {
            "id": f"li_{secrets.token_hex(12)}",
            "object": "item",
            "amount_subtotal": item.price_data.unit_amount * item.quantity,
            "amount_total": item.price_data.unit_amount * item.quantity,
            "currency": item.price_data.currency,
            "description": item.price_data.product_data.name,
            "quantity": item.quantity,
        }
        for item in items
    ]
    return {"object": "list", "data": data, "has_more": False, "url": url}
