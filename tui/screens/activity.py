"""What was heard and said in this run."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from cli.output import harmless
from tui.actions import key
from tui.journal import KEPT, Line
from tui.messages import Logged
from tui.screens.searching import Searching
from tui.widgets.rows import Column, Rows


class Activity(Searching):
    """The log, newest first: tickets and orders that changed, and every toast."""

    AUTO_FOCUS = "#lines"  # not the filter
    BINDINGS: ClassVar[list[BindingType]] = [
        key("slash", "filter", "Filter", "Words of a line; begin with ! to leave out what they find."),
    ]

    ALSO = ("watch_tickets",)

    def __init__(self) -> None:
        """All of it."""
        super().__init__()
        self._wish = ""

    def body(self) -> ComposeResult:
        """The filter over the lines, the whole of the one under the cursor below."""
        with Vertical(id="log"):
            yield self.entry("words of a line")
            yield Rows(self._columns(), key=lambda line: line.number, empty=self._empty, id="lines")
            yield Static(id="line")

    def _columns(self) -> list[Column[Line]]:
        return [
            Column("", lambda line: line.mark.sign, 1, style=lambda line: line.mark.style),
            Column("time", lambda line: f"{line.at.astimezone():%H:%M:%S}", 8),
            Column("what", lambda line: line.mark.word, 6, style=lambda line: line.mark.style),
            Column("", lambda line: line.text, 20, grows=1),
        ]

    @property
    def rows(self) -> Rows[Line]:
        """The list."""
        return self.query_one("#lines", Rows)

    def on_mount(self) -> None:
        """What there is so far."""
        self._show()

    def on_logged(self, _: Logged) -> None:
        """A line more."""
        self._show()

    def on_screen_resume(self) -> None:
        """Lines came while another view was there."""
        self._show()

    def _show(self) -> None:
        if not self.is_drawn or not self.is_current:
            return
        lines = self.tui.journal.found(self._wish)
        self.rows.show(lines, keep=self.rows.cursor > 0)  # at the top one sees what is new
        parts = [f"{len(lines)} line{'' if len(lines) == 1 else 's'}", "newest first"]
        parts += [f"the last {KEPT} are kept"] if len(self.tui.journal) == KEPT else []
        parts += [f"/{harmless(self._wish)}"] if self._wish else []
        self.query_one("#log").border_title = Content(" · ".join(parts))

    @on(Rows.Moved, "#lines")
    def _moved(self) -> None:
        line = self.rows.current
        self.query_one("#line", Static).update(Content(harmless(line.text) if line else ""))

    def _empty(self) -> str:
        away = "No line fits. Press {back} to take the filter away."
        return self.keyed(away) if self._wish else "Nothing was heard yet."

    def copyable(self) -> dict[str, str]:
        """The line under the cursor, and what tells most of them."""
        line, commands = self.rows.current, self.commands()
        return {"line": _written(line), **commands} if line else commands

    def action_refresh(self) -> None:
        """Anew."""
        super().action_refresh()
        self._show()

    # --- the filter ---------------------------------------------------------------------------------------

    @property
    def looked_for(self) -> str:
        """In the lines and their kinds."""
        return self._wish

    def filter_by(self, text: str) -> None:
        """At once: all of it is here."""
        self._wish = text
        self._show()

    def unfilter(self) -> None:
        """All lines."""
        self.filter_by("")

    def action_back(self) -> None:
        """Out of the filter."""
        self.leave_filter()


def _written(line: Line) -> str:
    return f"{line.at:%Y-%m-%dT%H:%M:%SZ} {line.mark.word} {line.text}"
