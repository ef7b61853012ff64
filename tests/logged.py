"""What is logged during a test: our own lines, which libraries' loggers never see, and libraries'."""

import logging
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

import pytest

FAILURES = frozenset({"error", "critical"})
TRACEBACK = frozenset({"exception", "exc_info"})
"""Where one is, written out already or not."""


@dataclass(frozen=True)
class Logged:
    """So far."""

    ours: list[MutableMapping[str, Any]]
    theirs: pytest.LogCaptureFixture

    @property
    def text(self) -> str:
        """All of it, a line each."""
        return "\n".join(map(str, self.ours)) + "\n" + self.theirs.text

    @property
    def errors(self) -> list[str]:
        """What was logged as an error, and what came with a traceback."""
        ours = [line for line in self.ours if line["level"] in FAILURES or TRACEBACK & line.keys()]
        theirs = [one for one in self.theirs.records if one.levelno >= logging.ERROR or one.exc_info]
        return [*map(str, ours), *(one.getMessage() for one in theirs)]

    def lines(self, words: str) -> list[str]:
        """Our lines with these words in them."""
        return [text for text in map(str, self.ours) if words in text]
