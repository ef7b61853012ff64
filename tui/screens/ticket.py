"""One ticket by itself, as the palette goes to it."""

from collections.abc import Iterable, Mapping
from typing import ClassVar

from textual import on, work
from textual.binding import BindingType
from textual.widget import Widget

from cli.clock import steady
from client import TixError
from server.tickets.schemas import TicketOut
from tui.actions import key
from tui.messages import HoldsChanged, LinkChanged, Sending, TicketsChanged
from tui.screens.holding import HOLD, Holding
from tui.tickets import copies
from tui.widgets.aside import TICK
from tui.widgets.details import Details


class Ticket(Holding):
    """What is known about it, live, and its hold."""

    BINDINGS: ClassVar[list[BindingType]] = [
        HOLD,
        key("enter", "open", "To payment", "The order of your hold, and on to payment."),
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
        self.fresh_at = steady()
        self._show()
        self.set_interval(TICK, self._count_down)

    def _count_down(self) -> None:
        """How long it is held."""
        if self.holds.of_ticket(self.ticket.id):
            self.query_one(Details).note(self.note_of(self.ticket))

    def _show(self) -> None:
        if self.is_drawn:
            ticket = self.ticket
            self.query_one(Details).show(ticket, state=self.mark_of(ticket), note=self.note_of(ticket))
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

    @property
    def meant(self) -> TicketOut:
        """The one that is shown."""
        return self.ticket

    def action_open(self) -> None:
        """The hold that is there, or why there is none."""
        if not self.open_hold():
            self.tui.report(self.note_of(self.ticket))

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
