"""An order in full: facts, every step it took, and what to do about it."""

from textual.content import Content
from textual.widgets import Static

from cli.output import harmless
from client.story import attention, price, told
from server.orders.schemas import OrderOut, OrderWithHistory
from tui.widgets.details import Details
from tui.words import ORDER, day, mark, sentence


def steps(order: OrderOut) -> str:
    """A line for each step with its time of day; nothing before it was read with its history."""
    history = order.history if isinstance(order, OrderWithHistory) else []
    return "\n".join(f"{step.at.astimezone():%H:%M:%S}  {harmless(told(step, order))}" for step in history)


class Story(Details):
    """What is known about one order."""

    def tell(self, order: OrderOut | None, *, note: str = "") -> None:
        """This order; `note` is a sentence below, or all there is."""
        if order is None:
            self.show(None, note=note)
            return
        self.remove_class("-empty")
        state = mark(ORDER, order.status)
        title, cost, facts = (self.query_one(f"#{name}", Static) for name in ("title", "price", "facts"))
        title.update(Content(harmless(order.ticket.title)))
        cost.update(Content.assemble((price(order), "bold"), "   ", (str(state), f"${state.style}")))
        rows = (
            ("venue", order.ticket.venue),
            ("seat", order.ticket.seat),
            ("starts", day(order.ticket.starts_at)),
            ("ordered", day(order.created_at)),
            ("id", str(order.id)),
        )
        lines = "\n".join(f"{name:<8} {harmless(value)}" for name, value in rows if value)
        warning = attention(order)
        parts = (lines, steps(order), f"! {sentence(warning)}" if warning else "", note)
        facts.update(Content("\n\n".join(filter(None, parts))))
