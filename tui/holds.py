"""One's own orders that are under way, each followed by its stream, with how long they have left."""

from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

from cli.clock import steady
from client import NotFound, watch_order
from server.orders.schemas import Decline, OrderOut, OrderQuery, OrderWithHistory
from tui.session import Session

UNDER_WAY = frozenset({"created", "accepted"})
SOON, URGENT = 120, 30
"""Seconds before the end at which the colour, the words and a bell say so."""


class Held:
    """An order and the moment, by our own steady clock, at which its hold ends by the server's."""

    def __init__(self, order: OrderOut) -> None:
        """As the server has just answered it: `server_time` is its clock at that moment."""
        self.order = order
        self.ends = steady() + (order.expires_at - order.server_time).total_seconds()

    @property
    def left(self) -> float:
        """Seconds until the hold ends; below zero: it has."""
        return self.ends - steady()

    @property
    def is_counting(self) -> bool:
        """Whether a countdown says something about it."""
        return self.order.status == "created"


class Holds:
    """Whatever of one's own is under way."""

    def __init__(self, session: Session) -> None:
        """Nothing is known yet."""
        self._session = session
        self._held: dict[UUID, Held] = {}
        self._told: set[object] = set()

    def get(self, order_id: UUID) -> Held | None:
        """What was last heard of an order."""
        return self._held.get(order_id)

    def of_ticket(self, ticket_id: UUID) -> Held | None:
        """One's own order of this ticket that is under way."""
        found = (held for held in self._held.values() if held.order.ticket.id == ticket_id)
        return next((held for held in found if held.order.status in UNDER_WAY), None)

    @property
    def counting(self) -> list[Held]:
        """Those that end unless they are paid, the soonest first."""
        return sorted((held for held in self._held.values() if held.is_counting), key=lambda held: held.left)

    def hear(self, order: OrderOut) -> bool:
        """Take an order as it is now; whether that is news."""
        old = self._held.get(order.id)
        if old is not None and order.version < old.order.version:
            return False
        self._held[order.id] = new = Held(order)
        if old is not None and old.order.expires_at == order.expires_at:
            # An answer that was long on its way, or is a repeated one, tells a later end than there is.
            new.ends = min(new.ends, old.ends)
        return old is None or old.order.version != order.version

    def due(self) -> list[tuple[Held, int]]:
        """Holds that came within `SOON` or `URGENT` seconds of their end since this was asked last."""
        found = []
        for held in self.counting:
            reached = next((limit for limit in (URGENT, SOON) if held.left <= limit), None)
            key = (held.order.id, held.order.version, reached)  # anew once it is extended
            if reached is not None and held.left > 0 and key not in self._told:
                self._told.add(key)
                found.append((held, reached))
        return found

    def forget(self) -> None:
        """All of them: somebody else is signed in."""
        self._held.clear()

    async def find(self) -> list[OrderOut]:
        """Those that are under way now. Raises TixError."""
        found: list[OrderOut] = []
        for status in ("created", "accepted"):
            query = OrderQuery.model_validate({"status": status, "limit": 100})
            found += (await self._session.tix.list_orders(query)).items
        return found

    async def follow(
        self, order_id: UUID, tell: Callable[[OrderWithHistory | Decline], None], *, whole: bool = False
    ) -> None:
        """Tell each change of an order while it is under way; `whole`: until nothing more will come."""
        with suppress(NotFound):
            async with watch_order(self._session.feed, order_id) as changes:
                async for news in changes:
                    tell(news)
                    if isinstance(news, OrderWithHistory) and not (whole or news.status in UNDER_WAY):
                        return
