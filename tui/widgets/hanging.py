"""Texts that stay what they are while they say the same, and lines that hang below their beginnings."""

from collections.abc import Sequence
from typing import NamedTuple

from textual.content import Content
from textual.widgets import Static


class Told(Static):
    """A text that is drawn anew only when it is another: so what was marked with the mouse stays marked."""

    _told: Content | None = None

    def tell(self, content: Content | str) -> None:
        """This; nothing takes no room."""
        fresh = Content(content) if isinstance(content, str) else content
        if self._told is None or not fresh.is_same(self._told):
            self._told = fresh
            self.update(fresh)
            self.display = bool(fresh.plain)


class Item(NamedTuple):
    """What a line begins with, and its text."""

    head: Content
    text: str


class Hanging(Told):
    """A list: what does not fit into a line goes on below its text."""

    _items: Sequence[Item] = ()

    def list(self, items: Sequence[Item]) -> None:
        """These; none takes no room."""
        self._items = items
        self._wrap()

    def on_resize(self) -> None:
        """For the new width."""
        self._wrap()

    def _wrap(self) -> None:
        lines = []
        for head, text in self._items:
            indent = head.cell_length
            first, *rest = Content(text).wrap(max(10, self.size.width - indent)) or [Content("")]
            lines += [head + first.rstrip(), *(Content(" " * indent) + line.rstrip() for line in rest)]
        self.tell(Content("\n").join(lines))
