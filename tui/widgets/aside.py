"""The third pane, where there is room for one: what is held, counting down, over the news."""

from collections.abc import Callable, Iterable

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from cli.output import harmless
from tui.holds import SOON, URGENT, Held
from tui.journal import Line
from tui.widgets.hanging import Hanging, Item
from tui.widgets.pane import Pane
from tui.widgets.rows import Column, Rows
from tui.words import clock

TICK = 0.5
"""Seconds between two looks at what is left."""
NEWS = 30
"""Lines of the log, the newest first."""
QUIET = Item(Content(""), "Nothing was heard yet.")


class Aside(Vertical):
    """Follows by itself what it is about."""

    def __init__(self, held: Callable[[], Iterable[Held]], news: Callable[[], Iterable[Line]]) -> None:
        """What is asked for at each look."""
        super().__init__(id="aside")
        self._held, self._news = held, news

    def compose(self) -> ComposeResult:
        """One over the other."""
        yield Rows(
            [
                Column("ticket", lambda held: held.order.ticket.title, 8, grows=1),
                Column("left", lambda held: clock(held.left), 8, style=_urgency, is_number=True),
            ],
            key=lambda held: held.order.id,
            empty=lambda: "Nothing now. What you hold counts down here.",
            id="holds",
        )
        with Pane(id="news"):
            yield Hanging()

    def on_mount(self) -> None:
        """Begin to look."""
        self.query_one("#news").border_title = "Activity"
        self.set_interval(TICK, self.look)
        self.look()

    def look(self) -> None:
        """At what is held and what was heard, where anybody can see it."""
        if not self.screen.is_current or not self.region:
            return
        rows, held = self.query_one("#holds", Rows), list(self._held())
        rows.border_title = f"Held by you: {len(held)}" if held else "Held by you"
        rows.show(held)
        self.query_one(Hanging).list([_item(line) for line in self._news()] or [QUIET])


def _urgency(held: Held) -> str:
    return "error" if held.left <= URGENT else "warning" if held.left <= SOON else "success"


def _item(line: Line) -> Item:
    time = f"{line.at.astimezone():%H:%M} "
    return Item(
        Content.assemble((time, "$muted"), (f"{line.mark.sign} ", line.mark.colour)), harmless(line.text)
    )
