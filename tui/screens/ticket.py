"""One ticket by itself, as the palette goes to it."""

from collections.abc import Iterable
from typing import ClassVar

from textual import work
from textual.binding import BindingType
from textual.widget import Widget

from client import TixError
from server.tickets.schemas import TicketOut
from tui.actions import guarded, key
from tui.messages import HoldsChanged, LinkChanged, TicketsChanged
from tui.screens.checkout import Checkout
from tui.screens.view import View
from tui.tickets import copies, why_not_held
from tui.widgets.details import Details


class Ticket(View):
    """What is known about it, live, and its hold."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("b", "hold", "Hold", "Hold this ticket for 15 minutes and go on to payment."),
    ]

    def __init__(self, ticket: TicketOut) -> None:
        """As it was read."""
        super().__init__()
        self.ticket = ticket

    def body(self) -> Iterable[Widget]:
        """Its details, over the whole width."""
        yield Details(id="whole")

    def on_mount(self) -> None:
        """Show it."""
        self.query_one(Details).focus()
        self._show()

    def _show(self) -> None:
        if self.is_drawn:
            self.query_one(Details).show(self.ticket, note=self.why_not("hold") or "")
            self.refresh_bindings()

    def on_tickets_changed(self, message: TicketsChanged) -> None:
        """What the stream told of it; whatever was missed is read."""
        if message.tickets is None:
            self.read()
        for ticket in message.tickets or ():
            if ticket.id == self.ticket.id and ticket.version >= self.ticket.version:
                self.ticket = ticket
                self._show()

    def on_link_changed(self, _: LinkChanged) -> None:
        """Whether it can be held may have changed."""
        self._show()

    def on_holds_changed(self, _: HoldsChanged) -> None:
        """It may be one's own now."""
        self._show()

    @work(exclusive=True, group="read")
    async def read(self) -> None:
        """As it is now."""
        try:
            self.ticket = await self.session.tix.show_ticket(self.ticket.id)
        except TixError as error:
            if self.session.is_online:
                self.failed("Reading the ticket", error)
        self._show()

    def why_not(self, action: str) -> str | None:
        """A hold needs a ticket that is free and another's."""
        if action == "hold" and self.holds.of_ticket(self.ticket.id) is None:
            return why_not_held(self.session, self.ticket) or super().why_not(action)
        return super().why_not(action)

    @guarded
    def action_hold(self) -> None:
        """Hold it, or go to the hold that is there, and on to payment; once, however often it is pressed."""
        if not any(one.node is self and one.group == "hold" and not one.is_finished for one in self.workers):
            self._hold()

    @work(group="hold")
    async def _hold(self) -> None:
        held = self.holds.of_ticket(self.ticket.id)
        try:
            order = (
                held.order
                if held
                else await self.session.tix.reserve_ticket(self.ticket.id, max_price=self.ticket.price)
            )
        except TixError as error:
            self.failed(f"Holding “{self.ticket.title}”", error)
            return
        self.tui.take_hold(order)
        await self.app.push_screen(Checkout(order))

    def action_refresh(self) -> None:
        """Read it anew."""
        super().action_refresh()
        self.read()

    def copyable(self) -> dict[str, str]:
        """Of this ticket."""
        return copies(self.session, self.ticket, ("hold", "show_ticket"))
