"""What was heard and said in this run, a line each."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count

from client.money import shown
from client.story import price
from server.orders.schemas import OrderOut
from server.tickets.schemas import TicketOut
from tui.words import ORDER, TICKET, Mark, mark, sentence

KEPT = 1000
MANY = 20
"""More tickets than this that change at once are told in one line."""
KINDS: Mapping[str, Mark] = {
    "information": Mark("✓", "done", "success"),
    "warning": Mark("!", "note", "warning"),
    "error": Mark("✗", "error", "error"),
    "ticket": Mark("●", "ticket", "secondary"),
    "order": Mark("◐", "order", "secondary"),
}
"""The first three are toasts, by how grave they are."""

ANNOUNCED: Mapping[str, tuple[str, str]] = {
    "complete": ("information", "Paid {price}: “{title}” is yours."),
    "cancelled": ("information", "“{title}” was given up; nothing was taken."),
    "expired": ("warning", "The hold on “{title}” has ended; nothing was taken."),
    "rejected": ("error", "The payment for “{title}” came to nothing; no money was taken."),
    "revoked": ("warning", "“{title}” was taken back; your {price} is on its way to you."),
    "refunded": ("information", "Your {price} for “{title}” was given back."),
    "disputed": (
        "warning",
        "Your bank asks for the money for “{title}” back; the ticket is yours until then.",
    ),
    "charged_back": ("warning", "Your bank gave you the money for “{title}” back; the ticket is void."),
}
"""What an order of one's own has come to → how grave that is, and a toast."""


def announced(order: OrderOut) -> tuple[str, str] | None:
    """How grave it is what an order of one's own has come to, in a sentence; None: not worth a toast."""
    found = ANNOUNCED.get(order.status)
    return found and (found[0], found[1].format(price=price(order), title=order.ticket.title))


@dataclass(frozen=True)
class Line:
    """One thing that was heard or said; `number` tells lines apart."""

    number: int
    at: datetime
    kind: str
    text: str

    @property
    def mark(self) -> Mark:
        """Of its kind."""
        return mark(KINDS, self.kind)

    def fits(self, wish: str) -> bool:
        """Whether all words are in it; a wish beginning with `!` leaves out what it finds."""
        words = wish.removeprefix("!").casefold().split()
        said = f"{self.mark.word} {self.text}".casefold()
        fits = all(word in said for word in words)
        return not (words and fits) if wish.startswith("!") else fits


class Journal:
    """The newest `KEPT` lines."""

    def __init__(self, told: Callable[[], None]) -> None:
        """`told` is called after each, or after those that came at once."""
        self._told = told
        self._lines: deque[Line] = deque(maxlen=KEPT)
        self._numbers = count()

    def __len__(self) -> int:
        """How many lines there are."""
        return len(self._lines)

    def add(self, kind: str, text: str) -> None:
        """A line of this kind, now."""
        self._add(kind, text)
        self._told()

    def _add(self, kind: str, text: str) -> None:
        self._lines.append(Line(next(self._numbers), datetime.now(UTC), kind, text))

    def add_tickets(self, tickets: Sequence[TicketOut]) -> None:
        """Tickets that changed at once; told once."""
        if len(tickets) > MANY:
            self.add("ticket", f"{len(tickets)} tickets changed.")
            return
        for ticket in tickets:
            state = mark(TICKET, ticket.status).word
            cost = shown(ticket.price, ticket.currency)
            self._add("ticket", f"“{ticket.title}” is {state} at {cost}.")
        self._told()

    def add_order(self, order: OrderOut, step: str | None) -> None:
        """An order's step in words, where it is known."""
        self.add("order", f"“{order.ticket.title}”: {sentence(step or mark(ORDER, order.status).word)}")

    def found(self, wish: str) -> list[Line]:
        """Those that fit, the newest first."""
        return [line for line in reversed(self._lines) if line.fits(wish)]
