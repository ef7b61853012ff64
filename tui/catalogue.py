"""The tickets that are in memory: found page by page, kept up to date by what is told."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from client import Tix
from server.tickets.schemas import Sort, Status, TicketOut, TicketQuery

PAGE = 100
LONGEST = 200
"""Characters of a search that the server takes."""
LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Wish:
    """What is looked for; `text` beginning with `!` leaves out what it finds."""

    text: str = ""
    status: Status | None = None
    sort: Sort = "-createdAt"
    mine: bool = False

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


class Catalogue:
    """What was read for one wish, a page at a time."""

    def __init__(self, wish: Wish | None = None, *, owner: UUID | None = None) -> None:
        """`owner`: only whose tickets."""
        self.wish = wish or Wish()
        self._owner = owner
        self._tickets: dict[UUID, TicketOut] = {}
        self._cursor: str | None = None
        self._early: list[TicketOut] | None = None
        self.is_whole = False
        """Whether the last page was read."""

    def __len__(self) -> int:
        """How many are in memory."""
        return len(self._tickets)

    def get(self, ticket_id: UUID) -> TicketOut | None:
        """One that is in memory."""
        return self._tickets.get(ticket_id)

    async def read(self, tix: Tix) -> list[TicketOut]:
        """The next page. Raises TixError."""
        wish = self.wish
        given = {
            "q": wish.asked or None,
            "status": wish.status,
            "user_id": self._owner,
            "cursor": self._cursor,
        }
        asked = {name: value for name, value in given.items() if value is not None}
        query = TicketQuery.model_validate({"sort": wish.sort, "limit": PAGE, **asked})
        page = await tix.list_tickets(query)
        self.take(page.items)
        self._cursor, self.is_whole = page.next_cursor, page.next_cursor is None
        return page.items

    async def begin(self, tix: Tix, *, rows: int = 0) -> None:
        """The first page, and more of them until there are so many rows. Raises TixError.

        What is told meanwhile is taken afterwards: a page may be older than it.
        """
        self._early = []
        try:
            await self.read(tix)
            while len(self) < rows and not self.is_whole:
                await self.read(tix)
        finally:
            early, self._early = self._early, None
        self.hear(early)

    def take(self, tickets: Iterable[TicketOut]) -> None:
        """Put them behind those that are there; what is known already stays where it is."""
        for ticket in tickets:
            old = self._tickets.get(ticket.id)
            if old is None or ticket.version >= old.version:
                self._tickets[ticket.id] = ticket

    def narrowed(self, text: str) -> "Catalogue":
        """Another text, among what is there."""
        found = Catalogue(replace(self.wish, text=text), owner=self._owner)
        found._tickets = dict(self._tickets)
        return found

    def hear(self, changed: Iterable[TicketOut]) -> bool:
        """Take what was told; whether there are rows that were not there before."""
        is_longer = False
        if self._early is not None:
            self._early += changed
            return False
        for ticket in changed:
            old = self._tickets.get(ticket.id)
            if old is not None:
                if ticket.version >= old.version:
                    self._tickets[ticket.id] = ticket
            elif self._belongs(ticket):
                self._tickets[ticket.id] = ticket
                is_longer = True
        if is_longer:
            name = self.wish.sort.removeprefix("-")
            ordered = sorted(self._tickets.values(), key=KEYS[name], reverse=self.wish.sort.startswith("-"))
            self._tickets = {ticket.id: ticket for ticket in ordered}
        return is_longer

    def _belongs(self, ticket: TicketOut) -> bool:
        """Whether a new one is among what was read: beyond the last page it will be found later."""
        if self._owner not in {None, ticket.user_id} or not self.wish.matches(ticket):
            return False
        if self.is_whole or not self._tickets:
            return True
        key, last = KEYS[self.wish.sort.removeprefix("-")], next(reversed(self._tickets.values()))
        first, second = (
            (key(last), key(ticket)) if self.wish.sort.startswith("-") else (key(ticket), key(last))
        )
        return bool(first < second)

    def shown(self) -> list[TicketOut]:
        """Those that fit the text; one that changed its status stays, for it is being looked at."""
        return [ticket for ticket in self._tickets.values() if self.wish.fits(ticket)]
