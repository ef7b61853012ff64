"""What can be done with a ticket that is looked at: hold it, or go to the hold that is there."""

from typing import ClassVar
from uuid import UUID

from server.tickets.schemas import TicketOut
from tui.actions import guarded, key
from tui.screens.view import ON_ITS_WAY, View
from tui.tickets import why_not_held
from tui.words import TICKET, Mark, clock, mark

HOLD = key("b", "hold", "Hold", "Hold this ticket for 15 minutes and go on to payment.")
YOURS = "You hold it: {open} goes on to payment."


class Holding(View):
    """A view in which one ticket is meant: by the cursor, or since it is all that is shown."""

    ALSO: ClassVar[tuple[str, ...]] = ("show_ticket",)

    @property
    def meant(self) -> TicketOut | None:
        """The ticket that actions are about."""
        raise NotImplementedError

    @property
    def about(self) -> UUID | None:
        """The ticket that is meant."""
        return self.meant.id if self.meant else None

    def mark_of(self, ticket: TicketOut) -> Mark:
        """Ours first: a hold that was asked for, or one's own."""
        if self.tui.is_sending(ticket.id):
            return TICKET["holding"]
        held = self.holds.of_ticket(ticket.id)
        return Mark("◐", "yours", "success") if held else mark(TICKET, ticket.status)

    def note_of(self, ticket: TicketOut) -> str:
        """What can be done about it."""
        held = self.holds.of_ticket(ticket.id)
        if held is not None:
            return self.keyed(f"You hold it for {clock(held.left)} more: press {{open}} to pay.")
        return self.why_not("hold") or self.keyed("Press {hold} to hold it for 15 minutes.")

    def why_not(self, action: str) -> str | None:
        """A hold needs a ticket that is free and another's."""
        ticket = self.meant
        if action != "hold":
            return super().why_not(action)
        if ticket is None:
            return "There is no ticket here."
        if self.tui.is_sending(ticket.id):
            return ON_ITS_WAY
        if self.holds.of_ticket(ticket.id):
            return self.keyed(YOURS)
        return why_not_held(self.session, ticket) or super().why_not(action)

    @guarded
    def action_hold(self) -> None:
        """Shown at once, taken back if it is refused."""
        if (ticket := self.meant) is not None:
            self.tui.hold(ticket.id, ticket.title, at_most=ticket.price, asker=self)

    def open_hold(self) -> bool:
        """Go to the order of one's own hold; whether there is one."""
        held = self.holds.of_ticket(self.meant.id) if self.meant else None
        if held is not None:
            self.tui.open_order(held.order)
        return held is not None
