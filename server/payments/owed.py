"""The calls owed to Stripe, as they are written down: `payment_ops`."""

from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from tortoise import fields
from tortoise.models import Model
from uuid_utils.compat import uuid7

from server.kit import telemetry
from server.kit.db import current, rows
from server.kit.log import request_id

LEASE = timedelta(seconds=20)
"""Longer than any call to Stripe may take, with its one look at the intent."""


class CallTaken(Exception):
    """Another is making this call, or it waits for its next try."""


class OpKind(StrEnum):
    """A call owed to Stripe."""

    CREATE = "create"
    CONFIRM = "confirm"
    CAPTURE = "capture"
    CANCEL = "cancel"
    CANCEL_UNPAID = "cancel_unpaid"
    """Cancel, unless it turns out to be authorised: then orders decides."""
    REFUND = "refund"
    STRAY = "stray"
    """Cancel an intent that is no payment's but names one of ours; if it took money, a person must look."""
    SYNC = "sync"
    """Get the intent and act on what it is."""


class PaymentOp(Model):
    """A call to Stripe that was decided on, written down before it is made; done once its outcome is known.

    `key` is the idempotency key and is unique, so the same decision is never written twice. `stripe_id` names
    the intent only where it is not the payment's own. `told` is what Stripe's bell said the intent is:
    only ever a reason not to look. `due_at` is also a lease: whoever claims the row moves it ahead; if they
    die, it falls due again.
    """

    id = fields.UUIDField(primary_key=True, default=uuid7)
    payment_id = fields.UUIDField()
    kind = fields.CharEnumField(OpKind, max_length=16)
    key = fields.CharField(max_length=120, unique=True)
    attempt = fields.IntField(default=1)
    payment_method = fields.CharField(max_length=80, null=True)
    stripe_id = fields.CharField(max_length=80, null=True)
    told = fields.CharField(max_length=24, null=True)
    request_id = fields.CharField(max_length=64)
    trace = fields.CharField(max_length=telemetry.LENGTH, null=True)
    tries = fields.IntField(default=0)
    error = fields.CharField(max_length=300, null=True)
    due_at = fields.DatetimeField()
    created_at = fields.DatetimeField(auto_now_add=True)
    done_at = fields.DatetimeField(null=True)

    class Meta:
        table = "payment_ops"

    @classmethod
    async def owe(  # noqa: PLR0913 - the parts of a call
        cls,
        payment_id: UUID,
        kind: OpKind,
        *,
        attempt: int = 1,
        payment_method: str | None = None,
        stripe_id: str | None = None,
        told: str | None = None,
        mine: bool = False,
        after: timedelta = timedelta(0),
    ) -> UUID | None:
        """Write down a call, in the open transaction; None if it is written already.

        `mine`: the caller runs it itself right after COMMIT; the worker leaves it alone as long as a lease.
        A look (`SYNC`) that is due `after` a moment is also for whoever asks for one until then, of the same
        that was `told`.
        """
        current("payments").rings("ops")
        id_: UUID = uuid7()
        key = f"{kind.value}:{payment_id}:{stripe_id or (id_ if kind is OpKind.SYNC else attempt)}"
        made = await rows(
            "payments",
            """
            INSERT INTO payment_ops
              (id, payment_id, kind, key, attempt, payment_method, stripe_id, request_id, trace, told, tries,
               due_at, created_at)
            SELECT $1::uuid, $2::uuid, $3::text, $4::text, $5::int, $6::text, $7::text, $8::text,
                   $10::text, $11::text, 0, now() + $9::interval, now()
            WHERE $3 <> 'sync' OR NOT EXISTS (
              SELECT FROM payment_ops
              WHERE payment_id = $2 AND kind = 'sync' AND done_at IS NULL AND tries = 0
                AND (told IS NULL OR told = $11))
            ON CONFLICT (key) DO NOTHING RETURNING id
            """,
            id_,
            payment_id,
            kind.value,
            key,
            attempt,
            payment_method,
            stripe_id,
            request_id.get(),
            LEASE if mine else after,
            telemetry.current(),
            told,
        )
        return id_ if made else None

    @property
    def claimed_at(self) -> datetime:
        """By the database's clock, of one that is claimed: before the call began."""
        return self.due_at - LEASE

    @classmethod
    async def claim(cls, *, limit: int) -> list[Self]:
        """Take up to `limit` due calls for the length of the lease."""
        found: list[dict[str, Any]] = await rows(
            "payments",
            """
            WITH due AS (
              SELECT id FROM payment_ops
              WHERE done_at IS NULL AND due_at <= now()
              ORDER BY kind = 'sync', due_at LIMIT $1 FOR UPDATE SKIP LOCKED
            )
            -- Not now(), which would be the same for all of them.
            UPDATE payment_ops o SET due_at = clock_timestamp() + $2, tries = o.tries + 1
            FROM due WHERE o.id = due.id RETURNING o.*
            """,
            limit,
            LEASE,
        )
        return [cls(**row) for row in found]

    @classmethod
    async def take(cls, payment_id: UUID, kind: OpKind) -> Self | None:
        """The newest call of this kind that the payment owes, claimed if it was never tried or is due.

        None if it owes none. Raises CallTaken.
        """
        found: list[dict[str, Any]] = await rows(
            "payments",
            """
            WITH newest AS (
              SELECT id FROM payment_ops WHERE payment_id = $1 AND kind = $2 AND done_at IS NULL
              ORDER BY attempt DESC LIMIT 1
            ), taken AS (
              UPDATE payment_ops o SET due_at = clock_timestamp() + $3, tries = o.tries + 1
              FROM newest
              -- Once more: another may have closed it while this waited for the row.
              WHERE o.id = newest.id AND o.done_at IS NULL AND (o.tries = 0 OR o.due_at <= now())
              RETURNING o.*
            )
            SELECT taken.* FROM newest LEFT JOIN taken ON true
            """,
            payment_id,
            kind.value,
            LEASE,
        )
        if found and found[0]["id"] is None:
            raise CallTaken
        return cls(**found[0]) if found else None

    @classmethod
    async def first_trace(cls, payment_id: UUID) -> str | None:
        """The trace in which the payment was begun, if it was traced and is not purged."""
        sql = "SELECT trace FROM payment_ops WHERE payment_id = $1 AND trace IS NOT NULL ORDER BY id LIMIT 1"
        found = await rows("payments", sql, payment_id)
        return found[0]["trace"] if found else None

    @classmethod
    async def hand_over(cls, payment_id: UUID) -> None:
        """Leave what a request meant to call itself to the worker, without waiting for its lease to end."""
        sql = "UPDATE payment_ops SET due_at = now() WHERE payment_id = $1 AND done_at IS NULL AND tries = 0"
        await rows("payments", sql, payment_id)

    @classmethod
    async def hurry(cls, ids: Collection[UUID]) -> None:
        """Make these calls due now; one that is under way may be made twice, with the same key."""
        current("payments").rings("ops")
        sql = "UPDATE payment_ops SET due_at = now() WHERE id = ANY($1::uuid[]) AND done_at IS NULL"
        await rows("payments", sql, list(ids))

    @classmethod
    async def backlog(cls, *, most: int) -> tuple[int, float]:
        """How many calls are not done, of `most`, and how old the oldest is, in seconds."""
        sql = """
        SELECT count(*) AS count, coalesce(extract(epoch FROM now() - min(created_at)), 0)::float AS age
        FROM (SELECT created_at FROM payment_ops WHERE done_at IS NULL ORDER BY due_at LIMIT $1) owed
        """
        [found] = await rows("payments", sql, most)
        return found["count"], found["age"]

    async def close(self) -> None:
        """Its outcome is known."""
        await rows("payments", "UPDATE payment_ops SET done_at = now(), error = NULL WHERE id = $1", self.id)
