"""Everything that may happen to one order: what the actors do, and what the bus between them delivers."""

from collections.abc import Iterator
from itertools import chain

from tests.model import orders, payments, stripe
from tests.model.orders import Seat, Step, must
from tests.model.rules import Bus, Feature, Rules
from tests.model.world import Message, World


def steps(w: World, rules: Rules, features: frozenset[Feature], bus: Bus, *, free: bool) -> Iterator[Step]:
    """What may happen next; `free`: whether the seat can be had, as orders knows it."""
    for step in chain(
        orders.asked(w, rules, features, free=free),
        payments.works(w, rules, features),
        stripe.happens(w, rules, features),
        # Sorted, so that of several shortest traces it is always the same.
        *(delivered(w, message, rules, bus, free=free) for message in sorted(w.soup)),
    ):
        yield step._replace(world=without_old_news(step.world))


def delivered(w: World, m: Message, rules: Rules, bus: Bus, *, free: bool) -> Iterator[Step]:
    """Any message, at any time, and perhaps not for the last time."""
    consumer = "payments" if m.name.startswith("order:") else "orders"
    about = f" {m.payment}" if m.payment >= 0 else ""
    for rest in left(w, m, bus):
        seat: Seat | None = None
        if consumer == "payments":
            after = payments.hear(rest, m, rules)
        else:
            after, seat = orders.hear(rest, m, rules, free=free)
        yield must(f"{consumer} hears {m.name}{about} ({m.status})", after, seat)


def left(w: World, m: Message, bus: Bus) -> Iterator[World]:
    """The world in which a delivered message is acted upon: with it still on its way, or without."""
    if bus is not Bus.ONCE:
        yield w
    if bus is not Bus.AGAIN:
        yield w._replace(soup=w.soup - {m})


TOLD_BY_VERSION = {"payment:created", "payment:refunded", "payment:disputed"}
COPIED = {"order:created", "order:extended", "order:revoked elsewhere"}


def without_old_news(w: World) -> World:
    """Drop messages that can never have an effect again, whose delivery would lead to where one is.

    Both consumers only compare these with a version that never falls: orders with that of the payment it
    accepted, which is never another one later, payments with that of its copy.
    """
    old = [
        m
        for m in w.soup
        if (m.name in TOLD_BY_VERSION and m.payment == w.paid_by and m.version <= w.heard[0])
        or (m.name in COPIED and m.version <= w.copy[0])
    ]
    return w._replace(soup=w.soup.difference(old)) if old else w
