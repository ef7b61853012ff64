"""The verdict on money: which payment gets the seat, and what follows once it is taken or fell through."""

from collections.abc import Mapping

from server import events
from server.kit.db import Once, transaction
from server.orders.models import PAYMENT_NEWS, Order, OrderStatus, Outbox, Ticket

ACCEPTED, COMPLETE, DISPUTED = OrderStatus.ACCEPTED, OrderStatus.COMPLETE, OrderStatus.DISPUTED
REVOKED, REFUNDED, CHARGED_BACK = OrderStatus.REVOKED, OrderStatus.REFUNDED, OrderStatus.CHARGED_BACK

IMPLIED: Mapping[events.PaymentStatus, Mapping[OrderStatus, tuple[OrderStatus, ...]]] = {
    "captured": {ACCEPTED: (COMPLETE,), DISPUTED: (COMPLETE,)},
    "disputed": {ACCEPTED: (COMPLETE, DISPUTED), COMPLETE: (DISPUTED,), REFUNDED: (REVOKED,)},
    "refunding": {REFUNDED: (REVOKED,)},
    "charged_back": {
        ACCEPTED: (COMPLETE, DISPUTED, CHARGED_BACK),
        COMPLETE: (DISPUTED, CHARGED_BACK),
        DISPUTED: (CHARGED_BACK,),
        REVOKED: (CHARGED_BACK,),
        REFUNDED: (REVOKED, CHARGED_BACK),
    },
    "refunded": {
        ACCEPTED: (COMPLETE, REVOKED, REFUNDED),
        COMPLETE: (REVOKED, REFUNDED),
        DISPUTED: (COMPLETE, REVOKED, REFUNDED),
        REVOKED: (REFUNDED,),
    },
    "refund_failed": {
        ACCEPTED: (COMPLETE, REVOKED),
        COMPLETE: (REVOKED,),
        DISPUTED: (COMPLETE, REVOKED),
        REFUNDED: (REVOKED,),
    },
}
"""Payment's status → order's status → the steps between: all are walked, whatever news was overtaken."""
NOWHERE: tuple[OrderStatus, ...] = ()

MOVES_SEAT: Mapping[tuple[OrderStatus, OrderStatus], events.SeatStatus] = {
    (ACCEPTED, COMPLETE): "sold",
    (COMPLETE, REVOKED): "available",
    (DISPUTED, CHARGED_BACK): "available",
}

CAUSES: Mapping[tuple[OrderStatus, OrderStatus], str] = {
    (ACCEPTED, COMPLETE): "paid",
    (COMPLETE, DISPUTED): "disputed by the buyer's bank",
    (DISPUTED, COMPLETE): "dispute decided for the seller",
    (DISPUTED, CHARGED_BACK): "dispute decided for the buyer",
    (COMPLETE, REVOKED): "refunded at Stripe",
    (REVOKED, REFUNDED): "money given back",
    (REFUNDED, REVOKED): "refund sent back by the bank",
    (REVOKED, CHARGED_BACK): "dispute decided for the buyer",
}


class UnknownOrder(Exception):
    """A payment names an order that does not exist: nothing that waiting could mend."""


async def payment_authorized(*, payment: events.PaymentState, once: Once) -> None:
    """Answer an authorisation with exactly one of accepted or rejected, whatever state the order is in.

    A hold, or an expired one whose ticket is still free and on sale, is accepted; anything else is rejected,
    and payments voids: no money has moved, and releasing a hold never waits for Stripe.
    """
    async with transaction("orders", once=once):
        order = await _order_of(payment)
        seat = await Ticket.locked(order.ticket_id)
        if order.status is OrderStatus.CREATED:
            order.payment_id = payment.id
            await order.move(OrderStatus.ACCEPTED, cause="payment authorised", seat=seat)
        elif order.status is OrderStatus.EXPIRED and seat.holder is None and not seat.withdrawn:
            await seat.move_seat(order.id, "reserved")
            order.payment_id = payment.id
            await order.move(OrderStatus.ACCEPTED, cause="payment authorised late", seat=seat)
        elif order.status is OrderStatus.EXPIRED:
            await order.move(OrderStatus.REJECTED, cause="paid too late", seat=seat)
        # Heard late, it may have been accepted long ago: what became of it since does not change the answer.
        is_accepted = order.payment_id == payment.id and order.status is not OrderStatus.REJECTED
        verdict = events.OrderAccepted if is_accepted else events.OrderRejected
        await Outbox.record(verdict(payment_id=payment.id, order=order.state(), seat=seat.seat_state()))


async def payment_changed(*, payment: events.PaymentState, once: Once) -> None:
    """Walk the order to where its payment is, by the steps of IMPLIED; older news changes nothing.

    The flag for a person (`needsReview`) follows the payment's, whether or not the order moves.
    """
    async with transaction("orders", once=once):
        order = await _order_of(payment)
        was_flagged, steps = order.needs_review, NOWHERE
        if order.payment_id != payment.id:  # money that bought nothing: nothing moves, but a person must look
            order.needs_review = was_flagged or payment.needs_review
        elif payment.version > order.payment_version:
            order.payment_version, order.payment_status = payment.version, payment.status
            order.needs_review = payment.needs_review
            steps = IMPLIED.get(payment.status, {}).get(order.status, NOWHERE)
        if not steps:
            await order.save(update_fields=PAYMENT_NEWS)
            if order.needs_review != was_flagged:
                await Outbox.record(events.OrderUpdated(order=order.state()))
            return
        seat = await Ticket.locked(order.ticket_id)
        for to in steps:
            await _step(order, seat, to)


async def _step(order: Order, seat: Ticket, to: OrderStatus) -> None:
    """One step that news of money implies: the seat if it moves, the history, and the event."""
    before = order.status
    moved = MOVES_SEAT.get((before, to))
    if moved:
        await seat.move_seat(order.id if moved == "sold" else None, moved)
    await order.move(to, cause=CAUSES[before, to], seat=seat)
    now = order.state()
    if not moved:
        await Outbox.record(events.OrderUpdated(order=now))
    elif to is COMPLETE:
        await Outbox.record(events.OrderCompleted(order=now, seat=seat.seat_state()))
    else:
        reason: events.RevokeReason = "chargeback" if to is CHARGED_BACK else "refunded_elsewhere"
        await Outbox.record(events.OrderRevoked(order=now, seat=seat.seat_state(), reason=reason))


async def payment_voided(*, payment: events.PaymentState, once: Once) -> None:
    """No authorisation is left: frees the seat of the order that was accepted on this very payment."""
    async with transaction("orders", once=once):
        order = await _order_of(payment)
        if order.status is not OrderStatus.ACCEPTED or order.payment_id != payment.id:
            return
        order.payment_version = max(order.payment_version, payment.version)
        seat = await Ticket.locked(order.ticket_id)
        await seat.move_seat(None, "available")
        await order.move(OrderStatus.REJECTED, cause="the card could not be charged", seat=seat)
        await Outbox.record(
            events.OrderRejected(payment_id=payment.id, order=order.state(), seat=seat.seat_state())
        )


async def _order_of(payment: events.PaymentState) -> Order:
    order = await Order.locked(payment.order_id)
    if order is None:
        raise UnknownOrder(f"payment {payment.id} names order {payment.order_id}, which does not exist")
    return order
