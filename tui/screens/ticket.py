"""One ticket by itself, as the palette goes to it."""

from collections.abc import Iterable, Mapping
from typing import ClassVar
from uuid import UUID

from textual import on, work
from textual.binding import BindingType
from textual.widget import Widget

from cli.clock import steady
from client import TixError
from server.tickets.schemas import TicketOut
from tui.actions import guarded, key
from tui.messages import HoldsChanged, LinkChanged, Sending, TicketsChanged
from tui.screens.view import ON_ITS_WAY, View
from tui.tickets import copies, why_not_held
from tui.widgets.details import Details


class Ticket(View):
    """What is known about it, live, and its hold."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("b", "hold", "Hold", "Hold this ticket for 15 minutes and go on to payment."),
    ]

    ALSO = ("show_ticket",)

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
        self.fresh_at = steady()
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
            self._take(ticket)

    def _take(self, ticket: TicketOut) -> None:
        if ticket.id == self.ticket.id and ticket.version >= self.ticket.version:
            self.ticket = ticket
            self._show()

    def on_link_changed(self, _: LinkChanged) -> None:
        """Whether it can be held may have changed."""
        self._show()

    @on(HoldsChanged)
    @on(Sending)
    def _holds_changed(self) -> None:
        """It may be one's own now, or be asked for."""
        self._show()

    @work(exclusive=True, group="read")
    async def read(self) -> None:
        """As it is now."""
        try:
            self._take(await self.session.tix.show_ticket(self.ticket.id))
        except TixError as error:
            if self.session.is_online:
                self.tui.failed("Reading the ticket", error)

    def why_not(self, action: str) -> str | None:
        """A hold needs a ticket that is free and another's."""
        if action == "hold" and self.tui.is_sending(self.ticket.id):
            return ON_ITS_WAY
        if action == "hold" and self.holds.of_ticket(self.ticket.id) is None:
            return why_not_held(self.session, self.ticket) or super().why_not(action)
        return super().why_not(action)

    @property
    def about(self) -> UUID | None:
        """The one that is shown."""
        return self.ticket.id

    @guarded
    def action_hold(self) -> None:
        """Hold it, or go to the hold that is there, and on to payment."""
        held, ticket = self.holds.of_ticket(self.ticket.id), self.ticket
        if held is not None:
            self.held(held.order)
        else:
            self.tui.hold(ticket.id, ticket.title, at_most=ticket.price, asker=self)

    def action_refresh(self) -> None:
        """Read it anew."""
        super().action_refresh()
        self.read()

    def copyable(self) -> dict[str, str]:
        """Of this ticket."""
        return copies(self.session, self.ticket, self.commands())

    def done_to(self) -> Mapping[str, str]:
        """This ticket."""
        return {"ticket": str(self.ticket.id)}
