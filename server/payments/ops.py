"""Calls to Stripe: claimed, made, and their outcome settled; whoever dies in between, the next one finishes.

No consumer calls Stripe. It writes a `payment_ops` row and commits; `start_due` calls by the row's own clock.
When the outcome is unknown the intent is looked at first, and only what it is counts.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from server.kit.db import rows
from server.kit.errors import Invalid
from server.kit.log import log, request_id
from server.payments import settlement
from server.payments.gateway import (
    CardDeclined,
    Checkout,
    Gateway,
    GatewayRefused,
    GatewayUnavailable,
    Intent,
    IntentMissing,
    IntentStateConflict,
)
from server.payments.models import UNPAID, Order, Payment, PaymentStatus
from server.payments.owed import OpKind, PaymentOp

AT_ONCE = 8
LOOKS_FIRST = frozenset({OpKind.SYNC, OpKind.CANCEL_UNPAID, OpKind.REFUND, OpKind.STRAY})
ENDS = {
    OpKind.CANCEL: frozenset({"canceled", "succeeded"}),
    OpKind.STRAY: frozenset({"canceled", "succeeded"}),
    OpKind.CANCEL_UNPAID: frozenset({"canceled", "succeeded", "requires_capture"}),
}
"""What an intent must be for a cancel to be over; as anything else it is cancelled again."""
UNTRIED = frozenset({"requires_payment_method", "requires_confirmation"})
SLOWEST_RETRY_SECONDS = 60
CHECKOUT_LIFE = timedelta(hours=1)
"""Of a hosted page that nobody closes. Stripe takes no less than 30 min, at a late try either."""
BEING_OPENED = "The payment is still being opened; try again in a moment."
SAME_KEY_TRIES = 4
"""Stripe keeps a 5xx under its idempotency key for a day; after this many tries the next key is used."""


async def start_due(run: Callable[[PaymentOp], Awaitable[Payment]], limit: int) -> list[asyncio.Task[None]]:
    """Start up to `limit` of the calls that are due: one that hangs must not hold up the others."""
    due = await PaymentOp.claim(limit=limit)
    return [asyncio.create_task(_run_quietly(op, run)) for op in due]


async def _run_quietly(op: PaymentOp, run: Callable[[PaymentOp], Awaitable[Payment]]) -> None:
    request_id.set(op.request_id)
    try:
        await run(op)
    except (CardDeclined, Invalid):
        pass  # settled: the payment says so
    except GatewayUnavailable as error:
        log.warning("stripe unavailable", op=op.key, tries=op.tries, error=repr(error.__cause__ or error))
    except Exception as error:  # noqa: BLE001 - one bad row must not stop the others
        log.error("payment op failed", op=op.key, tries=op.tries, exc_info=error)
        await _postpone(op, repr(error))


async def run(op: PaymentOp, gateway: Gateway, *, capture_deadline: timedelta, return_url: str) -> Payment:
    """Make a claimed call and settle its outcome.

    Raises CardDeclined or Invalid after settling, and GatewayUnavailable after putting the row off.
    """
    payment = await Payment.get(id=op.payment_id)
    if _is_moot(op, payment):
        await op.close()
        return payment
    try:
        checkout = await _turn_to_page(op, payment, gateway, return_url=return_url)
        intent, declined = await _outcome(
            op, payment, checkout, gateway, capture_deadline=capture_deadline, return_url=return_url
        )
    except GatewayUnavailable as error:
        await _postpone(op, repr(error), after=error.retry_after)
        raise
    except IntentMissing as error:
        return await settlement.not_there(op, error)
    except GatewayRefused as error:
        return await _refused(op, error)
    if intent is None and checkout is None:
        await op.close()
        return payment
    if intent is not None and not _is_over(op, intent):
        await _postpone(op, f"the intent is still {intent.status}")
        return payment
    settled = await settlement.settle(op, intent, checkout, since=payment.checked_at)
    if settled is None:
        await _postpone(op, "a card was tried meanwhile")
        return payment
    if declined is not None:
        raise declined
    return settled


async def _refused(op: PaymentOp, error: GatewayRefused) -> Payment:
    match op.kind:
        case OpKind.CREATE:
            return await settlement.never_made(op, error)
        case OpKind.REFUND:
            return await settlement.refund_refused(op, error)
        case _:
            raise error


def _is_moot(op: PaymentOp, payment: Payment) -> bool:
    if op.kind is OpKind.STRAY:
        return op.stripe_id == payment.stripe_id
    if payment.knows(op.told):
        return True
    return payment.status is PaymentStatus.VOIDED  # also one that Stripe refused to open


def _is_over(op: PaymentOp, intent: Intent) -> bool:
    """Whether the call had its effect, or never can."""
    match op.kind:
        case OpKind.CAPTURE:
            return intent.status != "requires_capture"
        case OpKind.REFUND:
            # Not begun because somebody else's refund is pending, say: asked again until that is over.
            has_begun = intent.refund_of(op.attempt) is not None
            return has_begun or intent.is_disputed or intent.given_back >= intent.amount_received
        case kind:
            return intent.status in ENDS.get(kind, {intent.status})


def _may_refund(op: PaymentOp, intent: Intent) -> bool:
    """Whether this attempt still has something to give back: not begun, not disputed, not all given."""
    return intent.refund_of(op.attempt) is None and not intent.is_disputed and intent.left_to_refund > 0


async def _turn_to_page(
    op: PaymentOp, payment: Payment, gateway: Gateway, *, return_url: str
) -> Checkout | None:
    """The payment's hosted page, opened, closed or looked at; None if it has none, or it was paid on.

    While it is open Stripe lets nobody cancel the intent that was begun on it.
    """
    if payment.mode != "checkout" or payment.status not in UNPAID or op.kind is OpKind.STRAY:
        return None
    if op.kind is OpKind.CREATE:
        return await gateway.create_checkout(
            key=_stripe_key(op),
            amount=payment.amount,
            currency=payment.currency,
            order_id=payment.order_id,
            payment_id=payment.id,
            return_url=return_url.format(order_id=payment.order_id),
            expires_at=payment.created_at + CHECKOUT_LIFE,
        )
    if payment.checkout_id is None:
        raise GatewayUnavailable(BEING_OPENED)
    checkout = await gateway.get_checkout(payment.checkout_id)
    if checkout.status == "open" and op.kind in {OpKind.CANCEL, OpKind.CANCEL_UNPAID}:
        return await gateway.expire_checkout(checkout.id, key=f"page.{_stripe_key(op)}")
    return checkout


async def _outcome(  # noqa: PLR0913 - what a call is made of
    op: PaymentOp,
    payment: Payment,
    checkout: Checkout | None,
    gateway: Gateway,
    *,
    capture_deadline: timedelta,
    return_url: str,
) -> tuple[Intent | None, CardDeclined | Invalid | None]:
    """What the intent is after the call, and what the buyer did wrong; None for a page nobody paid on."""
    if checkout is not None:
        payment.stripe_id = payment.stripe_id or checkout.intent_id
        if payment.stripe_id is None:
            return None, None
    try:
        intent = await _call(op, payment, gateway, capture_deadline=capture_deadline, return_url=return_url)
    except IntentStateConflict:
        return await gateway.get_intent(_stripe_id(op, payment)), None
    except (CardDeclined, Invalid) as error:
        return await gateway.get_intent(_stripe_id(op, payment)), error
    return intent, None


async def _call(
    op: PaymentOp, payment: Payment, gateway: Gateway, *, capture_deadline: timedelta, return_url: str
) -> Intent | None:
    """The one place that calls Stripe; None when there is nothing left to do."""
    if op.kind is OpKind.CREATE:
        return await gateway.create_intent(
            key=_stripe_key(op),
            amount=payment.amount,
            currency=payment.currency,
            order_id=payment.order_id,
            payment_id=payment.id,
        )
    stripe_id = _stripe_id(op, payment)
    # A second try does not know what the first one did: look first.
    intent = await gateway.get_intent(stripe_id) if op.tries > 1 or op.kind in LOOKS_FIRST else None
    match op.kind:
        case OpKind.CONFIRM:
            return await _confirm(op, payment, intent, gateway, return_url=return_url)
        case OpKind.CAPTURE:
            return await _capture(op, stripe_id, intent, gateway, deadline=capture_deadline)
        case OpKind.CANCEL | OpKind.CANCEL_UNPAID | OpKind.STRAY:
            stays = {"requires_capture"} if op.kind is OpKind.CANCEL_UNPAID else set()
            if intent is not None and intent.status in {"canceled", "succeeded"} | stays:
                return intent
            return await gateway.cancel_intent(stripe_id, key=_stripe_key(op))
        case OpKind.REFUND if intent is not None and _may_refund(op, intent):
            key = _stripe_key(op)
            await gateway.refund_intent(intent.id, key=key, payment_id=payment.id, attempt=op.attempt)
            return await gateway.get_intent(intent.id)
        case _:
            return intent


async def _confirm(
    op: PaymentOp, payment: Payment, intent: Intent | None, gateway: Gateway, *, return_url: str
) -> Intent | None:
    order = await Order.get(id=payment.order_id)
    moved_on = intent is not None and intent.status not in UNTRIED
    if moved_on or order.is_over or payment.attempt != op.attempt or payment.status not in UNPAID:
        return intent
    return await gateway.confirm_intent(
        _stripe_id(op, payment),
        key=_stripe_key(op),
        payment_method=op.payment_method or "",
        return_url=return_url.format(order_id=payment.order_id),
    )


async def _capture(
    op: PaymentOp, stripe_id: str, intent: Intent | None, gateway: Gateway, *, deadline: timedelta
) -> Intent:
    if intent is not None and intent.status != "requires_capture":
        return intent
    if op.claimed_at - op.created_at >= deadline:
        log.error("capture deadline passed; voiding the authorisation", payment_id=str(op.payment_id))
        return await gateway.cancel_intent(stripe_id, key=f"deadline.{_stripe_key(op)}")
    try:
        return await gateway.capture_intent(stripe_id, key=_stripe_key(op))
    except CardDeclined as refused:  # the bank's last word: the seat need not wait for the deadline
        log.warning("capture refused; voiding it", payment_id=str(op.payment_id), **refused.details)
        return await gateway.cancel_intent(stripe_id, key=f"refused.{_stripe_key(op)}")


async def _postpone(op: PaymentOp, error: str, *, after: float | None = None) -> None:
    """Try again later, ever later."""
    seconds = max(after or 0, min(0.5 * 2 ** min(op.tries, 10), SLOWEST_RETRY_SECONDS))
    await rows(
        "payments",
        "UPDATE payment_ops SET due_at = now() + $2, error = $3 WHERE id = $1 AND done_at IS NULL",
        op.id,
        timedelta(seconds=seconds),
        error[:300],
    )


def _stripe_key(op: PaymentOp) -> str:
    """The idempotency key of this try: Stripe keeps a 5xx for a day, so it changes every SAME_KEY_TRIES."""
    round_ = (op.tries - 1) // SAME_KEY_TRIES
    return op.key if round_ == 0 else f"{op.key}.{round_}"


def _stripe_id(op: PaymentOp, payment: Payment) -> str:
    found = op.stripe_id or payment.stripe_id
    if found is None:  # its creation is still owed, and comes first
        raise GatewayUnavailable(BEING_OPENED)
    return found
