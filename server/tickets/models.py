"""tickets' tables: the listing, and a replica of who holds it."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Self
from uuid import UUID

import asyncpg
from tortoise import fields
from tortoise.exceptions import OperationalError
from tortoise.models import Model
from uuid_utils.compat import uuid7

from server import events
from server.kit.auth import RevocationRow
from server.kit.db import rows
from server.kit.deadletters import DeadLetterRow
from server.kit.errors import Conflict, Invalid, NotFound
from server.kit.idempotency import IdempotencyRow
from server.kit.inbox import HeardOnce, InboxRow
from server.kit.outbox import OutboxRow


class TicketNotFound(NotFound):
    """There is no such ticket."""

    code = "ticket_not_found"
    title = "There is no such ticket"


class TicketReserved(Conflict):
    """Somebody holds it."""

    code = "ticket_reserved"
    title = "This ticket is reserved"


class TicketSold(Conflict):
    """It is sold."""

    code = "ticket_sold"
    title = "This ticket is sold"


class VersionConflict(Conflict):
    """The listing changed since it was read."""

    code = "version_conflict"
    title = "The listing changed since you read it"


# Shown status: sold > reserved > withdrawn > available.
STATUS = (
    "CASE WHEN seat_status <> 'available' THEN seat_status "
    "WHEN withdrawn THEN 'withdrawn' ELSE 'available' END"
)

SHOWN_AS = {
    "available": "NOT withdrawn AND seat_status = 'available'",
    "reserved": "seat_status = 'reserved'",
    "sold": "seat_status = 'sold'",
    "withdrawn": "withdrawn AND seat_status = 'available'",
}
"""The same as conditions, which indexes can serve."""
ON_SHOW = "NOT (withdrawn AND seat_status = 'available')"

TEXT = "(title || ' ' || coalesce(venue, ''))"
NUMBERED = re.compile(r"(?=\D{0,2}\d)(?=...)", re.ASCII | re.DOTALL)
"""Three characters with a digit among them."""
ESCAPED = str.maketrans({char: f"\\{char}" for char in "\\%_"})
NEAR = 2500
"""Tickets of a list that are searched one by one, 1 ms, before the index is asked.

