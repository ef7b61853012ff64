"""The Customer: somebody whose cards can be kept."""

from typing import ClassVar, Literal

from pydantic import Field

from server.stripe_sandbox.objects import ListParams, Metadata, Params, StripeObject, keep
from server.stripe_sandbox.state import Books


class CustomerParams(Params):
    """Parameters of create."""

    email: str | None = None
    name: str | None = None
    phone: str | None = None
    description: str | None = None
    metadata: Metadata = Field({})


class CustomerListParams(ListParams):
    """Parameters of the list."""

    email: str | None = None


class Customer(StripeObject):
    """A customer."""

    KIND: ClassVar[str] = "customer"
    PREFIX: ClassVar[str] = "cus"

    object: Literal["customer"] = "customer"
    balance: int = 0
    default_source: None = None
    description: str | None = None
    email: str | None = None
    livemode: Literal[False] = False
    metadata: dict[str, str] = Field({})
    name: str | None = None
    phone: str | None = None


def create_customer(books: Books, params: CustomerParams) -> Customer:
    """Somebody new."""
    given = params.model_dump(exclude={"expand"})
    return keep(books, Customer(id=Customer.new_id(), created=int(books.now), **given))
