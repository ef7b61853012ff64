"""What was read a page at a time, and is kept up to date by what is told."""

from collections.abc import Iterable
from typing import Any, Generic, Protocol, Self, TypeVar
from uuid import UUID

from client import Tix
from server.kit.schemas import Page

PAGE = 100


class Versioned(Protocol):
    """Of two that have the same id the one with the higher version is newer."""

    @property
    def id(self) -> UUID:
        """Whose."""

    @property
    def version(self) -> int:
        """It grows with each change."""


T = TypeVar("T", bound=Versioned)


class Pages(Generic[T]):
    """What fits one question, in its order; whichever way it comes, nothing older replaces what is newer."""

    def __init__(self) -> None:
        """Nothing was read yet."""
        self._items: dict[UUID, T] = {}
        self._cursor: str | None = None
        self._early: list[T] | None = None
        self.is_whole = False
        """Whether the last page was read."""

    # --- what its heirs say -------------------------------------------------------------------------------

    async def _ask(self, tix: Tix, cursor: str | None) -> "Page[T]":  # evaluated, it would be a new model
        """One page. Raises TixError."""
        raise NotImplementedError

    def _fits(self, item: T) -> bool:
        """Whether a new one answers the question."""
        raise NotImplementedError

    def _place(self, item: T) -> Any:  # noqa: ANN401 - whatever can be compared
        """By what it stands where it does."""
        raise NotImplementedError

    @property
    def _is_descending(self) -> bool:
        return True

    def _is_newer(self, item: T, than: T) -> bool:
        """Whether it surely is, or tells more: a ticket's version counts no holds."""
        return item.version > than.version

    # --- what is there ------------------------------------------------------------------------------------

    def __len__(self) -> int:
        """How many are in memory."""
        return len(self._items)

    def get(self, item_id: UUID) -> T | None:
        """One that is in memory."""
        return self._items.get(item_id)

    def shown(self) -> list[T]:
        """All of them."""
        return list(self._items.values())

    # --- reading ------------------------------------------------------------------------------------------

    async def read(self, tix: Tix) -> None:
        """The next page. Raises TixError."""
        page = await self._ask(tix, self._cursor)
        self.take(page.items)
        self._cursor, self.is_whole = page.next_cursor, page.next_cursor is None

    async def begin(self, tix: Tix, *, rows: int = 0, before: "Self | None" = None) -> None:
        """The first page, and more of them until there are so many rows. Raises TixError.

        What is told meanwhile is taken afterwards, and so is what is known by `before`: a page may be older.
        """
        self._early = []
        try:
            await self.read(tix)
            while len(self) < rows and not self.is_whole:
                await self.read(tix)
        finally:
            early, self._early = self._early, None
        if before is not None:
            known = ((one, before.get(one.id)) for one in self._items.values())
            self.take([old for one, old in known if old is not None and self._is_newer(old, one)])
        self.hear(early)

    def take(self, items: Iterable[T]) -> None:
        """Put them behind those that are there; what is known already stays where it is."""
        for item in items:
            old = self._items.get(item.id)
            if old is None or not self._is_newer(old, item):
                self._items[item.id] = item

    def hear(self, told: Iterable[T]) -> bool:
        """Take what was told; whether there are rows that were not there before."""
        if self._early is not None:
            self._early += told
            return False
        before = len(self)
        self.take(one for one in told if one.id in self._items or self._belongs(one))
        if len(self) == before:
            return False
        ordered = sorted(self._items.values(), key=self._place, reverse=self._is_descending)
        self._items = {one.id: one for one in ordered}
        return True

    def _belongs(self, item: T) -> bool:
        """Whether a new one is among what was read: beyond the last page it will be found later."""
        if not self._fits(item):
            return False
        if self.is_whole or not self._items:
            return True
        last, this = self._place(next(reversed(self._items.values()))), self._place(item)
        return bool(last < this if self._is_descending else this < last)
