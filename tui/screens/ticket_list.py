"""What views of tickets have in common: a live list to filter and sort, and the details of one of them."""

import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, ClassVar

from textual import on, work
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input, Static

from cli.output import harmless
from client import TixError
from client.money import shown
from server.tickets.schemas import Status, TicketOut
from tui.actions import TWINS, key
from tui.catalogue import SORTS, Catalogue, Wish
from tui.messages import HoldsChanged, LinkChanged, TicketsChanged
from tui.screens.view import View
from tui.widgets.details import Details
from tui.widgets.rows import Column, Rows
from tui.words import TICKET, Mark, day, mark

STATUSES: tuple[Status | None, ...] = (None, "available", "reserved", "sold", "withdrawn")
ASK_AFTER = 0.25
"""Seconds after the last key of a filter until the server is asked; what is there is searched at once."""
NEAR_END = 50
"""Rows before the last one at which the next page is read."""

LIST_KEYS: tuple[BindingType, ...] = (
    key("slash", "filter", "Filter", "Words in title or venue; begin with ! to leave out what they find."),
    key("f", "status", "Status", "Only tickets of one status: available, reserved, sold, withdrawn, all."),
    key("s", "sort", "Sort", "Newest, oldest, cheapest, dearest or soonest first."),
    key("z", "zoom", "Zoom", "The details alone, or the list alone again.", show=False),
)
"""Of the list, behind those of what can be done with a ticket."""

Spot = tuple[TicketOut | None, int]
"""A row, and how many lines below the top of the screen it is."""


