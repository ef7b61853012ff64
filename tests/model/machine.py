"""One order as a machine: every state it can be in whoever else wants the ticket, and what leads where."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from server.orders.models import OrderStatus
from tests.model import promises
from tests.model.bus import steps
from tests.model.checker import Bounds, resting
from tests.model.orders import Seat
from tests.model.rules import Bus, Feature, Rules
from tests.model.world import HOLDS, Illegal, World

TAKEN_SEAT, FREE_SEAT = False, True
"""The two contexts: an order depends on all others only by whether it could have the seat."""
ASKS = {None, OrderStatus.EXPIRED, OrderStatus.CANCELLED}
"""Where an order asks that, by any of the rules; while it holds the seat, it is not free anyway."""


class Edge(NamedTuple):
    """A step of the machine."""

    is_sure: bool
    seat: Seat | None
    to: int
    label: str


class Facts(NamedTuple):
    """What can be told of a state: what it makes of the seat, and the promises it breaks, now or for good."""

    holds: str | None
    broken: str | None
    unsettled: str | None


@dataclass
class Machine:
    """States by number, the beginning first; the edges of each, by context."""

    facts: list[Facts] = field(default_factory=list)
    edges: list[tuple[tuple[Edge, ...], tuple[Edge, ...]]] = field(default_factory=list)
    transitions: int = 0


def one_order(rules: Rules, features: frozenset[Feature], bus: Bus, bounds: Bounds) -> Machine:
    """The machine of an order in an environment that gives and takes the seat as it likes.

    So what is true in all of its states is true whatever the number of other orders.
    """
    machine = Machine()
    ids: dict[World, int] = {World(): 0}
    worlds = [World()]
    for w in worlds:  # it grows meanwhile
        if len(machine.facts) % 1_000 == 0:
            bounds.check(len(worlds))
        broken = promises.broken(w, rules)
        edges: list[tuple[Edge, ...]] = []
        for free in (TAKEN_SEAT, FREE_SEAT):
            found: dict[Edge, None] = {}
            try:
                for label, is_sure, after, seat in steps(w, rules, features, bus, free=free):
                    machine.transitions += 1
                    to = ids.setdefault(after, len(worlds))
                    if to == len(worlds):
                        worlds.append(after)
                    if after != w:
                        found[Edge(is_sure, seat, to, label)] = None
            except Illegal as error:
                broken = broken or str(error)
            edges.append(tuple(found))
            if w.order not in ASKS:
                edges.append(edges[TAKEN_SEAT])
                break
        machine.facts.append(Facts(HOLDS.get(w.order) if w.order else None, broken, promises.unsettled(w)))
        machine.edges.append((edges[0], edges[1]))
    return machine


def wrongs(machine: Machine) -> set[str]:
    """Every promise that is broken, or stays unkept whether the seat is to be had from then on or never."""
    found = {fact.broken for fact in machine.facts if fact.broken}
    for context in (TAKEN_SEAT, FREE_SEAT):
        must = [[edge.to for edge in edges[context] if edge.is_sure] for edges in machine.edges]
        for component in resting(len(must), must.__getitem__):
            found |= {wrong for at in component if (wrong := machine.facts[at].unsettled)}
    return found


def reduced(machine: Machine) -> Machine:
    """The same machine with states merged that nobody can tell apart: a quotient by stuttering bisimulation.

    Two states stay apart if their facts differ, or if one has a step to a class that the other has not, to
    the same effect on the seat, in the same context and as sure. Steps within a class that leave the seat
    alone are not counted: nobody could notice them. That is a branching bisimulation (blind to divergence).
    Putting machines side by side keeps it, and it keeps all that is asked here: which facts can be reached,
    and which can be reached for good.
    """
    classes = _numbered(machine.facts)
    while True:
        signatures = [
            (
                classes[at],
                frozenset(
                    (context, edge.is_sure, edge.seat, classes[edge.to])
                    for context in (TAKEN_SEAT, FREE_SEAT)
                    for edge in machine.edges[at][context]
                    if edge.seat is not None or classes[edge.to] != classes[at]
                ),
            )
            for at in range(len(classes))
        ]
        finer = _numbered(signatures)
        if max(finer) == max(classes):
            break
        classes = finer
    small = Machine(transitions=machine.transitions)
    for at, of in enumerate(classes):
        if of == len(small.facts):
            small.facts.append(machine.facts[at])
            small.edges.append(
                tuple(
                    tuple(
                        {
                            (edge.is_sure, edge.seat, classes[edge.to]): edge._replace(to=classes[edge.to])
                            for edge in edges
                            if edge.seat is not None or classes[edge.to] != of
                        }.values()
                    )
                    for edges in machine.edges[at]
                )  # type: ignore[arg-type] # two contexts in, two out
            )
    return small


def _numbered(keys: Iterable[object]) -> list[int]:
    """Equal keys get equal numbers, the first ones the lowest."""
    numbers: dict[object, int] = {}
    return [numbers.setdefault(key, len(numbers)) for key in keys]
