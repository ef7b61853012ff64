"""payments' tables: the payments and their state machine, the ledger, what Stripe told us."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Self
from uuid import UUID

from tortoise import fields
from tortoise.expressions import Q
from tortoise.models import Model
from uuid_utils.compat import uuid7

from server import events
from server.kit.auth import RevocationRow
from server.kit.db import rows
from server.kit.deadletters import DeadLetterRow
from server.kit.idempotency import IdempotencyRow
from server.kit.inbox import HeardOnce, InboxRow
from server.kit.outbox import OutboxRow
from server.payments.owed import OpKind, PaymentOp


class PaymentStatus(StrEnum):
    """Where the money is."""

    OPEN = "open"
    REQUIRES_ACTION = "requires_action"
    AUTHORIZED = "authorized"
    CAPTURING = "capturing"
    CAPTURED = "captured"
    VOIDED = "voided"
    REFUNDING = "refunding"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"
    DISPUTED = "disputed"
    CHARGED_BACK = "charged_back"


LEGAL: Mapping[PaymentStatus, frozenset[PaymentStatus]] = {
    PaymentStatus.OPEN: frozenset(
        {PaymentStatus.REQUIRES_ACTION, PaymentStatus.AUTHORIZED, PaymentStatus.VOIDED}
    ),
    PaymentStatus.REQUIRES_ACTION: frozenset(
        {PaymentStatus.OPEN, PaymentStatus.AUTHORIZED, PaymentStatus.VOIDED}
    ),
    PaymentStatus.AUTHORIZED: frozenset(
        {PaymentStatus.CAPTURING, PaymentStatus.CAPTURED, PaymentStatus.VOIDED}
    ),
    PaymentStatus.CAPTURING: frozenset({PaymentStatus.CAPTURED, PaymentStatus.VOIDED}),
    PaymentStatus.CAPTURED: frozenset(
        {PaymentStatus.REFUNDING, PaymentStatus.REFUNDED, PaymentStatus.DISPUTED}
    ),
    PaymentStatus.VOIDED: frozenset(),
    PaymentStatus.REFUNDING: frozenset(
        {PaymentStatus.REFUNDED, PaymentStatus.REFUND_FAILED, PaymentStatus.DISPUTED}
    ),
    PaymentStatus.REFUNDED: frozenset({PaymentStatus.REFUND_FAILED}),
    PaymentStatus.REFUND_FAILED: frozenset({PaymentStatus.REFUNDING, PaymentStatus.DISPUTED}),
    PaymentStatus.DISPUTED: frozenset(
        {PaymentStatus.CAPTURED, PaymentStatus.REFUNDING, PaymentStatus.CHARGED_BACK}
    ),
    PaymentStatus.CHARGED_BACK: frozenset(),
}
"""Every legal transition; anything unlisted raises IllegalTransition.

