"""An order in full: facts, every step it took, and what to do about it."""

from collections.abc import Callable, Iterable
from typing import ClassVar
from uuid import UUID

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from cli.output import harmless
from client.story import attention, price, told
from server.orders.schemas import OrderOut, OrderWithHistory
from tui.holds import Held
from tui.widgets.countdown import Countdown
from tui.widgets.details import Details, costs
from tui.widgets.hanging import Hanging, Item, Told
from tui.words import ORDER, day, mark, sentence


def steps(order: OrderOut) -> list[Item]:
    """One for each step with its time of day; none before it was read with its history."""
    history = order.history if isinstance(order, OrderWithHistory) else []
    return [
        Item(Content.styled(f"{step.at.astimezone():%H:%M:%S}  ", "$muted"), harmless(told(step, order)))
        for step in history
    ]


class Story(Details):
    """What is known about one order."""

    NAME = "Order"
    FACTS: ClassVar[tuple[str, ...]] = ("venue", "seat", "starts", "ordered", "id")

    def more(self) -> Iterable[Static]:
        """Its steps, and what somebody should look at."""
        yield Hanging(id="story")
        yield Told(id="warning")

    _of: UUID | None = None
    """The order whose steps are shown."""

    def tell(self, order: OrderOut | None, *, note: str = "") -> None:
        """This order; `note` is a sentence below, or all there is."""
        if order is None:
            self.fill("", Content(""), {}, note)
        else:
            facts = {
                "venue": order.ticket.venue,
                "seat": order.ticket.seat,
                "starts": day(order.ticket.starts_at),
                "ordered": day(order.created_at),
                "id": str(order.id),
            }
            self.fill(order.ticket.title, costs(price(order), mark(ORDER, order.status)), facts, note)
        warning = attention(order) if order else None
        self.query_one("#warning", Told).tell(f"! {sentence(warning)}" if warning else "")
        found, of = steps(order) if order else [], order.id if order else None
        if found or of != self._of:  # an answer to a change comes without any, and the stream follows
            self.query_one("#story", Hanging).list(found)
            self._of = of


class Deal(Story, can_focus=False):
    """What to know of an order beside its payment, and how long it is held; it is scrolled with that."""

    FACTS = ("venue", "seat", "starts")

    def __init__(self, held: Callable[[], Held | None]) -> None:
        """`held` as for Countdown."""
        super().__init__(id="order")
        self._held = held

    def urgent(self) -> Iterable[Widget]:
        """The time that is left."""
        yield Countdown(self._held)

    def tell(self, order: OrderOut | None, *, note: str = "") -> None:
        """As it stands now."""
        super().tell(order, note=note)
        self.query_one(Countdown).tick()
