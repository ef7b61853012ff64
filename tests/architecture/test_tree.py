"""Rules of the tree: small files, plumbing without a domain, and nothing of the machine it was written on."""

import io
import re
import tokenize
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, modules, shown, tracked

MOST_LINES = 330
DOMAIN = {"listing", "order", "payment", "seat", "ticket"}
NO_DOMAIN = {"PaymentRequired": "RFC 9110's name of status 402"}

# Written so that this file does not match itself.
INDEX = re.compile(
    r"pypi\.(?:org|python)|pythonhosted\.|registry\.(?:npmjs|yarnpkg)|(?:docker|ghcr|quay|gcr)\.io/"
    r"|(?:index-url|find-links|trusted-host)[\"'=:\s]+\S*[./]",
    re.IGNORECASE,
)
MACHINE = re.compile(r"(?<![\w.~-])/(?:work|root)/")
ADDRESS = re.compile(r"[a-z]+://|^\s*-", re.MULTILINE)


@pytest.mark.parametrize("package", ["server", "client", "cli", "bench"])
def test_files_are_small(package: str) -> None:
    long = {shown(path): n for path in modules(package) if (n := path.read_text().count("\n")) > MOST_LINES}
    assert long == {}


def test_kit_knows_no_domain() -> None:
    said = {
        shown(path): words for path in modules("server/kit") if (words := _domain_words(path.read_text()))
    }
    assert said == {}


def test_a_domain_word_is_noticed() -> None:
    source = "def find_order(ticket_ids, orderedConsumer):\n    return PaymentRow  # seat\n"
    assert _domain_words(source) == {"order", "ticket", "payment"}


def test_no_index_address_is_tracked() -> None:
    assert _matches(INDEX) == []


def test_no_path_of_a_machine_is_tracked() -> None:
    assert _matches(MACHINE) == []


def test_the_lock_holds_names_versions_and_hashes_only() -> None:
    lock = (ROOT / "requirements.lock").read_text().replace("    --hash=sha256:", "")
    assert ADDRESS.findall(lock) == []


def _domain_words(source: str) -> set[str]:
    """Domain words among the identifiers, in singular or plural: strings and comments may give examples."""
    words = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NAME and token.string not in NO_DOMAIN:
            parts = re.findall(r"[A-Z]?[a-z]+", token.string)
            words |= DOMAIN & {part.lower().removesuffix("s") for part in parts}
    return words


def _matches(pattern: re.Pattern[str]) -> list[str]:
    found = []
    for path in tracked():
        for number, line in enumerate(_text(path).splitlines(), start=1):
            if pattern.search(line):
                found.append(f"{shown(path)}:{number}: {line.strip()[:120]}")
    return found


def _text(path: Path) -> str:
    """What a binary file holds is not read."""
    try:
        return path.read_text()
    except UnicodeDecodeError:
        return ""
