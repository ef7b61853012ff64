"""The protocol keeps its promises, whatever the bus and the crashes do (docs/MODEL.md)."""

from itertools import combinations

import pytest

from tests.model.checker import Bounds
from tests.model.machine import one_order, reduced, wrongs
from tests.model.rules import PROTOCOL, Bus, Feature
from tests.model.runs import QUICK, SLOW, run

EVERY_BUS = pytest.mark.parametrize("bus", list(Bus))


class TestHoldPayExpireCancel:
    """The core: no feature besides."""

    @EVERY_BUS
    def test_one_order_whoever_else_wants_the_ticket(self, bus: Bus) -> None:
        """Nothing is assumed of the others: the seat is taken and free as it comes."""
        assert wrongs(one_order(PROTOCOL, frozenset(), bus, Bounds(*QUICK))) == set()

    def test_two_orders_state_by_state(self) -> None:
        assert run(whole=True).violation is None

    @EVERY_BUS
    def test_two_orders(self, bus: Bus) -> None:
        assert run(bus=bus).violation is None

    def test_each_bus_is_the_same_to_others(self) -> None:
        """Idempotent by state and by inbox: nobody beside can tell which."""
        machines = [reduced(one_order(PROTOCOL, frozenset(), bus, Bounds(*QUICK))) for bus in Bus]
        assert len({len(machine.facts) for machine in machines}) == 1

    @pytest.mark.exhaustive
    @pytest.mark.timeout(SLOW[0] + 30)
    def test_three_orders_state_by_state(self) -> None:
        assert run(orders=3, whole=True, bounds=SLOW).violation is None

    @pytest.mark.exhaustive
    @pytest.mark.timeout(SLOW[0] + 30)
    @EVERY_BUS
    def test_three_orders(self, bus: Bus) -> None:
        assert run(orders=3, bus=bus, bounds=SLOW).violation is None

    @pytest.mark.exhaustive
    @pytest.mark.timeout(SLOW[0] + 30)
    def test_four_orders(self) -> None:
        assert run(orders=4, bus=Bus.ONCE, bounds=SLOW).violation is None


@pytest.mark.exhaustive
@pytest.mark.timeout(SLOW[0] + 30)
class TestWhatElseMayHappen:
    """The added rules."""

    @pytest.mark.parametrize(("one", "other"), list(combinations(Feature, 2)))
    def test_two_orders_with_each_pair(self, one: Feature, other: Feature) -> None:
        assert run(one, other, bus=Bus.ONCE, bounds=SLOW).violation is None

    @pytest.mark.parametrize("feature", list(Feature))
    def test_two_orders_hearing_again_with_each(self, feature: Feature) -> None:
        assert run(feature, bus=Bus.AGAIN, bounds=SLOW).violation is None

    @pytest.mark.parametrize(
        "features",
        [
            (Feature.ACTION, Feature.EXTEND, Feature.WITHDRAW, Feature.LAPSE, Feature.DEADLINE),
            (Feature.SECOND, Feature.LAPSE, Feature.DEADLINE, Feature.CAPTURED_BY_HAND),
            (Feature.DISPUTE, Feature.CAPTURED_BY_HAND, Feature.REFUNDED_BY_HAND, Feature.LAPSE),
        ],
    )
    def test_two_orders_with_more_at_once(self, features: tuple[Feature, ...]) -> None:
        assert run(*features, bus=Bus.ONCE, bounds=SLOW).violation is None
