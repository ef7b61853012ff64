"""The lines around a view: who, where and what is held above, what can be pressed below."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len
from textual import events
from textual.app import RenderResult
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from cli.clock import steady
from tui.holds import SOON, URGENT
from tui.keys import key_of
from tui.words import age, clock

if TYPE_CHECKING:
    from textual.binding import ActiveBinding

    from tui.screens.view import View

KEYS_SHOWN = 7
PLACES = ("browse", "orders", "sell", "activity")
GAP = 2
HELP = "help"
"""The id of the key that leads to all others: it is never left out."""


class Part(NamedTuple):
    """A piece of a line; with an action it can be clicked."""

    text: str
    style: str = ""
    action: str = ""


class Line(Widget):
    """One line of parts."""

    def parts(self) -> Sequence[Part]:
        """As they are now, from the left."""
        raise NotImplementedError

    def render(self) -> RenderResult:
        """Side by side."""
        return Content.assemble(*((part.text, part.style) for part in self.parts()))

    async def on_click(self, event: events.Click) -> None:
        """Do what stands there."""
        event.stop()
        at = event.get_content_offset_capture(self).x
        for part in self.parts():
            if 0 <= at < cell_len(part.text) and part.action:
                await self.run_action(part.action)
            at -= cell_len(part.text)


class Head(Line):
    """The name, where one is among the views, the most urgent hold, the server and the account."""

    def on_mount(self) -> None:
        """A hold counts down."""
        self.set_interval(0.25, self.refresh)

    def parts(self) -> Sequence[Part]:
        """What matters most is kept where there is no room."""
        view: View = self.screen  # type: ignore[assignment]  # it stands on views only
        session = view.session
        self.set_class(session.is_live, "-live")
        user = session.name or "signed out"
        server = session.target.api_url.partition("://")[2]
        name = [Part(" LIVE ", "reverse"), Part(" ")] if session.is_live else []
        name += [Part("Tix", "bold"), Part("  ")]
        kept = [*self._hold(), *([Part("read only"), Part("  ")] if view.is_readonly else [])]
        who = Part(user, action="app.account")
        attempts: Sequence[tuple[Sequence[str], Sequence[Part]]] = (
            (PLACES, (who, Part(f"  {server}"))),
            (PLACES, (who,)),
            (PLACES, (who._replace(text=user.partition("@")[0]),)),
            (PLACES, ()),
            ((), ()),
        )
        lines = (([*name, *self._views(places)], [*kept, *rest]) for places, rest in attempts)
        left, right = next((one for one in lines if self._gap(*one) > 0), (name, kept))
        return [*left, Part(" " * max(1, self._gap(left, right))), *right]

    def _gap(self, left: Iterable[Part], right: Iterable[Part]) -> int:
        return self.size.width - _width((*left, *right))

    def _views(self, named: Sequence[str]) -> Iterable[Part]:
        for name in PLACES:
            is_here = name == self.app.current_mode
            key = key_of(self, f"view_{name}")
            text = f"{key} {name}" if is_here or name in named else key
            yield Part(
                f"[{text}]" if is_here else f" {text} ",
                "bold auto on $primary" if is_here else "",
                f"app.view('{name}')",
            )

    def _hold(self) -> Iterable[Part]:
        view: View = self.screen  # type: ignore[assignment]  # likewise
        if counting := view.holds.counting:
            first, more = counting[0], f" +{len(counting) - 1}" if len(counting) > 1 else ""
            style = (
                "auto on $error" if first.left <= URGENT else "auto on $warning" if first.left <= SOON else ""
            )
            yield Part(f"◐ {clock(first.left)}{more}", f"bold {style}", "app.open_hold")
            yield Part("  ")


class Banner(Static):
    """Says that Tix does not answer, since when, and when it is tried again; gone while it answers."""

    def on_mount(self) -> None:
        """Ages are counted."""
        self.set_interval(0.25, self.update_age)
        self.update_age()

    def update_age(self) -> None:
        """Show it, or nothing."""
        view: View = self.screen  # type: ignore[assignment]  # it stands on views only
        session, now = view.session, steady()
        self.display = session.is_online is False
        if self.display:
            wait = max(0, round(session.retry_at - now))
            when = f"trying again in {wait} s" if wait else "trying again"
            old = view.age()
            what = "" if old is None else f" · this is {age(old)} old"
            short = f"! offline · {when}{what}"
            server, again = session.target.api_url, view.key_of("refresh")
            whole = f"! offline · {server} does not answer · {when}{what} · {again} now"
            self.update(Content(whole if cell_len(whole) <= self.size.width else short))


class Keys(Line):
    """What can be pressed here: as many of the bindings that are shown as there is room for, and help."""

    def on_mount(self) -> None:
        """Follow what can be done."""
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self.refresh())

    def _offered(self) -> "list[ActiveBinding]":
        seen: dict[str, ActiveBinding] = {}
        for one in self.screen.active_bindings.values():
            if one.binding.show:
                seen.setdefault(one.binding.action, one)
        shown = sorted(seen.values(), key=lambda one: one.binding.id == HELP)[:-1]
        return [*shown[: KEYS_SHOWN - 1], *(one for one in seen.values() if one.binding.id == HELP)]

    def parts(self) -> Sequence[Part]:
        """`b hold  p pay  …  ? help`, what cannot be done now dimmed."""
        why_not = getattr(self.screen, "why_not", lambda _: None)
        pairs = []
        for one in self._offered():
            binding = one.binding
            action = f"screen.press('{binding.key}')"
            is_off = why_not(binding.action.partition("(")[0])
            name = Part(
                self.app.get_key_display(binding), "$muted" if is_off else "bold $text-accent", action
            )
            label = f" {binding.description.lower()}{' ' * GAP}"
            pairs.append((name, Part(label, "$muted" if is_off else "$text", action)))
        while len(pairs) > 1 and _width(part for pair in pairs for part in pair) > self.size.width + GAP:
            del pairs[-2]
        return [part for pair in pairs for part in pair]


def _width(parts: Iterable[Part]) -> int:
    return sum(cell_len(part.text) for part in parts)
