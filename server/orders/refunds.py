"""A seller's refund: the ticket is taken back first, then payments gives the money back."""

from uuid import UUID

from server import events
from server.kit.db import Once, transaction
from server.kit.errors import Conflict, Forbidden
from server.orders.models import Order, OrderStatus, Outbox, Ticket
from server.orders.service import OrderNotFound


class NotOwner(Forbidden):
    """Only the ticket's seller gives its money back."""

    code = "not_owner"
    title = "Only the seller of this ticket can do that"


class NotRefundable(Conflict):
    """There is no money to give back, or somebody else is deciding about it."""

    code = "not_refundable"
    title = "This order cannot be refunded now"


async def refund_order(*, order_id: UUID, user_id: UUID, once: Once | None = None) -> Order:
    """Take a sold ticket back and owe its buyer the money; a refund that failed is tried again.

    The ticket is void first: from this moment nobody gets in with it, and it can be sold again.
    Raises OrderNotFound, NotOwner, NotRefundable.
    """
    async with transaction("orders", once=once) as tx:
        order = await Order.locked(order_id)
        if order is None or user_id not in {order.user_id, order.seller_id}:
            raise OrderNotFound
        if user_id != order.seller_id:
            raise NotOwner
        seat = await Ticket.locked(order.ticket_id)
        if order.status is OrderStatus.COMPLETE:
            await seat.move_seat(None, "available")
            await order.move(OrderStatus.REVOKED, cause="refunded by the seller", seat=seat)
        elif order.status is OrderStatus.REVOKED and order.payment_status == "refund_failed":
            order.payment_status = None  # until news of the next try: one try at a time
            await order.move(OrderStatus.REVOKED, cause="refund tried again by the seller", seat=seat)
        else:
            raise NotRefundable(_why_not_refundable(order))
        await Outbox.record(events.OrderRevoked(order=order.state(), seat=seat.seat_state(), reason="refund"))
        return tx.done(order)


def _why_not_refundable(order: Order) -> str:
    match order.status:
        case OrderStatus.REVOKED:
            return "Its money is already on the way back."
        case OrderStatus.REFUNDED | OrderStatus.CHARGED_BACK:
            return "Its money went back already."
        case OrderStatus.DISPUTED:
            return "Its buyer disputes it; the bank decides, and may give the money back itself."
        case status:
            return f"It is {status.value}; only a paid order can be refunded."
