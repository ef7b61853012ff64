"""orders' tables: the one authority on who holds or owns a ticket, and its state machine."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from server import events
from server.kit.auth import RevocationRow
from server.kit.deadletters import DeadLetterRow
from server.kit.idempotency import IdempotencyRow
from server.kit.inbox import InboxRow
from server.kit.log import request_id
from server.kit.outbox import OutboxRow


class OrderStatus(StrEnum):
    """Where an order is; `live` ones hold or own the ticket."""

    CREATED = "created"
    ACCEPTED = "accepted"
    COMPLETE = "complete"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    REVOKED = "revoked"
    REFUNDED = "refunded"
    DISPUTED = "disputed"
    CHARGED_BACK = "charged_back"


LEGAL: Mapping[OrderStatus, frozenset[OrderStatus]] = {
    OrderStatus.CREATED: frozenset(
        {OrderStatus.CREATED, OrderStatus.ACCEPTED, OrderStatus.CANCELLED, OrderStatus.EXPIRED}
    ),
    OrderStatus.EXPIRED: frozenset({OrderStatus.ACCEPTED, OrderStatus.REJECTED}),
    OrderStatus.ACCEPTED: frozenset({OrderStatus.COMPLETE, OrderStatus.REJECTED}),
    OrderStatus.COMPLETE: frozenset({OrderStatus.REVOKED, OrderStatus.DISPUTED}),
    OrderStatus.CANCELLED: frozenset(),
    OrderStatus.REJECTED: frozenset(),
    OrderStatus.REVOKED: frozenset({OrderStatus.REVOKED, OrderStatus.REFUNDED, OrderStatus.CHARGED_BACK}),
    OrderStatus.REFUNDED: frozenset({OrderStatus.REVOKED}),
    OrderStatus.DISPUTED: frozenset({OrderStatus.COMPLETE, OrderStatus.CHARGED_BACK}),
    OrderStatus.CHARGED_BACK: frozenset(),
}
"""Every legal transition; anything unlisted raises IllegalTransition.

created → created is an extension, revoked → revoked a refund tried again, refunded → revoked one that came
back from the bank.
"""


class IllegalTransition(Exception):
    """A bug or an impossible message: the order cannot go there from where it is."""


class Ticket(Model):
    """Replica of a listing, and the seat: `holder` is the live order, `seat_version` counts its changes."""

    id = fields.UUIDField(primary_key=True)
    user_id = fields.UUIDField()
    title = fields.CharField(max_length=200)
    price = fields.BigIntField()
    currency = fields.CharField(max_length=3)
    venue = fields.CharField(max_length=200, null=True)
    starts_at = fields.DatetimeField(null=True)
    seat = fields.CharField(max_length=60, null=True)
    withdrawn = fields.BooleanField()
    version = fields.IntField()
    holder = fields.UUIDField(null=True)
    seat_status = fields.CharField(max_length=10, default="available")
    seat_version = fields.BigIntField(default=0)

    class Meta:
        table = "tickets"

    def seat_state(self) -> events.Seat:
        """The seat as an event tells it."""
        return events.Seat(
            ticket_id=self.id,
            holder=self.holder,
            status=self.seat_status,  # a CHECK constraint keeps it one of the three
            seat_version=self.seat_version,
        )

    @classmethod
    async def by_ids(cls, ids: Collection[UUID]) -> dict[UUID, Self]:
        """Those that are known."""
        return {ticket.id: ticket for ticket in await cls.filter(id__in=ids)}

    @classmethod
    async def locked(cls, id_: UUID) -> Self:
        """The row, locked for this transaction; always after the order's (the lock order)."""
        return await cls.select_for_update().get(id=id_)

    async def move_seat(self, holder: UUID | None, status: events.SeatStatus) -> None:
        """Give the locked seat to `holder`, or free it."""
        self.holder, self.seat_status = holder, status
        self.seat_version += 1
        await self.save(update_fields=["holder", "seat_status", "seat_version"])


PAYMENT_NEWS = ("payment_id", "payment_version", "payment_status", "needs_review", "updated_at")
"""What changes with news of the order's payment."""


class Order(Model):
    """A hold and what became of it. `price` and `ticket` are as they were when it was reserved."""

    id = fields.UUIDField(primary_key=True)
    user_id = fields.UUIDField()
    seller_id = fields.UUIDField()
    ticket_id = fields.UUIDField()
    status = fields.CharEnumField(OrderStatus, max_length=12)
    price = fields.BigIntField()
    currency = fields.CharField(max_length=3)
    ticket: fields.Field[Any] = fields.JSONField()
    hold_slot = fields.SmallIntField()
    expires_at = fields.DatetimeField()
    extended = fields.BooleanField(default=False)
    version = fields.IntField()
    payment_id = fields.UUIDField(null=True)
    payment_version = fields.IntField(default=0)
    payment_status = fields.CharField(max_length=16, null=True)
    needs_review = fields.BooleanField(default=False)
    created_at = fields.DatetimeField(auto_now_add=True)
    updated_at = fields.DatetimeField(auto_now=True)

    class Meta:
        table = "orders"

    @classmethod
    async def locked(cls, id_: UUID) -> Self | None:
        """The row, locked for this transaction."""
        return await cls.filter(id=id_).select_for_update().first()

    async def move(self, to: OrderStatus, *, cause: str, seat: Ticket) -> None:
        """Take the locked order to `to` and write it into its history. Raises IllegalTransition."""
        if to not in LEGAL[self.status]:
            raise IllegalTransition(f"order {self.id}: {self.status} → {to} ({cause})")
        self.status = to
        self.version += 1
        await self.save(update_fields=["status", "version", *PAYMENT_NEWS])
        await OrderHistory.create(
            order_id=self.id,
            version=self.version,
            status=to,
            cause=cause,
            request_id=request_id.get(),
            ticket_id=seat.id,
            seat_version=seat.seat_version,
        )

    def state(self) -> events.OrderState:
        """The order as an event tells it."""
        return events.OrderState(
            id=self.id,
            user_id=self.user_id,
            seller_id=self.seller_id,
            ticket_id=self.ticket_id,
            status=self.status.value,
            price=self.price,
            currency=self.currency,
            expires_at=self.expires_at,
            version=self.version,
            needs_review=self.needs_review,
        )


class OrderHistory(Model):
    """One transition: what, when, why, on whose request, and the seat's version after it."""

    id = fields.BigIntField(primary_key=True)
    order_id = fields.UUIDField()
    version = fields.IntField()
    status = fields.CharEnumField(OrderStatus, max_length=12)
    cause = fields.CharField(max_length=40)
    request_id = fields.CharField(max_length=64)
    ticket_id = fields.UUIDField()
    seat_version = fields.BigIntField()
    at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "order_history"
        unique_together = (("order_id", "version"),)


class Outbox(OutboxRow):
    """orders' events."""

    service = "orders"

    class Meta:
        table = "outbox"


class Inbox(InboxRow):
    """Events orders has acted on."""

    service = "orders"

    class Meta:
        table = "inbox"


class IdempotencyKey(IdempotencyRow):
    """Answers kept for repeats."""

    service = "orders"

    class Meta:
        table = "idempotency_keys"


class Revocation(RevocationRow):
    """Signed-out tokens."""

    service = "orders"

    class Meta:
        table = "revocations"


class DeadLetter(DeadLetterRow):
    """Messages orders could not act on."""

    service = "orders"

    class Meta:
        table = "dead_letters"
