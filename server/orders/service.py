"""orders' use-cases: reserve, extend, cancel, expire. Refunds are in `refunds`, money in `verdict`."""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from tortoise.exceptions import IntegrityError
from uuid_utils.compat import uuid7

from server import events
from server.kit.auth import Revocations
from server.kit.db import Once, rows, transaction, violated
from server.kit.errors import Conflict, DomainError, Forbidden, NotFound, TooMany
from server.kit.gather import Gathered
from server.kit.inbox import HeardOnce, arrived
from server.kit.metrics import counter
from server.orders import statements
from server.orders.models import Order, OrderHistory, OrderStatus, Outbox, Ticket

RESERVE_TRIES = 3
"""Two holds of one buyer may pick the same slot: the index decides and the loser takes the next. A listing
may arrive, and a ticket become free, between the statement and the look at why it found nothing."""
SWEEP_BATCH = 50
MOST_CONTESTED = 10_000
"""Tickets of which it is known that somebody was too late."""
EXPIRED = counter("tix_holds_expired", "Holds released because their time was over.")


class TicketNotFound(NotFound):
    """There is no such ticket."""

    code = "ticket_not_found"
    title = "There is no such ticket"


class OrderNotFound(NotFound):
    """There is no such order, or it is not yours."""

    code = "order_not_found"
    title = "There is no such order"


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


class ExtensionUsed(Conflict):
    """A hold is extended once: other buyers wait."""

    code = "extension_used"
    title = "This hold was extended already; other buyers are waiting"


class OrderNotExtendable(Conflict):
    """It is over, or being paid."""

    code = "order_not_extendable"
    title = "Only a running, unpaid hold can be extended"


class OrderNotCancellable(Conflict):
    """Too late to cancel."""

    code = "order_not_cancellable"
    title = "This order can no longer be cancelled"


_contested: OrderedDict[UUID, None] = OrderedDict()
_seats = Gathered(Ticket.by_ids)


async def reserve_ticket(  # noqa: PLR0913 - the parts of a hold
    *,
    ticket_id: UUID,
    user_id: UUID,
    max_price: int | None = None,
    hold_seconds: int,
    max_holds: int,
    once: Once | None = None,
) -> Order:
    """Hold one ticket for one buyer until the hold window closes.

    `max_price` in minor units. Raises TicketNotFound, TicketReserved, TicketSold, TicketWithdrawn,
    PriceChanged, OwnTicket, TooManyHolds; NotYetVisible when the ticket was made a moment ago and is still on
    its way here.
    """
    hold = partial(
        _hold,
        ticket_id=ticket_id,
        user_id=user_id,
        max_price=max_price,
        hold_seconds=hold_seconds,
        max_holds=max_holds,
    )
    refused: DomainError = TooManyHolds(retry_after=1)
    for _ in range(max(RESERVE_TRIES, max_holds)):  # in a burst of one buyer's, each round fills one slot
        try:
            if once is None:
                await _refuse_contested(ticket_id, user_id, max_price)
                return await hold()
            async with transaction("orders", once=once) as tx:
                return tx.done(await hold())
        except FreeByNow as error:
            refused = error
        except TicketNotFound:
            if await arrived(ticket_id, lambda: Ticket.get_or_none(id=ticket_id)) is None:
                raise
        except IntegrityError as error:
            match violated(error):
                case "one_live_order_per_ticket":
                    raise TicketReserved from error
                case "one_order_per_hold_slot":
                    refused = TooManyHolds(retry_after=1)
                case _:
                    raise
    raise refused


async def _hold(
    *, ticket_id: UUID, user_id: UUID, max_price: int | None, hold_seconds: int, max_holds: int
) -> Order:
    order = await statements.reserve(
        order_id=uuid7(),
        ticket_id=ticket_id,
        user_id=user_id,
        max_price=max_price,
        hold_seconds=hold_seconds,
        max_holds=max_holds,
    )
    if order is None:
        raise await _refusal(ticket_id, user_id, max_price, max_holds)
    return order


async def _refuse_contested(ticket_id: UUID, user_id: UUID, max_price: int | None) -> None:
    """A ticket that was refused a moment ago is looked at first, once for all who want it.

    The look decides nothing but a refusal. Where 10,000 buyers come for 1,000 tickets it is what most get.
    """
    if ticket_id not in _contested:
        return
    ticket = await _seats.get(ticket_id)
    if ticket is not None and (forbidden := _forbidden(ticket, user_id, max_price)):
        raise forbidden
    _contested.pop(ticket_id, None)


async def _refusal(ticket_id: UUID, user_id: UUID, max_price: int | None, max_holds: int) -> DomainError:
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


