"""orders' use-cases: reserve, extend, cancel, expire. Refunds are in `refunds`, money in `verdict`."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from tortoise.exceptions import IntegrityError
from uuid_utils.compat import uuid7

from server import events
from server.kit.auth import Revocations
from server.kit.db import Once, rows, transaction, violated
from server.kit.errors import Conflict, DomainError, NotFound
from server.kit.inbox import HeardOnce, arrived
from server.kit.metrics import counter
from server.orders import statements
from server.orders.models import Order, OrderHistory, OrderStatus, Outbox, Ticket
from server.orders.refusals import (
    FreeByNow,
    TicketNotFound,
    TicketReserved,
    TooManyHolds,
    refuse_contested,
    why_not,
)

RESERVE_TRIES = 3
"""Two holds of one buyer may pick the same slot: the index decides and the loser takes the next. A listing
may arrive, and a ticket become free, between the statement and the look at why it found nothing."""
SWEEP_BATCH = 50
EXPIRED = counter("tix_holds_expired", "Holds released because their time was over.")


class OrderNotFound(NotFound):
    """There is no such order, or it is not yours."""

    code = "order_not_found"
    title = "There is no such order"


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
                await refuse_contested(ticket_id, user_id, max_price)
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
        raise await why_not(ticket_id, user_id, max_price, max_holds)
    return order


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
