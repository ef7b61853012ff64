"""A view that reads tickets page by page, and keeps up with what is told of them."""

import time

from textual import on, work
from textual.content import Content
from textual.timer import Timer

from cli.output import harmless
from client import TixError
from server.tickets.schemas import TicketOut
from tui.catalogue import SORTS, Catalogue, Wish
from tui.messages import LinkChanged, TicketsChanged
from tui.screens.view import View
from tui.widgets.rows import Rows

ASK_AFTER = 0.25
"""Seconds after the last key of a filter until the server is asked; what is there is searched at once."""
Spot = tuple[TicketOut | None, int]
"""A row, and how many lines below the top of the screen it is."""


class Reading(View):
    """Which tickets, and how they are shown, its heirs say."""

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

    # --- what its heirs say -------------------------------------------------------------------------------

    def begin(self) -> Catalogue:
        """What is shown before anything was read."""
        return Catalogue()

    def anew(self, wish: Wish) -> Catalogue | None:
        """For what is wished now; None: nothing can be read."""
        return Catalogue(wish)

    def was_read(self) -> None:
        """The first page of what is wished for is here."""

    def tell_details(self) -> None:
        """Of the row under the cursor."""
        raise NotImplementedError

    @property
    def rows(self) -> Rows[TicketOut]:
        """The list."""
        return self.query_one("#tickets", Rows)

    def is_stale(self) -> bool:
        """Whether what is shown may have changed unheard."""
        return self.session.is_online is False

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
                self.tell_chips(f"Reading to the end: {len(catalogue):,} so far; {self.key_of('back')} stops")
                await catalogue.read(self.session.tix)
                self.rows.show(catalogue.shown())
        except TixError as error:
            self.failed("Reading tickets", error)
        else:
            self.rows.cursor = len(self.rows) - 1
        finally:
            self.tell_chips()

    @property
    def is_reading(self) -> bool:
        """Whether a page is on its way."""
        return any(one.node is self and one.group == "read" and not one.is_finished for one in self.workers)

    def show(self, *, keep: bool = True, spot: Spot | None = None) -> None:
        """What is in memory."""
        if not self.is_drawn:
            return
        self.rows.show(self.catalogue.shown(), keep=keep, spot=spot)
        self.tell_chips()

    def tell_chips(self, doing: str = "") -> None:
        """How many there are, and by what they were chosen."""
        if not self.is_drawn:
            return
        wish, count = self.catalogue.wish, len(self.rows)
        more = "" if self.catalogue.is_whole else "+"
        parts = [f"{count:,}{more} ticket{'' if count == 1 else 's'}"]
        parts += [f"only {wish.status}"] if wish.status else []
        parts += [f"/{harmless(wish.text)}"] if wish.text else []
        pane = self.query_one("#list")
        pane.border_title, pane.border_subtitle = Content(doing or " · ".join(parts)), SORTS[wish.sort]

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

    @on(Rows.Bottom, "#tickets")
    def _bottom(self) -> None:
        if not (self.catalogue.is_whole or self._is_owed) and self.fresh_at:
            self.read_rest()

    # --- another text -------------------------------------------------------------------------------------

    def filter_by(self, text: str) -> None:
        """At once among what is there; the server is asked when no key was pressed for a while."""
        if self._before is None and not self.catalogue.wish.text:
            self._before = self.catalogue, self.rows.spot
        self.catalogue = (self._before[0] if self._before else self.catalogue).narrowed(text)
        self.ask_later(ASK_AFTER)
        self.show()

    def unfilter(self) -> None:
        """What was shown before the filter, where one was."""
        before, self._before = self._before, None
        if before is None:
            self.filter_by("")
        else:
            self.ask_later(None)
            self.catalogue, spot = before
            self.show(spot=spot)
            if self._is_owed:
                self.read(rows=self.rows.cursor + 1)

    def ask_later(self, seconds: float | None) -> None:
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