async def extend_order(*, order_id: UUID, user_id: UUID, seconds: int, once: Once | None = None) -> Order:
    """Lengthen a hold by `seconds`, once; an expired one is never extended, only reserved again.

    Raises OrderNotFound, ExtensionUsed, OrderNotExtendable.
    """
    async with transaction("orders", once=once) as tx:
        order = await statements.extend(order_id=order_id, user_id=user_id, seconds=seconds)
        if order is None:
            held = await Order.get_or_none(id=order_id, user_id=user_id)
            if held is None:
                raise OrderNotFound
            if held.status is OrderStatus.CREATED and held.extended:
                raise ExtensionUsed
            raise OrderNotExtendable
        await Outbox.record(events.OrderExtended(order=order.state()))
        return tx.done(order)


async def cancel_order(*, order_id: UUID, user_id: UUID) -> None:
    """Give a hold up; again does nothing. Raises OrderNotFound, OrderNotCancellable."""
    async with transaction("orders"):
        order = await Order.locked(order_id)
        if order is None or order.user_id != user_id:
            raise OrderNotFound
        if order.status is OrderStatus.CANCELLED:
            return
        if order.status is not OrderStatus.CREATED:
            raise OrderNotCancellable(
                f"This order is {order.status.value}; only an unpaid hold can be cancelled."
            )
        seat = await Ticket.locked(order.ticket_id)
        await seat.move_seat(None, "available")
        await order.move(OrderStatus.CANCELLED, cause="cancelled by the buyer", seat=seat)
        await Outbox.record(events.OrderCancelled(order=order.state(), seat=seat.seat_state()))


async def expire_holds(*, order_id: UUID | None = None, once: Once | None = None) -> int:
    """Release holds whose time is over: all of them, or just this one; returns how many."""
    released = 0
    while True:
        async with transaction("orders", once=once):
            ended = await statements.expire(limit=SWEEP_BATCH, order_id=order_id)
            if ended:
                await Outbox.record(
                    *(
                        events.OrderExpired(
                            order=order.state(),
                            seat=events.Seat(
                                ticket_id=order.ticket_id,
                                holder=None,
                                status="available",
                                seat_version=version,
                            ),
                        )
                        for order, version in ended
                    )
                )
        released += len(ended)
        EXPIRED.inc(len(ended))
        if order_id is not None or len(ended) < SWEEP_BATCH:
            return released


async def count_holds(*, most: int) -> dict[str, int]:
    """How many holds are `active`, and how many `overdue`: over, and not released yet; `most` of both."""
    sql = """
    SELECT count(*) FILTER (WHERE expires_at > now()) AS active,
           count(*) FILTER (WHERE expires_at <= now()) AS overdue
    FROM (SELECT expires_at FROM orders WHERE status = 'created' ORDER BY expires_at LIMIT $1) holds
    """
    [counted] = await rows("orders", sql, most)
    return counted


async def listing_changed(*, ticket: events.Listing, once: HeardOnce) -> None:
    """Copy a listing, unless what is here is newer; the seat is ours and stays."""
    await statements.copy_listing(ticket, once)


async def token_revoked(*, jti: UUID, until: datetime, once: Once) -> None:
    """Refuse a token from now on."""
    async with transaction("orders", once=once):
        await Revocations.add("orders", jti, until)


async def find_order(*, order_id: UUID, user_id: UUID) -> tuple[Order, Sequence[OrderHistory]]:
    """One order of the caller, as buyer or seller, with its history. Raises OrderNotFound."""
    order = await Order.get_or_none(id=order_id)
    if order is None or user_id not in {order.user_id, order.seller_id}:
        raise OrderNotFound
    # Up to what was read of the order: a step taken in between would stand beside the status before it.
    steps = OrderHistory.filter(order_id=order_id, version__lte=order.version)
    return order, await steps.order_by("version")


async def list_orders(
    *,
    user_id: UUID,
    role: str = "buyer",
    status: OrderStatus | None = None,
    after: UUID | None = None,
    limit: int,
) -> list[Order]:
    """The caller's orders, newest first (UUIDv7 sorts by time)."""
    query = Order.filter(**{"user_id" if role == "buyer" else "seller_id": user_id})
    if status is not None:
        query = query.filter(status=status)
    if after is not None:
        query = query.filter(id__lt=after)
    return await query.order_by("-id").limit(limit)


async def clock() -> datetime:
    """The clock that decides expiry: the database's."""
    now: datetime = (await rows("orders", "SELECT clock_timestamp() AS now"))[0]["now"]
    return now