class TicketList(View):
    """Tickets, newest first unless told otherwise; which of them, its heirs say."""

    COPIED: ClassVar[tuple[str, ...]] = ("show_ticket",)
    """Actions whose commands can be copied."""

    def __init__(self) -> None:
        """Nothing was read yet."""
        super().__init__()
        self.catalogue = Catalogue()
        self._asking: Timer | None = None
        self._fresh: Catalogue | None = None
        """What is being read, to be shown when it is here."""
        self._before: tuple[Catalogue, Spot] | None = None
        """What was shown before the filter, and where."""
        self._is_owed = False
        """Whether something is to be read from its first page on, and was not yet."""

    def body(self) -> Iterable[Widget]:
        """The list with its filter, and the details of the row under the cursor."""
        with Horizontal(id="panes"):
            with Vertical(id="list"):
                yield Input(placeholder="words in title or venue", id="filter", compact=True)
                yield Static(id="chips")
                yield Rows(
                    self.columns(), key=lambda ticket: ticket.id, is_stale=self._is_stale, id="tickets"
                )
            yield Details(id="details")

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

    def begin(self) -> Catalogue:
        """What is shown before anything was read."""
        return Catalogue()

    def anew(self, wish: Wish) -> Catalogue | None:
        """For what is wished now; None: nothing can be read."""
        return Catalogue(wish)

    def was_read(self) -> None:
        """The first page of what is wished for is here."""

    def mark_of(self, ticket: TicketOut) -> Mark:
        """Its state."""
        return mark(TICKET, ticket.status)

    def note_of(self, ticket: TicketOut) -> str:
        """A sentence below the details."""
        raise NotImplementedError

    def empty(self) -> str:
        """Why there is no row."""
        if self.session.is_online is False:
            return "Nothing was read yet, and Tix does not answer."
        if self.catalogue.wish.text or self.catalogue.wish.status:
            return "No ticket fits. Esc takes the filter away; f shows every status."
        return "" if self.fresh_at else "Reading…"

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
        """Show what is known, and read."""
        self.query_one("#filter").display = False
        self.rows.focus()
        self.catalogue = self.begin()
        self.show(keep=False)
        self.read(anew=True)

    # --- reading ------------------------------------------------------------------------------------------

    @work(exclusive=True, group="read")
    async def read(self, *, anew: bool = False, rows: int = 0) -> None:
        """What is wished for from its first page on, at least so many rows of it; or the next page."""
        anew = self._is_owed = self._is_owed or anew
        catalogue = self._fresh = self.anew(self.catalogue.wish) if anew else self.catalogue
        if catalogue is None:
            return
        try:
            await (catalogue.begin(self.session.tix, rows=rows) if anew else catalogue.read(self.session.tix))
        except TixError as error:
            if self.session.is_online:  # else the banner says it, and it is read when that goes away
                self.failed("Reading tickets", error)
            return
        finally:
            if self._fresh is catalogue:
                self._fresh = None
        self.fresh_at = time.monotonic()
        self._is_owed = False
        if anew:
            self.catalogue = catalogue
            self.was_read()
        self.show()

    @work(exclusive=True, group="read")
    async def read_rest(self) -> None:
        """All pages that are left, then to the last row; Esc ends it, and what was read stays."""
        catalogue = self.catalogue
        try:
            while not catalogue.is_whole:
                self._tell_chips(f"Reading to the end: {len(catalogue):,} so far; esc stops")
                await catalogue.read(self.session.tix)
                self.rows.show(catalogue.shown())
        except TixError as error:
            self.failed("Reading tickets", error)
        else:
            self.rows.cursor = len(self.rows) - 1
        finally:
            self._tell_chips()

    @property
    def is_reading(self) -> bool:
        """Whether a page is on its way."""
        return any(one.node is self and one.group == "read" and not one.is_finished for one in self.workers)

    def show(self, *, keep: bool = True, spot: Spot | None = None) -> None:
        """What is in memory."""
        if not self.is_drawn:
            return
        self.rows.show(self.catalogue.shown(), keep=keep, spot=spot)
        self._tell_chips()

    def _tell_chips(self, doing: str = "") -> None:
        """How many there are, and by what they were chosen."""
        if not self.is_drawn:
            return
        wish, count = self.catalogue.wish, len(self.rows)
        more = "" if self.catalogue.is_whole else "+"
        parts = [f"{count:,}{more} ticket{'' if count == 1 else 's'}", SORTS[wish.sort]]
        parts += [f"only {wish.status}"] if wish.status else []
        parts += [f"/{harmless(wish.text)}"] if wish.text else []
        self.query_one("#chips", Static).update(Content(doing or " · ".join(parts)))

    def on_tickets_changed(self, message: TicketsChanged) -> None:
        """What the stream told; whatever was missed is read, down to the cursor."""
        if message.tickets is None:
            self._before = None
            self.read(anew=True, rows=self.rows.cursor + 1)
            return
        for other in (self._fresh, self._before[0] if self._before else None):
            if other is not None and other is not self.catalogue:
                other.hear(message.tickets)
        if self.catalogue.hear(message.tickets):
            self.show()
        else:
            self.rows.put(message.tickets)

    def on_link_changed(self, _: LinkChanged) -> None:
        """Dim the rows, or brighten them; what could not be read is read."""
        if self._is_owed and self.session.is_online and not self.is_reading:
            self.read(rows=self.rows.cursor + 1)
        self.rows.refresh()
        self.tell_details()

    def on_holds_changed(self, _: HoldsChanged) -> None:
        """A row may be one's own now."""
        self.rows.refresh()
        self.tell_details()

    @on(Rows.Moved, "#tickets")
    def _moved(self) -> None:
        self.tell_details()
        is_near = self.rows.cursor >= len(self.rows) - NEAR_END
        if is_near and not (self.catalogue.is_whole or self.is_reading or self._asking) and self.fresh_at:
            self.read()

    @on(Rows.Bottom, "#tickets")
    def _bottom(self) -> None:
        if not (self.catalogue.is_whole or self._is_owed) and self.fresh_at:
            self.read_rest()

    def tell_details(self) -> None:
        """Of the row under the cursor, or why there is none."""
        if not self.is_drawn:
            return
        ticket = self.ticket
        if ticket is None:
            self.query_one(Details).show(None, note=self.empty())
            return
        self.query_one(Details).show(ticket, state=self.mark_of(ticket), note=self.note_of(ticket))

    # --- actions ------------------------------------------------------------------------------------------

    def action_zoom(self) -> None:
        """The details alone, and back."""
        self.toggle_class("-zoomed")
        (self.query_one(Details) if self.has_class("-zoomed") else self.rows).focus()

    def action_refresh(self) -> None:
        """From the first page on."""
        super().action_refresh()
        self.read(anew=True)

    def action_back(self) -> None:
        """Out of the details, then out of the filter, to where one was before it."""
        if self.has_class("-zoomed"):
            self.action_zoom()
        elif self.query_one("#filter").display or self.catalogue.wish.text:
            before, self._before = self._before, None
            self.query_one("#filter", Input).display = False
            self.rows.focus()
            if before is None:
                self._filter_by("")
            else:
                self._ask_later(None)
                self.catalogue, spot = before
                self.show(spot=spot)
        else:
            self.workers.cancel_group(self, "read")

    def copyable(self) -> dict[str, str]:
        """Of the ticket under the cursor."""
        ticket = self.ticket
        if ticket is None:
            return {}
        found = {"id": str(ticket.id), "JSON": ticket.model_dump_json(by_alias=True)}
        if self.session.shop:
            found["address"] = f"{self.session.shop.rstrip('/')}/tickets/{ticket.id}"
        for name in self.COPIED:
            found[f"command to {name.partition('_')[0]}"] = TWINS[name].format(ticket=ticket.id)
        return found

    # --- what is wished for -------------------------------------------------------------------------------

    def _wish(self, **changed: Any) -> None:  # noqa: ANN401 - fields of a Wish
        wish = replace(self.catalogue.wish, **changed)
        self.catalogue = self.anew(wish) or Catalogue(wish)
        self.show(keep=False)
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
        if self._before is None and not self.catalogue.wish.text:
            self._before = self.catalogue, self.rows.spot
        self.catalogue = (self._before[0] if self._before else self.catalogue).narrowed(text)
        self._ask_later(ASK_AFTER)
        self.show()

    def _ask_later(self, seconds: float | None) -> None:
        """What is being read is not wanted any more; None: nor is anything else."""
        self.workers.cancel_group(self, "read")
        if self._asking is not None:
            self._asking.stop()
            self._asking = None
        if seconds is not None:
            self._asking = self.set_timer(seconds, self._ask)

    def _ask(self) -> None:
        self._asking = None
        self.read(anew=True)
