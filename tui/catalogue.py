"""The tickets that are in memory, and what they were asked for by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from client import Tix
from server.kit.schemas import Page
from server.tickets.schemas import Sort, Status, TicketOut, TicketQuery
from tui.pages import PAGE, Pages

LONGEST = 200
"""Characters of a search that the server takes."""
LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Wish:
    """What is looked for; `text` beginning with `!` leaves out what it finds."""

    text: str = ""
    status: Status | None = None
    sort: Sort = "-createdAt"

    @property
    def asked(self) -> str:
        """The text that the server is asked for."""
        said = "".join(filter(str.isprintable, self.text)).strip()[:LONGEST]  # what it would take
        return "" if said.startswith("!") else said

    @cached_property
    def _words(self) -> list[str]:
        return self.text.removeprefix("!").casefold().split()

    def fits(self, ticket: TicketOut) -> bool:
        """Whether the text does: all its words are in title or venue, or with `!` they are not."""
        if not self._words:
            return True
        said = f"{ticket.title} {ticket.venue or ''}".casefold()
        return all(word in said for word in self._words) is not self.text.startswith("!")

    def matches(self, ticket: TicketOut) -> bool:
        """Whether text and status fit."""
        return self.status in {None, ticket.status} and self.fits(ticket)


SORTS: Mapping[Sort, str] = {
    "-createdAt": "newest first",
    "createdAt": "oldest first",
    "price": "cheapest first",
    "-price": "dearest first",
    "startsAt": "soonest first",
}
KEYS: Mapping[str, Callable[[TicketOut], Any]] = {
    "createdAt": lambda ticket: (ticket.created_at, ticket.id),
    "price": lambda ticket: (ticket.price, ticket.id),
    "startsAt": lambda ticket: (ticket.starts_at or LAST, ticket.id),
}
"""The server's orders, for what is told between two pages."""


class Catalogue(Pages[TicketOut]):
    """Tickets that fit one wish."""

    def __init__(self, wish: Wish | None = None, *, owner: UUID | None = None) -> None:
        """`owner`: only whose tickets."""
        super().__init__()
        self.wish = wish or Wish()
        self._owner = owner
        self._others: dict[UUID, TicketOut] = {}
        """What is known, too, and is of another status."""

    async def _ask(self, tix: Tix, cursor: str | None) -> Page[TicketOut]:
        wish = self.wish
        given = {"q": wish.asked or None, "status": wish.status, "user_id": self._owner, "cursor": cursor}
        asked = {name: value for name, value in given.items() if value is not None}
        return await tix.list_tickets(TicketQuery.model_validate({"sort": wish.sort, "limit": PAGE, **asked}))

    def _fits(self, ticket: TicketOut) -> bool:
        return self._owner in {None, ticket.user_id} and self.wish.matches(ticket)

    def _place(self, ticket: TicketOut) -> Any:  # noqa: ANN401 - whatever can be compared
        return KEYS[self.wish.sort.removeprefix("-")](ticket)

    @property
    def _is_descending(self) -> bool:
        return self.wish.sort.startswith("-")

    def narrowed(self, text: str) -> "Catalogue":
        """Another text, among what is there."""
        found = Catalogue(replace(self.wish, text=text), owner=self._owner)
        found._items, found._others = dict(self._items), self._others
        return found

    def turned(self, **changed: Any) -> "Catalogue":  # noqa: ANN401 - fields of a Wish
        """Another status or order, among what is there."""
        found = Catalogue(replace(self.wish, **changed), owner=self._owner)
        known = {**self._others, **self._items}
        fitting = (ticket for ticket in known.values() if found.wish.status in {None, ticket.status})
        ordered = sorted(fitting, key=found._place, reverse=found._is_descending)
        found._items = {ticket.id: ticket for ticket in ordered}
        found._others = {id_: ticket for id_, ticket in known.items() if id_ not in found._items}
        return found

    def shown(self) -> list[TicketOut]:
        """Those that fit the text; one that changed its status stays, for it is being looked at."""
        return [ticket for ticket in self._items.values() if self.wish.fits(ticket)]