captured → refunded: given back in Stripe's dashboard. refunded → refund_failed: the bank sent it back.
"""

UNPAID = frozenset({PaymentStatus.OPEN, PaymentStatus.REQUIRES_ACTION})
UNSETTLED = UNPAID | {PaymentStatus.AUTHORIZED, PaymentStatus.CAPTURING}
PAID = frozenset(PaymentStatus) - UNSETTLED - {PaymentStatus.VOIDED}
"""Money was taken, whatever became of it since."""
RETURNING = frozenset({PaymentStatus.REFUNDING, PaymentStatus.DISPUTED})
"""Money on its way back, or argued about: days, and Stripe tells when it is over."""


KNOWN = {
    "requires_capture": frozenset(
        {PaymentStatus.AUTHORIZED, PaymentStatus.CAPTURING, PaymentStatus.CAPTURED}
    ),
    "succeeded": frozenset({PaymentStatus.CAPTURED}),
    "canceled": frozenset({PaymentStatus.VOIDED}),
}
"""By what the bell says an intent is: the statuses of a payment that show it knows that already."""


class IllegalTransition(Exception):
    """A bug or an impossible message: the payment cannot go there from where it is."""


HEAR_ORDER = """
INSERT INTO orders AS o (id, user_id, seller_id, ticket_id, status, price, currency, expires_at, version)
SELECT $1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::text, $6::bigint, $7::text, $8::timestamptz, $9::int
WHERE {heard}
ON CONFLICT (id) DO UPDATE SET status = $5, expires_at = $8, version = $9 WHERE o.version < $9
"""


class Order(Model):
    """Replica of an order; heard in any order, since every event has the whole of it and a version."""

    id = fields.UUIDField(primary_key=True)
    user_id = fields.UUIDField()
    seller_id = fields.UUIDField()
    ticket_id = fields.UUIDField()
    status = fields.CharField(max_length=12)
    price = fields.BigIntField()
    currency = fields.CharField(max_length=3)
    expires_at = fields.DatetimeField()
    version = fields.IntField()

    class Meta:
        table = "orders"

    @property
    def is_over(self) -> bool:
        """Whether nothing may be paid for it any more."""
        return self.status not in {"created", "accepted"}

    @classmethod
    async def known(cls, ids: Collection[UUID]) -> dict[UUID, UUID]:
        """Those of these orders that have been heard of."""
        found = await rows("payments", "SELECT id FROM orders WHERE id = ANY($1)", [*ids])
        return {row["id"]: row["id"] for row in found}

    @classmethod
    async def hear(cls, order: events.OrderState, once: HeardOnce | None = None) -> None:
        """Copy the order, unless what is here is newer. The end may arrive before the beginning.

        `once`, where that is all there is to do.
        """
        values = (
            order.id,
            order.user_id,
            order.seller_id,
            order.ticket_id,
            order.status,
            order.price,
            order.currency,
            order.expires_at,
            order.version,
        )
        if once is None:
            await rows("payments", HEAR_ORDER.format(heard="true"), *values)
        else:
            await once.write("payments", HEAR_ORDER, *values)


class Payment(Model):
    """One attempt to pay an order; a decline leaves it open, and the next card is `attempt` + 1."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    order_id = fields.UUIDField()
    user_id = fields.UUIDField()
    mode = fields.CharField(max_length=10, default="intent")
    stripe_id = fields.CharField(max_length=80, null=True, unique=True)
    client_secret = fields.CharField(max_length=200, null=True)
    checkout_id = fields.CharField(max_length=80, null=True, unique=True)
    # Tortoise types a TextField as never null.
    checkout_url: fields.Field[str | None] = fields.TextField(null=True)  # type: ignore[assignment]
    livemode = fields.BooleanField(default=False)
    amount = fields.BigIntField()
    currency = fields.CharField(max_length=3)
    status = fields.CharEnumField(PaymentStatus, max_length=16, default=PaymentStatus.OPEN)
    attempt = fields.IntField(default=0)
    decline_code = fields.CharField(max_length=80, null=True)
    next_action_url: fields.Field[str | None] = fields.TextField(null=True)  # type: ignore[assignment]
    needs_review = fields.CharField(max_length=200, null=True)
    refund_attempt = fields.IntField(default=0)
    refund_status = fields.CharField(max_length=16, null=True)
    version = fields.IntField(default=0)
    checked_at = fields.DatetimeField(auto_now_add=True)
    created_at = fields.DatetimeField(auto_now_add=True)
    updated_at = fields.DatetimeField(auto_now=True)

    class Meta:
        table = "payments"

    @property
    def is_at_stripe(self) -> bool:
        """Whether Stripe has opened it, as an intent or as a page."""
        return self.stripe_id is not None or self.checkout_id is not None

    @property
    def awaits_intent(self) -> bool:
        """Whether it is a page whose intent is not known: there is none until its buyer has tried to pay."""
        return self.checkout_id is not None and self.stripe_id is None and self.status in UNPAID

    def knows(self, told: str | None) -> bool:
        """Whether what Stripe's bell says the intent is, is no news."""
        return told is not None and self.status in KNOWN.get(told, ())

    async def is_closing(self) -> bool:
        """Whether it is unpaid and to be cancelled: nobody may begin to pay it any more."""
        kinds = (OpKind.CANCEL, OpKind.CANCEL_UNPAID)
        query = PaymentOp.filter(payment_id=self.id, kind__in=kinds, done_at=None)
        return self.status in UNPAID and await query.exists()

    async def is_trying_card(self) -> bool:
        """Whether a card is to be tried, or was and its outcome is not known; not one another overtook."""
        query = PaymentOp.filter(payment_id=self.id, kind=OpKind.CONFIRM, done_at=None)
        return await query.filter(Q(attempt=self.attempt) | Q(tries__gt=0)).exists()

    @classmethod
    async def locked(cls, id_: UUID) -> Self:
        """The row, locked for this transaction."""
        return await cls.select_for_update().get(id=id_)

    def move(self, to: PaymentStatus) -> None:
        """Go to `to`; the caller saves. Raises IllegalTransition."""
        if to not in LEGAL[self.status]:
            raise IllegalTransition(f"payment {self.id}: {self.status} → {to}")
        self.status = to
        self.version += 1


def payment_state(payment: Payment, *, captured: int, refunded: int) -> events.PaymentState:
    """The payment as an event tells it."""
    return events.PaymentState(
        id=payment.id,
        order_id=payment.order_id,
        status=payment.status.value,
        version=payment.version,
        amount=payment.amount,
        amount_captured=captured,
        amount_refunded=refunded,
        currency=payment.currency,
        needs_review=payment.needs_review is not None,
    )


class LedgerRow(Model):
    """One side of a double entry; the rows of an `entry_id` sum to zero. `amount` in minor units."""

    id = fields.BigIntField(primary_key=True)
    entry_id = fields.UUIDField()
    payment_id = fields.UUIDField()
    kind = fields.CharField(max_length=16)
    reference = fields.CharField(max_length=80, default="")
    account = fields.CharField(max_length=30)
    amount = fields.BigIntField()
    currency = fields.CharField(max_length=3)
    at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "ledger"
        unique_together = (("payment_id", "kind", "reference", "account"),)


class StripeEvent(Model):
    """A webhook that rang; its id makes a repeat harmless."""

    id = fields.CharField(max_length=80, primary_key=True)
    type = fields.CharField(max_length=80)
    intent_id = fields.CharField(max_length=80, null=True)
    received_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "stripe_events"


class Outbox(OutboxRow):
    """payments' events."""

    service = "payments"

    class Meta:
        table = "outbox"


class Inbox(InboxRow):
    """Events payments has acted on."""

    service = "payments"

    class Meta:
        table = "inbox"


class IdempotencyKey(IdempotencyRow):
    """Payments made under a key."""

    service = "payments"

    class Meta:
        table = "idempotency_keys"


class Revocation(RevocationRow):
    """Signed-out tokens."""

    service = "payments"

    class Meta:
        table = "revocations"


class DeadLetter(DeadLetterRow):
    """Messages payments could not act on."""

    service = "payments"

    class Meta:
        table = "dead_letters"
