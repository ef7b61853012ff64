"""A list that is searched as one types."""

from typing import Any

from textual import on
from textual.widgets import Input

from tui.catalogue import LONGEST
from tui.screens.view import View
from tui.widgets.rows import Rows


class Searching(View):
    """The entry stands over the list while it is typed in, and while something is looked for."""

    @property
    def rows(self) -> Rows[Any]:
        """The list."""
        raise NotImplementedError

    @property
    def looked_for(self) -> str:
        """What is looked for; nothing: all is shown."""
        raise NotImplementedError

    def filter_by(self, text: str) -> None:
        """Show what fits."""
        raise NotImplementedError

    def unfilter(self) -> None:
        """Show what was there before the filter."""
        raise NotImplementedError

    @property
    def _entry(self) -> Input:
        return self.query_one("#filter", Input)

    def entry(self, hint: str) -> Input:
        """Where it is typed; `hint` is shown while it is empty."""
        return Input(placeholder=hint, id="filter", compact=True, max_length=LONGEST)

    def on_mount(self) -> None:
        """Nothing is typed yet."""
        self._entry.display = False
        self.rows.focus()

    def action_filter(self) -> None:
        """Type what to look for."""
        self._entry.display = True
        self._entry.value = self.looked_for
        self.set_focus(self._entry)  # at once: the next key belongs to it

    @on(Input.Changed, "#filter")
    def _typed(self, event: Input.Changed) -> None:
        if event.value != self.looked_for:
            self.filter_by(event.value)

    @on(Input.Submitted, "#filter")
    def _entered(self) -> None:
        self._entry.display = bool(self.looked_for)
        self.rows.focus()

    def leave_filter(self) -> bool:
        """Out of it, to what was there before; False: there is none."""
        if not (self._entry.display or self.looked_for):
            return False
        self._entry.display = False
        self.rows.focus()
        self.unfilter()
        return True
