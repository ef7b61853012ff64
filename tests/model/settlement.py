"""How payments brings a payment to what its intent is; an older look at it changes nothing."""

from server.orders.models import OrderStatus
from server.payments.models import UNPAID, UNSETTLED, PaymentStatus
from tests.model.rules import Rules
from tests.model.world import Cancel, Dispute, Intent, Refund, World

OPEN, REQUIRES_ACTION = PaymentStatus.OPEN, PaymentStatus.REQUIRES_ACTION
AUTHORIZED, CAPTURED, VOIDED = PaymentStatus.AUTHORIZED, PaymentStatus.CAPTURED, PaymentStatus.VOIDED
REFUNDING, REFUNDED = PaymentStatus.REFUNDING, PaymentStatus.REFUNDED
REFUND_FAILED, DISPUTED = PaymentStatus.REFUND_FAILED, PaymentStatus.DISPUTED


def settle(w: World, i: int, seen: Intent, rules: Rules) -> World:
    """Walk payment `i` to where a look at its intent saw it, telling each step."""
    status = w.payments[i].status
    if status in UNSETTLED:
        match seen:
            case Intent.UNPAID if status is REQUIRES_ACTION:
                return w.pay(i, OPEN)
            case Intent.ACTION if status is OPEN:
                return w.pay(i, REQUIRES_ACTION)
            case Intent.AUTHORIZED if status in UNPAID:
                return w.pay(i, AUTHORIZED).tell("payment:authorized", i)
            case Intent.CANCELED:
                return w.pay(i, VOIDED, cancel=Cancel.NONE, look=None).tell("payment:voided", i)
            case Intent.PAID:
                w = taken(w, i, rules)
    return returned(w, i, rules) if seen is Intent.PAID else w


def taken(w: World, i: int, rules: Rules) -> World:
    """The money is here. If orders had not asked for it, a person must look."""
    if w.payments[i].status in UNPAID:
        w = w.pay(i, AUTHORIZED)
        if rules.authorise_first:
            w = w.tell("payment:authorized", i)
    if w.payments[i].status is AUTHORIZED and rules.authorise_first:
        w = w.pay(i, review=True)
    return w.pay(i, CAPTURED, cancel=Cancel.NONE, look=None).tell("payment:created", i)


def returned(w: World, i: int, rules: Rules) -> World:
    """Follow the refund, the dispute, and what that makes of the refund, as Stripe has them."""
    w = refunded(w, i)
    payment = w.payments[i]
    if (
        payment.dispute is not Dispute.NONE
        and payment.heard is Dispute.NONE
        and payment.status is not REFUNDED
    ):
        w = w.pay(i, DISPUTED, heard=Dispute.OPEN).tell("payment:disputed", i)
    if w.payments[i].heard is Dispute.OPEN and payment.dispute is Dispute.LOST:
        w = w.pay(i, PaymentStatus.CHARGED_BACK, heard=Dispute.LOST).tell("payment:disputed", i)
    if w.payments[i].heard is Dispute.OPEN and payment.dispute is Dispute.WON:
        w = w.pay(i, heard=Dispute.WON)
        is_owed = w.copy[1] is OrderStatus.REVOKED or (payment.is_owed and rules.stays_owed)
        w = (owe_refund(w, i) if is_owed else w.pay(i, CAPTURED)).tell("payment:disputed", i)
    return refunded(w, i)


def refunded(w: World, i: int) -> World:
    """Whether the money went back, or was sent back to us."""
    status, refund = w.payments[i].status, w.payments[i].refund
    if refund is Refund.DONE and status in {CAPTURED, REFUNDING, REFUND_FAILED}:
        if status is REFUND_FAILED:  # a person helped, in the dashboard
            w = w.pay(i, REFUNDING)
        return w.pay(i, REFUNDED, review=False, is_owed=True).tell("payment:refunded", i)
    if refund is Refund.FAILED and status in {REFUNDING, REFUNDED}:
        return w.pay(i, REFUND_FAILED, review=True).tell("payment:refunded", i)
    return w


def owe_refund(w: World, i: int) -> World:
    """Write down, before Stripe is called, that the money goes back. What failed before is tried anew."""
    payment = w.payments[i]
    pending = payment.refund if payment.refund is not Refund.FAILED else Refund.NONE
    return w.pay(i, REFUNDING, attempt=payment.attempt + 1, is_owed=True, refund=pending, review=False)
