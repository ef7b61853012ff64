"""What workers tell the screens: each a message with a typed load."""

from collections.abc import Sequence

from textual.message import Message

from server.orders.schemas import Decline, OrderWithHistory
from server.tickets.schemas import TicketOut


class LinkChanged(Message):
    """Tix began to answer, or ceased to; or someone signed in or out."""


class TicketsChanged(Message):
    """Tickets as they are after changes; `None`: changes were missed, so read anew."""

    def __init__(self, tickets: Sequence[TicketOut] | None) -> None:
        """In the order in which they were told."""
        super().__init__()
        self.tickets = tickets


class OrderChanged(Message):
    """One's own order as it is after a change."""

    def __init__(self, order: OrderWithHistory) -> None:
        """With its whole history."""
        super().__init__()
        self.order = order


class CardDeclined(Message):
    """A card was declined; the hold remains."""

    def __init__(self, decline: Decline) -> None:
        """Of which order, and why."""
        super().__init__()
        self.decline = decline


class HoldsChanged(Message):
    """Which orders of one's own are under way, or how long they have left."""


class Logged(Message):
    """The log has a line more."""


class Sending(Message):
    """Something that changes something was sent, or was answered."""
