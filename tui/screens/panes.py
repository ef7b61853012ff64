"""A view of panes: a list, what is known of one of its rows, and where there is room what else goes on."""

from typing import Any, ClassVar

from textual import events, on
from textual.binding import BindingType
from textual.widget import Widget

from tui.actions import key
from tui.screens.checkout import Checkout
from tui.screens.view import View
from tui.widgets.aside import NEWS, Aside
from tui.widgets.details import Details
from tui.widgets.pane import Pane
from tui.widgets.rows import Rows

STEP = 5
LEAST, MOST = 40, 80
"""Percent of what list and details have together that the list has."""

PANE_KEYS: tuple[BindingType, ...] = (
    key("left,h", "pane(-1)", "Pane before", "To the pane on the left.", show=False, name="pane_before"),
    key("right,l", "pane(1)", "Next pane", "To the pane on the right.", show=False, name="pane_after"),
    key(
        "less_than_sign",
        f"widen(-{STEP})",
        "Narrower list",
        "Less of the width for the list; kept.",
        show=False,
        name="narrower",
    ),
    key(
        "greater_than_sign",
        f"widen({STEP})",
        "Wider list",
        "More of the width for the list; kept.",
        show=False,
        name="wider",
    ),
    key("z", "zoom", "Zoom", "The details alone, or the list alone again.", show=False),
)


class Panes(View):
    """One column, two or three, by the breakpoints of every view."""

    AUTO_FOCUS = "#list Rows"  # else a key pressed at once would be typed into the filter
    BINDINGS: ClassVar[list[BindingType]] = [*PANE_KEYS]

    @property
    def rows(self) -> Rows[Any]:
        """The list."""
        raise NotImplementedError

    def aside(self) -> Aside:
        """The third pane."""
        return Aside(lambda: self.holds.counting, lambda: self.tui.journal.found("")[:NEWS])

    def on_mount(self) -> None:
        """As wide as they were left."""
        self._share(self.tui.memory.share)

    def on_screen_resume(self) -> None:
        """Another view may have made it wider."""
        self._share(self.tui.memory.share)

    def _share(self, percent: int) -> None:
        self.query_one("#list").styles.width = f"{percent}fr"
        self.query_one(Details).styles.width = f"{100 - percent}fr"

    def on_resize(self, _: events.Resize) -> None:
        """A pane that is gone leaves its keys to the list."""
        self.call_after_refresh(self._keep_focus)

    def _keep_focus(self) -> None:
        if self.is_drawn and self.focused not in self.focus_chain:
            (self.query_one(Details) if self.has_class("-zoomed") else self.rows).focus()

    @property
    def _panes(self) -> list[Widget]:
        return [one for one in self.focus_chain if isinstance(one, Rows | Pane)]

    # --- actions ------------------------------------------------------------------------------------------

    def action_pane(self, by: int) -> None:
        """The pane on the left or right; where there is one alone, into the details and back."""
        panes = self._panes
        at = panes.index(self.focused) if self.focused in panes else -by
        if 0 <= at + by < len(panes):
            panes[at + by].focus()
        elif len(panes) == 1 and self.has_class("-zoomed") == (by < 0):
            self.action_zoom()

    def action_widen(self, by: int) -> None:
        """More or less of the width for the list; kept for the next run."""
        memory = self.tui.memory
        memory.share = max(LEAST, min(MOST, memory.share + by))
        self._share(memory.share)

    def action_zoom(self) -> None:
        """The details alone, and back."""
        self.toggle_class("-zoomed")
        (self.query_one(Details) if self.has_class("-zoomed") else self.rows).focus()

    @on(Rows.Chosen, "#holds")
    def _pay(self, message: Rows.Chosen) -> None:
        if message.rows.current is not None:
            self.app.push_screen(Checkout(message.rows.current.order))
