"""What the app is around its views: keys and colours of one's own, help, palette, account, the end."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, ClassVar
from uuid import UUID

from rich.text import Text
from textual import events, work
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen, Screen
from textual.widgets import Input
from textual.worker import WorkerFailed, active_worker

from cli.config import Config, Target
from client import TixError, Unauthenticated
from server.orders.schemas import OrderOut
from server.tickets.schemas import TicketOut
from tui.actions import key
from tui.config import Place, check_keys, check_theme, preferences
from tui.crash import told, write_log
from tui.holds import Holds
from tui.keys import keyed
from tui.memory import Memory
from tui.messages import TicketsChanged
from tui.offers import offers
from tui.palette import Palette
from tui.screens.account import Account
from tui.screens.checkout import Checkout
from tui.screens.dialogs import Choice
from tui.screens.help import Help
from tui.screens.importing import Importing
from tui.screens.listing import Listing
from tui.screens.ticket import Ticket
from tui.screens.view import View
from tui.session import Session
from tui.talk import Talk
from tui.themes import CURSOR, THEMES, legible
from tui.widgets.rows import Rows

ASKING = frozenset({"begin", "go", "look", "news", "orders", "read", "rest"})
"""Groups of workers that ask as who is signed in."""
MOST_SHOWN = 100
"""Characters of what was copied that a toast shows."""
OWN = (Checkout, Importing, Listing)
"""Views of somebody's."""


