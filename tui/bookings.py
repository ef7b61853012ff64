"""The orders that are in memory: read page by page, kept up to date by what is told."""

from collections.abc import Iterable
from uuid import UUID

from client import Tix
from client.story import is_buyer
from server.orders.schemas import OrderOut, OrderQuery, OrderWithHistory
from tui.holds import UNDER_WAY

PAGE = 100
SETTLED = frozenset({"complete", "disputed"})


class Bookings:
    """What was read for one role and status, newest first, a page at a time."""

    def __init__(self, role: str = "buyer", status: str | None = None) -> None:
        """`role`: buyer, or seller for the orders of one's own listings."""
        self.role, self.status = role, status
        self._orders: dict[UUID, OrderOut] = {}
        self._cursor: str | None = None
        self.is_whole = False
        """Whether the last page was read."""

    def get(self, order_id: UUID) -> OrderOut | None:
        """One that is in memory."""
        return self._orders.get(order_id)

    async def read(self, tix: Tix) -> None:
        """The next page. Raises TixError."""
        given = {"role": self.role, "status": self.status, "cursor": self._cursor, "limit": PAGE}
        query = OrderQuery.model_validate({name: value for name, value in given.items() if value is not None})
        page = await tix.list_orders(query)
        for order in page.items:
            self._take(order)
        self._cursor, self.is_whole = page.next_cursor, page.next_cursor is None
        self._sort()

    def _take(self, order: OrderOut) -> None:
        old = self._orders.get(order.id)
        if old is not None and order.version < old.version:
            return
        is_less = isinstance(old, OrderWithHistory) and not isinstance(order, OrderWithHistory)
        if not (is_less and old is not None and old.version == order.version):
            self._orders[order.id] = order

    def _sort(self) -> None:
        """Newest first: ids are by time."""
        self._orders = {
            one.id: one for one in sorted(self._orders.values(), key=lambda it: it.id, reverse=True)
        }

    def hear(self, order: OrderOut) -> bool:
        """Take an order as it is now; whether it is one of these."""
        if order.id not in self._orders:
            if is_buyer(order) != (self.role == "buyer") or self.status not in {None, order.status}:
                return False
            if not self.is_whole and self._orders and order.id < next(reversed(self._orders)):
                return False  # it is on a page that was not read yet
        self._take(order)
        self._sort()
        return True

    def of_tickets(self, ticket_ids: Iterable[UUID]) -> list[UUID]:
        """The orders of these tickets that may have changed with them."""
        wanted = set(ticket_ids)
        live = UNDER_WAY | SETTLED
        return [it.id for it in self._orders.values() if it.ticket.id in wanted and it.status in live]

    def shown(self) -> list[OrderOut]:
        """All of them; one that has left the status stays, for it is being looked at."""
        return list(self._orders.values())

    @property
    def why_empty(self) -> str:
        """What to know where there is none, and what to press: in braces the ids of actions."""
        if self.status:
            return "No order has this status. {status} chooses another, or all."
        if self.role == "seller":
            return "Nobody has ordered what you list. {role} shows what you bought."
        return "You have no order yet. Press {view_browse} to find a ticket."
