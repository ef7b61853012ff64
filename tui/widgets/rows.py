"""A list of any length: only the lines on the screen are drawn.

Textual's DataTable takes 1.3 s for 10,000 rows, during which no key is heard; this takes none.
"""

import textwrap
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from cli.output import harmless

T = TypeVar("T")
GAP = 2
AHEAD = 50
"""Rows on either side of the cursor whose numbers are measured before they are drawn."""
LEAST = 4
"""Cells of a column that grows, and shrinks where there is too little room."""
MARGIN = 1
"""Cells before the first column; behind the last one it is a gap less these."""
MOVES: tuple[BindingType, ...] = (
    Binding("j,down", "move(1)", "Down", show=False, id="down"),
    Binding("k,up", "move(-1)", "Up", show=False, id="up"),
    Binding("g,home", "go(0)", "First row", show=False, id="first"),
    Binding("G,end", "go(-1)", "Last row", show=False, id="last"),
    Binding("ctrl+d", "page(0.5)", "Half a page down", show=False, id="half_down"),
    Binding("ctrl+u", "page(-0.5)", "Half a page up", show=False, id="half_up"),
    Binding("pagedown,space", "page(1)", "A page down", show=False, id="page_down"),
    Binding("pageup", "page(-1)", "A page up", show=False, id="page_up"),
)
"""Keys of all that is longer than the screen."""


@dataclass(frozen=True)
class Column(Generic[T]):
    """One column: `width` cells, or with `grows` its share of what is left over, or missing.

    A number has so many at most: as many as it needs.
    """

    title: str
    text: Callable[[T], str]
    width: int
    grows: int = 0
    style: Callable[[T], str] | None = None
    """Names a component class of the list's, like `rows--success`."""
    is_number: bool = False
    needs: int = 0
    """Cells that the whole list must have for it to be shown."""


