"""The tickets on sale, live: filter, sort, look, hold."""

import time
from typing import ClassVar
from uuid import UUID

from textual import on
from textual.binding import BindingType

from server.tickets.schemas import TicketOut
from tui.actions import guarded, key
from tui.screens.ticket_list import LIST_KEYS, TicketList
from tui.screens.view import ON_ITS_WAY
from tui.tickets import why_not_held
from tui.widgets.rows import Rows
from tui.words import TICKET, Mark, clock


class Browse(TicketList):
    """Everybody's tickets."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("b", "hold", "Hold", "Hold this ticket for 15 minutes and go on to payment."),
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
    def about(self) -> UUID | None:
        """The ticket under the cursor."""
        return self.ticket.id if self.ticket else None

    def mark_of(self, ticket: TicketOut) -> Mark:
        """Ours first: a hold that was asked for, or one's own."""
        if self.tui.is_sending(ticket.id):
            return TICKET["holding"]
        held = self.holds.of_ticket(ticket.id)
        return Mark("◐", "yours", "success") if held else super().mark_of(ticket)

    def note_of(self, ticket: TicketOut) -> str:
        """What can be done about it."""
        held = self.holds.of_ticket(ticket.id)
        if held is not None:
            return self.keyed(f"You hold it for {clock(held.left)} more: press {{open}} to pay.")
        return self.why_not("hold") or self.keyed("Press {hold} to hold it for 15 minutes.")

    def empty(self) -> str:
        """The shop may be empty."""
        return super().empty() or self.keyed("There is no ticket yet. Press {view_sell} to list one.")

    # --- actions ------------------------------------------------------------------------------------------

    def why_not(self, action: str) -> str | None:
        """A hold needs a ticket that is free and another's."""
        ticket = self.ticket
        if action == "hold" and ticket is not None:
            own = ON_ITS_WAY if self.tui.is_sending(ticket.id) else why_not_held(self.session, ticket)
            return own or super().why_not(action)
        if action == "hold" and ticket is None:
            return "There is no ticket here."
        return super().why_not(action)

    @guarded
    def action_hold(self) -> None:
        """Hold the ticket under the cursor: shown at once, taken back if it is refused."""
        if (ticket := self.ticket) is not None:
            self.tui.hold(ticket.id, ticket.title, at_most=ticket.price, asker=self)

    @on(Rows.Chosen, "#tickets")
    def _open(self) -> None:
        held = self.holds.of_ticket(self.ticket.id) if self.ticket else None
        if held is not None:
            self.tui.open_order(held.order)
        else:
            self.action_zoom()