It gives all tickets with the word, and each is looked at: of a million, ten thousand for a word that one in a
hundred has. Such a word fills a page from those that are near.
"""

SORTS: Mapping[str, tuple[str, str, str]] = {
    "createdAt": ("created_at", "timestamptz", "ASC"),
    "-createdAt": ("created_at", "timestamptz", "DESC"),
    "price": ("price", "bigint", "ASC"),
    "-price": ("price", "bigint", "DESC"),
    "startsAt": ("coalesce(starts_at, 'infinity')", "timestamptz", "ASC"),
}
"""Sort → (key, its type, direction); the id breaks ties, so the keyset is total."""

SEAT_MOVED = """
UPDATE tickets SET order_id = $2, seat_status = $3, seat_version = $4
WHERE id = $1 AND seat_version < $4 AND {heard}
"""

Shown = Mapping[str, Any]
"""A ticket as people see it: its columns, and its `status`."""


def etag(version: int, seat_version: int) -> str:
    """Changes with the listing and with the seat."""
    return f'"{version}.{seat_version}"'


class Ticket(Model):
    """One ticket on sale. `version` counts the seller's edits; the seat columns replicate orders."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    user_id = fields.UUIDField()
    title = fields.CharField(max_length=200)
    price = fields.BigIntField()
    currency = fields.CharField(max_length=3)
    venue = fields.CharField(max_length=200, null=True)
    starts_at = fields.DatetimeField(null=True)
    seat = fields.CharField(max_length=60, null=True)
    external_id = fields.CharField(max_length=100, null=True)
    withdrawn = fields.BooleanField(default=False)
    version = fields.IntField(default=0)
    order_id = fields.UUIDField(null=True)
    seat_status = fields.CharField(max_length=10, default="available")
    seat_version = fields.BigIntField(default=0)
    created_at = fields.DatetimeField(auto_now_add=True)
    updated_at = fields.DatetimeField(auto_now=True)

    class Meta:
        table = "tickets"

    @property
    def status(self) -> str:
        """What people see: available, reserved, sold or withdrawn."""
        if self.seat_status != "available":
            return self.seat_status
        return "withdrawn" if self.withdrawn else "available"

    @property
    def etag(self) -> str:
        """Of this state of it."""
        return etag(self.version, self.seat_version)

    def listing(self) -> events.Listing:
        """The listing as an event tells it."""
        return events.Listing(
            id=self.id,
            user_id=self.user_id,
            title=self.title,
            price=self.price,
            currency=self.currency,
            venue=self.venue,
            starts_at=self.starts_at,
            seat=self.seat,
            withdrawn=self.withdrawn,
            version=self.version,
        )

    @classmethod
    async def locked(cls, id_: UUID) -> Self:
        """The row, locked for this transaction. Raises TicketNotFound."""
        found = await cls.filter(id=id_).select_for_update().first()
        if found is None:
            raise TicketNotFound
        return found

    @classmethod
    async def named(cls, user_id: UUID, external_ids: Sequence[str]) -> dict[str, Self]:
        """A seller's listings with these externalIds, by them."""
        found = await cls.filter(user_id=user_id, external_id__in=external_ids)
        return {str(ticket.external_id): ticket for ticket in found}

    def refuse_unless_free(self) -> None:
        """Raises TicketReserved or TicketSold: what somebody holds or owns is not edited."""
        if self.seat_status == "sold":
            raise TicketSold
        if self.seat_status == "reserved":
            raise TicketReserved

    @classmethod
    async def seat_moved(cls, seat: events.Seat, once: HeardOnce | None = None) -> None:
        """Copy who holds the seat, unless what is here is newer."""
        values = (seat.ticket_id, seat.holder, seat.status, seat.seat_version)
        if once is None:
            await rows("tickets", SEAT_MOVED.format(heard="true"), *values)
        else:
            await once.write("tickets", SEAT_MOVED, *values)

    @classmethod
    async def shown(cls, ids: Collection[UUID]) -> dict[UUID, Shown]:
        """These tickets as people see them, by id. To make models of them would cost 20 µs each."""
        found = await rows("tickets", f"SELECT *, {STATUS} AS status FROM tickets WHERE id = ANY($1)", [*ids])  # noqa: S608 - our own constant
        return {row["id"]: row for row in found}

    @classmethod
    async def search(  # noqa: PLR0913 - the parts of a page
        cls,
        *,
        conditions: Sequence[str] = (),
        where: Mapping[str, object],
        words: str | None = None,
        sort: str,
        after: tuple[str, UUID] | None,
        limit: int,
    ) -> list[Shown]:
        """A page in keyset order, with each one's `sort_key`, its place in it, for the cursor.

        `where` maps further conditions with one `{}` each to their value. `words`: a part of title or venue.
        """
        key, type_, direction = SORTS[sort]
        values: list[Any] = list(where.values())
        every = [*conditions, *(condition.format(f"${n}") for n, condition in enumerate(where, 1))]
        if after is not None:
            values += after
            beyond = ">" if direction == "ASC" else "<"
            every.append(f"({key}, id) {beyond} (${len(values) - 1}::text::{type_}, ${len(values)}::uuid)")
        # Only our own constants are put into the text; what a client sent is always a parameter.
        tickets = f"SELECT * FROM tickets WHERE {' AND '.join(every) or 'true'}"  # noqa: S608
        order = f"ORDER BY {key} {direction}, id {direction}"
        page = (
            f"SELECT *, {STATUS} AS status, ({key})::text AS sort_key FROM ({{}}) t WHERE {{}} "  # noqa: S608
            f"{order} LIMIT {limit:d}"
        )
        try:
            if words is None:
                return list(await rows("tickets", page.format(tickets, "true"), *values))
            values.append(f"%{words.translate(ESCAPED)}%")
            like = f"{TEXT} ILIKE ${len(values)}"
            near = page.format(f"{tickets} {order} LIMIT {NEAR}", like)
            found: list[Shown] = list(await rows("tickets", near, *values))
            if len(found) < limit:
                # OFFSET 0: else the planner, who thinks that grams have nothing to do with each other, would
                # walk on in the order of the page.
                # Of a word that is long enough the threes will do: in a pair, half of all tickets agree. And
                # beside a number like that of "No 000777", not where words meet: to look among the million
                # tickets with a "no " takes 4 ms.
                given = f"${len(values) + 1}::text"
                telling = f"length(g) = least(length({given}), 3)"
                if len(NUMBERED.findall(words)) > 2:  # noqa: PLR2004 - as many leave few tickets
                    telling += " AND (g ~ '[0-9]' OR g !~ ' ')"
                some = f"ARRAY(SELECT g FROM unnest(grams({given})) g WHERE {telling})"  # noqa: S608 - ours, too
                grams = f" AND grams({TEXT}) @> {some} OFFSET 0"
                far = page.format(tickets + grams, like) if len(words) > 1 else page.format(tickets, like)
                found = list(await rows("tickets", far, *values, *([words] if len(words) > 1 else [])))
        except OperationalError as error:
            if after is not None and isinstance(error.__cause__, asyncpg.DataError):
                raise Invalid.field("cursor", "not a cursor of this list") from error
            raise
        return found


class Outbox(OutboxRow):
    """tickets' events."""

    service = "tickets"

    class Meta:
        table = "outbox"


class Inbox(InboxRow):
    """Events tickets has acted on."""

    service = "tickets"

    class Meta:
        table = "inbox"


class IdempotencyKey(IdempotencyRow):
    """Answers kept for repeats."""

    service = "tickets"

    class Meta:
        table = "idempotency_keys"


class Revocation(RevocationRow):
    """Signed-out tokens."""

    service = "tickets"

    class Meta:
        table = "revocations"


class DeadLetter(DeadLetterRow):
    """Messages tickets could not act on."""

    service = "tickets"

    class Meta:
        table = "dead_letters"