class Rows(ScrollView, Generic[T], can_focus=True, inherit_bindings=False):
    """Rows under a head, one of which has the cursor; it stays on its row whatever comes in above."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "rows--head",
        "rows--cursor",
        "rows--stale",
        "rows--success",
        "rows--warning",
        "rows--error",
        "rows--secondary",
        "rows--foreground",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        *MOVES,
        Binding("enter", "choose", "Open", show=False, id="open"),
    ]
    cursor: reactive[int] = reactive(0)

    class Moved(Message):
        """The cursor is on another row."""

        def __init__(self, rows: "Rows[Any]") -> None:
            """Which list."""
            super().__init__()
            self.rows = rows

        @property
        def control(self) -> "Rows[Any]":
            """The list, for `@on` with a selector."""
            return self.rows

    class Chosen(Moved):
        """The row under the cursor is to be opened."""

    class Bottom(Moved):
        """The last row was asked for: there may be more to read below it."""

    def __init__(
        self,
        columns: Sequence[Column[T]],
        *,
        key: Callable[[T], Hashable],
        is_stale: Callable[[], bool] = lambda: False,
        empty: Callable[[], str] = lambda: "",
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        """`key` tells rows apart; while `is_stale` all are dimmed; `empty` says why there is none."""
        super().__init__(id=id)
        self._columns, self._key, self._is_stale, self._empty = columns, key, is_stale, empty
        self._rows: Sequence[T] = ()
        self._places: dict[Hashable, int] = {}
        self._fitted: tuple[int, list[tuple[Column[T], int]]] = (-1, [])
        self._needed: dict[str, int] = {}
        """Cells of the widest number that was drawn."""

    # --- rows ---------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        """How many there are."""
        return len(self._rows)

    @property
    def current(self) -> T | None:
        """The row under the cursor."""
        return self._rows[self.cursor] if self.cursor < len(self._rows) else None

    @property
    def spot(self) -> tuple[T | None, int]:
        """The row under the cursor, and how many lines below the first on the screen it is."""
        return self.current, self.cursor - int(self.scroll_offset.y)

    def show(self, rows: Sequence[T], *, keep: bool = True, spot: tuple[T | None, int] | None = None) -> None:
        """These rows instead; with `keep` the row under the cursor, or that of `spot`, stays where it is."""
        old, depth = spot or self.spot
        self._rows = rows
        self._places = {self._key(row): place for place, row in enumerate(rows)}
        self.virtual_size = Size(self.size.width, len(rows) + 1)
        place = self._places.get(self._key(old)) if keep and old is not None else None
        if place is None:
            place = min(self.cursor, max(0, len(rows) - 1)) if keep else 0
        self.set_reactive(Rows.cursor, place)
        if not keep:
            self._needed = {}
        self._measure(rows[max(0, place - AHEAD) : place + AHEAD])
        self.scroll_to(y=max(0, place - depth) if keep else 0, animate=False, force=True, immediate=True)
        self.refresh()
        self.post_message(self.Moved(self))

    def put(self, rows: Iterable[T]) -> None:
        """Those of the same keys, as they are now."""
        changed, is_current = list(self._rows), False
        for row in rows:
            place = self._places.get(self._key(row))
            if place is not None:
                changed[place] = row
                is_current = is_current or place == self.cursor
        self._rows = changed
        self.refresh()
        if is_current:
            self.post_message(self.Moved(self))

    # --- drawing ------------------------------------------------------------------------------------------

    def _widths(self) -> list[tuple[Column[T], int]]:
        if self._fitted[0] != self.size.width:
            columns = [column for column in self._columns if self.size.width >= column.needs]
            needed = [self._needed.get(column.title, column.width) for column in columns]
            spare, shares = (
                self.size.width - sum(needed) - GAP * len(columns),
                sum(column.grows for column in columns),
            )
            widths = [
                max(LEAST, cells + spare * column.grows // shares) if column.grows else cells
                for column, cells in zip(columns, needed, strict=True)
            ]
            self._fitted = self.size.width, list(zip(columns, widths, strict=True))
        return self._fitted[1]

    def _measure(self, rows: Iterable[T]) -> bool:
        """Make room for their numbers; whether there was too little."""
        numbers = [column for column in self._columns if column.is_number]
        before = dict(self._needed)
        for row in rows:
            for column in numbers:
                has = self._needed.get(column.title, cell_len(column.title))
                self._needed[column.title] = min(column.width, max(has, cell_len(column.text(row))))
        if self._needed != before:
            self._fitted = (-1, [])
        return self._needed != before

    def render_line(self, y: int) -> Strip:
        """The head, or the row that the scroll position puts on this line."""
        width, place = self.size.width, int(self.scroll_offset.y) + y - 1
        if y == 0:
            head = self.get_component_rich_style("rows--head")
            return self._strip([(column.title, head) for column, _ in self._widths()], head)
        if not 0 <= place < len(self._rows):
            return self._strip_empty(y) if not self._rows else Strip.blank(width, self.rich_style)
        row, is_stale = self._rows[place], self._is_stale()
        if self._measure([row]):
            self.refresh()  # the lines above were drawn with less room
        base = self.rich_style
        if is_stale:
            base += self.get_component_rich_style("rows--stale")
        if place == self.cursor:
            base += self.get_component_rich_style("rows--cursor")
        cells = []
        for column, _ in self._widths():
            style = base
            if column.style and not is_stale and place != self.cursor:
                style = base + self.get_component_rich_style(f"rows--{column.style(row)}", partial=True)
            cells.append((harmless(column.text(row)), style))
        return self._strip(cells, base)

    def _strip_empty(self, y: int) -> Strip:
        """Why there is no row, below a line that is free."""
        width, style = self.size.width, self.get_component_rich_style("rows--secondary")
        lines = ["", *textwrap.wrap(harmless(self._empty()), max(1, width - 2 * MARGIN - 1))]
        text = f"{' ' * (MARGIN + 1)}{lines[y - 1]}" if y <= len(lines) else ""
        return Strip([Segment(text, style)]).adjust_cell_length(width, self.rich_style)

    def _strip(self, cells: Sequence[tuple[str, Style]], base: Style) -> Strip:
        segments = [Segment(" " * MARGIN, base)]
        for (text, style), (column, width) in zip(cells, self._widths(), strict=True):
            if cell_len(text) > width:
                text = set_cell_size(text, max(0, width - 1)) + "…"  # noqa: PLW2901 - the same, cut
            gap = " " * max(0, width - cell_len(text))
            segments.append(Segment(gap + text if column.is_number else text + gap, style))
            segments.append(Segment(" " * GAP, base))
        return Strip(segments).adjust_cell_length(self.size.width, base)

    def on_resize(self) -> None:
        """Fit what can be scrolled to the new width."""
        self.virtual_size = Size(self.size.width, len(self._rows) + 1)
        self._reveal()

    # --- the cursor ---------------------------------------------------------------------------------------

    def validate_cursor(self, cursor: int) -> int:
        """Within the rows."""
        return max(0, min(cursor, len(self._rows) - 1))

    def watch_cursor(self) -> None:
        """Draw anew, and tell."""
        self._reveal()
        self.refresh()
        self.post_message(self.Moved(self))

    def _reveal(self) -> None:
        lines, top = max(1, self.size.height - 1), int(self.scroll_offset.y)
        if not top <= self.cursor < top + lines:
            wanted = self.cursor if self.cursor < top else self.cursor - lines + 1
            self.scroll_to(y=wanted, animate=False, force=True, immediate=True)

    def action_move(self, by: int) -> None:
        """So many rows down."""
        self.cursor += by

    def action_go(self, to: int) -> None:
        """To this row; -1 is the last."""
        self.cursor = to if to >= 0 else len(self._rows) - 1
        if to < 0:
            self.post_message(self.Bottom(self))

    def action_page(self, part: float) -> None:
        """Such a part of what is on the screen, down."""
        self.cursor += round(part * max(1, self.size.height - 1))

    def action_choose(self) -> None:
        """Open the row under the cursor."""
        if self.current is not None:
            self.post_message(self.Chosen(self))

    def on_click(self, event: events.Click) -> None:
        """The row that was clicked; twice opens it."""
        place = int(self.scroll_offset.y) + event.get_content_offset_capture(self).y - 1
        if 0 <= place < len(self._rows) and event.get_content_offset_capture(self).y > 0:
            self.cursor = place
            if event.chain == 2:  # noqa: PLR2004 - a double click
                self.action_choose()
