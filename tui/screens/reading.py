"""A view that reads a list page by page, and keeps up with what is told of it."""

from collections.abc import Iterable
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

from textual import on, work

from cli.clock import steady
from client import TixError
from tui.messages import LinkChanged
from tui.pages import Pages
from tui.screens.view import View
from tui.widgets.rows import Rows

P = TypeVar("P", bound=Pages[Any])
Spot = tuple[Any, int]
"""A row, and how many lines below the top of the screen it is."""
NEAR_END = 50
"""Rows before the last one at which the next page is read."""


class Reading(View, Generic[P]):
    """Which list, and how it is shown, its heirs say."""

    LIST: ClassVar[str]
    """The id of the list."""
    NAME: ClassVar[str]
    """What is in it, in the plural."""
    IS_OWN: ClassVar[bool] = False
    """Whether it is somebody's, who has to be signed in."""
    catalogue: P
    """What is shown."""

    def __init__(self) -> None:
        """Nothing was read yet."""
        super().__init__()
        self._fresh: P | None = None
        """What is being read, to be shown when it is here."""
        self._is_owed = False
        """Whether something is to be read from its first page on, and was not yet."""
        self._owner: UUID | None = None

    # --- what its heirs say -------------------------------------------------------------------------------

    def anew(self) -> P:
        """Nothing yet, for what is wished now by who is signed in now."""
        raise NotImplementedError

    def kept(self) -> Iterable[P]:
        """What is not shown now, and will be again."""
        return ()

    def was_read(self) -> None:
        """The first page of what is wished for is here."""

    def tell_chips(self, doing: str = "") -> None:
        """How many there are, and by what they were chosen, or what is being done."""
        raise NotImplementedError

    def tell_details(self) -> None:
        """Of the row under the cursor."""
        raise NotImplementedError

    @property
    def rows(self) -> Rows[Any]:
        """The list."""
        return self.query_one(f"#{self.LIST}", Rows)

    # --- reading ------------------------------------------------------------------------------------------

    @property
    def whose(self) -> UUID | None:
        """Only of whom; None: everybody's, or nobody's yet."""
        return self.session.user.id if self.IS_OWN and self.session.user else None

    @work(exclusive=True, group="read")
    async def read(self, *, anew: bool = False, rows: int = 0) -> None:
        """What is wished for from its first page on, at least so many rows of it; or the next page."""
        self.workers.cancel_group(self, "rest")
        anew = self._is_owed = self._is_owed or anew
        if self.IS_OWN and self.whose is None:
            return
        catalogue = self._fresh = self.anew() if anew else self.catalogue
        try:
            if anew:
                await catalogue.begin(self.session.tix, rows=rows, before=self.catalogue)
            else:
                await catalogue.read(self.session.tix)
        except TixError as error:
            if self.session.is_online:  # else the banner says it, and it is read when that goes away
                self.tui.failed(f"Reading {self.NAME}", error)
            if self.is_drawn:
                self.rows.refresh()  # where there are none, it is said why
            return
        finally:
            if self._fresh is catalogue:
                self._fresh = None
        self.fresh_at = steady()
        self._is_owed = False
        if anew:
            self.catalogue = catalogue
            self.was_read()
        self.show()

    @work(exclusive=True, group="rest")
    async def read_rest(self) -> None:
        """All pages that are left, then to the last row; Esc ends it, and what was read stays."""
        catalogue = self.catalogue
        try:
            while not catalogue.is_whole:
                self.tell_chips(f"Reading to the end: {len(catalogue):,} so far; {self.key_of('back')} stops")
                await catalogue.read(self.session.tix)
                if not self.is_drawn:  # the app closes
                    return
                self.rows.show(catalogue.shown())
        except TixError as error:
            self.tui.failed(f"Reading {self.NAME}", error)
        else:
            self.rows.cursor = len(self.rows) - 1
        finally:
            self.tell_chips()

    def is_working(self, group: str) -> bool:
        """Whether such a worker of this view is at work."""
        mine = (one for one in self.workers if one.node is self and one.group == group)
        return any(not (one.is_finished or one.is_cancelled) for one in mine)

    @property
    def is_reading(self) -> bool:
        """Whether a page is on its way."""
        return self.is_working("read") or self.is_working("rest")

    def stop_reading(self) -> None:
        """What is on its way is not wanted any more."""
        for group in ("read", "rest"):
            self.workers.cancel_group(self, group)

    def owe(self) -> None:
        """Something was missed: read it down to the cursor, now or when Tix answers again."""
        self.read(anew=True, rows=self.rows.cursor + 1)

    def hear(self, told: Iterable[Any]) -> None:
        """What is so now, in what is shown, in what is being read, and in what will be shown again."""
        told = list(told)
        for other in (self._fresh, *self.kept()):
            if other is not None and other is not self.catalogue:
                other.hear(told)
        if self.catalogue.hear(told):
            self.show()
        else:
            self.rows.put(one for one in told if self.catalogue.get(one.id) is one)

    def show(self, *, keep: bool = True, spot: Spot | None = None) -> None:
        """What is in memory."""
        if self.is_drawn:
            self.rows.show(self.catalogue.shown(), keep=keep, spot=spot)
            self.tell_chips()

    def restart(self) -> None:
        """Something else is wished for: nothing of it is there yet."""
        self.stop_reading()
        self.catalogue, self._owner, self.fresh_at, self._is_owed = self.anew(), self.whose, 0, True
        self.show(keep=False)
        self.read(anew=True)

    def on_link_changed(self, _: LinkChanged) -> None:
        """Dim the rows, or brighten them; read what could not be, and one's own of whoever signed in."""
        if self._owner != self.whose:
            self.restart()
        elif self._is_owed and self.session.is_online and not self.is_reading:
            self.owe()
        self.rows.refresh()
        self.tell_details()

    def near_end(self) -> bool:
        """Whether the next page should be read."""
        is_near = self.rows.cursor >= len(self.rows) - NEAR_END
        return bool(is_near and self.fresh_at) and not (self.catalogue.is_whole or self.is_reading)

    @on(Rows.Bottom)
    def _bottom(self, message: Rows.Bottom) -> None:
        is_more = not (self.catalogue.is_whole or self._is_owed) and self.fresh_at
        if message.rows is self.rows and is_more:
            self.stop_reading()
            self.read_rest()
