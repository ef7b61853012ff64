"""One's own listings, live: list, change, withdraw, import."""

from typing import ClassVar
from uuid import UUID

from textual import on, work
from textual.binding import BindingType

from client import TixError
from client.money import shown
from server.tickets.schemas import TicketEdit, TicketOut
from tui.actions import guarded, key
from tui.catalogue import Catalogue, Wish
from tui.messages import LinkChanged, TicketsChanged
from tui.screens.dialogs import Confirm
from tui.screens.importing import Importing
from tui.screens.listing import Listing
from tui.screens.ticket_list import LIST_KEYS, TicketList
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
    COPIED = ("show_ticket", "edit", "withdraw", "relist")

    def __init__(self) -> None:
        """Nobody is known yet."""
        super().__init__()
        self._owner: UUID | None = None

    def begin(self) -> Catalogue:
        """Whoever is signed in by now."""
        return self.anew(Wish()) or Catalogue()

    def anew(self, wish: Wish) -> Catalogue | None:
        """Of who is signed in."""
        user = self.session.user
        self._owner = user.id if user else None
        return Catalogue(wish, owner=user.id) if user else None

    def on_link_changed(self, message: LinkChanged) -> None:
        """Somebody else's listings are none of theirs."""
        user = self.session.user
        if self._owner != (user.id if user else None):
            self.fresh_at = 0
            self.catalogue = self.anew(Wish()) or Catalogue()
            self.show(keep=False)
            self.read(anew=True)
        super().on_link_changed(message)

    def on_tickets_changed(self, message: TicketsChanged) -> None:
        """Nothing is heard for nobody."""
        if self._owner is not None:
            super().on_tickets_changed(message)

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
    @work(exclusive=True, group="write")
    async def action_withdraw(self) -> None:
        """Off sale, after a question."""
        ticket = self.ticket
        if ticket is None:
            return
        question = f"Take “{ticket.title}” ({shown(ticket.price, ticket.currency)}) off sale?"
        if not await self.app.push_screen_wait(Confirm(question, yes="Withdraw")):
            return
        try:
            await self.session.tix.withdraw_ticket(ticket.id)
            gone = await self.session.tix.show_ticket(ticket.id)
        except TixError as error:
            self.failed(f"Withdrawing “{ticket.title}”", error)
        else:
            self._changed(gone, f"“{gone.title}” is off sale; {self.key_of('relist')} puts it back.")

    @guarded
    @work(exclusive=True, group="write")
    async def action_relist(self) -> None:
        """On sale again."""
        ticket = self.ticket
        if ticket is None:
            return
        edit = TicketEdit(version=ticket.version, withdrawn=False)
        try:
            back = await self.session.tix.update_ticket(ticket.id, edit)
        except TixError as error:
            self.failed(f"Listing “{ticket.title}” again", error)
        else:
            self._changed(back, f"“{back.title}” is on sale again.")

    def _changed(self, ticket: TicketOut, said: str) -> None:
        self.tui.tell(lambda: TicketsChanged([ticket]))
        self.tui.report(said)
