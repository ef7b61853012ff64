"""The search, which knows nothing of tickets: breadth first, for the shortest traces, and within bounds."""

import resource
import sys
import time
from array import array
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

State = TypeVar("State", bound=Hashable)
Move = tuple[str, bool, State]
"""What happens, whether it must (in the end), and the state after it."""
LOOK_EVERY = 5_000


class BoundExceeded(Exception):
    """The search was stopped: it says nothing about the states that it did not see."""


@dataclass
class Bounds:
    """What a search may take."""

    seconds: float
    megabytes: float
    began: float = field(default_factory=time.monotonic)

    @property
    def spent(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self.began

    def check(self, states: int) -> None:
        """Raises BoundExceeded."""
        if self.spent > self.seconds:
            raise BoundExceeded(f"more than {self.seconds:.0f} s at {states:,} states")
        if (used := megabytes()) > self.megabytes:
            raise BoundExceeded(f"{used:,.0f} MB, of {self.megabytes:,.0f} allowed, at {states:,} states")


def megabytes() -> float:
    """The most memory this process ever had."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


@dataclass
class Graph(Generic[State]):
    """What was reached: states in the order they were found, whence, and what must happen in each."""

    states: list[State]
    parents: "array[int]"
    transitions: int = 0
    musts: "array[int]" = field(default_factory=lambda: array("L"))
    offsets: "array[int]" = field(default_factory=lambda: array("L", [0]))

    def must(self, at: int) -> "array[int]":
        """Where the things lead that must happen."""
        return self.musts[self.offsets[at] : self.offsets[at + 1]]

    def path(self, to: int) -> list[State]:
        """A shortest way from the beginning."""
        way = [to]
        while way[-1]:
            way.append(self.parents[way[-1]])
        return [self.states[at] for at in reversed(way)]


def explore(
    initial: State,
    moves: Callable[[State], Iterable[Move[State]]],
    bounds: Bounds,
    stop: Callable[[State], object],
) -> Graph[State]:
    """Every state that can be reached; or, as soon as one makes `stop` true, those up to it."""
    graph: Graph[State] = Graph([initial], array("L", [0]))
    ids, states, parents = {initial: 0}, graph.states, graph.parents
    for at, state in enumerate(states):  # it grows meanwhile
        if at % LOOK_EVERY == 0:
            bounds.check(len(states))
        musts = set()
        for _, must, after in moves(state):
            graph.transitions += 1
            to = ids.setdefault(after, len(states))
            if to == len(states):
                states.append(after)
                parents.append(at)
                if stop(after):
                    return graph
            if must and to != at:
                musts.add(to)
        graph.musts.extend(musts)
        graph.offsets.append(len(graph.musts))
    return graph


def resting(count: int, must: Callable[[int], Iterable[int]]) -> Iterator[list[int]]:  # noqa: C901 - one loop
    """The bottom components: states that what must happen never leaves (Tarjan's, without recursion)."""
    index, low = array("l", [-1]) * count, array("l", [0]) * count
    leaves, closed = bytearray(count), bytearray(count)
    stack: list[int] = []
    found = 0
    for root in range(count):
        if index[root] >= 0:
            continue
        index[root] = low[root] = found
        found += 1
        stack.append(root)
        work = [(root, iter(must(root)))]
        while work:
            at, ahead = work[-1]
            for to in ahead:
                if index[to] < 0:
                    index[to] = low[to] = found
                    found += 1
                    stack.append(to)
                    work.append((to, iter(must(to))))
                    break
                if closed[to]:
                    leaves[at] = 1
                elif index[to] < low[at]:
                    low[at] = index[to]
            else:
                work.pop()
                component: list[int] = []
                if low[at] == index[at]:
                    while not component or component[-1] != at:
                        component.append(stack.pop())
                        closed[component[-1]] = 1
                    if not any(leaves[one] for one in component):
                        yield component
                if work:
                    above = work[-1][0]
                    low[above] = min(low[above], low[at])
                    leaves[above] |= bool(component)
