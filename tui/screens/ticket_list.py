"""What views of tickets have in common: a live list to filter and sort, and the details of one of them."""

from collections.abc import Iterable, Mapping

from textual import on
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from client.money import shown
from server.tickets.schemas import Status, TicketOut
from tui.actions import key
from tui.catalogue import SORTS, Catalogue
from tui.messages import HoldsChanged, Sending
from tui.screens.filtering import Filtering
from tui.screens.panes import Panes
from tui.tickets import copies
from tui.widgets.aside import TICK
from tui.widgets.details import Details
from tui.widgets.rows import Column, Rows
from tui.words import TICKET, Mark, day, mark

STATUSES: tuple[Status | None, ...] = (None, "available", "reserved", "sold", "withdrawn")
LIST_KEYS: tuple[BindingType, ...] = (
    key("slash", "filter", "Filter", "Words in title or venue; begin with ! to leave out what they find."),
    key("f", "status", "Status", "Only tickets of one status: available, reserved, sold, withdrawn, all."),
    key("s", "sort", "Sort", "Newest, oldest, cheapest, dearest or soonest first."),
)
"""Of the list, behind those of what can be done with a ticket."""


class TicketList(Filtering, Panes):
    """Tickets, newest first unless told otherwise; which of them, its heirs say."""

    def body(self) -> Iterable[Widget]:
        """The list with its filter, the details of the row under the cursor, and what is held."""
        with Horizontal(id="panes"):
            with Vertical(id="list"):
                yield self.entry("words in title or venue")
                yield Rows(
                    self.columns(),
                    key=lambda ticket: ticket.id,
                    is_stale=self.is_stale,
                    empty=self.empty,
                    id="tickets",
                )
            yield Details(id="details")
            yield self.aside()

    def columns(self) -> list[Column[TicketOut]]:
        """What is told of each ticket."""
        return [
            Column("", lambda one: self.mark_of(one).sign, 1, style=lambda one: self.mark_of(one).style),
            Column("ticket", lambda one: one.title, 16, grows=3),
            Column("price", lambda one: shown(one.price, one.currency), 14, is_number=True),
            Column(
                "status", lambda one: self.mark_of(one).word, 10, style=lambda one: self.mark_of(one).style
            ),
            Column("starts", lambda one: day(one.starts_at), 21, needs=76),
            Column("venue", lambda one: one.venue or "", 10, grows=2, needs=92),
        ]

    # --- what its heirs say -------------------------------------------------------------------------------

    def begin(self) -> None:
        """What is shown before anything was read."""
        self._owner = self.whose
        self.catalogue = Catalogue(self.tui.memory.wished(self.VIEW), owner=self.whose)

    def mark_of(self, ticket: TicketOut) -> Mark:
        """Its state."""
        return mark(TICKET, ticket.status)

    def note_of(self, ticket: TicketOut) -> str:
        """A sentence below the details."""
        raise NotImplementedError

    def empty(self) -> str:
        """Why there is no row."""
        if (why := self.why_unread) is not None:
            return why
        if self.catalogue.wish.text or self.catalogue.wish.status:
            return self.keyed("No ticket fits. Press {back} to take the filter away, {status} for others.")
        return "" if self.fresh_at else "Reading…"

    @property
    def ticket(self) -> TicketOut | None:
        """The one under the cursor."""
        return self.rows.current

    def on_mount(self) -> None:
        """Show what is known, and read."""
        self.begin()
        self.show(keep=False)
        self.read(anew=True)
        self.set_interval(TICK, self._count_down)

    def _count_down(self) -> None:
        """A note may say how long something is held."""
        if self.ticket is not None and self.is_current and self.holds.counting:
            self.query_one(Details).note(self.note_of(self.ticket))

    @on(HoldsChanged)
    @on(Sending)
    def _holds_changed(self) -> None:
        """A row may be one's own now, or be asked for."""
        self.rows.refresh()
        self.tell_details()

    @on(Rows.Moved, "#tickets")
    def _moved(self) -> None:
        self.tell_details()
        if self.near_end():
            self.read()

    def tell_details(self) -> None:
        """Of the row under the cursor, or why there is none."""
        if not self.is_drawn:
            return
        self.query_one("#keys").refresh()  # another row, other actions that are dimmed
        ticket = self.ticket
        if ticket is None:
            self.query_one(Details).show(None)
            self.rows.refresh()  # which says why
            return
        self.query_one(Details).show(ticket, state=self.mark_of(ticket), note=self.note_of(ticket))

    # --- actions ------------------------------------------------------------------------------------------

    def action_refresh(self) -> None:
        """From the first page on."""
        super().action_refresh()
        self.read(anew=True)

    def action_back(self) -> None:
        """Out of the details, then out of the filter, to where one was before it."""
        if self.has_class("-zoomed"):
            self.action_zoom()
        elif not self.leave_filter():
            self.workers.cancel_group(self, "rest")

    def copyable(self) -> dict[str, str]:
        """Of the ticket under the cursor, and what needs none."""
        ticket, commands = self.ticket, self.commands()
        return copies(self.session, ticket, commands) if ticket else commands

    def done_to(self) -> Mapping[str, str]:
        """The ticket under the cursor."""
        return {"ticket": str(self.ticket.id)} if self.ticket else {}

    # --- what is wished for -------------------------------------------------------------------------------

    def action_status(self) -> None:
        """The next status, or all."""
        at = STATUSES.index(self.catalogue.wish.status)
        self.wish(status=STATUSES[(at + 1) % len(STATUSES)])

    def action_sort(self) -> None:
        """The next order."""
        sorts = list(SORTS)
        self.wish(sort=sorts[(sorts.index(self.catalogue.wish.sort) + 1) % len(sorts)])
