"""The lines around a view: who, where and what is held above, what can be pressed below."""

from typing import TYPE_CHECKING, Any

from textual import events
from textual.app import RenderResult
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from cli.clock import steady
from tui.words import age, clock

if TYPE_CHECKING:
    from textual.binding import ActiveBinding

    from tui.screens.view import View

KEYS_SHOWN = 7
PLACES = ("browse", "orders", "sell", "activity")


class Head(Widget):
    """The name, where one is among the views, the most urgent hold, the server and the account."""

    def on_mount(self) -> None:
        """A hold counts down."""
        self.set_interval(0.25, self.refresh)

    def render(self) -> RenderResult:
        """One line; what matters most is kept where there is no room."""
        view: View = self.screen  # type: ignore[assignment]  # it stands on views only
        session, holds = view.session, view.holds
        self.set_class(session.is_live, "-live")
        parts = [" LIVE " if session.is_live else "", "Tix"]
        places = " ".join(
            f"[{number} {name}]" if name == self.app.current_mode else f"{number} {name}"
            for number, name in enumerate(PLACES, start=1)
        )
        right = []
        if counting := holds.counting:
            more = f" +{len(counting) - 1}" if len(counting) > 1 else ""
            right.append(f"◐ {clock(counting[0].left)}{more}")
        if view.is_readonly:
            right.append("read only")
        right.append(session.name or "signed out")
        if self.size.width >= 100:  # noqa: PLR2004 - cells
            right.append(session.target.api_url.partition("://")[2])
        left, told = "  ".join(filter(None, [*parts, places])), "  ".join(right)
        gap = max(2, self.size.width - len(left) - len(told))
        return Content((left + " " * gap + told)[: self.size.width])


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
            self.update(
                Content(f"! offline · {session.target.api_url} does not answer · {when}{what} · r now")
            )


class Keys(Widget):
    """What can be pressed here: the first of the bindings that are shown; each can be clicked."""

    def on_mount(self) -> None:
        """Follow what can be done."""
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self.refresh())

    def _offered(self) -> "list[ActiveBinding]":
        seen: dict[str, ActiveBinding] = {}
        for one in self.screen.active_bindings.values():
            if one.binding.show:
                seen.setdefault(one.binding.action, one)
        return list(seen.values())[:KEYS_SHOWN]

    def render(self) -> RenderResult:
        """`b hold  p pay  …`, what cannot be done now dimmed."""
        why_not = getattr(self.screen, "why_not", lambda _: None)
        parts: list[Any] = []
        for one in self._offered():
            binding = one.binding
            name = self.app.get_key_display(binding)
            style = "$text-muted" if why_not(binding.action.partition("(")[0]) else "$text"
            parts += [
                Content.from_markup(
                    f"[@click=screen.press('{binding.key}')][b $accent]$name[/] [{style}]$label[/][/]  ",
                    name=name,
                    label=binding.description.lower(),
                )
            ]
        return Content("").join(parts)

    async def on_click(self, event: events.Click) -> None:
        """Its content has links; nothing else happens."""
        event.stop()
