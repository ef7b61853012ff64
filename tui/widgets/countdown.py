"""How long a hold lasts, by the server's clock, in figures and words."""

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Digits, Static

from tui.holds import SOON, URGENT, Held
from tui.words import clock


class Countdown(Vertical):
    """mm:ss, and what it means."""

    def __init__(self, held: Callable[[], Held | None]) -> None:
        """`held` is asked each time, since a hold may be extended."""
        super().__init__()
        self._held = held

    def compose(self) -> ComposeResult:
        """Figures, large or where there is little room small, over words."""
        yield Digits("", id="figures")
        yield Static(id="left")
        yield Static(id="words")

    def on_mount(self) -> None:
        """Four looks a second, so that no second is skipped."""
        self.set_interval(0.25, self.tick)
        self.tick()

    def tick(self) -> None:
        """Show what is left."""
        held = self._held()
        self.display = held is not None and held.is_counting
        if held is None or not held.is_counting:
            return
        left = held.left
        self.set_class(URGENT < left <= SOON, "-soon")
        self.set_class(left <= URGENT, "-urgent")
        self.query_one(Digits).update(clock(left))
        self.query_one("#left", Static).update(Content(f"{clock(left)} left"))
        until = f"{held.order.expires_at.astimezone():%H:%M:%S}"
        if left <= 0:
            words = "The hold has ended; Tix is about to say so."
        elif left <= URGENT:
            words = f"Only seconds left: held until {until}."
        elif left <= SOON:
            words = f"Soon over: held until {until}."
        else:
            words = f"Held for you until {until}."
        self.query_one("#words", Static).update(Content(words))
