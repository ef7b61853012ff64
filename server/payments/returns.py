"""Money going back: refunds and disputes as Stripe has them, booked once each, and the payment walked along.

A look may be older than what is known, so only what it shows counts, never what it lacks.
"""

from server import events
from server.kit.log import log
from server.payments import ledger
from server.payments.gateway import Dispute, Intent, Refund
from server.payments.models import Order, Outbox, Payment, PaymentStatus, payment_state
from server.payments.owed import OpKind, PaymentOp

CAPTURED, DISPUTED = PaymentStatus.CAPTURED, PaymentStatus.DISPUTED
REFUNDING, REFUNDED, REFUND_FAILED = (
    PaymentStatus.REFUNDING,
    PaymentStatus.REFUNDED,
    PaymentStatus.REFUND_FAILED,
)
SENT_BACK = "the buyer's bank sent the refund back"


async def follow(payment: Payment, intent: Intent) -> None:
    """Bring the locked payment, whose money was taken, to where Stripe's refunds and disputes are."""
    booked = await ledger.entries(payment.id)
    news = [await _book(payment, refund, booked) for refund in intent.refunds]
    for dispute in intent.disputes:
        await _dispute(payment, dispute, booked)
    await _refunds(payment, intent, is_news=any(news))


async def owe_refund(payment: Payment) -> None:
    """Decide, on the locked payment, that its buyer gets the money back; the next attempt of it."""
    payment.move(REFUNDING)
    payment.refund_attempt += 1
    payment.refund_status = payment.needs_review = None
    await payment.save()
    await PaymentOp.owe(payment.id, OpKind.REFUND, attempt=payment.refund_attempt)


async def refused(payment: Payment, reason: str) -> None:
    """Stripe would not even begin this attempt: a person must look, and may have it tried again."""
    if payment.status is REFUNDING:
        await _failed(payment, reason)


async def say_again(payment: Payment) -> None:
    """Repeat, as a newer version, where a locked and settled payment is; saves it."""
    payment.version += 1
    await payment.save()
    now = await state(payment)
    again: dict[PaymentStatus, events.PaymentMoved] = {
        PaymentStatus.VOIDED: events.PaymentVoided(payment=now),
        CAPTURED: events.PaymentCaptured(payment=now),
        REFUNDING: events.PaymentRefunded(payment=now, outcome="pending"),
        REFUNDED: events.PaymentRefunded(payment=now, outcome="succeeded"),
        REFUND_FAILED: events.PaymentRefunded(payment=now, outcome="failed"),
        DISPUTED: events.PaymentDisputed(payment=now, outcome="opened"),
        PaymentStatus.CHARGED_BACK: events.PaymentDisputed(payment=now, outcome="lost"),
    }
    if payment.status in again:
        await Outbox.record(again[payment.status])


async def tell_refund(payment: Payment, outcome: events.RefundOutcome) -> None:
    """Record the news of a refund."""
    await Outbox.record(events.PaymentRefunded(payment=await state(payment), outcome=outcome))


async def tell_dispute(payment: Payment, outcome: events.DisputeOutcome) -> None:
    """Record the news of a dispute."""
    await Outbox.record(events.PaymentDisputed(payment=await state(payment), outcome=outcome))


async def state(payment: Payment) -> events.PaymentState:
    """The payment as an event tells it; the amounts come from the ledger."""
    totals = await ledger.totals(payment)
    return payment_state(payment, captured=totals.captured, refunded=totals.refunded)


# --- refunds ------------------------------------------------------------------------------------------------


async def _book(payment: Payment, refund: Refund, booked: set[tuple[str, str]]) -> bool:
    """Enter what this refund did to the money, once; whether there was anything new."""
    given = ("refund", refund.id) in booked
    if refund.status == "succeeded" and not given:
        await ledger.enter(payment, "refund", refund.amount, reference=refund.id)
        return True
    if refund.has_failed and given and ("refund_failed", refund.id) not in booked:
        await ledger.enter(payment, "refund_failed", refund.amount, reference=refund.id)
        return True
    return False


async def _refunds(payment: Payment, intent: Intent, *, is_news: bool) -> None:
    totals = await ledger.totals(payment)
    is_whole = totals.refunded >= totals.captured
    match payment.status:
        case PaymentStatus.CAPTURED | PaymentStatus.REFUNDING | PaymentStatus.REFUND_FAILED if is_whole:
            if payment.status is REFUND_FAILED:  # a person helped, at Stripe
                payment.move(REFUNDING)
            payment.move(REFUNDED)
            payment.refund_status, payment.needs_review = "succeeded", None
            await tell_refund(payment, "succeeded")
        case PaymentStatus.REFUNDED if not is_whole:
            await _failed(payment, SENT_BACK)
        case PaymentStatus.REFUNDING:
            await _under_way(payment, intent)
        case _ if is_news:  # a part of it, at Stripe: the order stays what it is
            payment.version += 1
            await tell_refund(payment, "succeeded")


async def _under_way(payment: Payment, intent: Intent) -> None:
    mine = intent.refund_of(payment.refund_attempt)
    if mine is None or mine.status == payment.refund_status:
        return
    payment.refund_status = mine.status
    if mine.has_failed:
        await _failed(payment, mine.failure_reason or SENT_BACK)
    else:
        payment.version += 1
        await tell_refund(payment, "pending")


async def _failed(payment: Payment, reason: str) -> None:
    log.error("a refund failed; somebody must look", payment_id=str(payment.id), reason=reason)
    payment.move(REFUND_FAILED)
    payment.refund_status, payment.needs_review = "failed", f"refund failed: {reason}"[:200]
    await tell_refund(payment, "failed")


# --- disputes -----------------------------------------------------------------------------------------------


async def _dispute(payment: Payment, dispute: Dispute, booked: set[tuple[str, str]]) -> None:
    """Open it, and close it if it is closed: both, when the news of its beginning never came."""
    if dispute.status == "warning":  # the bank only asks; no money has moved
        return
    is_news = ("dispute", dispute.id) not in booked
    is_decided = bool({("dispute_won", dispute.id), ("dispute_lost", dispute.id)} & booked)
    if is_news:
        await ledger.enter(payment, "dispute", dispute.amount, reference=dispute.id)
    if payment.status in {CAPTURED, REFUNDING, REFUND_FAILED} and not is_decided:
        # Also later than its beginning: a refund made before it came back, and was tried again.
        payment.move(DISPUTED)
        await tell_dispute(payment, "opened")
    elif is_news:
        payment.version += 1
        payment.needs_review = f"disputed while {payment.status.value}"
        await tell_dispute(payment, "opened")
    if dispute.status == "open" or is_decided:
        return
    if dispute.status == "won":
        await ledger.enter(payment, "dispute_won", dispute.amount, reference=dispute.id)
        await _keep(payment)
        await tell_dispute(payment, "won")
    else:
        await ledger.enter(payment, "dispute_lost", dispute.amount, reference=dispute.id)
        if payment.status is DISPUTED:
            payment.move(PaymentStatus.CHARGED_BACK)
        else:
            payment.version += 1
        await tell_dispute(payment, "lost")


async def _keep(payment: Payment) -> None:
    """The money is ours again: the buyer's, if the order was taken back meanwhile."""
    if payment.status is not DISPUTED:
        payment.version += 1
        return
    order = await Order.get(id=payment.order_id)
    was_returned = payment.refund_attempt > 0 or payment.refund_status is not None
    if order.status == "revoked" or was_returned:  # news of the order may still be on its way
        await owe_refund(payment)
    else:
        payment.move(CAPTURED)
