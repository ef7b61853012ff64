"""What happens at Stripe without us: the buyer and his bank, and somebody in the dashboard."""

from collections.abc import Iterator

from tests.model.orders import Step, may, must
from tests.model.rules import Feature, Rules
from tests.model.world import Dispute, Intent, Refund, World


def happens(w: World, rules: Rules, features: frozenset[Feature]) -> Iterator[Step]:
    """Everything that may become of each intent by itself."""
    for i, payment in enumerate(w.payments):
        if payment.made and payment.intent in {Intent.UNPAID, Intent.ACTION}:
            yield from confirms(w, i, rules, features)
        if payment.intent is Intent.AUTHORIZED:
            if Feature.LAPSE in features:
                yield may(f"the bank lets {i} lapse", w.pay(i, intent=Intent.CANCELED))
            if Feature.CAPTURED_BY_HAND in features:
                yield may(f"{i} is captured by hand", w.pay(i, intent=Intent.PAID, taken_by_hand=True))
        if payment.intent is Intent.PAID:
            yield from returns(w, i, features)


def confirms(w: World, i: int, rules: Rules, features: frozenset[Feature]) -> Iterator[Step]:
    """A card is tried: from the buyer's browser or by payments, which is the same to Stripe."""
    paid = Intent.AUTHORIZED if rules.authorise_first else Intent.PAID
    yield may(f"the card pays {i}", w.pay(i, intent=paid))
    if Feature.ACTION in features:
        if w.payments[i].intent is Intent.UNPAID:
            yield may(f"the bank asks the buyer of {i}", w.pay(i, intent=Intent.ACTION))
        else:
            yield may(f"the card of {i} is declined", w.pay(i, intent=Intent.UNPAID))


def returns(w: World, i: int, features: frozenset[Feature]) -> Iterator[Step]:
    """Money goes back, or does not; while it is disputed no refund moves."""
    payment = w.payments[i]
    if payment.dispute is Dispute.OPEN:
        yield must(f"the dispute of {i} is won", w.pay(i, dispute=Dispute.WON))
        lost = Refund.FAILED if payment.refund is Refund.PENDING else payment.refund
        yield must(f"the dispute of {i} is lost", w.pay(i, dispute=Dispute.LOST, refund=lost))
        return
    if payment.refund is Refund.PENDING:
        yield must(f"the refund of {i} arrives", w.pay(i, refund=Refund.DONE))
        if Feature.REFUND in features:
            yield must(f"the refund of {i} fails", w.pay(i, refund=Refund.FAILED))
    if Feature.REFUND in features and payment.refund is Refund.DONE:
        yield may(f"the bank sends the refund of {i} back", w.pay(i, refund=Refund.FAILED))
    if Feature.DISPUTE in features and payment.dispute is Dispute.NONE and payment.refund is not Refund.DONE:
        yield may(f"{i} is disputed", w.pay(i, dispute=Dispute.OPEN))
    is_left = payment.refund in {Refund.NONE, Refund.FAILED} and payment.dispute is not Dispute.LOST
    if Feature.REFUNDED_BY_HAND in features and is_left and not payment.returned_by_hand:
        yield may(f"{i} is refunded by hand", w.pay(i, refund=Refund.DONE, returned_by_hand=True))
