"""What has no rows, and is scrolled by the keys of a list."""

from typing import ClassVar

from textual.binding import BindingType
from textual.containers import VerticalScroll

from tui.widgets.rows import MOVES


class Pane(VerticalScroll, can_focus=True, inherit_bindings=False):
    """Taller than the screen, it may be."""

    BINDINGS: ClassVar[list[BindingType]] = [*MOVES]

    def action_move(self, by: int) -> None:
        """So many lines down."""
        self.scroll_relative(y=by, animate=False)

    def action_go(self, to: int) -> None:
        """To the first line; -1 is the last."""
        if to < 0:
            self.scroll_end(animate=False)
        else:
            self.scroll_home(animate=False)

    def action_page(self, part: float) -> None:
        """Such a part of what is on the screen, down."""
        self.scroll_relative(y=round(part * self.size.height), animate=False)
