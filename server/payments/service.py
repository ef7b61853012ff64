"""payments' use-cases: hear the fate of an order, and Stripe's doorbell; `till` has the paying."""

import time
from collections.abc import Collection
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

from tortoise.expressions import Q

from server import events
from server.kit import telemetry
from server.kit.auth import Revocations
from server.kit.db import Once, rows, transaction
from server.kit.errors import NotFound
from server.kit.inbox import HeardOnce, arrived
from server.kit.log import log
from server.payments import returns
from server.payments.gateway import StripeEvent
from server.payments.models import (
    KNOWN,
    PAID,
    RETURNING,
    UNPAID,
    UNSETTLED,
    Order,
    Outbox,
    Payment,
    PaymentStatus,
)
from server.payments.owed import OpKind, PaymentOp

DAY = timedelta(days=1)
QUIET = timedelta(seconds=60)
"""A payment not settled, and not looked at, for this long is asked about: a lost webhook costs a minute."""
RETURNING_QUIET = timedelta(hours=1)
"""Likewise for refunds and disputes, which take banks days or weeks."""
RECONCILE_BATCH = 50
NOW = timedelta(0)
"""Somebody may be waiting for what the card said."""
TOGETHER = timedelta(seconds=0.25)
"""A call of ours rings up to four times. By then its answer has told us, as a card's that is being tried."""
BIRTHS = frozenset({"payment_intent.created"})
"""What rings because we made something, and nothing has happened to it yet."""
AT_STRIPE = Q(stripe_id__isnull=False) | Q(checkout_id__isnull=False)


class OrderNotFound(NotFound):
    """There is no such order, or it is not yours."""

    code = "order_not_found"
    title = "There is no such order"


class PaymentNotFound(NotFound):
    """There is no such payment, or it is not yours."""

    code = "payment_not_found"
    title = "There is no such payment"


async def find_payment(*, payment_id: UUID, user_id: UUID) -> Payment:
    """One payment of the caller. Raises PaymentNotFound."""
    payment = await Payment.get_or_none(id=payment_id)
    if payment is None or payment.user_id != user_id:
        raise PaymentNotFound
    return payment


async def list_payments(*, order_id: UUID, user_id: UUID, after: UUID | None, limit: int) -> list[Payment]:
    """The payments of the caller's order, newest first. Raises OrderNotFound, NotYetVisible."""
    order = await arrived(order_id, lambda: Order.get_or_none(id=order_id))
    if order is None or order.user_id != user_id:
        raise OrderNotFound
    query = Payment.filter(order_id=order_id)
    if after is not None:
        query = query.filter(id__lt=after)
    return await query.order_by("-id").limit(limit)


async def order_changed(*, order: events.OrderState, once: HeardOnce) -> None:
    """Follow the order; when it is over, give back what is not surely paid for it.

    Cancelled by the buyer: any uncaptured intent. Expired: only an unauthorised one; an authorised one waits
    for orders' verdict, which may still be yes.
    """
    if order.status not in {"cancelled", "expired"}:
        await Order.hear(order, once)
        return
    async with transaction("payments", once=once):
        await Order.hear(order)
        endable = UNPAID if order.status == "expired" else UNPAID | {PaymentStatus.AUTHORIZED}
        for payment in await Payment.filter(order_id=order.id, status__in=endable).select_for_update():
            await PaymentOp.owe(
                payment.id, OpKind.CANCEL_UNPAID if order.status == "expired" else OpKind.CANCEL
            )


async def order_accepted(*, order: events.OrderState, payment_id: UUID, once: Once) -> None:
    """The seat is surely this order's: take the money; if that was settled without us, say so again."""
    async with transaction("payments", once=once):
        await Order.hear(order)
        payment = await Payment.locked(payment_id)
        if payment.status is PaymentStatus.AUTHORIZED:
            payment.move(PaymentStatus.CAPTURING)
            await payment.save()
            await PaymentOp.owe(payment.id, OpKind.CAPTURE)
        elif payment.status not in UNSETTLED:
            await returns.say_again(payment)


async def order_rejected(*, order: events.OrderState, payment_id: UUID, once: Once) -> None:
    """This payment bought nothing: void it; once the order is rejected for good, no other will either."""
    async with transaction("payments", once=once):
        await Order.hear(order)
        payment = await Payment.locked(payment_id)
        if payment.status in UNPAID or payment.status is PaymentStatus.AUTHORIZED:
            await PaymentOp.owe(payment.id, OpKind.CANCEL)
        if order.status == "rejected":
            others = Payment.filter(order_id=order.id, status__in=UNPAID).exclude(id=payment_id)
            for other in await others.select_for_update():
                await PaymentOp.owe(other.id, OpKind.CANCEL_UNPAID)


async def order_revoked(*, order: events.OrderState, reason: events.RevokeReason, once: Once) -> None:
    """The ticket was taken back: if by its seller, owe the buyer the money, or say again that it went back.

    While a dispute is open the bank decides; won, the money goes back then.
    """
    async with transaction("payments", once=once):
        await Order.hear(order)
        if reason != "refund":
            return
        payment = await Payment.filter(order_id=order.id, status__in=PAID).select_for_update().get()
        match payment.status:
            case PaymentStatus.CAPTURED | PaymentStatus.REFUND_FAILED:
                await returns.owe_refund(payment)
            case PaymentStatus.REFUNDED | PaymentStatus.CHARGED_BACK:
                await returns.say_again(payment)
            case _:
                pass


