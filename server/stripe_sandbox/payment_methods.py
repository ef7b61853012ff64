"""The PaymentMethod: a card somebody pays with, made of a number or of one of Stripe's magic names."""

import time
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from server.stripe_sandbox.cards import BY_FINGERPRINT, BY_NAME, BY_NUMBER, Card, luhn
from server.stripe_sandbox.customers import Customer
from server.stripe_sandbox.errors import BadParameter, CardRefused, NoSuchParameterObject
from server.stripe_sandbox.objects import ListParams, Metadata, Params, StripeObject, keep, read
from server.stripe_sandbox.state import Books


class CardChecks(BaseModel):
    """What the bank said of the address and the CVC."""

    address_line1_check: str | None = None
    address_postal_code_check: str | None = None
    cvc_check: str | None = "pass"


class CardDetails(BaseModel):
    """What is shown of a card."""

    brand: str
    checks: CardChecks = CardChecks()
    country: str = "US"
    exp_month: int
    exp_year: int
    fingerprint: str
    funding: str
    last4: str
    wallet: None = None

    @property
    def card(self) -> Card:
        """The test card behind it."""
        return BY_FINGERPRINT[self.fingerprint]


class BillingDetails(BaseModel):
    """Whose card it is, as far as they said."""

    address: dict[str, str | None] | None = None
    email: str | None = None
    name: str | None = None
    phone: str | None = None


class PaymentMethod(StripeObject):
    """A card that can be charged."""

    KIND: ClassVar[str] = "payment_method"
    PREFIX: ClassVar[str] = "pm"

    object: Literal["payment_method"] = "payment_method"
    allow_redisplay: str = "unspecified"
    billing_details: BillingDetails = BillingDetails()
    card: CardDetails
    customer: str | None = None
    livemode: Literal[False] = False
    metadata: dict[str, str] = Field({})
    type: Literal["card"] = "card"


def _four_digits(year: int) -> int:
    return year + 2000 if year < 100 else year  # noqa: PLR2004 - a year has two digits or four


class CardParams(BaseModel):
    """A card as it is typed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: Annotated[str, StringConstraints(max_length=30)]
    exp_month: Annotated[int, Field(ge=1, le=12)]
    exp_year: Annotated[int, AfterValidator(_four_digits)]
    cvc: str | None = None


class MethodData(BaseModel):
    """What makes a payment method."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["card"]
    card: CardParams
    allow_redisplay: Literal["always", "limited", "unspecified"] = "unspecified"
    billing_details: BillingDetails = BillingDetails()
    metadata: Metadata = Field({})


class MethodParams(MethodData, Params):
    """Parameters of create; `key` is how a browser says who it is."""

    key: str | None = None


class MethodListParams(ListParams):
    """Parameters of the list."""

    customer: str | None = None
    type: Literal["card"] | None = None


class AttachParams(Params):
    """Parameters of attach."""

    customer: str


def create_method(books: Books, data: MethodData) -> PaymentMethod:
    """Keep a card; a `CardRefused` names what is wrong with it."""
    number = data.card.number.replace(" ", "").replace("-", "")
    card = BY_NUMBER.get(number)
    if not number.isdecimal() or not luhn(number):
        raise CardRefused("The card number is incorrect.", code="incorrect_number", param="number")
    if card is None:
        raise CardRefused("This is not a test card.", decline_code="test_mode_live_card")
    today = time.gmtime(books.now)
    if (data.card.exp_year, data.card.exp_month) < (today.tm_year, today.tm_mon):
        code = "invalid_expiry_year" if data.card.exp_year < today.tm_year else "invalid_expiry_month"
        raise CardRefused("The card's expiry is in the past.", code=code, param="exp_month")
    digits = 4 if card.brand == "amex" else 3
    if data.card.cvc is not None and not (data.card.cvc.isdecimal() and len(data.card.cvc) == digits):
        raise CardRefused("The card's security code is invalid.", code="invalid_cvc", param="cvc")
    method = _make(books, card, exp_month=data.card.exp_month, exp_year=data.card.exp_year)
    change = {
        "allow_redisplay": data.allow_redisplay,
        "billing_details": data.billing_details,
        "metadata": data.metadata,
    }
    return keep(books, method.model_copy(update=change))


def given_method(books: Books, name: str, *, param: str | None = "payment_method") -> PaymentMethod:
    """The payment method a parameter names; a magic name makes a new one, as at Stripe."""
    card = BY_NAME.get(name)
    if card is not None:
        return keep(books, _make(books, card))
    return read(books, PaymentMethod, name, param=param)


def attach_method(books: Books, method_id: str, params: AttachParams) -> PaymentMethod:
    """Keep a card for a customer; most cards that decline decline this, too."""
    method = given_method(books, method_id, param=None)
    customer = read(books, Customer, params.customer, param="customer")
    if method.customer not in {None, customer.id}:
        raise BadParameter(f"{method.id} is attached to another customer.", param="payment_method")
    card = method.card.card
    if card.decline is not None and not card.attachable:
        raise card.decline.refusal()
    return keep(books, method.model_copy(update={"customer": customer.id}))


def detach_method(books: Books, method_id: str, _: Params) -> PaymentMethod:
    """Forget a customer's card."""
    method = read(books, PaymentMethod, method_id)
    if method.customer is None:
        raise BadParameter(f"{method.id} is not attached to a customer.")
    return keep(books, method.model_copy(update={"customer": None}))


def check_owner(method: PaymentMethod, customer: str | None) -> None:
    """A customer's card pays for that customer only."""
    if method.customer not in {None, customer}:
        raise NoSuchParameterObject(
            f"{method.id} belongs to the customer {method.customer}; name that customer.",
            param="payment_method",
        )


def _make(books: Books, card: Card, *, exp_month: int = 12, exp_year: int = 2044) -> PaymentMethod:
    details = CardDetails(
        brand=card.brand,
        exp_month=exp_month,
        exp_year=exp_year,
        fingerprint=card.fingerprint,
        funding=card.funding,
        last4=card.number[-4:],
    )
    return PaymentMethod(id=PaymentMethod.new_id(), created=int(books.now), card=details)
