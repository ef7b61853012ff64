"""What payments does: it owes calls to Stripe, makes them, looks, and settles what it saw."""

from collections.abc import Iterator

from server.orders.models import OrderStatus
from server.payments.models import UNPAID, UNSETTLED, PaymentStatus
from tests.model.orders import MOST_ATTEMPTS, Step, may, must
from tests.model.rules import Feature, Rules
from tests.model.settlement import owe_refund, settle
from tests.model.world import Cancel, Dispute, Intent, Message, Payment, Refund, World

AUTHORIZED, CAPTURING, CAPTURED = PaymentStatus.AUTHORIZED, PaymentStatus.CAPTURING, PaymentStatus.CAPTURED
VOIDED, REFUNDING, REFUND_FAILED = PaymentStatus.VOIDED, PaymentStatus.REFUNDING, PaymentStatus.REFUND_FAILED

UNDISPUTED = {Dispute.NONE, Dispute.WON}
CANCELABLE = {Intent.UNPAID, Intent.ACTION, Intent.AUTHORIZED}


def hear(w: World, m: Message, rules: Rules) -> World:
    """Act on an event of orders: follow the order, and owe the calls that it asks for."""
    assert isinstance(m.status, OrderStatus)
    is_news = m.version > w.copy[0]
    if is_news:
        w = w._replace(copy=(m.version, m.status))
    match m.name:
        case "order:cancelled" | "order:expired":
            return ended(w, m.status, rules)
        case "order:accepted":
            return accepted(w, m.payment, rules)
        case "order:rejected":
            if w.payments[m.payment].status in UNPAID | {AUTHORIZED}:
                w = w.pay(m.payment, cancel=Cancel.ANY)
            is_over = m.status is OrderStatus.REJECTED and rules.lets_go_of_the_rest
            return ended(w, m.status, rules) if is_over else w
        case "order:revoked" if is_news or rules.revokes_whatever_version:
            return revoked(w)
        case "order:refund" if w.payments[m.payment].status is CAPTURED:  # where the card is charged at once
            return owe_refund(w, m.payment)
    return w


def ended(w: World, status: OrderStatus, rules: Rules) -> World:
    """Cancelled: let go of whatever is not captured. Expired, rejected: only of what is not authorised."""
    for i, payment in enumerate(w.payments):
        if not (payment.made or rules.cancel_waits_for_create):
            continue
        if status is OrderStatus.CANCELLED and payment.status in UNPAID | {AUTHORIZED}:
            w = w.pay(i, cancel=Cancel.ANY)
        elif payment.status in UNPAID and payment.cancel is Cancel.NONE:
            w = w.pay(i, cancel=Cancel.UNPAID)
    return w


def accepted(w: World, i: int, rules: Rules) -> World:
    """Capture; or tell again what became of it.

    The code raises the version of such an answer. Here that would change nothing, since orders keeps a
    version only together with its effect, and there would be no end of versions.
    """
    match w.payments[i].status:
        case PaymentStatus.AUTHORIZED:
            return w.pay(i, CAPTURING)
        case PaymentStatus.VOIDED if rules.answers_settled:
            return w.tell("payment:voided", i)
        case PaymentStatus.CAPTURED if rules.answers_settled:
            return w.tell("payment:created", i)
        case PaymentStatus.REFUNDED | PaymentStatus.REFUND_FAILED if rules.answers_returned:
            return w.tell("payment:refunded", i)
        case PaymentStatus.DISPUTED | PaymentStatus.CHARGED_BACK if rules.answers_returned:
            return w.tell("payment:disputed", i)
    return w


def revoked(w: World) -> World:
    """The seller took the ticket back: give back the money, or try again; once a dispute is over."""
    for i, payment in enumerate(w.payments):
        is_again = payment.status is REFUND_FAILED and payment.attempt < MOST_ATTEMPTS
        if payment.status is CAPTURED or is_again:
            w = owe_refund(w, i)
    return w


