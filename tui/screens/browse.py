"""The tickets on sale, live: filter, sort, look, hold."""

import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, ClassVar
from uuid import UUID

from textual import on, work
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input, Static

from client import Conflict, TixError
from client.money import shown
from server.tickets.schemas import Status, TicketOut
from tui.actions import TWINS, guarded, key
from tui.catalogue import SORTS, Catalogue
from tui.messages import HoldsChanged, LinkChanged, TicketsChanged
from tui.screens.checkout import Checkout
from tui.screens.view import View
from tui.widgets.details import Details
from tui.widgets.rows import Column, Rows
from tui.words import TICKET, Mark, clock, day, mark

STATUSES: tuple[Status | None, ...] = (None, "available", "reserved", "sold", "withdrawn")
ASK_AFTER = 0.25
"""Seconds after the last key of a filter until the server is asked; what is there is searched at once."""
NEAR_END = 50
"""Rows before the last one at which the next page is read."""


class Browse(View):
    """All tickets, newest first unless told otherwise."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("b", "hold", "Hold", "Hold this ticket for 15 minutes and go on to payment."),
        key(
            "slash", "filter", "Filter", "Words in title or venue; begin with ! to leave out what they find."
        ),
        key(
            "f", "status", "Status", "Only tickets of one status: available, reserved, sold, withdrawn, all."
        ),
        key("s", "sort", "Sort", "Newest, oldest, cheapest, dearest or soonest first."),
        key("z", "zoom", "Zoom", "The details alone, or the list alone again.", show=False),
    ]

    def __init__(self) -> None:
        """Nothing was read yet."""
        super().__init__()
        self.catalogue = Catalogue()
        self._holding: set[UUID] = set()
        self._asking: Timer | None = None
        self._wants_all = False

    def body(self) -> Iterable[Widget]:
        """The list with its filter, and the details of the row under the cursor."""
        with Horizontal(id="panes"):
            with Vertical(id="list"):
                yield Input(placeholder="words in title or venue", id="filter", compact=True)
                yield Static(id="chips")
                yield Rows(
                    self._columns(), key=lambda ticket: ticket.id, is_stale=self._is_stale, id="tickets"
                )
            yield Details(id="details")

    def _columns(self) -> list[Column[TicketOut]]:
        return [
            Column("", lambda one: self._mark(one).sign, 1, style=lambda one: self._mark(one).style),
            Column("ticket", lambda one: one.title, 16, grows=3),
            Column("price", lambda one: shown(one.price, one.currency), 14, is_number=True),
            Column("status", lambda one: self._mark(one).word, 10, style=lambda one: self._mark(one).style),
            Column("starts", lambda one: day(one.starts_at), 21, needs=76),
            Column("venue", lambda one: one.venue or "", 10, grows=2, needs=92),
        ]

    def _mark(self, ticket: TicketOut) -> Mark:
        """Ours first: a hold that was asked for, or one's own."""
        if ticket.id in self._holding:
            return TICKET["holding"]
        held = self.holds.of_ticket(ticket.id)
        return Mark("◐", "yours", "success") if held else mark(TICKET, ticket.status)

    def _is_stale(self) -> bool:
        return self.session.is_online is False

    @property
    def rows(self) -> Rows[TicketOut]:
        """The list."""
        return self.query_one("#tickets", Rows)

    @property
    def ticket(self) -> TicketOut | None:
        """The one under the cursor."""
        return self.rows.current

    def on_mount(self) -> None:
        """Show what was kept, and read."""
        self.query_one("#filter").display = False
        self.rows.focus()
        wish, tickets = self.tui.memory.browsed()
        self.catalogue = Catalogue(wish)
        self.catalogue.take(tickets)
        self._show(keep=False)
        self.read(anew=True)

    # --- reading ------------------------------------------------------------------------------------------

    @work(exclusive=True, group="read")
    async def read(self, *, anew: bool = False) -> None:
        """The first page of what is wished for, or the next one."""
        catalogue = Catalogue(self.catalogue.wish) if anew else self.catalogue
        try:
            await catalogue.read(self.session.tix)
        except TixError as error:
            if self.session.is_online:  # else the banner says it
                self.failed("Reading tickets", error)
            return
        self.fresh_at = time.monotonic()
        if anew:
            self.catalogue = catalogue
            self.tui.memory.browse(catalogue.wish, catalogue.shown())
        self._show()
        if self._wants_all and not catalogue.is_whole:
            self.read()
        elif self._wants_all:
            self._wants_all = False
            self.rows.action_go(-1)

    def _show(self, *, keep: bool = True) -> None:
        if not self.is_drawn:
            return
        self.rows.show(self.catalogue.shown(), keep=keep)
        self._tell_chips()

    def _tell_chips(self) -> None:
        """How many there are, and by what they were chosen."""
        wish, count = self.catalogue.wish, len(self.rows)
        self.tui.memory.wish(wish)
        more = "" if self.catalogue.is_whole else "+"
        parts = [f"{count}{more} ticket{'' if count == 1 else 's'}", SORTS[wish.sort]]
        parts += [f"only {wish.status}"] if wish.status else []
        parts += [f"/{wish.text}"] if wish.text else []
        self.query_one("#chips", Static).update(Content(" · ".join(parts)))

    def on_tickets_changed(self, message: TicketsChanged) -> None:
        """What the stream told; whatever was missed is read."""
        if message.tickets is None:
            self.read(anew=True)
        elif self.catalogue.hear(message.tickets):
            self._show()
        else:
            for ticket in message.tickets:
                self.rows.put(ticket)

    def on_link_changed(self, _: LinkChanged) -> None:
        """Dim the rows, or brighten them; one who came back reads anew by what the stream says."""
        self.rows.refresh()
        self._tell_details()

    def on_holds_changed(self, _: HoldsChanged) -> None:
        """A row may be one's own now."""
        self.rows.refresh()
        self._tell_details()

    @on(Rows.Moved, "#tickets")
    def _moved(self) -> None:
        self._tell_details()
        if self.rows.cursor >= len(self.rows) - NEAR_END and not self.catalogue.is_whole and self.fresh_at:
            self.read()

    def _tell_details(self) -> None:
        if not self.is_drawn:
            return
        ticket = self.ticket
        if ticket is None:
            self.query_one(Details).show(None, note=self._empty())
            return
        why = self.why_not("hold")
        held = self.holds.of_ticket(ticket.id)
        if held is not None:
            note = f"You hold it for {clock(held.left)} more: press enter to pay."
        else:
            note = why or "Press b to hold it for 15 minutes."
        self.query_one(Details).show(ticket, state=self._mark(ticket), note=note)

    def _empty(self) -> str:
        if self.session.is_online is False:
            return "Nothing was read yet, and Tix does not answer."
        if self.catalogue.wish.text or self.catalogue.wish.status:
            return "No ticket fits. Esc takes the filter away; f shows every status."
        return "There is no ticket yet. Press 3 to list one." if self.fresh_at else "Reading…"

    # --- actions ------------------------------------------------------------------------------------------

    def why_not(self, action: str) -> str | None:
        """A hold needs a ticket that is free and another's."""
        ticket = self.ticket
        if action == "hold" and ticket is not None:
            if self.session.owns(ticket.user_id):
                return "It is your own: nobody buys from oneself."
            if ticket.status != "available":
                return {
                    "reserved": "Somebody holds it; it may become free again.",
                    "sold": "It is sold.",
                    "withdrawn": "It is not on sale any more.",
                }.get(ticket.status, f"It is {ticket.status}.")
        if action == "hold" and ticket is None:
            return "There is no ticket here."
        return super().why_not(action)

    @guarded
    def action_hold(self) -> None:
        """Hold the ticket under the cursor: shown at once, taken back if it is refused."""
        if self.ticket is not None and self.ticket.id not in self._holding:
            self._holding.add(self.ticket.id)
            self.rows.refresh()
            self._tell_details()
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
            self._tell_details()
        self.tui.take_hold(order)
        self.app.push_screen(Checkout(order))

    @on(Rows.Chosen, "#tickets")
    def _open(self) -> None:
        held = self.holds.of_ticket(self.ticket.id) if self.ticket else None
        if held is not None:
            self.app.push_screen(Checkout(held.order))
        else:
            self.action_zoom()

    def action_zoom(self) -> None:
        """The details alone, and back."""
        self.toggle_class("-zoomed")
        (self.query_one(Details) if self.has_class("-zoomed") else self.rows).focus()

    def action_refresh(self) -> None:
        """From the first page on."""
        super().action_refresh()
        self.read(anew=True)

    def action_back(self) -> None:
        """Out of the details, then out of the filter."""
        if self.has_class("-zoomed"):
            self.action_zoom()
        elif self.query_one("#filter").display or self.catalogue.wish.text:
            self._filter_by("")
            self.query_one("#filter", Input).display = False
            self.rows.focus()

    def copyable(self) -> dict[str, str]:
        """Of the ticket under the cursor."""
        ticket = self.ticket
        if ticket is None:
            return {}
        found = {"id": str(ticket.id), "JSON": ticket.model_dump_json(by_alias=True)}
        if self.session.shop:
            found["address"] = f"{self.session.shop.rstrip('/')}/tickets/{ticket.id}"
        for name in ("hold", "show_ticket"):
            found[f"command to {name.partition('_')[0]}"] = TWINS[name].format(ticket=ticket.id)
        return found

    # --- what is wished for -------------------------------------------------------------------------------

    def _wish(self, **changed: Any) -> None:  # noqa: ANN401 - fields of a Wish
        self.catalogue = Catalogue(replace(self.catalogue.wish, **changed))
        self._show(keep=False)
        self.read(anew=True)

    def action_status(self) -> None:
        """The next status, or all."""
        at = STATUSES.index(self.catalogue.wish.status)
        self._wish(status=STATUSES[(at + 1) % len(STATUSES)])

    def action_sort(self) -> None:
        """The next order."""
        sorts = list(SORTS)
        self._wish(sort=sorts[(sorts.index(self.catalogue.wish.sort) + 1) % len(sorts)])

    def action_filter(self) -> None:
        """Type what to look for."""
        entry = self.query_one("#filter", Input)
        entry.display = True
        entry.value = self.catalogue.wish.text
        entry.focus()

    @on(Input.Changed, "#filter")
    def _typed(self, event: Input.Changed) -> None:
        if event.value != self.catalogue.wish.text:
            self._filter_by(event.value)

    @on(Input.Submitted, "#filter")
    def _entered(self) -> None:
        self.query_one("#filter").display = bool(self.catalogue.wish.text)
        self.rows.focus()

    def _filter_by(self, text: str) -> None:
        """At once among what is there; the server is asked when no key was pressed for a while."""
        self.catalogue.narrow(text)
        self._show()
        if self._asking is not None:
            self._asking.stop()
        self._asking = self.set_timer(ASK_AFTER, lambda: self.read(anew=True))
