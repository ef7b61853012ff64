"""tickets' use-cases: list, edit, withdraw, find; and hear who holds what."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any, Literal
from uuid import UUID

from tortoise.exceptions import IntegrityError

from server import events
from server.kit.auth import Revocations
from server.kit.db import Once, transaction, violated
from server.kit.errors import Conflict, DomainError, Forbidden, Invalid
from server.kit.gather import Gathered
from server.kit.inbox import HeardOnce
from server.tickets.models import ON_SHOW, SHOWN_AS, Outbox, Shown, Ticket, TicketNotFound, VersionConflict
from server.tickets.statements import ROWS, create, upsert


class NotOwner(Forbidden):
    """Only the seller may do this."""

    code = "not_owner"
    title = "Only its seller may change this ticket"


class ExternalIdTaken(Conflict):
    """The seller has another listing with this externalId."""

    code = "external_id_taken"
    title = "You already have a listing with this externalId"


class CurrencyImmutable(Invalid):
    """The currency of a listing cannot change."""

    code = "currency_immutable"
    title = "The currency of a listing cannot be changed; withdraw it and list a new one"


class BatchRefused(Conflict):
    """An atomic batch holds listings that cannot be; nothing of it was done."""

    code = "batch_refused"
    title = "Nothing of this batch was done"


@dataclass(frozen=True)
class Upserted:
    """What became of one listing; `before` is what an update replaced, told in dry runs only."""

    status: Literal["created", "updated", "unchanged"]
    ticket: Ticket
    before: Ticket | None = None


async def create_ticket(
    *, user_id: UUID, listing: Mapping[str, Any], dry_run: bool = False, once: Once | None = None
) -> Ticket:
    """List a ticket for its seller. Raises ExternalIdTaken."""
    try:
        if once is None and not dry_run:
            return await create(user_id, listing)
        async with transaction("tickets", once=once, dry_run=dry_run) as tx:
            return tx.done(await create(user_id, listing))
    except IntegrityError as error:
        raise _translated(error) from error


async def update_ticket(
    *,
    ticket_id: UUID,
    user_id: UUID,
    version: int,
    edit: Mapping[str, Any],
    dry_run: bool = False,
) -> Ticket:
    """Change a listing that nobody holds, if it is still at `version`.

    Raises TicketNotFound, NotOwner, TicketReserved, TicketSold, VersionConflict, CurrencyImmutable,
    ExternalIdTaken.
    """
    try:
        async with transaction("tickets", dry_run=dry_run):
            ticket = await _own(ticket_id, user_id)
            ticket.refuse_unless_free()
            if ticket.version != version:
                raise VersionConflict(
                    f"The listing is at version {ticket.version}, not {version}; read it again.",
                    currentVersion=ticket.version,
                )
            if edit.get("currency", ticket.currency) != ticket.currency:
                raise CurrencyImmutable(errors=[{"field": "currency", "message": "cannot be changed"}])
            if any(getattr(ticket, name) != value for name, value in edit.items()):
                await _edit(ticket, edit)
            return ticket
    except IntegrityError as error:
        raise _translated(error) from error


async def withdraw_ticket(*, ticket_id: UUID, user_id: UUID, dry_run: bool = False) -> Ticket:
    """Take a listing off sale; again does nothing.

    Raises TicketNotFound, NotOwner, TicketReserved, TicketSold.
    """
    async with transaction("tickets", dry_run=dry_run):
        ticket = await _own(ticket_id, user_id)
        ticket.refuse_unless_free()
        if not ticket.withdrawn:
            await _edit(ticket, {"withdrawn": True})
        return ticket


async def upsert_ticket(*, user_id: UUID, listing: Mapping[str, Any], dry_run: bool = False) -> Upserted:
    """Have the seller's listing of this `external_id` be as said: made, changed, listed again or left alone.

    Raises TicketReserved, TicketSold, CurrencyImmutable.
    """
    [outcome] = await upsert_tickets(user_id=user_id, listings=[listing], dry_run=dry_run)
    if isinstance(outcome, DomainError):
        raise outcome
    return outcome


async def upsert_tickets(
    *,
    user_id: UUID,
    listings: Sequence[Mapping[str, Any] | DomainError],
    atomic: bool = False,
    dry_run: bool = False,
    once: Once | None = None,
) -> list[Upserted | DomainError]:
    """The same for many, in one transaction; a listing that could not even be read stands as its error.

    Each listing has its own outcome, unless the batch is `atomic`: then one error is all it takes.
    Raises BatchRefused.
    """
    async with transaction("tickets", once=once, dry_run=dry_run) as tx:
        outcomes = await _upserted(user_id, _each_once(listings), look_first=dry_run)
        refused = [
            {"index": index, "status": "error", "error": told(outcome)}
            for index, outcome in enumerate(outcomes)
            if isinstance(outcome, DomainError)
        ]
        if atomic and refused:
            raise BatchRefused(
                f"Nothing was done: of {len(outcomes)} listings {len(refused)} cannot be.", results=refused
            )
        return tx.done(outcomes)


_one = Gathered(Ticket.shown)


async def find_ticket(*, ticket_id: UUID) -> Shown:
    """One ticket. Raises TicketNotFound."""
    ticket = await _one.get(ticket_id)
    if ticket is None:
        raise TicketNotFound
    return ticket


async def search_tickets(  # noqa: PLR0913 - one per filter of the contract
    *,
    q: str | None = None,
    status: str | None = None,
    min_price: int | None = None,
    max_price: int | None = None,
    user_id: UUID | None = None,
    external_id: str | None = None,
    sort: str = "-createdAt",
    after: tuple[str, UUID] | None = None,
    limit: int = 20,
) -> list[Shown]:
    """Tickets in keyset order; withdrawn ones only when `status` asks for them."""
    wanted = {
        "price >= {}": min_price,
        "price <= {}": max_price,
        "user_id = {}": user_id,
        "external_id = {}": external_id,
    }
    return await Ticket.search(
        conditions=[SHOWN_AS[status] if status else ON_SHOW],
        where={condition: value for condition, value in wanted.items() if value is not None},
        words=q or None,
        sort=sort,
        after=after,
        limit=limit,
    )


async def seat_moved(*, seat: events.Seat, once: HeardOnce) -> None:
    """Show who holds a seat, as orders says."""
    await Ticket.seat_moved(seat, once)


async def find_after(*, ids: Collection[UUID], seats: Iterable[events.Seat]) -> list[Ticket]:
    """Tickets as the list shows them from now on: no seat is older than in `seats`.

    News of a seat may come here before its own consumer has stored it; then it is stored here, and the
    consumer finds nothing newer.
    """
    found = {ticket.id: ticket for ticket in await Ticket.filter(id__in=ids)}
    for seat in seats:
        if seat.ticket_id in found and found[seat.ticket_id].seat_version < seat.seat_version:
            await Ticket.seat_moved(seat)
            found[seat.ticket_id] = await Ticket.get(id=seat.ticket_id)
    return list(found.values())


async def token_revoked(*, jti: UUID, until: datetime, once: Once) -> None:
    """Refuse a token from now on."""
    async with transaction("tickets", once=once):
        await Revocations.add("tickets", jti, until)


async def _own(ticket_id: UUID, user_id: UUID) -> Ticket:
    ticket = await Ticket.locked(ticket_id)
    if ticket.user_id != user_id:
        raise NotOwner
    return ticket


async def _edit(ticket: Ticket, edit: Mapping[str, Any]) -> None:
    ticket.update_from_dict({**edit, "version": ticket.version + 1})
    await ticket.save(update_fields=[*edit, "version", "updated_at"])
    await Outbox.record(events.TicketUpdated(ticket=ticket.listing()))


def told(error: DomainError) -> dict[str, Any]:
    """An error as a batch tells it of one of its listings."""
    return {"code": error.code, "detail": error.detail, **error.details}


def _each_once(
    listings: Sequence[Mapping[str, Any] | DomainError],
) -> list[Mapping[str, Any] | DomainError]:
    """One statement cannot write a row twice, and which of two listings holds is not ours to guess."""
    first: dict[str, int] = {}
    return [
        listing
        if isinstance(listing, DomainError) or first.setdefault(listing["external_id"], index) == index
        else Invalid.field("externalId", f"the same as of item {first[listing['external_id']]}")
        for index, listing in enumerate(listings)
    ]


async def _upserted(
    user_id: UUID, listings: Sequence[Mapping[str, Any] | DomainError], *, look_first: bool
) -> list[Upserted | DomainError]:
    # Two batches of one seller lock rows in the same order, so that none of them has to die.
    wanted = sorted(
        (listing for listing in listings if not isinstance(listing, DomainError)),
        key=itemgetter("external_id"),
    )
    outcomes: dict[str, Upserted | DomainError] = {}
    for start in range(0, len(wanted), ROWS):
        some = wanted[start : start + ROWS]
        names = [listing["external_id"] for listing in some]
        before = await Ticket.named(user_id, names) if look_first else {}
        written = await upsert(user_id, some)
        left = [name for name in names if name not in written]
        found = await Ticket.named(user_id, left) if left else {}
        for listing in some:
            name = listing["external_id"]
            if name in written:
                status, ticket = written[name]
                outcomes[name] = Upserted(status, ticket, before.get(name))
            else:
                outcomes[name] = _left(found[name], listing)
    return [
        listing if isinstance(listing, DomainError) else outcomes[listing["external_id"]]
        for listing in listings
    ]


def _left(ticket: Ticket, listing: Mapping[str, Any]) -> Upserted | DomainError:
    """Why the statement left this row, which it has locked, as it was."""
    if ticket.currency != listing["currency"]:
        return CurrencyImmutable(errors=[{"field": "currency", "message": "cannot be changed"}])
    if ticket.withdrawn or any(getattr(ticket, name) != value for name, value in listing.items()):
        try:
            ticket.refuse_unless_free()
        except Conflict as refusal:
            return refusal
    return Upserted("unchanged", ticket)


def _translated(error: IntegrityError) -> Exception:
    return ExternalIdTaken() if violated(error) == "one_external_id_per_seller" else error
