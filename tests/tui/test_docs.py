"""docs/TUI.md says what is so."""

from tests.tui.key_table import PAGE, PLACES, written
from tui.app import Tui


def test_the_tables_of_keys_are_those_of_the_bindings() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == written(page), "make docs"


def test_every_place_that_hears_keys_has_a_table() -> None:
    told = {owner for owners in PLACES.values() for owner in owners}
    own = {part for place in Tui.places() for part in place if vars(part).get("BINDINGS")}
    assert own <= told
