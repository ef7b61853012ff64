"""A ticket in full, with what can be done about it."""

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from cli.output import harmless
from client.money import shown
from server.tickets.schemas import TicketOut
from tui.words import TICKET, Mark, day, mark


class Details(VerticalScroll, can_focus=True):
    """What is known about one ticket."""

    def compose(self) -> ComposeResult:
        """Title, price and state, then facts."""
        yield Static(id="title")
        yield Static(id="price")
        yield Static(id="facts")

    def show(self, ticket: TicketOut | None, *, state: Mark | None = None, note: str = "") -> None:
        """This ticket; `state` where ours is newer than the server's, `note` a sentence below."""
        self.set_class(ticket is None, "-empty")
        title, price, facts = (self.query_one(f"#{name}", Static) for name in ("title", "price", "facts"))
        if ticket is None:
            title.update(Content(note))
            price.update("")
            facts.update("")
            return
        state = state or mark(TICKET, ticket.status)
        title.update(Content(harmless(ticket.title)))
        cost = shown(ticket.price, ticket.currency)
        price.update(Content.assemble((cost, "bold"), "   ", (str(state), state.colour)))
        rows = (
            ("venue", ticket.venue),
            ("seat", ticket.seat),
            ("starts", day(ticket.starts_at)),
            ("listed", day(ticket.created_at)),
            ("id", str(ticket.id)),
            ("your id", ticket.external_id),
        )
        lines = "\n".join(f"{name:<8} {harmless(value)}" for name, value in rows if value)
        facts.update(Content(f"{lines}\n\n{note}" if note else lines))
