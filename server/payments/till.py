"""The till: a buyer pays an order, in one of two modes, by as many cards as it takes."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

from server.kit import telemetry
from server.kit.db import Once, transaction
from server.kit.errors import Conflict, DomainError, Invalid
from server.kit.gather import Gathered
from server.kit.idempotency import IdempotencyInFlight
from server.kit.inbox import arrived
from server.payments import ops
from server.payments.gateway import CardDeclined, Gateway, GatewayUnavailable
from server.payments.models import UNPAID, Order, Payment, PaymentStatus
from server.payments.owed import CallTaken, OpKind, PaymentOp
from server.payments.service import OrderNotFound, find_payment


class OrderNotPayable(Conflict):
    """Nothing can be paid for it any more."""

    code = "order_not_payable"
    title = "This order can no longer be paid"


BUSY = "This payment is being worked on; ask again in a moment."
Runner = Callable[[PaymentOp], Awaitable[Payment]]


class _InTheWay(Exception):
    """The order has an unpaid payment of the other mode, or one that is being closed."""

    def __init__(self, payment: Payment) -> None:
        super().__init__()
        self.payment = payment


_known = Gathered(Order.known)
"""In a rush hundreds wait for their orders to be heard of; every look is for all of them."""


async def pay_order(  # noqa: PLR0913 - what the request says, and how to answer it
    *,
    order_id: UUID,
    user_id: UUID,
    payment_method: str | None,
    mode: str = "intent",
    run: Runner,
    once: Once | None = None,
) -> tuple[Payment, bool]:
    """Open the order's payment, or go on with the live one; with a method, try that card.

    Returns the payment and whether it is new. The decision is committed before Stripe is called; `run` then
    makes the calls, and if this process dies the worker makes them. An unpaid payment of the other mode is
    closed first; if it turns out to be paid, it is the answer.
    Raises OrderNotFound, OrderNotPayable, NotYetVisible, CardDeclined, Invalid, GatewayUnavailable.
    """
    if await arrived(order_id, lambda: _known.get(order_id)) is None:
        raise OrderNotFound
    while True:
        try:
            payment, is_new, attempt = await _decide(
                order_id, user_id, payment_method=payment_method, mode=mode, once=once
            )
        except _InTheWay as found:
            await _close(found.payment, run)
        else:
            payment = await _drive(payment, run, attempt=attempt, busy=GatewayUnavailable)
            return _opened(payment), is_new


async def _decide(
    order_id: UUID, user_id: UUID, *, payment_method: str | None, mode: str, once: Once | None
) -> tuple[Payment, bool, int | None]:
    """Write down what the request makes of the order's payment: it, whether it is new, and its attempt.

    Raises _InTheWay with nothing written: one payment ends before the next begins.
    """
    async with transaction("payments", once=once) as tx:
        order = await Order.select_for_update().get(id=order_id)
        if order.user_id != user_id:
            raise OrderNotFound
        payment = await Payment.filter(order_id=order_id).exclude(status=PaymentStatus.VOIDED).first()
        is_new, attempt = payment is None, None
        is_other = payment is not None and payment.status in UNPAID and payment.mode != mode
        if (is_new or is_other) and order.status != "created":
            raise OrderNotPayable(f"This order is {order.status}; only a hold can be paid.")
        if payment is not None and (is_other or (not order.is_over and await payment.is_closing())):
            raise _InTheWay(payment)
        if payment is None:
            payment = Payment(
                order_id=order.id, user_id=user_id, amount=order.price, currency=order.currency, mode=mode
            )
        if payment.status in UNPAID and payment_method is not None:
            if order.is_over:
                raise OrderNotPayable(f"This order is {order.status}; only a hold can be paid.")
            attempt = payment.attempt = payment.attempt + 1
            payment.decline_code = None
        if is_new:
            await payment.save()
            await PaymentOp.owe(payment.id, OpKind.CREATE, mine=True)
        elif attempt is not None:
            await payment.save(update_fields=["attempt", "decline_code", "updated_at"])
        if attempt is not None:
            await PaymentOp.owe(
                payment.id, OpKind.CONFIRM, attempt=attempt, payment_method=payment_method, mine=True
            )
        tx.done((payment, is_new))
    return payment, is_new, attempt


async def _close(payment: Payment, run: Runner) -> None:
    """Let nobody pay it any more, once the card that is being tried has been; who has paid, has.

    Stripe would cancel an authorised intent, too, and orders may have accepted it by then. So no card is
    tried between the look and the cancel: none is under way here, and `_decide` begins none.
    Raises GatewayUnavailable.
    """
    payment = await _drive(payment, run, attempt=None, busy=GatewayUnavailable)
    async with transaction("payments"):
        await Order.select_for_update().get(id=payment.order_id)
        payment = await Payment.locked(payment.id)
        if await payment.is_trying_card():
            raise GatewayUnavailable(BUSY)
        if payment.status in UNPAID:
            await PaymentOp.owe(payment.id, OpKind.CANCEL_UNPAID, mine=True)
    kinds = (OpKind.CANCEL_UNPAID,)
    payment = await _drive(payment, run, attempt=None, busy=GatewayUnavailable, kinds=kinds)
    if payment.status in UNPAID:
        raise GatewayUnavailable("The payment begun before could not be closed; try again in a moment.")


async def resume_payment(*, payment_id: UUID, user_id: UUID, attempt: int | None, run: Runner) -> Payment:
    """Answer a repeated request: make what it still owes, and say of its attempt, if any, what came of it.

    Raises PaymentNotFound, IdempotencyInFlight while the first request is at it, and what `pay_order` raises.
    """
    payment = await find_payment(payment_id=payment_id, user_id=user_id)
    payment = _opened(await _drive(payment, run, attempt=attempt, busy=IdempotencyInFlight))
    if payment.attempt == attempt and payment.status is PaymentStatus.OPEN and payment.decline_code:
        raise CardDeclined(
            "The bank declined this card; nothing was charged.", declineCode=payment.decline_code
        )
    return payment


async def _drive(
    payment: Payment,
    run: Runner,
    *,
    attempt: int | None,
    busy: type[DomainError],
    kinds: tuple[OpKind, ...] = (OpKind.CREATE, OpKind.CONFIRM),
) -> Payment:
    """Make the calls the payment owes, in their order; raises `busy` when another is making them.

    The newest card is tried, perhaps another tab's: what is wrong with that is not said of `attempt`'s.
    """
    settled: Payment | None = None
    for kind in kinds:
        try:
            op = await PaymentOp.take(payment.id, kind)
        except CallTaken:
            raise busy(BUSY) from None
        if op is None:
            continue
        try:
            settled = await run(op)
        except GatewayUnavailable:
            await PaymentOp.hand_over(payment.id)
            raise
        except (CardDeclined, Invalid):
            settled = None
            if op.attempt == attempt:
                raise
    return settled or await Payment.get(id=payment.id)


def _opened(payment: Payment) -> Payment:
    if payment.status is PaymentStatus.VOIDED and not payment.is_at_stripe:
        raise OrderNotPayable("Stripe would not open this payment; nothing was charged.")
    return payment


def runner(gateway: Gateway, *, capture_deadline: timedelta, return_url: str) -> Runner:
    """How a request makes its own calls to Stripe."""

    async def run(op: PaymentOp) -> Payment:
        with telemetry.step(f"stripe {op.kind.value}", otherwise=op.trace, kind="CLIENT"):
            return await ops.run(op, gateway, capture_deadline=capture_deadline, return_url=return_url)

    return run
