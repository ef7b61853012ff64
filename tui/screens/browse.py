"""The tickets on sale, live: filter, sort, look, hold."""

from typing import ClassVar
from uuid import UUID

from textual import on, work
from textual.binding import BindingType

from client import Conflict, TixError
from server.tickets.schemas import TicketOut
from tui.actions import guarded, key
from tui.catalogue import Catalogue
from tui.screens.checkout import Checkout
from tui.screens.ticket_list import LIST_KEYS, TicketList
from tui.tickets import why_not_held
from tui.widgets.rows import Rows
from tui.words import TICKET, Mark, clock


class Browse(TicketList):
    """Everybody's tickets."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("b", "hold", "Hold", "Hold this ticket for 15 minutes and go on to payment."),
        *LIST_KEYS,
    ]
    COPIED = ("hold", "show_ticket")

    def __init__(self) -> None:
        """No hold was asked for yet."""
        super().__init__()
        self._holding: set[UUID] = set()

    def begin(self) -> Catalogue:
        """What was kept by the last run."""
        wish, tickets = self.tui.memory.browsed()
        catalogue = Catalogue(wish)
        catalogue.take(tickets)
        return catalogue

    def was_read(self) -> None:
        """Keep it for the next run."""
        self.tui.memory.browse(self.catalogue.wish, self.catalogue.shown())

    def tell_chips(self, doing: str = "") -> None:
        """Also kept, for the next run."""
        super().tell_chips(doing)
        self.tui.memory.wish(self.catalogue.wish)

    def mark_of(self, ticket: TicketOut) -> Mark:
        """Ours first: a hold that was asked for, or one's own."""
        if ticket.id in self._holding:
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
            return why_not_held(self.session, ticket) or super().why_not(action)
        if action == "hold" and ticket is None:
            return "There is no ticket here."
        return super().why_not(action)

    @guarded
    def action_hold(self) -> None:
        """Hold the ticket under the cursor: shown at once, taken back if it is refused."""
        if self.ticket is not None and self.ticket.id not in self._holding:
            self._holding.add(self.ticket.id)
            self.rows.refresh()
            self.tell_details()
            self._hold(self.ticket)

    @work(group="hold")
    async def _hold(self, ticket: TicketOut) -> None:
        try:
            order = await self.session.tix.reserve_ticket(ticket.id, max_price=ticket.price)
        except TixError as error:
            self.failed(f"Holding “{ticket.title}”", error)
            if isinstance(error, Conflict):
                self.read(anew=True)
            return
        finally:
            self._holding.discard(ticket.id)
            self.rows.refresh()
            self.tell_details()
        self.tui.take_hold(order)
        self.app.push_screen(Checkout(order))

    @on(Rows.Chosen, "#tickets")
    def _open(self) -> None:
        held = self.holds.of_ticket(self.ticket.id) if self.ticket else None
        if held is not None:
            self.app.push_screen(Checkout(held.order))
        else:
            self.action_zoom()
