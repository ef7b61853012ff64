"""A ticket in full, with what can be done about it."""

from collections.abc import Iterable, Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from cli.output import harmless
from client.money import shown
from server.tickets.schemas import TicketOut
from tui.widgets.hanging import Told
from tui.widgets.pane import Pane
from tui.words import TICKET, Mark, day, mark


class Fact(Horizontal):
    """What it is called, and beside it what it is, however many lines that takes."""

    def __init__(self, name: str) -> None:
        """Not known yet."""
        super().__init__(id=f"fact-{name.replace(' ', '-')}")
        self._label = name

    def compose(self) -> ComposeResult:
        """Side by side."""
        yield Static(self._label, classes="label")
        yield Told(classes="value")

    def tell(self, value: str | None) -> None:
        """This; nothing: it is left out."""
        self.query_one(Told).tell(harmless(value or ""))
        self.display = bool(value)


class Details(Pane):
    """What is known about one ticket."""

    NAME = "Details"
    FACTS: ClassVar[tuple[str, ...]] = ("venue", "seat", "starts", "listed", "your id", "id")

    def compose(self) -> ComposeResult:
        """Title, price and state over the facts; what to do about it below."""
        yield Told(id="title")
        yield Told(id="price")
        yield from self.urgent()
        for name in self.FACTS:
            yield Fact(name)
        yield from self.more()
        yield Told(id="note")

    def urgent(self) -> Iterable[Widget]:
        """Between the price and the facts."""
        return ()

    def more(self) -> Iterable[Static]:
        """Between the facts and the note."""
        return ()

    def on_mount(self) -> None:
        """What it is about."""
        self.border_title = self.NAME

    def note(self, text: str) -> None:
        """A sentence below."""
        self.query_one("#note", Told).tell(text)

    def fill(self, title: str, price: Content, facts: Mapping[str, str | None], note: str) -> None:
        """All of it; facts that are not named are left out."""
        self.query_one("#title", Told).tell(harmless(title))
        self.query_one("#price", Told).tell(price)
        for name, one in zip(self.FACTS, self.query(Fact), strict=True):
            one.tell(facts.get(name))
        self.note(note)

    def show(self, ticket: TicketOut | None, *, state: Mark | None = None, note: str = "") -> None:
        """This ticket; `state` where ours is newer than the server's, `note` a sentence below."""
        if ticket is None:
            self.fill("", Content(""), {}, note)
            return
        state = state or mark(TICKET, ticket.status)
        facts = {
            "venue": ticket.venue,
            "seat": ticket.seat,
            "starts": day(ticket.starts_at),
            "listed": day(ticket.created_at),
            "your id": ticket.external_id,
            "id": str(ticket.id),
        }
        self.fill(ticket.title, costs(shown(ticket.price, ticket.currency), state), facts, note)


def costs(price: str, state: Mark) -> Content:
    """The price, and how it stands."""
    return Content.assemble((price, "bold"), "   ", (str(state), state.colour))
