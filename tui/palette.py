"""What the command palette finds: every action of screen and app, ids to go to, and commands to copy."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from cli.output import harmless
from tui.offers import offers

if TYPE_CHECKING:
    from tui.app import Tui

ID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)

FIRST = 1000
"""A score that no text reaches: who pastes an id wants to go there."""


class Entry(NamedTuple):
    """A line of the palette."""

    name: str
    told: str
    run: Callable[[], Any]


class Palette(Provider):
    """Of the screen from which it was opened."""

    @property
    def _tui(self) -> "Tui":
        return self.app  # type: ignore[return-value]  # it belongs to no other

    def _entries(self) -> Iterator[Entry]:
        for one in offers(self.screen):
            if one.id and one.action != "command_palette":
                mark = "✗ " if one.why_not else ""
                yield Entry(f"{one.label}  {one.keys}", f"{mark}{one.told}", one.run)
        copyable: dict[str, str] = getattr(self.screen, "copyable", dict)()
        for name, text in copyable.items():
            said = f"Copy as `{text}`" if name.startswith("command") else f"Copy the {name}"
            yield Entry(said, text, partial(self._tui.copy, name, text))
        for name in sorted(self.app.available_themes):
            yield Entry(
                f"Theme {name}", "Other colours, kept for the next time.", partial(self._tui.take_theme, name)
            )

    def _places(self, query: str) -> Iterator[Entry]:
        """Where an id may lead."""
        if found := ID.search(query):
            one = UUID(found[0])
            yield Entry(f"Go to ticket {one}", "The ticket of this id.", partial(self._tui.go_to_ticket, one))
            yield Entry(f"Go to order {one}", "The order of this id.", partial(self._tui.go_to_order, one))

    async def discover(self) -> Hits:
        """All of them, before anything is typed."""
        yield DiscoveryHit(
            "Go to ticket or order …",
            _unchanged,
            help="Type or paste an id; tickets and orders have one each.",
        )
        for name, told, run in self._entries():
            yield DiscoveryHit(_plain(name), run, help=_plain(told))

    async def search(self, query: str) -> Hits:
        """Those that fit what is typed."""
        matcher = self.matcher(query)
        for name, told, run in self._entries():
            if (score := matcher.match(name)) > 0:
                # It would take what looks like markup for that.
                shown = Content(harmless(name)) if "[" in name else matcher.highlight(harmless(name))
                yield _hit(score, shown, run, told)
        for name, told, run in self._places(query):
            yield _hit(FIRST, Content(name), run, told)


def _hit(score: float, shown: Any, run: Callable[[], Any], told: str) -> Hit:  # noqa: ANN401 - Textual's visuals
    return Hit(score, shown, run, help=_plain(told))


def _plain(text: str) -> str:
    """What the palette reads as markup, without any: a title may say `[/`, which would end the app."""
    return harmless(text).replace("[", "\uff3b")  # a bracket that is none


def _unchanged() -> None:
    """It is a hint only."""
