"""`tix tickets import`: a file of listings, brought to Tix in batches that may be sent again at will."""

from __future__ import annotations

import hashlib
import sys
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any, TextIO
from uuid import uuid4

import typer

from cli import diff
from cli.errors import PARTLY, REJECTED, USAGE, Refused
from cli.leftovers import SUFFIX, Leftovers, beside
from cli.listing_files import Row, Unreadable, Wrong, as_item, read
from cli.output import harmless
from cli.progress import Progress
from cli.run import Run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from client import Tix
    from server.tickets.schemas import BatchItem, BatchResult, TicketOut

EXAMPLES = (
    "tix tickets template >seats.csv\n"
    "tix tickets import seats.csv --dry-run\n"
    "tix tickets import seats.csv\n"
    "tix tickets import --resume seats.resume.ndjson\n"
    "tix tickets export --format ndjson | tix tickets import - --json"
)
ROWS, BYTES = 1000, 900_000
"""Of a batch; the API takes 1,000 items and 1 MiB."""
KEY = 190
"""Characters of --idempotency-key which, with those of a digest, still make a key."""
STDIN = "-"


def import_tickets(
    ctx: typer.Context,
    file: Annotated[
        str | None,
        typer.Argument(metavar="FILE", show_default=False, help="CSV, JSON or NDJSON; - is stdin."),
    ] = None,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Have all of it checked, and show what would change.")
    ] = False,
    resume: Annotated[
        str | None,
        typer.Option(
            "--resume",
            metavar="FILE",
            help="Where failed rows are left (FILE.resume.ndjson); alone: try these again.",
        ),
    ] = None,
    max_errors: Annotated[
        int, typer.Option("--max-errors", min=1, metavar="N", help="Stop after so many failed rows.")
    ] = 1000,
) -> None:
    """List the tickets of a file and bring up to date those listed already, by their externalId.

    Amounts in CSV, and in JSON those in quotes, are as people write them (45.00); numbers in JSON are minor
    units (4500). Rows that are listed just so cost nothing: a file can be imported again at any time.
    """
    run = Run(ctx, prints="--dry-run" if dry_run else "")
    source = file or resume
    if source is None:
        raise Refused("Name a file, or - for stdin.", code="usage", exit_code=USAGE, hint=_command(run, "-"))
    if resume is not None and not resume.endswith(SUFFIX):  # a slip must not replace the list itself
        raise Refused(f"--resume: must end in {SUFFIX}", code="usage", exit_code=USAGE)
    leftovers = Leftovers(Path(resume) if resume else beside(source), source=source)
    with _opened(source) as stream:
        work = Import(run, source, stream, leftovers, max_errors=max_errors, dry_run=dry_run)
        try:
            run.ask(work.run)
        except Unreadable as error:
            raise Refused(f"{source}, {error}", code="unreadable_file", exit_code=REJECTED) from error
        except KeyboardInterrupt:
            work.interrupted()
            raise
        finally:
            leftovers.drop()
    work.report()


@contextmanager
def _opened(source: str) -> Iterator[TextIO]:
    """Bytes that are no UTF-8 become what no listing may hold: their row is refused, not the file."""
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


def _command(run: Run, rest: str) -> str:
    return run.again(f"tickets import {rest}")


@dataclass
class Chunk:
    """Rows that travel together."""

    rows: list[Row] = field(default_factory=list)
    items: list[BatchItem] = field(default_factory=list)
    size: int = 0

    @property
    def is_full(self) -> bool:
        """Whether it has to go: one row more is 5 KB at most."""
        return len(self.rows) == ROWS or self.size > BYTES

    @property
    def digest(self) -> str:
        """Of the content, for a key of its own."""
        return hashlib.sha256(repr([row.values for row in self.rows]).encode(errors="replace")).hexdigest()

    def add(self, row: Row, item: BatchItem) -> None:
        """Take it along."""
        self.rows.append(row)
        self.items.append(item)
        self.size += len(item.model_dump_json(by_alias=True, exclude_unset=True).encode())


