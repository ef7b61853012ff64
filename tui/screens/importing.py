"""A file of listings: chosen, checked by the server row by row, and then brought in."""

import asyncio
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static
from textual.worker import Worker

from cli.batches import opened
from cli.clock import steady
from cli.errors import USAGE, Refused
from cli.leftovers import Leftovers, beside
from cli.listing_files import Unreadable
from cli.output import harmless
from client import TixError
from tui.actions import guarded, key
from tui.filing import SHOWN, Filing, Outcome
from tui.screens.dialogs import Confirm
from tui.screens.view import View
from tui.widgets.hanging import Told
from tui.widgets.paths import PathEntry
from tui.widgets.rows import Column, Rows
from tui.words import OUTCOME, mark

FIRST = "Enter has the file checked; nothing is changed by that."
WIDTH = 20
"""Cells of the bar."""


class Importing(View):
    """From a file to listings."""

    AUTO_FOCUS = "#path"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("i", "import", "Import", "Bring the rows in, once they were checked."),
        key("f", "only_wrong", "Only wrong", "The wrong rows alone, or all of them again."),
        key("slash", "choose", "File", "Choose another file, or have this one checked again."),
    ]

    ALSO = ("check", "import_rest")

    def __init__(self) -> None:
        """No file is chosen yet."""
        super().__init__()
        self._filing: Filing | None = None
        self._is_working = False
        self._bytes = 0
        self._only_wrong = False
        self._fault = ""
        self._importing: Worker[None] | None = None

    def body(self) -> Iterable[Widget]:
        """The file over its rows, the whole of what is said of the one under the cursor below."""
        with Vertical(id="importing") as pane:
            pane.border_title = "Import"
            yield PathEntry(id="path")
            yield Static(Content(FIRST), id="totals")
            yield Rows(self._columns(), key=lambda one: one.place, id="outcomes")
            yield Told(id="line")

    def _columns(self) -> list[Column[Outcome]]:
        return [
            Column("line", lambda one: str(one.line), 6, is_number=True),
            Column(
                "",
                lambda one: str(mark(OUTCOME, one.status)),
                11,
                style=lambda one: OUTCOME[one.status].style,
            ),
            Column("your id", lambda one: one.name, 12, grows=1, needs=70),
            Column("field", lambda one: one.field, 10),
            Column("", lambda one: one.text, 20, grows=4),
        ]

    @property
    def rows(self) -> Rows[Outcome]:
        """What became of each."""
        return self.query_one("#outcomes", Rows)

    @property
    def _path(self) -> Path:
        return Path(self.query_one("#path", Input).value.strip()).expanduser()

    # --- the work -----------------------------------------------------------------------------------------

    @on(Input.Changed, "#path")
    def _typed(self) -> None:
        """What was checked is not this file."""
        if self._filing is not None:
            self._filing = None
            self.rows.show([], keep=False)
            self.query_one("#totals", Static).update(Content(FIRST))

    @on(Input.Submitted, "#path")
    def _chosen(self) -> None:
        why = self.why_not("check")
        if why is not None:
            self.tui.report(why, severity="warning")
        elif not self._is_working and self.query_one("#path", Input).value.strip():
            self._check()

    @work(exclusive=True, group="file")
    async def _check(self) -> None:
        await self._file(self._path, dry_run=True)

    async def _file(self, path: Path, *, dry_run: bool) -> None:
        source = str(path)
        leftovers = Leftovers(beside(source), source=source)
        self._is_working, self._only_wrong, self._fault = True, False, ""
        entry = self.query_one("#path", Input)
        entry.disabled = True  # what is imported is what was checked
        try:
            self._bytes = await asyncio.to_thread(_size_of, path)
            with opened(source) as stream:
                self._filing = Filing(stream, leftovers, dry_run=dry_run, tell=self._show)
                self.rows.focus()
                await self._filing.run(self.session.tix)
        except Unreadable as error:
            self._fail(f"{source}, {error}")
        except Refused as error:
            self._fail(error.detail)
        except TixError as error:
            self.tui.failed("Checking" if dry_run else "Importing", error)
        finally:
            leftovers.drop()
            self._is_working = entry.disabled = False
        self._end()

    def _fail(self, sentence: str) -> None:
        self._fault = sentence
        self.tui.report(sentence, severity="error")
        if self._filing is None and self.is_drawn:
            self.query_one("#path").focus()

    def _end(self) -> None:
        """All rows, and what is next."""
        if not self.is_drawn or self._filing is None:
            return
        filing = self._filing
        self.fresh_at = steady()
        filing.stepped()
        if not filing.is_dry:
            self.tui.report(f"{filing.summary}.")

    # --- what is shown ------------------------------------------------------------------------------------

    def _show(self) -> None:
        if not self.is_drawn or self._filing is None:
            return
        found = self._filing.outcomes
        self.rows.show([one for one in found if one.status == "wrong" or not self._only_wrong])
        self.query_one("#totals", Static).update(Content(harmless(self._totals(self._filing))))

    def _totals(self, filing: Filing) -> str:
        summary, undone = filing.summary, filing.counts["failed"] + filing.counts["left"]
        if self._is_working:
            full = WIDTH * filing.read // max(1, self._bytes)
            doing = "Checking" if filing.is_dry else "Importing"
            return f"{doing} [{'#' * full}{'.' * (WIDTH - full)}] {filing.counts.total():,} rows: {summary}"
        cut = f" The first {SHOWN:,} are shown." if filing.counts.total() > SHOWN else ""
        if self._fault and not filing.is_dry:
            return f"{self._fault}. Until there: {summary}."
        if filing.is_dry:
            why = self.why_not("import")
            return f"{summary}.{cut} {why or self.keyed('Press {import} to import.')}"
        if undone:
            return f"{summary}. Left in {filing.leftovers.path}: {rows(undone)}, to correct and import."
        return f"{summary}.{cut} {self.key_of('back')} goes back to your listings."

    @on(Rows.Moved, "#outcomes")
    def _moved(self) -> None:
        self.query_one("#line", Told).tell(harmless(self.rows.current.text if self.rows.current else ""))

    # --- actions ------------------------------------------------------------------------------------------

    def why_not(self, action: str) -> str | None:
        """An import needs rows that were checked."""
        if action == "check":
            return super().why_not("import")
        if action != "import":
            return None if action != "only_wrong" or self._filing else "No file was checked yet."
        filing = self._filing
        if self._is_working:
            return "It is under way."
        if filing is None or not filing.is_dry:
            return "Name a file and press enter first: it is checked before it is imported."
        if self._fault:
            return f"{self._fault}."
        if filing.counts["left"]:
            return self.keyed(
                "Not all of it could be checked; press {choose} and enter to have it checked again."
            )
        if not filing.counts["created"] + filing.counts["updated"]:
            return "There is nothing to bring in."
        return super().why_not("import")

    @guarded
    @work(exclusive=True, group="ask")
    async def action_import(self) -> None:
        """After a question with the counts."""
        filing, path = self._filing, self._path
        if filing is None:
            return
        counts = filing.counts
        undone = counts["failed"] + counts["left"]
        failing = f" What is wrong is left in a file: {rows(undone)}." if undone else ""
        question = (
            f"Import {path.name}? {counts['created']} to list, {counts['updated']} to update, "
            f"{counts['unchanged']} to leave as they are.{failing}"
        )
        if await self.app.push_screen_wait(Confirm(question, yes="Import")):
            work = partial(self._file, path, dry_run=False)
            self._importing = self.tui.send(self, f"Importing {path.name}", work)

    @guarded
    def action_only_wrong(self) -> None:
        """Or all of them."""
        self._only_wrong = not self._only_wrong
        self._show()

    def action_choose(self) -> None:
        """Another file."""
        self.query_one("#path").focus()

    @guarded
    @work(exclusive=True, group="leave")
    async def action_back(self) -> None:  # type: ignore[override]  # a worker, for it asks
        """Out; an import under way is stopped after a question only."""
        if self.tui.is_sending(self) and not await self.app.push_screen_wait(
            Confirm("Stop the import? What is done stays; importing it again costs nothing.", yes="Stop")
        ):
            return
        if self._importing is not None:
            self._importing.cancel()
        if self.is_active:
            self.dismiss()

    def copyable(self) -> dict[str, str]:
        """The same as commands."""
        rest = self.done_to().get("rest")
        return {**self.commands(), **({"file of the rest": rest} if rest else {})}

    def done_to(self) -> dict[str, str]:
        """The file, and what is left of it."""
        found, filing = {}, self._filing
        if self.query_one("#path", Input).value.strip():
            found["file"] = str(self._path)
        if filing is not None and filing.leftovers.count:
            found["rest"] = str(filing.leftovers.path)
        return found


def rows(count: int) -> str:
    """So many."""
    return f"{count:,} row{'' if count == 1 else 's'}"


def _size_of(path: Path) -> int:
    """Bytes of a file; a pipe or a device would never end. Raises Refused."""
    if path.exists() and not path.is_file():
        raise Refused(f"{path}: this is no file.", code="unreadable_file", exit_code=USAGE)
    return path.stat().st_size if path.exists() else 0
