"""The SetupIntent: a card is kept for later payments, with the bank's consent."""

import secrets
from typing import Any, ClassVar, Literal, Self

from pydantic import Field

from server.stripe_sandbox.customers import Customer
from server.stripe_sandbox.errors import UnexpectedState
from server.stripe_sandbox.intents import (
    AUTHENTICATION,
    ClientParams,
    FutureUsage,
    NextAction,
    PaymentError,
    Url,
)
from server.stripe_sandbox.objects import Items, ListParams, Metadata, Params, StripeObject, keep, read
from server.stripe_sandbox.payment_methods import (
    MethodData,
    PaymentMethod,
    check_owner,
    create_method,
    given_method,
)
from server.stripe_sandbox.state import Books

Status = Literal[
    "requires_payment_method", "requires_confirmation", "requires_action", "canceled", "succeeded"
]
EVENT_ON: dict[Status, str] = {
    "requires_payment_method": "setup_intent.setup_failed",
    "requires_action": "setup_intent.requires_action",
    "canceled": "setup_intent.canceled",
    "succeeded": "setup_intent.succeeded",
}
NOT_AUTHENTICATED = PaymentError(
    type="invalid_request_error",
    code="setup_intent_authentication_failure",
    decline_code=None,
    message="The buyer did not pass the bank's authentication.",
)


class SetupState(UnexpectedState):
    """The setup is in a state from which this call leads nowhere."""

    code = "setup_intent_unexpected_state"


class SetupAttemptParams(Params):
    """Parameters of an attempt."""

    payment_method: str | None = None
    payment_method_data: MethodData | None = None
    return_url: Url | None = None


class SetupConfirmParams(SetupAttemptParams, ClientParams):
    """Parameters of confirm."""


class SetupParams(SetupAttemptParams):
    """Parameters of create."""

    confirm: bool = False
    customer: str | None = None
    description: str | None = None
    metadata: Metadata = Field({})
    usage: FutureUsage = "off_session"
    allowed_payment_method_types: Items[Literal["card"]] = ("card",)


class SetupListParams(ListParams):
    """Parameters of the list."""

    customer: str | None = None
    payment_method: str | None = None


class SetupIntent(StripeObject):
    """A card on its way to being kept."""

    KIND: ClassVar[str] = "setup_intent"
    PREFIX: ClassVar[str] = "seti"

    object: Literal["setup_intent"] = "setup_intent"
    cancellation_reason: str | None = None
    client_secret: str
    customer: str | None = None
    description: str | None = None
    last_setup_error: PaymentError | None = None
    livemode: Literal[False] = False
    metadata: dict[str, str] = Field({})
    next_action: NextAction | None = None
    payment_method: str | None = None
    payment_method_types: tuple[str, ...] = ("card",)
    status: Status
    usage: FutureUsage

    def expect_open(self) -> None:
        """Refuse what comes too late."""
        if self.status in {"succeeded", "canceled"}:
            raise SetupState(f"{self.id} is {self.status}; it is over.", setup_intent=self.shown())

    def step(self, books: Books, **change: Any) -> Self:  # noqa: ANN401 - members of any type
        """Take a step and announce it."""
        taken = self.model_copy(update={"next_action": None, "last_setup_error": None, **change})
        return keep(books, taken, EVENT_ON[taken.status])


def create_setup(books: Books, params: SetupParams) -> SetupIntent:
    """Begin to keep a card, and confirm it at once if `confirm` is set."""
    if params.customer is not None:
        read(books, Customer, params.customer, param="customer")
    method = _method(books, params)
    if method is None and params.confirm:
        raise SetupState("Pass a payment method to confirm with.")
    setup_id = SetupIntent.new_id()
    setup = SetupIntent(
        id=setup_id,
        client_secret=f"{setup_id}_secret_{secrets.token_hex(12)}",
        created=int(books.now),
        customer=params.customer,
        description=params.description,
        metadata=params.metadata,
        payment_method=None if method is None else method.id,
        status="requires_payment_method" if method is None else "requires_confirmation",
        usage=params.usage,
    )
    keep(books, setup, "setup_intent.created")
    if method is None or not params.confirm:
        return setup
    return _attempt(books, setup, method, return_url=params.return_url)


def confirm_setup(books: Books, setup_id: str, params: SetupConfirmParams) -> SetupIntent:
    """Ask the bank."""
    setup = read(books, SetupIntent, setup_id)
    setup.expect_open()
    method = _method(books, params)
    if method is None and setup.payment_method is not None:
        method = read(books, PaymentMethod, setup.payment_method)
    if method is None:
        raise SetupState(f"{setup.id} has no payment method to confirm with.", setup_intent=setup.shown())
    return _attempt(books, setup, method, return_url=params.return_url)


def cancel_setup(books: Books, setup_id: str, _: Params) -> SetupIntent:
    """Give it up."""
    setup = read(books, SetupIntent, setup_id)
    setup.expect_open()
    return setup.step(books, status="canceled")


def authenticate_setup(books: Books, setup: SetupIntent, *, passed: bool) -> SetupIntent:
    """The buyer has been to the bank's page."""
    if passed:
        return _succeed(books, setup, read(books, PaymentMethod, setup.payment_method or ""))
    return setup.step(
        books, status="requires_payment_method", payment_method=None, last_setup_error=NOT_AUTHENTICATED
    )


def is_set_up(books: Books, method: PaymentMethod) -> bool:
    """Whether the bank has agreed to later payments with nobody there."""
    done = {"payment_method": method.id, "status": "succeeded", "usage": "off_session"}
    return bool(books.newest(SetupIntent.KIND, limit=1, where=done))


def _method(books: Books, params: SetupAttemptParams) -> PaymentMethod | None:
    if params.payment_method_data is not None:
        return create_method(books, params.payment_method_data)
    return None if params.payment_method is None else given_method(books, params.payment_method)


def _attempt(
    books: Books, setup: SetupIntent, method: PaymentMethod, *, return_url: str | None
) -> SetupIntent:
    check_owner(method, setup.customer)
    card = method.card.card
    if card.authentication in {"always", "until_set_up"}:
        action = NextAction.at(f"{books.home}{AUTHENTICATION}/{setup.id}", return_url=return_url)
        return setup.step(books, status="requires_action", payment_method=method.id, next_action=action)
    if card.decline is None or card.attachable:
        return _succeed(books, setup, method)
    error = PaymentError.of(card.decline, method, charge=None)
    failed = setup.step(books, status="requires_payment_method", payment_method=None, last_setup_error=error)
    raise card.decline.refusal(setup_intent=failed.shown())


def _succeed(books: Books, setup: SetupIntent, method: PaymentMethod) -> SetupIntent:
    if setup.customer is not None:
        keep(books, method.model_copy(update={"customer": setup.customer}))
    return setup.step(books, status="succeeded", payment_method=method.id)
