"""How many workers there may be."""

from server.crew import FEWEST_CONNECTIONS, MOST, MOST_WHOLE, share
from server.gauges import PROCESSES
from server.local.postgres import CONNECTIONS
from server.settings import Settings
from tests.platform import databases

OTHERS = 30
"""Connections of `doctor`, of a look by hand, and those that PostgreSQL keeps for its superuser."""


def test_the_most_workers_fit_into_the_embedded_database(settings: Settings) -> None:
    each = share(settings, MOST_WHOLE).database_connections * len(databases(settings))
    assert MOST_WHOLE * each + OTHERS <= CONNECTIONS
    assert each == FEWEST_CONNECTIONS * len(databases(settings))


def test_each_has_a_port_for_its_metrics() -> None:
    assert max(MOST, MOST_WHOLE) <= PROCESSES