class Shell(Talk):
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
        key("ctrl+q", "quit", "Quit", "Out of tix from anywhere.", show=False, is_first=True),
    ]

    def __init__(
        self,
        config: Config,
        target: Target,
        memory: Memory,
        *,
        is_readonly: bool = False,
        flags: Mapping[str, str | None] = MappingProxyType({}),
    ) -> None:
        """Nothing is asked before the first paint. Raises Refused where the configuration cannot be.

        `flags` are those of this run that a copied command needs, too.
        """
        if memory.view in self.MODES:
            self.DEFAULT_MODE = memory.view  # type: ignore[misc]  # it is read off the instance
        super().__init__()
        wanted = preferences(config.settings)
        for theme in THEMES:
            self.register_theme(theme)
        check_theme(wanted.theme, self.available_themes)
        check_keys(wanted.keys, self.places())
        self.set_keymap(wanted.keys)
        self._configured_theme = wanted.theme
        self.memory = memory
        self.flags = flags
        self.is_readonly = is_readonly or wanted.is_readonly
        self.session = Session(config, target, self.link_changed)
        self.holds = Holds(self.session)
        name = wanted.theme or memory.theme
        if name in self.available_themes:
            self.theme = name

    def get_css_variables(self) -> dict[str, str]:
        """Those of the theme, in which every word can be read."""
        variables = {**CURSOR, **super().get_css_variables()}
        return variables if self.current_theme.ansi else legible(variables)

    @classmethod
    def places(cls) -> Iterator[Place]:
        """What may hear keys at the same time."""
        for view in kinds(View):
            yield Rows, view, cls
        for dialog in kinds(ModalScreen):
            if dialog.__module__.startswith("tui."):
                yield (dialog,)

    def get_key_display(self, binding: Binding) -> str:
        """Its name, where Textual has a sign that not every font has."""
        return super().get_key_display(binding).replace("⏎", "enter")

    async def on_event(self, event: events.Event) -> None:
        """Do what a key is bound to at once, unless one is typing: the next key belongs to where it led."""
        # Textual gives a key to the widget that has the focus as it comes, and does what it is bound to when
        # no widget on the way up has kept it: of `/row` in one go, the letters would be commands of the list.
        if isinstance(event, events.Key) and not self.is_running:
            return  # it was under way when the last view was closed
        if isinstance(event, events.Key) and not event.is_forwarded and not isinstance(self.focused, Input):
            for is_first in (True, False):
                if await self._check_bindings(event.key, priority=is_first):
                    return
        await super().on_event(event)

    # --- who is signed in ---------------------------------------------------------------------------------

    def link_changed(self) -> None:
        """Tix began or ceased to answer, or somebody signed in or out."""

    def sign_in_again(self, error: Unauthenticated) -> None:
        """The token is not accepted any more: go on without it, and say so once."""
        if self.session.has_ended(error):
            self.session.expire()
            self.end_session()
            self.report(
                keyed(self, "Your sign-in has ended. Sign in again: press {account}."), severity="error"
            )
            self.tell(lambda: TicketsChanged(None))

    def end_session(self) -> None:
        """Somebody else may sign in: nothing stays that was asked for, or is shown, with the old token."""
        for worker in tuple(self.workers):
            if worker.group in ASKING and worker is not active_worker.get(None):
                worker.cancel()
        self.holds.forget()
        for stack in self._screen_stacks.values():
            own = [screen for screen in stack if isinstance(screen, OWN)]
            over = stack[stack.index(own[0]) :] if own else []
            for screen in over:
                if screen is self.screen and isinstance(screen, (*OWN, ModalScreen)):
                    screen.dismiss()
                elif screen in own:
                    stack.remove(screen)
                    screen.remove()

    def action_account(self) -> None:
        """Who is signed in."""
        if not isinstance(self.screen, Account):
            self.push_screen(Account())

    def action_open_hold(self) -> None:
        """The order of the hold that ends first, if it is not there already."""
        shown = self.screen.order.id if isinstance(self.screen, Checkout) else None
        for held in self.holds.counting[:1]:
            if held.order.id != shown:
                self.push_screen(Checkout(held.order))

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

    def failed(self, what: str, error: TixError) -> None:
        """Say it; of a token that is not accepted any more another sentence."""
        if isinstance(error, Unauthenticated) and self.session.token:
            self.sign_in_again(error)
        else:
            super().failed(what, error)

    def saved(self, ticket: TicketOut, said: str) -> None:
        """One's own listing as it is now, for every view."""
        self.tell(lambda: TicketsChanged([ticket]))
        self.report(said)

    def shows_order(self, order_id: UUID) -> bool:
        """Whether a page of it is there, even below another."""
        screens = (screen for stack in self._screen_stacks.values() for screen in stack)
        return any(isinstance(one, Checkout) and one.order.id == order_id for one in screens)

    def open_order(self, order: OrderOut) -> None:
        """The order's own page."""
        self.push_screen(Checkout(order))

    @work(exclusive=True, group="go")
    async def go_to_ticket(self, ticket_id: UUID) -> None:
        """Show one ticket."""
        asker = self.screen
        try:
            ticket = await self.session.tix.show_ticket(ticket_id)
        except TixError as error:
            self.failed("Going there", error)
        else:
            await self._show_found(Ticket(ticket), ticket.title, asker)

    @work(exclusive=True, group="go")
    async def go_to_order(self, order_id: UUID) -> None:
        """Show one order of one's own."""
        asker = self.screen
        try:
            order = await self.session.tix.show_order(order_id)
        except TixError as error:
            self.failed("Going there", error)
        else:
            await self._show_found(Checkout(order), order.ticket.title, asker)

    async def _show_found(self, found: View, title: str, asker: Screen[Any]) -> None:
        """Never over what somebody went on to meanwhile."""
        if self.screen is asker:
            await self.push_screen(found)
        else:
            self.report(f"“{title}” was found meanwhile; go there once more to see it.")

    def copy(self, name: str, text: str) -> None:
        """One of what can be copied."""
        self.copy_to_clipboard(text)
        shown = text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"
        self.report(f"Copied the {name}: {shown}")

    @work(exclusive=True, group="copy")
    async def offer_copies(self, texts: Mapping[str, str]) -> None:
        """Which of these to copy; each is shown, for a terminal that does not take it."""
        if not texts:
            self.report("There is nothing to copy here.")
            return
        chosen = await self.push_screen_wait(
            Choice("Copy", {name: f"{name:<24} {text}" for name, text in texts.items()})
        )
        if chosen is not None:
            self.copy(chosen, texts[chosen])

    def _handle_exception(self, error: Exception) -> None:
        """A log instead of Textual's traceback, which shows the values of variables: tokens, passwords."""
        if self.is_headless:
            super()._handle_exception(error)
            return
        self._return_code = 1
        cause = error.error if isinstance(error, WorkerFailed) else error
        screens = (screen for stack in self._screen_stacks.values() for screen in stack)
        fields = (one.value for screen in screens for one in screen.query(Input) if one.password)
        log = write_log(self.memory.folder, cause, (self.session.token or "", *fields))
        self.panic(Text(told(cause, log)))


def kinds(base: type[Any]) -> Iterator[type[Screen[Any]]]:
    """What is made of it, and of that."""
    for kind in base.__subclasses__():
        yield kind
        yield from kinds(kind)
