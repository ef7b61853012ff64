"""Why a ticket cannot be held."""

from collections import OrderedDict
from uuid import UUID

from server.kit.errors import Conflict, DomainError, Forbidden, NotFound, TooMany
from server.kit.gather import Gathered
from server.orders.models import Order, OrderStatus, Ticket

MOST_CONTESTED = 10_000
"""Tickets of which it is known that somebody was too late."""


class TicketNotFound(NotFound):
    """There is no such ticket."""

    code = "ticket_not_found"
    title = "There is no such ticket"


class TicketReserved(Conflict):
    """Somebody holds it."""

    code = "ticket_reserved"
    title = "This ticket is reserved; it may become free again"


class FreeByNow(TicketReserved):
    """Something forbade the hold, and a moment later nothing does: worth another try."""


class TicketSold(Conflict):
    """It is sold."""

    code = "ticket_sold"
    title = "This ticket is sold"


class TicketWithdrawn(Conflict):
    """Its seller took it off sale."""

    code = "ticket_withdrawn"
    title = "This ticket is no longer on sale"


class PriceChanged(Conflict):
    """It costs more than the buyer was ready to pay."""

    code = "price_changed"
    title = "The price is above your maximum"


class OwnTicket(Forbidden):
    """Sellers do not buy from themselves."""

    code = "own_ticket"
    title = "This is your own ticket"


class TooManyHolds(TooMany):
    """The buyer has the most unpaid holds allowed."""

    code = "too_many_holds"
    title = "You have too many unpaid holds; pay or cancel one first"


_contested: OrderedDict[UUID, None] = OrderedDict()
_seats = Gathered(Ticket.by_ids)


async def refuse_contested(ticket_id: UUID, user_id: UUID, max_price: int | None) -> None:
    """A ticket that was refused a moment ago is looked at first, once for all who want it.

    The look decides nothing but a refusal. Where 10,000 buyers come for 1,000 tickets it is what most get.
    """
    if ticket_id not in _contested:
        return
    ticket = await _seats.get(ticket_id)
    if ticket is not None and (forbidden := _forbidden(ticket, user_id, max_price)):
        raise forbidden
    _contested.pop(ticket_id, None)


async def why_not(ticket_id: UUID, user_id: UUID, max_price: int | None, max_holds: int) -> DomainError:
    """Why the statement found nothing to hold; FreeByNow when nothing forbids it any more."""
    ticket = await Ticket.get_or_none(id=ticket_id)
    if ticket is None:
        return TicketNotFound()
    if forbidden := _forbidden(ticket, user_id, max_price):
        if isinstance(forbidden, TicketReserved | TicketSold):
            _contested[ticket_id] = None
            if len(_contested) > MOST_CONTESTED:
                _contested.popitem(last=False)
        return forbidden
    if await Order.filter(user_id=user_id, status=OrderStatus.CREATED).count() >= max_holds:
        return TooManyHolds(f"You have {max_holds} unpaid holds; pay or cancel one first.", retry_after=60)
    return FreeByNow()


def _forbidden(ticket: Ticket, user_id: UUID, max_price: int | None) -> DomainError | None:
    if ticket.user_id == user_id:
        return OwnTicket()
    if ticket.seat_status == "sold":
        return TicketSold()
    if ticket.holder is not None:
        return TicketReserved()
    if ticket.withdrawn:
        return TicketWithdrawn()
    if max_price is not None and ticket.price > max_price:
        return PriceChanged(price=ticket.price, currency=ticket.currency)
    return None
