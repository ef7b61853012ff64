"""What the app is around its views: keys and colours of one's own, help, palette, account, the end."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar
from uuid import UUID

from textual import work
from textual.app import App
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import ModalScreen, Screen

from cli.config import Config, Target
from cli.output import harmless
from client import TixError
from tui.actions import key
from tui.config import Place, check_keys, check_theme, preferences
from tui.holds import Held, Holds
from tui.journal import Journal
from tui.memory import Memory
from tui.messages import Logged, TicketsChanged
from tui.offers import offers
from tui.palette import Palette
from tui.screens.account import Account
from tui.screens.checkout import Checkout
from tui.screens.dialogs import Choice, Confirm
from tui.screens.help import Help
from tui.screens.ticket import Ticket
from tui.screens.view import View
from tui.session import Session
from tui.themes import THEMES
from tui.widgets.rows import Rows
from tui.words import complaint, spelt


class Shell(App[int]):
    """One run, as somebody, at one Tix."""

    COMMANDS = {Palette}
    BINDINGS: ClassVar[list[BindingType]] = [
        key("a", "account", "Account", "Sign in, sign up or sign out.", show=False),
        key("question_mark,f1", "help", "Help", "All that can be done here, to search and to run."),
        key(
            "ctrl+p",
            "command_palette",
            "Commands",
            "Every action by its name, tickets and orders by their id.",
        ),
        key("ctrl+z", "suspend_process", "Suspend", "Back to the shell for now; `fg` goes on.", show=False),
        key("q", "leave", "Quit", "Out of tix, or one level out; a hold goes on without it.", show=False),
        key("ctrl+q", "quit", "Quit", "Out of tix from anywhere.", show=False, is_first=True),
    ]

    def __init__(self, config: Config, target: Target, memory: Memory, *, is_readonly: bool = False) -> None:
        """Nothing is asked before the first paint. Raises Refused where the configuration cannot be."""
        super().__init__()
        wanted = preferences(config.settings)
        for theme in THEMES:
            self.register_theme(theme)
        check_theme(wanted.theme, self.available_themes)
        check_keys(wanted.keys, self.places())
        self.set_keymap(wanted.keys)
        self._configured_theme = wanted.theme
        self.memory = memory
        self.is_readonly = is_readonly or wanted.is_readonly
        self.session = Session(config, target, self.link_changed)
        self.holds = Holds(self.session)
        self.journal = Journal(lambda: self.tell(Logged))
        self._is_leaving = False
        name = wanted.theme or memory.theme
        if name in self.available_themes:
            self.theme = name

    @classmethod
    def places(cls) -> Iterator[Place]:
        """What may hear keys at the same time."""
        for view in kinds(View):
            yield Rows, view, cls
        for dialog in kinds(ModalScreen):
            if dialog.__module__.startswith("tui."):
                yield (dialog,)

    def key_of(self, name: str) -> str:
        """The key of an action of the app, by its id, as it is shown."""
        keys = self._keymap.get(name) or next(one for one, binding in self._bindings if binding.id == name)
        return self.get_key_display(Binding(keys.partition(",")[0], ""))

    # --- to the views -------------------------------------------------------------------------------------

    def tell(self, make: Callable[[], Message]) -> None:
        """Every view that is there, each its own message."""
        for stack in self._screen_stacks.values():
            for screen in stack:
                if screen.is_running:
                    screen.post_message(make())

    def report(self, text: str, *, severity: str = "information") -> None:
        """A toast, kept in the log; errors stay until they are dismissed, each once."""
        text = harmless(text)
        self.journal.add(severity, text)
        is_error = severity == "error"
        if not (is_error and any(toast.message == text for toast in self._notifications)):
            timeout = 86_400 if is_error else None
            self.notify(text, severity=severity, timeout=timeout, markup=False)  # type: ignore[arg-type]

    # --- who is signed in ---------------------------------------------------------------------------------

    def link_changed(self) -> None:
        """Tix began or ceased to answer, or somebody signed in or out."""

    def sign_in_again(self) -> None:
        """The token is not accepted any more: go on without it, and say so once."""
        if self.session.token:
            self.session.expire()
            self.holds.forget()
            self.report(
                f"Your sign-in has ended. Sign in again: press {self.key_of('account')}.", severity="error"
            )
            self.tell(lambda: TicketsChanged(None))

    def action_account(self) -> None:
        """Who is signed in."""
        if not isinstance(self.screen, Account):
            self.push_screen(Account())

    # --- help and palette ---------------------------------------------------------------------------------

    @work(exclusive=True, group="help")
    async def action_help(self) -> None:
        """What can be done here; and do it."""
        chosen = await self.push_screen_wait(Help(offers(self.screen)))
        if chosen is not None:
            await chosen.run()

    def take_theme(self, name: str) -> None:
        """Other colours, now and in the next run."""
        self.theme = self.memory.theme = name
        if self._configured_theme not in {None, name}:
            self.report(f"config.toml asks for {self._configured_theme}, which the next run will have.")

    @work(exclusive=True, group="go")
    async def go_to_ticket(self, ticket_id: UUID) -> None:
        """Show one ticket."""
        try:
            ticket = await self.session.tix.show_ticket(ticket_id)
        except TixError as error:
            self.report(complaint(error), severity="error")
        else:
            await self.push_screen(Ticket(ticket))

    @work(exclusive=True, group="go")
    async def go_to_order(self, order_id: UUID) -> None:
        """Show one order of one's own."""
        try:
            order = await self.session.tix.show_order(order_id)
        except TixError as error:
            self.report(complaint(error), severity="error")
        else:
            await self.push_screen(Checkout(order))

    def copy(self, name: str, text: str) -> None:
        """One of what can be copied."""
        self.copy_to_clipboard(text)
        self.report(f"Copied the {name}: {text[:60]}")

    @work(exclusive=True, group="copy")
    async def offer_copies(self, texts: Mapping[str, str]) -> None:
        """Which of these to copy; each is shown, for a terminal that does not take it."""
        if not texts:
            self.report("There is nothing to copy here.")
            return
        chosen = await self.push_screen_wait(
            Choice("Copy", {name: f"{name:<20} {text}" for name, text in texts.items()})
        )
        if chosen is not None:
            self.copy(chosen, texts[chosen])

    # --- the end ------------------------------------------------------------------------------------------

    async def action_leave(self) -> None:
        """One level out, or from a view of the bottom out of tix."""
        if len(self.screen_stack) > 1:
            await self.screen.run_action("screen.back")
        else:
            await self.action_quit()

    async def action_quit(self) -> None:
        """Out of tix; at once, unless a hold is counting."""
        held = [one for one in self.holds.counting if one.left > 0]
        if not held:
            self.exit(0)
        elif not self._is_leaving:
            self._ask_to_leave(held)

    def action_help_quit(self) -> None:
        """What ctrl+c does where no text is chosen."""
        self.call_later(self.action_quit)

    @work(group="leave")
    async def _ask_to_leave(self, held: Sequence[Held]) -> None:
        first, more = held[0], len(held) - 1
        others = f", and {more} more" if more else ""
        question = (
            f"You hold “{first.order.ticket.title}” for {spelt(first.left)} more{others}. "
            "Without tix it goes on until then, unpaid. Quit?"
        )
        self._is_leaving = True
        if await self.push_screen_wait(Confirm(question, yes="Quit")):
            self.exit(0)
        self._is_leaving = False


def kinds(base: type[Any]) -> Iterator[type[Screen[Any]]]:
    """What is made of it, and of that."""
    for kind in base.__subclasses__():
        yield kind
        yield from kinds(kind)
