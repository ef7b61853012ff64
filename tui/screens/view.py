"""What all views have in common: the lines around them, the session, and actions that explain themselves."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from cli.clock import steady
from server.orders.schemas import OrderOut
from tui.actions import key
from tui.keys import key_of, keyed
from tui.twins import TWINS, command
from tui.widgets.bars import Banner, Head, Keys

if TYPE_CHECKING:
    from tui.app import Tui
    from tui.holds import Holds
    from tui.session import Session

ON_ITS_WAY = "It was asked for; the answer is on its way."
WRITES = frozenset(
    {"hold", "pay", "method", "extend", "cancel", "refund", "new", "edit", "withdraw", "import", "save"}
)
"""Actions that change something: not while Tix is away, nor read only, nor signed out."""


class View(Screen[None]):
    """A screen with head, banner and keys around its body."""

    HORIZONTAL_BREAKPOINTS = [(0, "-one"), (80, "-two"), (120, "-three")]
    BINDINGS: ClassVar[list[BindingType]] = [
        key("r", "refresh", "Refresh", "Read what is shown anew, and try a server that is away.", show=False),
        key("y", "copy", "Copy", "Copy an id, an address, the row or the same as a command.", show=False),
        key("escape", "back", "Back", "One level out; never quits.", show=False),
    ]
    ALSO: ClassVar[tuple[str, ...]] = ()
    """What is done here without an action, by its name in TWINS."""
    fresh_at: float = 0
    """When what is shown was read, on our steady clock; 0: never."""

    def compose(self) -> ComposeResult:
        """The frame; `body` is between."""
        yield Head(id="head")
        yield Banner(id="banner")
        yield from self.body()
        yield Keys(id="keys")

    def body(self) -> Iterable[Widget]:
        """What this view is about."""
        raise NotImplementedError

    # --- what it works with -------------------------------------------------------------------------------

    @property
    def tui(self) -> "Tui":
        """The app, as what it is."""
        return self.app  # type: ignore[return-value]  # these screens belong to no other

    @property
    def is_drawn(self) -> bool:
        """Whether its widgets are there: a worker may end after its view did."""
        return bool(self.query("#keys"))

    @property
    def session(self) -> "Session":
        """Who is signed in, and where."""
        return self.tui.session

    @property
    def holds(self) -> "Holds":
        """One's own orders that are under way."""
        return self.tui.holds

    @property
    def is_readonly(self) -> bool:
        """Whether nothing may be changed in this run."""
        return self.tui.is_readonly

    def key_of(self, name: str) -> str:
        """The key of an action that can be done here, by its id, as it is shown."""
        return key_of(self, name)

    def keyed(self, text: str) -> str:
        """`{hold}` in it becomes the key of that action; none of it may be another's words."""
        return keyed(self, text)

    def is_stale(self) -> bool:
        """Whether what is shown may have changed unheard."""
        return not (self.session.is_online and self.fresh_at)

    def age(self) -> float | None:
        """Seconds since what is shown was surely so; None: nothing was read, or nothing is to be."""
        # Until Tix was lost, its stream kept up to date what had been read.
        return steady() - max(self.fresh_at, self.session.lost_at) if self.fresh_at else None

    # --- actions ------------------------------------------------------------------------------------------

    def why_not(self, action: str) -> str | None:
        """Why an action cannot be done now, in a sentence; None: it can. Views say more of theirs."""
        if action not in WRITES:
            return None
        if self.is_readonly:
            return "This tix was started read only."
        if self.session.is_online is False:
            return "Tix does not answer; nothing can be changed until it does."
        if self.session.user is None and self.session.token:
            return "Tix is being asked who you are; once more in a moment."
        if self.session.user is None:
            return self.keyed("Sign in first: press {account}.")
        return None

    def done_to(self) -> Mapping[str, str | tuple[str, ...]]:
        """What actions are done to here, by the names in TWINS."""
        return {}

    def twins(self) -> Iterable[str]:
        """What is done here and on the command line, too, by its name in TWINS."""
        own = (one.binding.id or "" for one in self.active_bindings.values() if one.node is self)
        return (name for name in dict.fromkeys((*own, *self.ALSO)) if name in TWINS)

    def commands(self) -> dict[str, str]:
        """The same as commands, where it is known what each is done to."""
        written = {name: command(name, self.tui.flags, **self.done_to()) for name in self.twins()}
        return {f"command to {name.replace('_', ' ')}": text for name, text in written.items() if text}

    def copyable(self) -> "dict[str, str]":
        """What can be copied here, by what it is called."""
        return self.commands()

    def action_copy(self) -> None:
        """The menu of what can be copied."""
        self.tui.offer_copies(self.copyable())

    def action_refresh(self) -> None:
        """Try to reach Tix now; views read anew."""
        self.session.retry()

    def action_back(self) -> None:
        """One level out; from a view of the bottom there is none."""
        if len(self.app.screen_stack) > 1 and self.is_active:
            self.dismiss()

    async def action_press(self, pressed: str) -> None:
        """What was clicked in the line of keys."""
        await self.app.run_action(f"simulate_key('{pressed}')")

    # --- a hold that was asked for here -------------------------------------------------------------------

    @property
    def about(self) -> UUID | None:
        """The ticket that is looked at."""
        return None

    def awaits(self, order: OrderOut) -> bool:
        """Whether this hold is still waited for: its ticket is looked at, and nothing is being typed."""
        return self.is_active and self.about == order.ticket.id and not isinstance(self.focused, Input)

    def held(self, order: OrderOut) -> None:
        """On to payment."""
        self.tui.open_order(order)
