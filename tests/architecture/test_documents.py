"""What the documents name is there: files, headings, tests, targets of make."""

import re
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, names_of_tests, shown, tracked

PAGES = [path for path in tracked() if path.suffix == ".md"]
MOST_LINES_OF_README = 150
NOT_KEPT = {"../bench/results"}
"""There once `make bench` has run."""


def anchors(page: Path) -> set[str]:
    """A page's headings, as they are linked to."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\((?!\w+:)([^)\s]+)\)", page.read_text()):
        name, _, anchor = target.partition("#")
        path = page.parent / name if name else page
        if target in NOT_KEPT:
            continue
        if not path.exists() or (anchor and path.suffix == ".md" and anchor not in anchors(path)):
            broken.append(target)
    assert broken == []


def test_the_tests_that_stand_for_a_threat_exist() -> None:
    named = set(re.findall(r"`test_(\w+)`", (ROOT / "SECURITY.md").read_text()))
    assert named
    assert named - names_of_tests() == set()


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_every_target_of_make_that_is_named_exists(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"\bmake ([a-z][a-z0-9]*(?:-[a-z0-9]+)+|audit|bench|sbom)\b", page.read_text()))
    assert {
        name for name in named if not re.search(rf"^[\w -]*\b{name}\b[\w -]*:", makefile, re.MULTILINE)
    } == set()


def test_the_readme_is_short() -> None:
    assert (ROOT / "README.md").read_text().count("\n") <= MOST_LINES_OF_README