class Import:
    """One import, and what has come of it."""

    def __init__(  # noqa: PLR0913 - what an import is made of
        self,
        run: Run,
        source: str,
        stream: TextIO,
        leftovers: Leftovers,
        *,
        max_errors: int,
        dry_run: bool,
    ) -> None:
        """Nothing is read yet."""
        self._run = run
        self._stream = stream
        self._leftovers = leftovers
        self._max_errors = max_errors
        self._dry_run = dry_run
        self._counts: Counter[str] = Counter()
        self._errors: list[dict[str, Any]] = []
        self._changes: list[dict[str, Any]] = []
        self._seen: set[int] = set()  # the one thing that grows with the file: some 70 bytes a row
        # New in each run: a key of the content alone would replay yesterday's answer over today's edits.
        self._key = run.options.idempotency_key or str(uuid4())
        self._size = None if source == STDIN else Path(source).stat().st_size
        self._progress = Progress(run.out, self._size)

    async def run(self, tix: Tix) -> None:
        """Send it all, or until too many rows failed. Raises Unreadable, TixError."""
        rows, chunk = read(self._stream), Chunk()
        for row in rows:
            if self._counts["failed"] >= self._max_errors:
                self._run.out.say(f"Stopped after {self._max_errors} failed rows.")
                self._leave(chain(chunk.rows, [row], rows))
                chunk = Chunk()
            elif (item := self._item(row)) is not None:
                chunk.add(row, item)
            if chunk.is_full:
                await self._send(tix, chunk, rows)
                chunk = Chunk()
        if chunk.rows:
            await self._send(tix, chunk, rows)
        self._end()

    async def _send(self, tix: Tix, chunk: Chunk, rest: Iterable[Row]) -> None:
        from client import TixError  # noqa: PLC0415 - brings httpx

        try:
            answer = await tix.upsert_tickets(
                chunk.items, dry_run=self._dry_run, key=f"{self._key[:KEY]}-{chunk.digest}"
            )
        except TixError:
            self._leave(chain(chunk.rows, rest))
            self._end()
            self._tell()
            if self._again:
                self._run.subject["hint"] = self._again
            raise
        for row, result in zip(chunk.rows, answer.results, strict=True):
            self._note(row, result)
        done = self._stream.buffer.tell() if self._size else 0
        self._progress.step(done, self._counts.total())

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
            fields = [(code, wrong.field, wrong.message) for wrong in result.error.errors or ()]
            self._fail(row, fields or [(code, None, result.error.detail)])
            return
        self._counts[result.status] += 1
        if self._dry_run and result.status != "unchanged" and result.ticket is not None:
            self._show(row, result.status, result.before, result.ticket)

    def _show(self, row: Row, status: str, before: TicketOut | None, after: TicketOut) -> None:
        out, name = self._run.out, after.external_id
        self._progress.clear()
        if out.is_chosen:
            changes = diff.changes(before, after)
            self._changes.append({"line": row.line, "externalId": name, "status": status, "changes": changes})
        elif out.form == "table":
            sign = "+" if before is None else "~"
            out.write(harmless(f"{sign} {name}: {diff.sentence(before, after)}"))
        else:
            for line in diff.lines(before, after):
                out.tell(status, name, *line)

    def _fail(self, row: Row, problems: Iterable[tuple[str, str | None, str]]) -> None:
        """`problems` are codes, fields and sentences."""
        self._counts["failed"] += 1
        self._progress.clear()
        for code, name, message in problems:
            self._run.out.say(f"line {row.line}{f', {name}' if name else ''}: {message}")
            self._errors.append(
                {
                    "line": row.line,
                    "externalId": row.values.get("externalId"),
                    "code": code,
                    "field": name,
                    "message": message,
                }
            )
        if not self._dry_run:
            self._leftovers.add(row)

    def _leave(self, rows: Iterable[Row]) -> None:
        """Keep what was not tried."""
        for row in rows:
            self._counts["left"] += 1
            if not self._dry_run:
                self._leftovers.add(row)

    def _end(self) -> None:
        self._progress.clear()
        if not self._dry_run:
            self._leftovers.keep()

    def interrupted(self) -> None:
        """Say what was done already."""
        self._progress.clear()
        self._run.out.say(f"Interrupted: {self._summary}. Import it again: what is done costs nothing.")

    @property
    def _again(self) -> str | None:
        """The command that completes the import."""
        if self._dry_run:
            return None
        return _command(self._run, f"--resume {quote(str(self._leftovers.path))}")

    @property
    def _summary(self) -> str:
        """What has come of it so far, in a line."""
        counts = self._counts
        parts = [f"{counts[name]} {name}" for name in ("created", "updated", "unchanged")]
        parts += [f"{counts[name]} {name}" for name in ("failed", "left") if counts[name]]
        changed = counts["created"] + counts["updated"]
        return f"{changed} {'would be ' if self._dry_run else ''}changed ({', '.join(parts)})"

    def _tell(self) -> None:
        """The result: a line of talk, and all of it where data was asked for."""
        self._run.out.say(f"{self._summary}.")
        if self._run.out.is_chosen:
            from cli.schemas import ImportPreview, ImportResult  # noqa: PLC0415 - pydantic models cost 60 ms

            result = {
                **{
                    name: self._counts[name] for name in ("created", "updated", "unchanged", "failed", "left")
                },
                "errors": self._errors,
                "resume": str(self._leftovers.path) if self._leftovers.count else None,
                "changes": self._changes,
            }
            model = ImportPreview if self._dry_run else ImportResult
            self._run.out.one(model.model_validate(result), lambda: self._summary)

    def report(self) -> None:
        """The result. Raises Refused if some rows are still to do."""
        self._tell()
        undone = self._counts["failed"] + self._counts["left"]
        if undone and self._dry_run:
            detail = f"{undone} of {self._counts.total()} rows would not be imported."
        elif undone:
            detail = f"{undone} of {self._counts.total()} rows are left in {self._leftovers.path}."
        else:
            return
        raise Refused(detail, code="partial_failure", exit_code=PARTLY, hint=self._again)
