"""The event catalogue: every fact that crosses a service border.

Each event carries absolute state and a version, so hearing it late, twice or out of order is harmless:
a consumer applies it only if the version is newer than what it has. The golden schemas under
`tests/architecture/` show any change here as a diff.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal
from uuid import UUID

from server.kit.events import Event, Payload
from server.kit.schemas import Moment

SeatStatus = Literal["available", "reserved", "sold"]
RevokeReason = Literal["refund", "refunded_elsewhere", "chargeback"]
RefundOutcome = Literal["succeeded", "pending", "failed"]
DisputeOutcome = Literal["opened", "won", "lost"]
OrderStatus = Literal[
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
PaymentStatus = Literal[
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


class Listing(Payload):
    """The whole listing of a ticket; `price` in minor units, `version` counts the seller's edits."""

    id: UUID
    user_id: UUID
    title: str
    price: int
    currency: str
    venue: str | None
    starts_at: Moment | None
    seat: str | None
    withdrawn: bool
    version: int


class Seat(Payload):
    """Who holds the ticket. `seatVersion` is per ticket and rises with every change of holder or status."""

    ticket_id: UUID
    holder: UUID | None
    status: SeatStatus
    seat_version: int


class OrderState(Payload):
    """The order as it is; `version` is the number of its history rows."""

    id: UUID
    user_id: UUID
    seller_id: UUID
    ticket_id: UUID
    status: OrderStatus
    price: int
    currency: str
    expires_at: Moment
    version: int
    needs_review: bool = False


class PaymentState(Payload):
    """The payment as it is; amounts in minor units."""

    id: UUID
    order_id: UUID
    status: PaymentStatus
    version: int
    amount: int
    amount_captured: int
    amount_refunded: int
    currency: str
    needs_review: bool


class TokenRevoked(Event):
    """A token stopped working; forget it after `until`, when it would have ended by itself."""

    type: ClassVar[str] = "token:revoked"
    jti: UUID
    until: Moment


class TicketCreated(Event):
    """A seller listed a ticket."""

    type: ClassVar[str] = "ticket:created"
    ticket: Listing


class TicketUpdated(Event):
    """A seller edited, withdrew or relisted a ticket."""

    type: ClassVar[str] = "ticket:updated"
    ticket: Listing


class SeatMoved(Event):
    """What every order event that can move a seat says: the order and the seat, both absolute."""

    order: OrderState
    seat: Seat


class OrderCreated(SeatMoved):
    """A buyer holds the ticket until `order.expiresAt`."""

    type: ClassVar[str] = "order:created"


class OrderExtended(Event):
    """The buyer took the one extension; the hold now ends at `order.expiresAt`. The seat did not move."""

    type: ClassVar[str] = "order:extended"
    order: OrderState


class OrderCancelled(SeatMoved):
    """The buyer gave the hold up."""

    type: ClassVar[str] = "order:cancelled"


class OrderExpired(SeatMoved):
    """The hold ran out."""

    type: ClassVar[str] = "order:expired"


class OrderAccepted(SeatMoved):
    """The seat is surely this order's: capture this payment now."""

    type: ClassVar[str] = "order:accepted"
    payment_id: UUID


class OrderRejected(SeatMoved):
    """This payment bought nothing: void it. The order's status is its real one."""

    type: ClassVar[str] = "order:rejected"
    payment_id: UUID


class OrderCompleted(SeatMoved):
    """Paid; the seat is sold."""

    type: ClassVar[str] = "order:completed"


class OrderUpdated(Event):
    """Something changed that moves no seat: a dispute or its end, money given back, the flag."""

    type: ClassVar[str] = "order:updated"
    order: OrderState


class OrderRevoked(SeatMoved):
    """The ticket was taken back and its seat is free. Only with `refund` does payments give money back."""

    type: ClassVar[str] = "order:revoked"
    reason: RevokeReason


class ExpirationComplete(Event):
    """The alarm of an order went off: a hint, acted on only if the hold is really over."""

    type: ClassVar[str] = "expiration:complete"
    order_id: UUID


class PaymentMoved(Event):
    """What every payment event says: the payment, absolute."""

    payment: PaymentState


class PaymentAuthorized(PaymentMoved):
    """The money is reserved on the card; nothing is taken until the order accepts."""

    type: ClassVar[str] = "payment:authorized"


class PaymentCaptured(PaymentMoved):
    """The money was taken (the wire name was given to us)."""

    type: ClassVar[str] = "payment:created"


class PaymentFailed(PaymentMoved):
    """An attempt was declined; the order is unchanged and still payable."""

    type: ClassVar[str] = "payment:failed"
    decline_code: str | None


class PaymentVoided(PaymentMoved):
    """No authorisation is left: nothing was taken and nothing will be."""

    type: ClassVar[str] = "payment:voided"


class PaymentRefunded(PaymentMoved):
    """News of money given back; only a whole refund moves the order."""

    type: ClassVar[str] = "payment:refunded"
    outcome: RefundOutcome


class PaymentDisputed(PaymentMoved):
    """News of a dispute (chargeback): the bank took the money back, gave it to us again, or kept it."""

    type: ClassVar[str] = "payment:disputed"
    outcome: DisputeOutcome


CATALOGUE: tuple[type[Event], ...] = (
    TokenRevoked,
    TicketCreated,
    TicketUpdated,
    OrderCreated,
    OrderExtended,
    OrderCancelled,
    OrderExpired,
    OrderAccepted,
    OrderRejected,
    OrderCompleted,
    OrderUpdated,
    OrderRevoked,
    ExpirationComplete,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentFailed,
    PaymentVoided,
    PaymentRefunded,
    PaymentDisputed,
)

SAID_BY: Mapping[str, str] = {
    "token": "auth",
    "ticket": "tickets",
    "order": "orders",
    "expiration": "expiration",
    "payment": "payments",
}
"""The noun of a type → the one service that says such events; the bus refuses them from any other."""
