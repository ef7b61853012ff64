"""An import as the terminal app shows it: what becomes of each row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TextIO

from cli.batches import Batches, Problem
from cli.diff import sentence
from cli.leftovers import Leftovers
from cli.listing_files import Row
from server.tickets.schemas import BatchResult

ROWS = 200
"""Of a batch: between two of them keys are heard, and how far it is is shown."""
MOST_ERRORS = 1000
SHOWN = 10_000
"""Rows that are shown; all are counted."""


@dataclass(frozen=True)
class Outcome:
    """What became of a row, or one thing that is wrong with it."""

    place: int
    line: int
    name: str
    status: str
    """created, updated, unchanged or wrong."""
    field: str
    text: str


class Filing(Batches):
    """One run over a file, dry or not."""

    def __init__(
        self, stream: TextIO, leftovers: Leftovers, *, dry_run: bool, tell: Callable[[], None]
    ) -> None:
        """`tell` is called after each batch."""
        super().__init__(stream, leftovers, dry_run=dry_run, max_errors=MOST_ERRORS, rows=ROWS)
        self.outcomes: list[Outcome] = []
        self._tell = tell

    def took(self, row: Row, result: BatchResult) -> None:
        """Brought in, or as it would be."""
        if len(self.outcomes) < SHOWN and result.ticket is not None:
            text = "" if result.status == "unchanged" else sentence(result.before, result.ticket)
            self._add(row, result.status, "", text if self.is_dry else result.ticket.title)

    def refused(self, row: Row, problems: Sequence[Problem]) -> None:
        """Each problem a line."""
        for _, field, message in problems:
            self._add(row, "wrong", field or "", message)

    def stepped(self) -> None:
        """Show it."""
        self.outcomes.sort(key=lambda one: (one.line, one.place))
        self._tell()

    def _add(self, row: Row, status: str, field: str, text: str) -> None:
        name = str(row.values.get("externalId") or "")
        self.outcomes.append(Outcome(len(self.outcomes), row.line, name, status, field, text))

    @property
    def read(self) -> int:
        """Bytes of the file so far."""
        return self.stream.buffer.tell()
