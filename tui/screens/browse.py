"""The tickets on sale, live: filter, sort, look, hold."""

import time
from typing import ClassVar

from textual import on
from textual.binding import BindingType

from server.tickets.schemas import TicketOut
from tui.screens.holding import HOLD, Holding
from tui.screens.ticket_list import LIST_KEYS, TicketList
from tui.widgets.rows import Rows


class Browse(Holding, TicketList):
    """Everybody's tickets."""

    BINDINGS: ClassVar[list[BindingType]] = [
        HOLD,
        *LIST_KEYS,
    ]
    VIEW = "browse"
    ALSO = ("show_ticket", "browse", "watch_tickets")
    _seen: float = 0
    """When what is kept was read, in seconds since 1970; 0: never."""

    def begin(self) -> None:
        """What was kept by the last run."""
        super().begin()
        tickets, self._seen = self.tui.memory.browsed()
        self.catalogue.take(tickets)

    def was_read(self) -> None:
        """Keep it for the next run."""
        self.tui.memory.browse(self.catalogue.shown())

    def age(self) -> float | None:
        """What was kept is as old as it is."""
        kept = time.time() - self._seen if self._seen else None
        return super().age() if self.fresh_at else kept

    @property
    def meant(self) -> TicketOut | None:
        """The ticket under the cursor."""
        return self.ticket

    def empty(self) -> str:
        """The shop may be empty."""
        return super().empty() or self.keyed("There is no ticket yet. Press {view_sell} to list one.")

    # --- actions ------------------------------------------------------------------------------------------

    @on(Rows.Chosen, "#tickets")
    def _open(self) -> None:
        if not self.open_hold():
            self.action_zoom()
