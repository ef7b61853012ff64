"""A changed contract shows as a diff."""

from server.events import CATALOGUE
from tests.architecture.golden import GOLDEN, schemas


def test_events_are_what_the_golden_schemas_say() -> None:
    assert schemas() == GOLDEN.read_text(), "events changed; if consumers can live with it: make golden"


def test_every_event_has_a_wire_name_of_its_own() -> None:
    types = [event.type for event in CATALOGUE]
    assert len(set(types)) == len(types)
