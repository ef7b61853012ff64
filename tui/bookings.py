"""The orders that are in memory: one's own, or those of one's own listings, newest first."""

from collections.abc import Iterable
from uuid import UUID

from client import Tix
from client.story import is_buyer
from server.kit.schemas import Page
from server.orders.schemas import OrderOut, OrderQuery, OrderWithHistory
from tui.holds import UNDER_WAY
from tui.pages import PAGE, Pages

SETTLED = frozenset({"complete", "disputed"})


class Bookings(Pages[OrderOut]):
    """What was read for one role and status; one that has left the status stays, for it is looked at."""

    def __init__(self, role: str = "buyer", status: str | None = None) -> None:
        """`role`: buyer, or seller for the orders of one's own listings."""
        super().__init__()
        self.role, self.status = role, status

    async def _ask(self, tix: Tix, cursor: str | None) -> Page[OrderOut]:
        given = {"role": self.role, "status": self.status, "cursor": cursor, "limit": PAGE}
        asked = {name: value for name, value in given.items() if value is not None}
        return await tix.list_orders(OrderQuery.model_validate(asked))

    def _fits(self, order: OrderOut) -> bool:
        return is_buyer(order) == (self.role == "buyer") and self.status in {None, order.status}

    def _place(self, order: OrderOut) -> UUID:
        return order.id  # which is by time

    def _is_newer(self, order: OrderOut, than: OrderOut) -> bool:
        """One with its history tells more than one without."""
        if order.version == than.version:
            return isinstance(order, OrderWithHistory) and not isinstance(than, OrderWithHistory)
        return super()._is_newer(order, than)

    def of_tickets(self, ticket_ids: Iterable[UUID]) -> list[UUID]:
        """The orders of these tickets that may have changed with them."""
        wanted = set(ticket_ids)
        live = UNDER_WAY | SETTLED
        return [it.id for it in self._items.values() if it.ticket.id in wanted and it.status in live]

    @property
    def why_empty(self) -> str:
        """What to know where there is none, and what to press: in braces the ids of actions."""
        if self.status:
            return "No order has this status. {status} chooses another, or all."
        if self.role == "seller":
            return "Nobody has ordered what you list. {role} shows what you bought."
        return "You have no order yet. Press {view_browse} to find a ticket."
