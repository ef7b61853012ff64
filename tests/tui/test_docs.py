"""docs/TUI.md says what is so."""

from tests.tui.key_table import PAGE, written


def test_the_tables_of_keys_are_those_of_the_bindings() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == written(page), "make docs"
