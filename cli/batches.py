"""A file of listings on its way to Tix: in batches that may be sent again at will."""

from __future__ import annotations

import hashlib
import sys
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, TextIO
from uuid import uuid4

from cli.errors import USAGE, Refused
from cli.listing_files import Row, Wrong, as_item, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cli.leftovers import Leftovers
    from client import Tix
    from server.tickets.schemas import BatchItem, BatchResult

Problem = tuple[str, "str | None", str]
"""A code, a field as in the file, and a sentence."""
ROWS, BYTES = 1000, 900_000
"""Of a batch; the API takes 1,000 items and 1 MiB."""
KEY = 190
"""Characters of a key of one's own which, with those of a digest, still make a key."""
STDIN = "-"


@contextmanager
def opened(source: str) -> Iterator[TextIO]:
    """Bytes that are no UTF-8 become what no listing may hold: their row is refused, not the file.

    Raises Refused.
    """
    try:
        stream = open(  # noqa: SIM115 - stdin, which has a number only, is text of another kind
            sys.stdin.fileno() if source == STDIN else source,
            encoding="utf-8-sig",
            errors="surrogateescape",
            newline="",
            closefd=source != STDIN,
        )
    except OSError as error:
        raise Refused(f"{source}: {error.strerror}", code="unreadable_file", exit_code=USAGE) from error
    with stream:
        yield stream


@dataclass
class Chunk:
    """Rows that travel together."""

    rows: list[Row] = field(default_factory=list)
    items: list[BatchItem] = field(default_factory=list)
    size: int = 0

    def is_full(self, rows: int) -> bool:
        """Whether it has to go: one row more is 5 KB at most."""
        return len(self.rows) >= rows or self.size > BYTES

    @property
    def digest(self) -> str:
        """Of the content, for a key of its own."""
        return hashlib.sha256(repr([row.values for row in self.rows]).encode(errors="replace")).hexdigest()

    def add(self, row: Row, item: BatchItem) -> None:
        """Take it along."""
        self.rows.append(row)
        self.items.append(item)
        self.size += len(item.model_dump_json(by_alias=True, exclude_unset=True).encode())


class Batches:
    """One import, and what has come of it; heirs are told of each row."""

    def __init__(  # noqa: PLR0913 - what an import is made of
        self,
        stream: TextIO,
        leftovers: Leftovers,
        *,
        dry_run: bool,
        max_errors: int | None = None,
        rows: int = ROWS,
        key: str | None = None,
    ) -> None:
        """Nothing is read yet; `rows` is how many travel together."""
        self.stream, self.leftovers = stream, leftovers
        self.counts: Counter[str] = Counter()
        """By what became of a row: created, updated, unchanged, failed, left."""
        self.is_dry = dry_run
        self._max_errors, self._rows = max_errors, rows
        self._seen: set[int] = set()  # the one thing that grows with the file: some 70 bytes a row
        # New in each run: a key of the content alone would replay yesterday's answer over today's edits.
        self._key = key or str(uuid4())

    # --- for heirs ----------------------------------------------------------------------------------------

    def took(self, row: Row, result: BatchResult) -> None:
        """A row was brought in, or was in already."""

    def refused(self, row: Row, problems: Sequence[Problem]) -> None:
        """A row is no listing, or Tix does not take it."""

    def stepped(self) -> None:
        """A batch was answered."""

    def stopped(self, errors: int) -> None:
        """So many rows failed that no more are tried."""

    # --- the work -----------------------------------------------------------------------------------------

    async def run(self, tix: Tix) -> None:
        """Send it all, or until too many rows failed. Raises Unreadable, TixError, Refused."""
        rows, chunk = read(self.stream), Chunk()
        for row in rows:
            if self._max_errors is not None and self.counts["failed"] >= self._max_errors:
                self.stopped(self._max_errors)
                self._leave(chain(chunk.rows, [row], rows))
                chunk = Chunk()
            elif (item := self._item(row)) is not None:
                chunk.add(row, item)
            if chunk.is_full(self._rows):
                await self._send(tix, chunk, rows)
                chunk = Chunk()
        if chunk.rows:
            await self._send(tix, chunk, rows)
        self._end()

    async def _send(self, tix: Tix, chunk: Chunk, rest: Iterable[Row]) -> None:
        from client import TixError  # noqa: PLC0415 - brings httpx

        try:
            answer = await tix.upsert_tickets(
                chunk.items, dry_run=self.is_dry, key=f"{self._key[:KEY]}-{chunk.digest}"
            )
        except TixError:
            self._leave(chain(chunk.rows, rest))
            self._end()
            raise
        for row, result in zip(chunk.rows, answer.results, strict=True):
            self._note(row, result)
        self.stepped()

    def _item(self, row: Row) -> BatchItem | None:
        """The listing of a row; None, and a note, if it holds none."""
        try:
            if row.fault:
                raise Wrong((None, row.fault))
            item = as_item(row.values)
            if (named := hash(item.external_id)) in self._seen:
                raise Wrong(("externalId", "an earlier row of this file has the same"))
        except Wrong as wrong:
            self._fail(row, [("invalid", name, message) for name, message in wrong.problems])
            return None
        self._seen.add(named)
        return item

    def _note(self, row: Row, result: BatchResult) -> None:
        if result.error is not None:
            code = result.error.code
            fields: list[Problem] = [(code, one.field, one.message) for one in result.error.errors or ()]
            self._fail(row, fields or [(code, None, result.error.detail)])
            return
        self.counts[result.status] += 1
        self.took(row, result)

    def _fail(self, row: Row, problems: Sequence[Problem]) -> None:
        self.counts["failed"] += 1
        self.refused(row, problems)
        if not self.is_dry:
            self.leftovers.add(row)

    def _leave(self, rows: Iterable[Row]) -> None:
        """Keep what was not tried."""
        for row in rows:
            self.counts["left"] += 1
            if not self.is_dry:
                self.leftovers.add(row)

    def _end(self) -> None:
        if not self.is_dry:
            self.leftovers.keep()

    @property
    def summary(self) -> str:
        """What has come of it so far, in a line."""
        counts = self.counts
        parts = [f"{counts[name]} {name}" for name in ("created", "updated", "unchanged")]
        parts += [f"{counts[name]} {name}" for name in ("failed", "left") if counts[name]]
        changed = counts["created"] + counts["updated"]
        return f"{changed} {'would be ' if self.is_dry else ''}changed ({', '.join(parts)})"
