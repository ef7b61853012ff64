"""What is published of the CLI is what the CLI is."""

from cli.schemas import NAMES, PRINTS
from tests.architecture.published import SCHEMAS, documents


def test_c04_the_published_schemas_and_docs_are_those_of_the_code() -> None:
    """Run `make docs`; the diff is the change."""
    for path, text in documents().items():
        assert path.read_text() == text, f"{path.name} is old: make docs"
    assert set(SCHEMAS.glob("*.json")) <= documents().keys()


def test_c04_whatever_a_command_prints_is_published() -> None:
    assert set(PRINTS.values()) <= NAMES.keys()
