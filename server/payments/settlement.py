"""Settlement: bring a payment to what its intent at Stripe is, with its ledger rows and events."""

from datetime import datetime

from server import events
from server.kit.db import transaction
from server.kit.log import log
from server.payments import ledger, returns
from server.payments.gateway import Checkout, GatewayRefused, Intent, IntentMissing
from server.payments.models import UNPAID, UNSETTLED, Order, Outbox, Payment, PaymentStatus
from server.payments.owed import OpKind, PaymentOp

UNPAID_AT_STRIPE = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})


async def settle(
    op: PaymentOp, intent: Intent | None, checkout: Checkout | None = None, *, since: datetime
) -> Payment | None:
    """Bring the payment to what its intent is, with its ledger rows and events, and close the call.

    Without an intent: to what its hosted page is, which nobody has paid on. `since`: its `checked_at` when
    the call began. None: a look that was overtaken, to be made again.
    """
    if op.kind is OpKind.STRAY and intent is not None:
        return await _stray(op, intent)
    async with transaction("payments"):
        payment = await Payment.locked(op.payment_id)
        if op.kind is OpKind.SYNC and intent is not None and await _is_overtaken(payment, intent, since):
            return None
        if checkout is not None:
            _adopt(payment, checkout)
        elif intent is not None and op.kind is OpKind.CREATE and payment.stripe_id is None:
            payment.stripe_id, payment.client_secret = intent.id, intent.client_secret
            payment.livemode = intent.livemode
        if intent is not None:
            await _reconcile(payment, intent)
        elif checkout is not None and checkout.status == "expired" and payment.status in UNPAID:
            await _voided(payment)
        payment.checked_at = op.claimed_at
        await payment.save()
        await op.close()
        if op.kind is OpKind.CREATE and payment.status in UNPAID:
            # The order may have ended while Stripe was making this: nobody else will cancel it.
            order = await Order.get(id=payment.order_id)
            if order.is_over:
                await PaymentOp.owe(
                    payment.id, OpKind.CANCEL_UNPAID if order.status == "expired" else OpKind.CANCEL
                )
    return payment


def _adopt(payment: Payment, checkout: Checkout) -> None:
    """Remember the page that was made for the payment, and the intent that was begun on it."""
    if payment.checkout_id is None:
        payment.checkout_id, payment.checkout_url = checkout.id, checkout.url
        payment.livemode = checkout.livemode
    payment.stripe_id = payment.stripe_id or checkout.intent_id


async def _is_overtaken(payment: Payment, intent: Intent, since: datetime) -> bool:
    """Whether this look may be older than the card being tried, or than another look, settled meanwhile.

    Unpaid, an intent goes to and fro: an older look at it would tell a decline of a card before this one.
    """
    if payment.status not in UNPAID or intent.status not in UNPAID_AT_STRIPE:
        return False
    tried = PaymentOp.filter(
        payment_id=payment.id, kind=OpKind.CONFIRM, attempt=payment.attempt, done_at=None
    )
    return payment.checked_at != since or await tried.exists()


async def _stray(op: PaymentOp, intent: Intent) -> Payment:
    """An intent beside the payment's own: nothing moves, but money on it is never given back blindly."""
    async with transaction("payments"):
        payment = await Payment.locked(op.payment_id)
        if intent.status == "succeeded":
            log.error("money was taken on a stray intent", payment_id=str(payment.id), intent_id=intent.id)
            payment.needs_review = f"Stripe took money on {intent.id}, which is not this payment's"
            await returns.say_again(payment)
        await op.close()
    return payment


async def _reconcile(payment: Payment, intent: Intent) -> None:
    """Walk the locked payment to where the intent is; an older look at it changes nothing."""
    if payment.status not in UNSETTLED:
        await returns.follow(payment, intent)
        return
    match intent.status:
        case "requires_payment_method" | "requires_confirmation" if payment.status in UNPAID:
            await _not_paid(payment, intent)
        case "requires_action" if payment.status in UNPAID:
            _challenged(payment, intent)
        case "requires_capture" if payment.status in UNPAID:
            if wrong := _mismatch(payment, intent):
                await _void_for_review(payment, wrong)
            else:
                await _authorised(payment)
        case "succeeded":
            await _taken(payment, intent)
            if intent.refunds or intent.disputes:
                await returns.follow(payment, intent)
        case "canceled":
            await _voided(payment)


