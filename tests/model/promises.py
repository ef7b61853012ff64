"""What must be true of one order: always, and once everything that must happen has happened."""

from server.orders.models import OrderStatus
from server.payments.models import PaymentStatus
from tests.model.rules import Rules
from tests.model.world import HOLDS, Dispute, Intent, Payment, Refund, World

ACCEPTED, COMPLETE, DISPUTED = OrderStatus.ACCEPTED, OrderStatus.COMPLETE, OrderStatus.DISPUTED
REVOKED, REFUNDED, CHARGED_BACK = OrderStatus.REVOKED, OrderStatus.REFUNDED, OrderStatus.CHARGED_BACK

ENDS = {
    COMPLETE: PaymentStatus.CAPTURED,
    REFUNDED: PaymentStatus.REFUNDED,
    REVOKED: PaymentStatus.REFUND_FAILED,
    CHARGED_BACK: PaymentStatus.CHARGED_BACK,
}
"""Where orders that were paid come to rest, each with its payment."""


def broken(w: World, rules: Rules) -> str | None:
    """Which promise this very state breaks."""
    if w.given_up and w.order in HOLDS:
        return "an order its buyer cancelled lives again"
    for i, payment in enumerate(w.payments if rules.authorise_first else ()):
        is_ours = payment.intent is Intent.PAID and payment.refund is not Refund.DONE
        is_bought = w.paid_by == i and w.order in {ACCEPTED, COMPLETE, DISPUTED, REVOKED, REFUNDED}
        is_late = w.order is REFUNDED and payment.status is PaymentStatus.CAPTURED
        is_known = payment.dispute is not Dispute.LOST and not payment.taken_by_hand
        if is_ours and is_known and (is_late or not is_bought):
            return "money is taken for an order that does not have the ticket"
    if w.order in {COMPLETE, DISPUTED}:
        paid = None if w.paid_by is None else w.payments[w.paid_by]
        if paid is None or paid.intent is not Intent.PAID:
            return "a ticket is delivered without money"
        if w.order is COMPLETE and paid.refund is not Refund.NONE and not paid.returned_by_hand:
            return "a ticket is delivered and its money given back"
    return None


def unsettled(w: World) -> str | None:
    """What is wrong with this state if nothing more happens that must."""
    if w.order in {OrderStatus.CREATED, ACCEPTED, DISPUTED}:
        return f"an order stays {w.order}"
    for i, payment in enumerate(w.payments):
        if wrong := loose(w, i, payment):
            return wrong
    paid = None if w.paid_by is None else w.payments[w.paid_by]
    if w.order in ENDS and (paid is None or paid.status is not ENDS[w.order]):
        return f"an order stays {w.order}, its payment {paid and paid.status}"
    return None


def loose(w: World, i: int, payment: Payment) -> str | None:
    """What is left over of a payment."""
    match payment.intent:
        case Intent.NONE | Intent.UNPAID | Intent.ACTION:
            return "an intent stays open that somebody may still pay"
        case Intent.AUTHORIZED:
            return "an authorisation is left dangling"
        case Intent.CANCELED if payment.status is not PaymentStatus.VOIDED:
            return f"a payment stays {payment.status} that Stripe let go of"
    is_bought = w.paid_by == i and w.order is not None and ENDS.get(w.order) is payment.status
    is_fine = is_bought or payment.review or payment.status is PaymentStatus.REFUNDED
    if payment.intent is Intent.PAID and not is_fine:
        return f"a payment stays {payment.status}, its order {w.order}, and nobody looks"
    if payment.status is PaymentStatus.REFUND_FAILED and not payment.review:
        return "a refund failed, and nobody looks"
    return None
