"""`tix tickets import`: a file of listings, brought to Tix in batches that may be sent again at will."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from cli import diff
from cli.batches import STDIN, Batches, opened
from cli.errors import PARTLY, REJECTED, USAGE, Refused
from cli.leftovers import SUFFIX, Leftovers, beside
from cli.listing_files import Row, Unreadable
from cli.output import harmless
from cli.progress import Progress
from cli.run import Run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.batches import Problem
    from client import Tix
    from server.tickets.schemas import BatchResult

EXAMPLES = (
    "tix tickets template >seats.csv\n"
    "tix tickets import seats.csv --dry-run\n"
    "tix tickets import seats.csv\n"
    "tix tickets import --resume seats.resume.ndjson\n"
    "tix tickets export --format ndjson | tix tickets import - --json"
)


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
    with opened(source) as stream:
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


def _command(run: Run, rest: str) -> str:
    return run.again(f"tickets import {rest}")


class Import(Batches):
    """One import that says how it goes."""

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
        key = run.options.idempotency_key
        super().__init__(stream, leftovers, dry_run=dry_run, max_errors=max_errors, key=key)
        self._run = run
        self._errors: list[dict[str, Any]] = []
        self._changes: list[dict[str, Any]] = []
        self._size = None if source == STDIN else Path(source).stat().st_size
        self._progress = Progress(run.out, self._size)

    async def run(self, tix: Tix) -> None:
        """Send it all, or until too many rows failed. Raises Unreadable, TixError, Refused."""
        from client import TixError  # noqa: PLC0415 - brings httpx

        try:
            await super().run(tix)
        except TixError:
            self._progress.clear()
            self._tell()
            if self._again:
                self._run.subject["hint"] = self._again
            raise
        self._progress.clear()

    def stepped(self) -> None:
        """So far."""
        self._progress.step(self.stream.buffer.tell() if self._size else 0, self.counts.total())

    def stopped(self, errors: int) -> None:
        """Say it."""
        self._run.out.say(f"Stopped after {errors} failed rows.")

    def took(self, row: Row, result: BatchResult) -> None:
        """A dry run shows what would change."""
        before, after = result.before, result.ticket
        if not self.is_dry or result.status == "unchanged" or after is None:
            return
        out, name, status = self._run.out, after.external_id, result.status
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

    def refused(self, row: Row, problems: Sequence[Problem]) -> None:
        """Each problem a line."""
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

    def interrupted(self) -> None:
        """Say what was done already."""
        self._progress.clear()
        self._run.out.say(f"Interrupted: {self.summary}. Import it again: what is done costs nothing.")

    @property
    def _again(self) -> str | None:
        """The command that completes the import."""
        if self.is_dry:
            return None
        return _command(self._run, f"--resume {quote(str(self.leftovers.path))}")

    def _tell(self) -> None:
        """The result: a line of talk, and all of it where data was asked for."""
        self._run.out.say(f"{self.summary}.")
        if self._run.out.is_chosen:
            from cli.schemas import ImportPreview, ImportResult  # noqa: PLC0415 - pydantic models cost 60 ms

            result = {
                **{name: self.counts[name] for name in ("created", "updated", "unchanged", "failed", "left")},
                "errors": self._errors,
                "resume": str(self.leftovers.path) if self.leftovers.count else None,
                "changes": self._changes,
            }
            model = ImportPreview if self.is_dry else ImportResult
            self._run.out.one(model.model_validate(result), lambda: self.summary)

    def report(self) -> None:
        """The result. Raises Refused if some rows are still to do."""
        self._tell()
        undone = self.counts["failed"] + self.counts["left"]
        if undone and self.is_dry:
            detail = f"{undone} of {self.counts.total()} rows would not be imported."
        elif undone:
            detail = f"{undone} of {self.counts.total()} rows are left in {self.leftovers.path}."
        else:
            return
        raise Refused(detail, code="partial_failure", exit_code=PARTLY, hint=self._again)