async def _not_paid(payment: Payment, intent: Intent) -> None:
    if payment.status is PaymentStatus.REQUIRES_ACTION:
        payment.move(PaymentStatus.OPEN)
    payment.next_action_url = None
    if intent.decline_code is not None and intent.decline_code != payment.decline_code:
        payment.decline_code = intent.decline_code
        payment.version += 1
        failed = events.PaymentFailed(payment=await returns.state(payment), decline_code=intent.decline_code)
        await Outbox.record(failed)


def _challenged(payment: Payment, intent: Intent) -> None:
    if payment.status is PaymentStatus.OPEN:
        payment.move(PaymentStatus.REQUIRES_ACTION)
    elif payment.next_action_url != intent.next_action_url:  # another attempt has another page
        payment.version += 1
    payment.next_action_url = intent.next_action_url


async def _taken(payment: Payment, intent: Intent) -> None:
    wrong = _mismatch(payment, intent)
    if payment.status in UNPAID:
        await _authorised(payment)
    if payment.status is PaymentStatus.AUTHORIZED:
        wrong = wrong or "captured without us, perhaps in Stripe's dashboard"
    if wrong is None and intent.amount_received != payment.amount:
        wrong = "only a part was captured"
    await _captured(payment, intent.amount_received, wrong)


async def _voided(payment: Payment) -> None:
    if payment.status not in UNPAID:
        await ledger.enter(payment, "void")
    payment.move(PaymentStatus.VOIDED)
    payment.next_action_url = payment.checkout_url = None
    await Outbox.record(events.PaymentVoided(payment=await returns.state(payment)))


async def _authorised(payment: Payment) -> None:
    payment.move(PaymentStatus.AUTHORIZED)
    payment.decline_code = payment.next_action_url = payment.checkout_url = None
    await ledger.enter(payment, "authorise")
    await Outbox.record(events.PaymentAuthorized(payment=await returns.state(payment)))


async def _captured(payment: Payment, taken: int, review: str | None) -> None:
    payment.move(PaymentStatus.CAPTURED)
    payment.needs_review = payment.needs_review or review
    await ledger.enter(payment, "capture", taken)
    await Outbox.record(events.PaymentCaptured(payment=await returns.state(payment)))


async def _void_for_review(payment: Payment, reason: str) -> None:
    log.error("authorisation does not match; voiding it", payment_id=str(payment.id), reason=reason)
    payment.needs_review = reason
    payment.version += 1
    await PaymentOp.owe(payment.id, OpKind.CANCEL)


def _mismatch(payment: Payment, intent: Intent) -> str | None:
    """What of the intent is not as we made it: then it is not a payment for this order."""
    ours = {
        "intent": (payment.stripe_id, intent.id),
        "amount": (payment.amount, intent.amount),
        "currency": (payment.currency, intent.currency),
        "livemode": (payment.livemode, intent.livemode),
        "order": (str(payment.order_id), intent.metadata.get("orderId")),
    }
    wrong = [name for name, (mine, theirs) in ours.items() if mine != theirs]
    return f"Stripe's {', '.join(wrong)} differ from ours" if wrong else None


async def never_made(op: PaymentOp, error: GatewayRefused) -> Payment:
    """Stripe will not open this payment (an amount below its minimum, say): it ends before it began."""
    log.error("stripe refused a payment", op=op.key, error=repr(error))
    async with transaction("payments"):
        payment = await Payment.locked(op.payment_id)
        payment.move(PaymentStatus.VOIDED)
        if not (await Order.get(id=payment.order_id)).is_over:
            payment.needs_review = "Stripe refused to open it"
        await payment.save()
        await op.close()
        await Outbox.record(events.PaymentVoided(payment=await returns.state(payment)))
    return payment


async def refund_refused(op: PaymentOp, error: GatewayRefused) -> Payment:
    """Stripe finds fault with giving this back at all: asking again is no use, a person must look."""
    async with transaction("payments"):
        payment = await Payment.locked(op.payment_id)
        await returns.refused(payment, str(error))
        await payment.save()
        await op.close()
    return payment


async def not_there(op: PaymentOp, error: IntentMissing) -> Payment:
    """Stripe knows no such intent (the key was changed, say): asking again is no use, a person must look."""
    log.error("stripe does not know a payment", op=op.key, error=repr(error))
    async with transaction("payments"):
        payment = await Payment.locked(op.payment_id)
        payment.needs_review = "Stripe does not know it"
        await returns.say_again(payment)
        await op.close()
    return payment
