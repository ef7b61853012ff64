"""What orders does: the clock, the buyer's and the seller's requests, and the verdict on money."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from server.orders.models import OrderStatus
from server.payments.models import PaymentStatus
from tests.model.rules import Feature, Rules
from tests.model.world import Message, World

CREATED, ACCEPTED, COMPLETE = OrderStatus.CREATED, OrderStatus.ACCEPTED, OrderStatus.COMPLETE
CANCELLED, EXPIRED, REJECTED = OrderStatus.CANCELLED, OrderStatus.EXPIRED, OrderStatus.REJECTED
REVOKED, REFUNDED = OrderStatus.REVOKED, OrderStatus.REFUNDED
DISPUTED, CHARGED_BACK = OrderStatus.DISPUTED, OrderStatus.CHARGED_BACK

LINES: Mapping[PaymentStatus, tuple[OrderStatus, ...]] = {
    PaymentStatus.CAPTURED: (ACCEPTED, COMPLETE),
    PaymentStatus.DISPUTED: (ACCEPTED, COMPLETE, DISPUTED),
    PaymentStatus.CHARGED_BACK: (ACCEPTED, COMPLETE, DISPUTED, CHARGED_BACK),
    PaymentStatus.REFUNDED: (ACCEPTED, COMPLETE, REVOKED, REFUNDED),
    PaymentStatus.REFUND_FAILED: (ACCEPTED, COMPLETE, REVOKED),
}
"""Where an accepted order gets by each news of its payment: from wherever it is, it walks the rest."""

DETOURS: Mapping[tuple[PaymentStatus, OrderStatus], tuple[OrderStatus, ...]] = {
    (PaymentStatus.CAPTURED, DISPUTED): (COMPLETE,),
    (PaymentStatus.REFUNDED, DISPUTED): (COMPLETE, REVOKED, REFUNDED),
    (PaymentStatus.REFUND_FAILED, DISPUTED): (COMPLETE, REVOKED),
    (PaymentStatus.CHARGED_BACK, REVOKED): (CHARGED_BACK,),
    (PaymentStatus.REFUND_FAILED, REFUNDED): (REVOKED,),
}
"""The same from beside that line."""

BACK: Mapping[tuple[PaymentStatus, OrderStatus], tuple[OrderStatus, ...]] = {
    (PaymentStatus.REFUNDING, REFUNDED): (REVOKED,),
    (PaymentStatus.DISPUTED, REFUNDED): (REVOKED,),
    (PaymentStatus.CHARGED_BACK, REFUNDED): (REVOKED, CHARGED_BACK),
}
"""The same where it was not heard that the bank sent the refund back."""

MOST_ATTEMPTS = 2
"""A bound of the model, not of the protocol: sellers try refunds again as often as they like."""


class Seat(NamedTuple):
    """A change of the seat, absolute, and the event that tells it."""

    status: str
    event: str


class Step(NamedTuple):
    """Something happens to one order."""

    label: str
    is_sure: bool
    world: World
    seat: Seat | None = None


def may(label: str, world: World, seat: Seat | None = None) -> Step:
    """What can happen, and cannot be counted on: people, crashes, the bank."""
    return Step(label, is_sure=False, world=world, seat=seat)


def must(label: str, world: World, seat: Seat | None = None) -> Step:
    """What happens in the end: the clock, deliveries, calls that are owed."""
    return Step(label, is_sure=True, world=world, seat=seat)


Answer = tuple[World, Seat | None]


def asked(w: World, rules: Rules, features: frozenset[Feature], *, free: bool) -> Iterator[Step]:
    """Requests, and the clock; `free`: whether the seat is, and on sale, as orders knows it."""
    if w.order is None and (free or not rules.one_authority):
        made = w.move(CREATED).send("order:created")
        yield may("the buyer reserves", made, Seat("reserved", "order:created"))
    if w.order is CREATED:
        over = w.move(EXPIRED).send("order:expired")
        yield must("the hold expires", over, Seat("available", "order:expired"))
        given_up = w.move(CANCELLED).send("order:cancelled")._replace(given_up=True)
        yield may("the buyer cancels", given_up, Seat("available", "order:cancelled"))
        if Feature.EXTEND in features and not w.extended:
            longer = w.move(CREATED).send("order:extended")._replace(extended=True)
            yield may("the buyer extends", longer)
    if Feature.REFUND in features and w.order is COMPLETE:
        back = w.move(REVOKED).send("order:revoked")
        yield may("the seller refunds", back, Seat("available", "order:revoked"))
    if Feature.REFUND in features and w.order is REVOKED and w.heard[1] is PaymentStatus.REFUND_FAILED:
        again = w._replace(heard=(w.heard[0], None)).move(REVOKED).send("order:revoked")
        assert w.paid_by is not None
        if w.payments[w.paid_by].attempt < MOST_ATTEMPTS:
            yield may("the seller refunds again", again)


def hear(w: World, m: Message, rules: Rules, *, free: bool) -> Answer:
    """Act on an event of payments."""
    match m.name:
        case "payment:authorized":
            return verdict(w, m.payment, rules, free=free)
        case "payment:voided":
            if w.order is not ACCEPTED or w.paid_by != m.payment:
                return w, None
            freed = w._replace(heard=(max(w.heard[0], m.version), PaymentStatus.VOIDED)).move(REJECTED)
            return freed.send("order:rejected", m.payment), Seat("available", "order:rejected")
        case "payment:created" if not rules.authorise_first and w.paid_by is None:
            return charged(w, m.payment, free=free)
        case _:
            return changed(w, m, rules)


def verdict(w: World, i: int, rules: Rules, *, free: bool) -> Answer:
    """Answer an authorisation with exactly one of accepted or rejected, whatever the order is."""
    before, seat = w.order, None
    late = w.order is EXPIRED or (w.order is CANCELLED and not rules.cancelled_is_final)
    if w.order is CREATED:
        w = w.move(ACCEPTED)._replace(paid_by=i)
    elif late and free:
        w = w.move(ACCEPTED, cancelled_is_final=rules.cancelled_is_final)._replace(paid_by=i)
        seat = Seat("reserved", "order:accepted")
    elif w.order is EXPIRED:
        w = w.move(REJECTED)
    if w.order is before and not rules.answers_every_authorisation:
        return w, None
    is_accepted = w.paid_by == i and w.order is not REJECTED
    return w.send("order:accepted" if is_accepted else "order:rejected", i), seat


def charged(w: World, i: int, *, free: bool) -> Answer:
    """The weaker rule: money that was taken at once buys the seat if it is free, and is asked back if not."""
    if w.order is CREATED or (w.order is EXPIRED and free):
        paid = w.move(ACCEPTED)._replace(paid_by=i).move(COMPLETE)
        return paid.send("order:accepted", i), Seat("sold", "order:completed")
    return w.send("order:refund", i), None


def changed(w: World, m: Message, rules: Rules) -> Answer:
    """Walk the order to where its payment is; of a payment that was not accepted nothing moves."""
    if m.payment != w.paid_by or m.version <= w.heard[0]:
        return w, None
    order, seat = w.order, None
    assert isinstance(m.status, PaymentStatus)
    assert order is not None  # it was accepted
    w = w._replace(heard=(m.version, m.status))
    line = LINES.get(m.status, ())
    ahead = line[line.index(order) + 1 :] if order in line else ()
    detours = {**DETOURS, **BACK} if rules.walks_back_from_refunded else DETOURS
    steps = detours.get((m.status, order), ahead)
    for to in steps:
        # Of several changes in one transaction only the last seat is told here: the others are older news.
        match w.order, to:
            case OrderStatus.ACCEPTED, OrderStatus.COMPLETE:
                seat = Seat("sold", "order:completed")
            case (OrderStatus.COMPLETE, OrderStatus.REVOKED) | (
                OrderStatus.DISPUTED,
                OrderStatus.CHARGED_BACK,
            ):
                seat = Seat("available", "order:revoked")
        w = w.move(to)
        if to is REVOKED and m.status is PaymentStatus.REFUNDED:
            w = w.send("order:revoked elsewhere")
    return w, seat
