"""The search itself: it stops at its bounds, and finds what never moves on."""

from collections.abc import Iterator

import pytest

from tests.model.checker import BoundExceeded, Bounds, explore, resting
from tests.model.machine import one_order, reduced, wrongs
from tests.model.rules import PROTOCOL, Bus, Feature
from tests.model.runs import QUICK


def counting(state: int) -> Iterator[tuple[str, bool, int]]:
    yield "one more", True, state + 1


def never(state: int) -> bool:
    return False


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        ((0.05, 1e6), r"more than 0 s at [\d,]+ states"),
        ((60, 1), r"[\d,]+ MB, of 1 allowed, at 1 states"),
    ],
)
def test_an_exceeded_bound_is_an_error_that_says_so(bounds: tuple[float, float], said: str) -> None:
    with pytest.raises(BoundExceeded, match=said):
        explore(0, counting, Bounds(*bounds), never)  # made here: its clock runs from then on


def test_the_way_is_a_shortest() -> None:
    def either(state: int) -> Iterator[tuple[str, bool, int]]:
        yield "one more", True, state + 1
        yield "twice", True, state * 2

    graph = explore(1, either, Bounds(*QUICK), lambda state: state == 10)
    assert graph.path(len(graph.states) - 1) == [1, 2, 4, 5, 10]


def test_rest_is_what_is_never_left() -> None:
    must = {0: [1, 3], 1: [2], 2: [1], 3: [4], 4: [5], 5: [4, 0], 6: [6]}
    assert sorted(sorted(found) for found in resting(7, must.__getitem__)) == [[1, 2], [6]]


@pytest.mark.parametrize("features", [(), (Feature.STALE, Feature.LAPSE), (Feature.CAPTURED_BY_HAND,)])
def test_the_reduced_machine_breaks_the_same_promises(features: tuple[Feature, ...]) -> None:
    """The reduction hides nothing: with a promise that is broken here and there it finds the same ones."""
    machine = one_order(PROTOCOL, frozenset(features), Bus.ONCE, Bounds(*QUICK))
    for at in range(7, len(machine.facts), 10):
        machine.facts[at] = machine.facts[at]._replace(broken=f"one {at % 3}", unsettled=f"two {at % 4}")
    assert wrongs(reduced(machine)) == wrongs(machine)
    assert len(wrongs(machine)) > 3
