"""The model takes no step that the code's tables forbid, and every step that they allow."""

import pytest

from server.orders import models as orders
from server.payments import models as payments
from tests.model.checker import Bounds
from tests.model.machine import one_order, wrongs
from tests.model.rules import PROTOCOL, Bus, Feature
from tests.model.runs import QUICK, SLOW
from tests.model.world import TAKEN, Step

LISTED: set[Step] = {(was, to) for was, after in orders.LEGAL.items() for to in after}
LISTED |= {(was, to) for was, after in payments.LEGAL.items() for to in after}

RUNS = [
    (Feature.ACTION, Feature.EXTEND, Feature.LAPSE, Feature.DEADLINE),
    (Feature.CAPTURED_BY_HAND, Feature.REFUNDED_BY_HAND),
    (Feature.REFUND, Feature.DISPUTE),
]


@pytest.mark.slow
@pytest.mark.timeout(SLOW[0] + 30)
def test_every_listed_transition_is_taken() -> None:
    TAKEN.clear()
    for features in RUNS:
        one_order(PROTOCOL, frozenset(features), Bus.ONCE, Bounds(*SLOW))
    assert TAKEN == LISTED


def test_an_unlisted_one_is_a_violation(monkeypatch: pytest.MonkeyPatch) -> None:
    none: frozenset[orders.OrderStatus] = frozenset()
    monkeypatch.setattr(orders, "LEGAL", {**orders.LEGAL, orders.OrderStatus.EXPIRED: none})
    machine = one_order(PROTOCOL, frozenset(), Bus.AGAIN, Bounds(*QUICK))
    assert "order expired → rejected is not in the table" in wrongs(machine)
