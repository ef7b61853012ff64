"""One's own listings, live: list, change, withdraw, import."""

from functools import partial
from typing import ClassVar

from textual import on, work
from textual.binding import BindingType

from client.money import shown
from server.tickets.schemas import TicketEdit, TicketOut
from tui.actions import guarded, key
from tui.screens.dialogs import Confirm
from tui.screens.importing import Importing
from tui.screens.listing import Listing
from tui.screens.ticket_list import LIST_KEYS, TicketList
from tui.screens.view import ON_ITS_WAY
from tui.widgets.rows import Rows

BUSY = {
    "reserved": "Somebody holds it; a listing can be changed when nobody does.",
    "sold": "It is sold.",
}


class Sell(TicketList):
    """The listings of who is signed in."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("n", "new", "New", "List a ticket for sale."),
        key("e", "edit", "Edit", "Change this listing; enter does the same."),
        key("w", "withdraw", "Withdraw", "Take this listing off sale."),
        key("W", "relist", "Relist", "Put a listing that was withdrawn on sale again.", show=False),
        key("i", "import", "Import", "List the tickets of a CSV, JSON or NDJSON file."),
        *LIST_KEYS,
    ]
    IS_OWN = True
    VIEW = "sell"
    ALSO = ("show_ticket", "export")

    def note_of(self, ticket: TicketOut) -> str:
        """What can be done about it."""
        if ticket.status == "withdrawn":
            return self.keyed("It is off sale. Press {relist} to put it back, {edit} to change it.")
        return self.why_not("edit") or self.keyed(
            "Press {edit} to change it, {withdraw} to take it off sale."
        )

    def empty(self) -> str:
        """Who is signed out has none."""
        if self.session.user is None and self.session.is_online is not False:
            if self.session.token and self.session.is_online is None:
                return "Reading…"
            return self.keyed("You are signed out. Sign in to sell: press {account}.")
        empty = "You list nothing yet. Press {new} to list a ticket, {import} to import a file."
        return super().empty() or self.keyed(empty)

    # --- actions ------------------------------------------------------------------------------------------

    def why_not(self, action: str) -> str | None:
        """A listing can be changed while nobody holds or has it."""
        general = super().why_not("edit" if action == "relist" else action)
        if general is not None or action not in {"edit", "withdraw", "relist"}:
            return general
        ticket = self.ticket
        if ticket is None:
            return "There is no listing here."
        if self.tui.is_sending(ticket.id):
            return ON_ITS_WAY
        if ticket.status in BUSY:
            return BUSY[ticket.status]
        if (ticket.status == "withdrawn") != (action == "relist") and action != "edit":
            return "It is off sale already." if action == "withdraw" else "It is on sale."
        return None

    @guarded
    def action_new(self) -> None:
        """An empty form."""
        self.app.push_screen(Listing())

    @guarded
    def action_edit(self) -> None:
        """The form, filled."""
        if self.ticket is not None:
            self.app.push_screen(Listing(self.ticket))

    @on(Rows.Chosen, "#tickets")
    def _open(self) -> None:
        self.action_edit()

    @guarded
    def action_import(self) -> None:
        """From a file."""
        self.app.push_screen(Importing())

    @guarded
    @work(exclusive=True, group="ask")
    async def action_withdraw(self) -> None:
        """Off sale, after a question."""
        ticket = self.ticket
        if ticket is None:
            return
        question = f"Take “{ticket.title}” ({shown(ticket.price, ticket.currency)}) off sale?"
        if await self.app.push_screen_wait(Confirm(question, yes="Withdraw")):
            self.tui.send(ticket.id, f"Withdrawing “{ticket.title}”", partial(self._withdraw, ticket))

    async def _withdraw(self, ticket: TicketOut) -> None:
        await self.session.tix.withdraw_ticket(ticket.id)
        gone = await self.session.tix.show_ticket(ticket.id)
        self.tui.saved(gone, f"“{gone.title}” is off sale; {self.key_of('relist')} puts it back.")

    @guarded
    def action_relist(self) -> None:
        """On sale again."""
        if (ticket := self.ticket) is not None:
            self.tui.send(ticket.id, f"Listing “{ticket.title}” again", partial(self._relist, ticket))

    async def _relist(self, ticket: TicketOut) -> None:
        edit = TicketEdit(version=ticket.version, withdrawn=False)
        back = await self.session.tix.update_ticket(ticket.id, edit)
        self.tui.saved(back, f"“{back.title}” is on sale again.")