async def doorbell(*, event: StripeEvent) -> None:
    """Store a verified webhook and owe a look at its intent, unless it tells what is known.

    A repeat does nothing.

    Events of another account or mode, and of intents that name nothing of ours, are stored and left alone.
    """
    async with transaction("payments"):
        is_new = await rows(
            "payments",
            "INSERT INTO stripe_events (id, type, intent_id, received_at) VALUES ($1, $2, $3, now()) "
            "ON CONFLICT DO NOTHING RETURNING id",
            event.id,
            event.type,
            event.intent_id,
        )
        if not is_new or event.account is not None or (event.intent_id or event.checkout_id) is None:
            return
        found = None
        if event.intent_id is not None:
            found = await Payment.get_or_none(stripe_id=event.intent_id, livemode=event.livemode)
        found = found or await named(payment_id=event.payment_id, order_id=event.order_id)
        if found is None or not found.is_at_stripe or found.livemode != event.livemode:
            return
        begun = await PaymentOp.first_trace(found.id) if telemetry.current() else None
        with telemetry.door(f"webhook {event.type}", begun, "CONSUMER") if begun else telemetry.NOTHING:
            await _answer(found, event)


async def _answer(found: Payment, event: StripeEvent) -> None:
    """Owe the look, unless the bell tells what our row says already."""
    # Asked of what was found: its intent may have become known between the two looks.
    if event.intent_id not in {None, found.stripe_id} and not found.awaits_intent:
        await PaymentOp.owe(found.id, OpKind.STRAY, stripe_id=event.intent_id)
    elif found.awaits_intent or not (event.type in BIRTHS or found.knows(event.told)):
        is_awaited = found.status in UNPAID and not await found.is_trying_card()
        told = event.told if event.told in KNOWN else None
        await PaymentOp.owe(found.id, OpKind.SYNC, told=told, after=NOW if is_awaited else TOGETHER)


async def named(*, payment_id: str | None, order_id: str | None) -> Payment | None:
    """The payment that an intent's metadata names, or the newest of the order that it names.

    Metadata is anybody's text. One whose own intent is not known yet is being opened: its key finds it again.
    """
    with suppress(ValueError, TypeError):
        if found := await Payment.get_or_none(id=UUID(payment_id)):
            return found
    with suppress(ValueError, TypeError):
        return await Payment.filter(order_id=UUID(order_id)).order_by("-id").first()
    return None


async def reconcile() -> int:
    """Look again at payments that have been quiet for too long, and remind orders of unanswered ones."""
    async with transaction("payments"):
        now = (await rows("payments", "SELECT now() AS now"))[0]["now"]
        unsettled = Q(status__in=UNSETTLED, needs_review__isnull=True, checked_at__lt=now - QUIET)
        returning = Q(status__in=RETURNING, checked_at__lt=now - RETURNING_QUIET)
        quiet = (
            await Payment.filter(unsettled | returning, AT_STRIPE)
            .select_for_update(skip_locked=True)
            .limit(RECONCILE_BATCH)
        )
        for payment in quiet:
            await PaymentOp.owe(payment.id, OpKind.SYNC)
            if payment.status is PaymentStatus.AUTHORIZED:
                await _remind(payment)
            await rows("payments", "UPDATE payments SET checked_at = now() WHERE id = $1", payment.id)
    return len(quiet)


async def count_payments(*, most: int) -> tuple[dict[str, int], int]:
    """The payments of the last day by status, of `most` the oldest, and how many are flagged for a person."""
    sql = """
    SELECT status, count(*) AS count
    FROM (SELECT status FROM payments WHERE id >= $1 ORDER BY id LIMIT $2) new GROUP BY status
    """
    since = UUID(int=int((time.time() - DAY.total_seconds()) * 1000) << 80)  # as UUIDv7 carries its time
    found = {row["status"]: row["count"] for row in await rows("payments", sql, since, most)}
    flagged = "SELECT FROM payments WHERE needs_review IS NOT NULL LIMIT $1"
    [review] = await rows("payments", f"SELECT count(*) AS count FROM ({flagged}) flagged", most)  # noqa: S608 - ours
    return {status.value: found.get(status.value, 0) for status in PaymentStatus}, review["count"]


async def look_again(*, payment_ids: Collection[UUID]) -> None:
    """Owe a look at each, and tell orders again where it is: for doctor, whatever message was lost."""
    async with transaction("payments"):
        for payment in await Payment.filter(id__in=payment_ids).select_for_update():
            if payment.is_at_stripe:
                await PaymentOp.owe(payment.id, OpKind.SYNC)
            if payment.status is PaymentStatus.AUTHORIZED:
                await _remind(payment)
            elif payment.status not in UNSETTLED:
                await returns.say_again(payment)


async def _remind(payment: Payment) -> None:
    """Ask orders for its verdict once more; it is the same."""
    log.warning("authorisation unanswered; reminding orders", payment_id=str(payment.id))
    await Outbox.record(events.PaymentAuthorized(payment=await returns.state(payment)))


async def token_revoked(*, jti: UUID, until: datetime, once: Once) -> None:
    """Refuse a token from now on."""
    async with transaction("payments", once=once):
        await Revocations.add("payments", jti, until)
