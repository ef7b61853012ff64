"""One ticket and the orders that want it, side by side; what tickets shows of it, and its seller."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from tests.model.checker import Bounds, Graph, Move, explore, resting
from tests.model.machine import Machine
from tests.model.orders import Seat
from tests.model.rules import Feature, Rules

Holder = int | None
FREE: tuple[Holder, str] = (None, "available")


class News(NamedTuple):
    """An event on its way to tickets: about which order, who holds the seat by it, and how."""

    order: int
    holder: Holder
    status: str


class Ticket(NamedTuple):
    """The orders by the numbers of their states, and the replica of the seat at tickets.

    Of the news that tickets did not hear yet only the order counts in which it was sent, and what is older
    than what it heard has no effect any more: so a version is a place in `news`.
    """

    orders: tuple[int, ...]
    shown: tuple[Holder, str] = FREE
    news: tuple[News, ...] = ()
    listing: int = 0
    """The listing's version at tickets: taken off sale by 1, put back by 2."""
    copy: int = 0
    """The same at orders."""


@dataclass(frozen=True)
class Run:
    """What is put side by side, and how it is told apart."""

    machine: Machine
    rules: Rules
    features: frozenset[Feature]
    symmetric: bool = True
    """Orders are interchangeable: nothing but their states tells them apart. So states that differ only in
    which order is which are one; `shown` and `news` are renamed with them."""
    newest_only: bool = False
    """Of the news under way keep the last, and forget `shown` until that is heard. Nobody reads what tickets
    shows before the end, and by rule 2 the last of the news makes all others old and `shown` what it says:
    nobody could tell whether they were ever sent."""

    @cached_property
    def holds(self) -> list[str | None]:
        """What each state of an order makes of the seat."""
        return [fact.holds for fact in self.machine.facts]

    def holder(self, orders: tuple[int, ...]) -> tuple[Holder, str]:
        """Who holds the seat, by the orders themselves."""
        for i, at in enumerate(orders):
            if (holds := self.holds[at]) is not None:
                return i, holds
        return FREE

    def moves(self, ticket: Ticket) -> Iterator[Move[Ticket]]:
        """Everything that may happen next."""
        orders, shown, news, listing, copy = ticket
        free = copy != 1 and self.holder(orders) is FREE
        for i, at in enumerate(orders):
            for is_sure, seat, to, label in self.machine.edges[at][free]:
                after = Ticket((*orders[:i], to, *orders[i + 1 :]), shown, news, listing, copy)
                if seat is not None and self.is_told(seat):
                    after = self.tell(after, i, seat)
                yield f"order {i}: {label}", is_sure, self.canonical(after)
        for k, told in enumerate(news):
            yield (
                f"tickets hears of order {told.order}: {told.status}",
                True,
                self.canonical(self.hear(ticket, k)),
            )
        if Feature.WITHDRAW in self.features:
            if listing < 2:
                yield "the seller withdraws, or lists again", False, ticket._replace(listing=listing + 1)
            for version in range(copy + 1, listing + 1):
                yield "orders hears the listing", True, ticket._replace(copy=version)

    def is_told(self, seat: Seat) -> bool:
        """Whether tickets hears this event."""
        return self.rules.tickets_hear_rejected or seat.event != "order:rejected"

    def tell(self, ticket: Ticket, i: int, seat: Seat) -> Ticket:
        """Orders moved the seat of order `i`: an event is on its way to tickets."""
        news = News(i, None if seat.status == "available" else i, seat.status)
        if self.newest_only:
            return ticket._replace(news=(news,), shown=FREE)
        return ticket._replace(news=(*ticket.news, news))

    def hear(self, ticket: Ticket, k: int) -> Ticket:
        """Tickets applies the news, and nothing older any more."""
        heard, shown = ticket.news[k], ticket.shown
        if self.rules.absolute_holder or heard.holder is not None:
            shown = (heard.holder, heard.status)
        elif shown[0] == heard.order:
            shown = FREE
        is_old = range(k + 1) if self.rules.seat_version else self.same_order(ticket, k)
        left = tuple(news for at, news in enumerate(ticket.news) if at not in is_old)
        return ticket._replace(shown=shown, news=left)

    @staticmethod
    def same_order(ticket: Ticket, k: int) -> set[int]:
        """The weaker rule: which news is as old, if only that of the same order is compared."""
        return {at for at in range(k + 1) if ticket.news[at].order == ticket.news[k].order}

    def canonical(self, ticket: Ticket) -> Ticket:
        """Name the orders by their states."""
        orders = ticket.orders
        if not self.symmetric or orders == tuple(sorted(orders)):
            return ticket
        order = sorted(range(len(orders)), key=orders.__getitem__)
        name: dict[Holder, int] = {old: new for new, old in enumerate(order)}
        (held_by, status), news = ticket.shown, ticket.news
        return ticket._replace(
            orders=tuple(orders[i] for i in order),
            shown=(name.get(held_by), status),
            news=tuple(News(name[n.order], name.get(n.holder), n.status) for n in news),
        )

    def broken(self, ticket: Ticket) -> str | None:
        """Which promise this very state breaks."""
        if sum(self.holds[at] is not None for at in ticket.orders) > 1:
            return "two live orders of one ticket"
        for at in ticket.orders:
            if (broken := self.machine.facts[at].broken) is not None:
                return broken
        return None

    def unsettled(self, ticket: Ticket) -> str | None:
        """What is wrong with this state if nothing more happens that must."""
        if ticket.shown != self.holder(ticket.orders):
            return f"tickets shows {ticket.shown}, and it is {self.holder(ticket.orders)}"
        if ticket.copy != ticket.listing:
            return "orders did not hear the listing"
        return next((f.unsettled for at in ticket.orders if (f := self.machine.facts[at]).unsettled), None)


class Violation(NamedTuple):
    """A broken promise, and a shortest way there."""

    what: str
    trace: list[str]


class Result(NamedTuple):
    """What a search found."""

    states: int
    transitions: int
    seconds: float
    violation: Violation | None


def check(run: Run, orders: int, bounds: Bounds) -> Result:
    """Search everything that may become of a ticket that so many orders want."""
    graph = explore(run.canonical(Ticket((0,) * orders)), run.moves, bounds, run.broken)
    found: int | None = None
    what = run.broken(graph.states[-1])
    if what is not None:
        found = len(graph.states) - 1
    else:
        for component in resting(len(graph.states), graph.must):
            bad = [at for at in component if run.unsettled(graph.states[at])]
            if bad and (found is None or min(bad) < found):
                found = min(bad)
        if found is not None:
            what = run.unsettled(graph.states[found])
    violation = None if found is None or what is None else Violation(what, _trace(run.moves, graph, found))
    return Result(len(graph.states), graph.transitions, bounds.spent, violation)


def _trace(moves: Callable[[Ticket], Iterator[Move[Ticket]]], graph: Graph[Ticket], to: int) -> list[str]:
    """The steps of a shortest way, in words."""
    path = graph.path(to)
    return [next(label for label, _, to in moves(before) if to == after) for before, after in pairwise(path)]