def works(w: World, rules: Rules, features: frozenset[Feature]) -> Iterator[Step]:
    """The buyer's request for a payment, and the calls to Stripe."""
    most = 2 if Feature.SECOND in features else 1
    is_over = all(payment.status is VOIDED for payment in w.payments)
    if w.copy[1] is OrderStatus.CREATED and len(w.payments) < most and is_over:
        yield may("a payment is opened", w._replace(payments=(*w.payments, Payment())))
    for i, payment in enumerate(w.payments):
        if not payment.made:
            yield from creates(w, i, rules)
            continue
        yield from looks(w, i, rules, features)
        if payment.status is not VOIDED and payment.cancel is not Cancel.NONE:
            yield from cancels(w, i, rules, features)
        if payment.status is CAPTURING and payment.intent is Intent.AUTHORIZED:
            yield from captures(w, i, rules, features)
        if payment.status is REFUNDING and payment.refund is Refund.NONE and payment.dispute in UNDISPUTED:
            # What Stripe says to it is not relied upon: it is looked at.
            yield must(f"refunds {i}", w.pay(i, refund=Refund.PENDING))
        if payment.status is AUTHORIZED:
            yield must(f"reminds orders of {i}", w.tell("payment:authorized", i))


def creates(w: World, i: int, rules: Rules) -> Iterator[Step]:
    """Open the intent, record it, and read the order again: it may have ended meanwhile."""
    payment = w.payments[i]
    if payment.intent is Intent.NONE:
        w = w.pay(i, intent=Intent.UNPAID)
        yield may(f"opens {i} at Stripe, and dies", w)
    w, over = w.pay(i, made=True), w.copy[1]
    if rules.rereads_after_create and over not in {None, OrderStatus.CREATED, OrderStatus.ACCEPTED}:
        is_waiting = over is OrderStatus.EXPIRED and payment.cancel is not Cancel.ANY
        w = w.pay(i, cancel=Cancel.UNPAID if is_waiting else Cancel.ANY)
    yield must(f"opens {i} and reads the order again", w)


def looks(w: World, i: int, rules: Rules, features: frozenset[Feature]) -> Iterator[Step]:
    """A webhook rang, or the reconciler's minute is over: look, and settle it now or, stale, later."""
    payment = w.payments[i]
    yield must(f"looks at {i}: {payment.intent}", settle(w, i, payment.intent, rules))
    is_slow = Feature.STALE in features and payment.status in UNSETTLED and payment.look is None
    if is_slow and payment.intent in CANCELABLE:
        yield may(f"looks at {i} for later", w.pay(i, look=payment.intent))
    if payment.look is not None:
        late = settle(w, i, payment.look, rules).pay(i, look=None)
        yield must(f"settles an old look at {i}: {payment.look}", late)


def cancels(w: World, i: int, rules: Rules, features: frozenset[Feature]) -> Iterator[Step]:
    """Let go of the authorisation, unless it turns out that nobody asked for that."""
    payment = w.payments[i]
    if payment.cancel is Cancel.UNPAID and payment.intent is Intent.AUTHORIZED:
        yield must(
            f"leaves {i}: it is authorised",
            settle(w.pay(i, cancel=Cancel.NONE), i, payment.intent, rules),
        )
        return
    if payment.cancel is Cancel.UNPAID and Feature.STALE in features and payment.intent in CANCELABLE:
        yield may(f"is about to cancel {i}", w.pay(i, cancel=Cancel.AIMED))
    if payment.intent in CANCELABLE:
        w = w.pay(i, intent=Intent.CANCELED)
        yield may(f"cancels {i}, and dies", w)
    over = settle(w.pay(i, cancel=Cancel.NONE), i, w.payments[i].intent, rules)
    yield must(f"cancels {i}", over)


def captures(w: World, i: int, rules: Rules, features: frozenset[Feature]) -> Iterator[Step]:
    """Take the money; or after the deadline let it go."""
    taken = w.pay(i, intent=Intent.PAID)
    yield may(f"captures {i}, and dies", taken)
    yield must(f"captures {i}", settle(taken, i, Intent.PAID, rules))
    if Feature.DEADLINE in features:
        let_go = w.pay(i, intent=Intent.CANCELED)
        yield may(f"gives up capturing {i}, and dies", let_go)
        yield may(f"gives up capturing {i}", settle(let_go, i, Intent.CANCELED, rules))
