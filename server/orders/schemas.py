"""orders' public contract."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from server.kit.schemas import Answer, Body, Moment

Status = Literal[
    "created",
    "accepted",
    "complete",
    "cancelled",
    "expired",
    "rejected",
    "revoked",
    "refunded",
    "disputed",
    "charged_back",
]


class NewOrder(Body):
    """Which ticket to hold; `maxPrice` (minor units) refuses a price that rose meanwhile."""

    ticket_id: UUID
    max_price: Annotated[int, Field(ge=1, le=99_999_999)] | None = None


class OrderQuery(Body):
    """How a list is narrowed and paged."""

    status: Status | None = None
    role: Literal["buyer", "seller"] = "buyer"
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    cursor: Annotated[str, StringConstraints(max_length=500)] | None = None


class TicketSnapshot(Answer):
    """The ticket as it was when it was reserved."""

    id: UUID
    title: str
    price: int
    currency: str
    venue: str | None
    starts_at: Moment | None
    seat: str | None


class Transition(Answer):
    """One line of an order's history; `requestId` finds it in every service's log."""

    status: Status
    at: Moment
    cause: str
    request_id: str


class OrderOut(Answer):
    """An order as its buyer or seller sees it; `serverTime` is the clock that `expiresAt` is read by."""

    id: UUID
    user_id: UUID | None
    seller_id: UUID
    status: Status
    ticket: TicketSnapshot
    price: int
    currency: str
    expires_at: Moment
    extendable: bool
    server_time: Moment
    version: int
    needs_review: bool
    created_at: Moment
    updated_at: Moment


class OrderWithHistory(OrderOut):
    """A single order, with every step it took."""

    history: list[Transition]


class Decline(Answer):
    """A card that was declined; the order is unchanged and still payable while its hold lasts."""

    order_id: UUID
    payment_id: UUID
    decline_code: str | None
    at: Moment


def order_out(order: Any, *, server_time: Any, reader: UUID) -> OrderOut:  # noqa: ANN401 - schemas know no models
    """Render an order for `reader`; a seller does not learn who bought."""
    return OrderOut.model_validate(
        {
            **{name: getattr(order, name) for name in OrderOut.model_fields if hasattr(order, name)},
            "user_id": order.user_id if reader == order.user_id else None,
            "extendable": order.status == "created" and not order.extended and order.expires_at > server_time,
            "server_time": server_time,
        }
    )


def order_with_history(
    order: Any,  # noqa: ANN401 - likewise
    history: Iterable[Any],
    *,
    server_time: Any,  # noqa: ANN401 - likewise
    reader: UUID,
) -> OrderWithHistory:
    """The same, with every step it took."""
    return OrderWithHistory(
        **dict(order_out(order, server_time=server_time, reader=reader)),
        history=[Transition.model_validate(step) for step in history],
    )
