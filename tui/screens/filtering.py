"""A list of tickets and the wish by which it was chosen: at once among what is there, then by the server."""

from collections.abc import Iterable
from typing import Any

from textual.content import Content
from textual.timer import Timer

from cli.output import harmless
from tui.catalogue import SORTS, Catalogue
from tui.messages import TicketsChanged
from tui.screens.reading import Reading, Spot
from tui.screens.searching import Searching
from tui.words import age

ASK_AFTER = 0.25
"""Seconds after the last key of a filter until the server is asked; what is there is searched at once."""


class Filtering(Reading[Catalogue], Searching):
    """Tickets by text, status and order."""

    LIST = "tickets"
    NAME = "tickets"
    VIEW: str
    """By which its wish is kept for the next run."""

    def __init__(self) -> None:
        """Nothing was wished for yet."""
        super().__init__()
        self.catalogue = Catalogue()
        self._asking: Timer | None = None
        self._before: tuple[Catalogue, Spot] | None = None
        """What was shown before the filter, and where."""
        self._owes_before = False
        """Whether that is to be read anew when it is shown again."""

    def anew(self) -> Catalogue:
        """For what is wished now."""
        return Catalogue(self.catalogue.wish, owner=self.whose)

    def kept(self) -> Iterable[Catalogue]:
        """What the filter hides."""
        return (self._before[0],) if self._before else ()

    def on_tickets_changed(self, message: TicketsChanged) -> None:
        """What the stream told; whatever was missed is read, down to the cursor."""
        if self.IS_OWN and self.whose is None:
            return
        if message.tickets is None:
            self._owes_before = True
            self.owe()
        else:
            self.hear(message.tickets)

    def tell_chips(self, doing: str = "") -> None:
        """How many there are, and by what they were chosen; kept for the next run."""
        if not self.is_drawn:
            return
        wish, count = self.catalogue.wish, len(self.rows)
        self.tui.memory.wish(self.VIEW, wish)
        more = "" if self.catalogue.is_whole or not count else "+"
        parts = [f"{count:,}{more} ticket{'' if count == 1 else 's'}"]
        parts += [f"only {wish.status}"] if wish.status else []
        parts += [f"/{harmless(wish.text)}"] if wish.text else []
        old = self.age() if count and not self.fresh_at else None
        parts += [f"as they were {age(old)} ago"] if old is not None else []
        pane = self.query_one("#list")
        pane.border_title, pane.border_subtitle = Content(doing or " · ".join(parts)), SORTS[wish.sort]

    # --- another wish -------------------------------------------------------------------------------------

    def wish(self, **changed: Any) -> None:  # noqa: ANN401 - fields of a Wish
        """Another status or order: at once among what is there, then by the server."""
        self._before = None
        self._ask_later(None)
        self.catalogue = self.catalogue.turned(**changed)
        self._is_owed = True
        self.show(keep=False)
        self.read(anew=True)

    def restart(self) -> None:
        """What a filter hid is not wished for any more, and may be somebody else's."""
        self._before = None
        self._ask_later(None)
        super().restart()

    @property
    def looked_for(self) -> str:
        """In titles and venues."""
        return self.catalogue.wish.text

    def filter_by(self, text: str) -> None:
        """At once among what is there; the server is asked when no key was pressed for a while."""
        if self._before is None and not self.catalogue.wish.text:
            self._before, self._owes_before = (self.catalogue, self.rows.spot), self._is_owed
        self.catalogue = (self._before[0] if self._before else self.catalogue).narrowed(text)
        self._ask_later(ASK_AFTER)
        self.show()

    def unfilter(self) -> None:
        """What was shown before the filter, where one was."""
        before, self._before = self._before, None
        if before is None:
            self.filter_by("")
        else:
            self._ask_later(None)
            self.catalogue, spot = before
            self.show(spot=spot)
            if self._is_owed or self._owes_before:
                self.owe()

    def _ask_later(self, seconds: float | None) -> None:
        """What is being read is not wanted any more; None: nor is anything else."""
        self.stop_reading()
        if self._asking is not None:
            self._asking.stop()
            self._asking = None
        if seconds is not None:
            self._asking = self.set_timer(seconds, self._ask)

    def _ask(self) -> None:
        self._asking = None
        self.read(anew=True)

    @property
    def why_unread(self) -> str | None:
        """Why nothing can be said yet of what is wished for; None: it was read."""
        if self.session.is_online is False:
            fitting = " that fits" if self.catalogue.wish.text or self.catalogue.wish.status else ""
            return f"Nothing{fitting} was read yet, and Tix does not answer."
        if self._asking is not None or self.is_reading:
            return "Reading…"
        return self.keyed("It could not be read. {refresh} tries again.") if self._is_owed else None

    def near_end(self) -> bool:
        """Not while a filter waits for its last key."""
        return self._asking is None and super().near_end()
