"""The app: its views, what they share, and what follows the streams."""

from collections.abc import Callable, Mapping
from typing import ClassVar

from textual import work
from textual.app import App
from textual.binding import BindingType
from textual.message import Message

from cli.config import Config, Target
from cli.windows import show
from client import Anew, NotFound, TixError, watch_tickets
from server.orders.schemas import Decline, OrderOut, OrderWithHistory
from server.tickets.schemas import TicketOut
from tui.actions import key
from tui.holds import UNDER_WAY, Holds
from tui.memory import Memory
from tui.messages import CardDeclined, HoldsChanged, LinkChanged, OrderChanged, TicketsChanged
from tui.screens.browse import Browse
from tui.screens.dialogs import Choice
from tui.screens.sell import Sell
from tui.session import Session
from tui.widgets.countdown import SOON, URGENT

BATCH_SECONDS = 0.1
"""Changes of tickets are shown together, ten times a second at most."""


class Tui(App[int]):
    """`tix tui`."""

    CSS_PATH = "app.tcss"
    TITLE = "Tix"
    MODES = {"browse": Browse, "sell": Sell}
    DEFAULT_MODE = "browse"
    NOTIFICATION_TIMEOUT = 4
    BINDINGS: ClassVar[list[BindingType]] = [
        key("1", "view('browse')", "Browse", "Tickets on sale.", show=False, name="view_browse"),
        key("3", "view('sell')", "Sell", "Your own listings.", show=False, name="view_sell"),
        key("q", "leave", "Quit", "Out of tix; a hold goes on without it.", show=False),
    ]

    def __init__(self, config: Config, target: Target, memory: Memory, *, is_readonly: bool = False) -> None:
        """Nothing is asked before the first paint."""
        super().__init__()
        self.memory = memory
        self.is_readonly = is_readonly
        self.session = Session(config, target, self._link_changed)
        self.holds = Holds(self.session)
        self._followed: set[object] = set()
        self._heard: list[TicketOut] = []
        self._rung: dict[object, float] = {}

    def on_mount(self) -> None:
        """Begin to listen."""
        self.set_interval(BATCH_SECONDS, self._tell_heard)
        self.set_interval(0.25, self._ring)
        self.follow_tickets()
        self.begin()

    async def on_unmount(self) -> None:
        """Keep what is worth it, and close."""
        self.memory.save()
        await self.session.close()

    def tell(self, make: Callable[[], Message]) -> None:
        """Every view that is there, each its own message."""
        for stack in self._screen_stacks.values():
            for screen in stack:
                if screen.is_running:
                    screen.post_message(make())

    def _link_changed(self) -> None:
        self.tell(LinkChanged)
        if self.session.is_online and self.session.token and self.session.user is None:
            self.begin()

    # --- listening ----------------------------------------------------------------------------------------

    @work(exclusive=True, group="begin")
    async def begin(self) -> None:
        """Who is signed in, where the shop is, and what is under way."""
        session = self.session
        try:
            if session.token:
                await session.recognise()
                for order in await self.holds.find():
                    self.take_hold(order)
            session.shop = session.shop or await session.tix.find_shop()
        except TixError as error:
            if session.is_online:
                self.report(f"{error.detail}", severity="error")

    @work(exclusive=True, group="tickets")
    async def follow_tickets(self) -> None:
        """Everybody's tickets, for ever."""
        async with watch_tickets(self.session.feed) as changes:
            async for news in changes:
                if isinstance(news, Anew):
                    self._heard.clear()
                    self.tell(lambda: TicketsChanged(None))
                else:
                    self._heard.append(news)

    def _tell_heard(self) -> None:
        if self._heard:
            changed, self._heard = self._heard, []
            self.tell(lambda: TicketsChanged(changed))

    def take_hold(self, order: OrderOut) -> None:
        """Count an order, and follow it while it is under way."""
        if self.holds.hear(order):
            self.tell(HoldsChanged)
        if order.status in UNDER_WAY and order.id not in self._followed:
            self._followed.add(order.id)
            self.follow_order(order)

    @work(group="orders")
    async def follow_order(self, order: OrderOut) -> None:
        """Until nothing more will come."""

        def tell(news: OrderWithHistory | Decline) -> None:
            if isinstance(news, Decline):
                self.tell(lambda: CardDeclined(news))
            else:
                self.tell(lambda: OrderChanged(news))
                self.tell(HoldsChanged)

        try:
            await self.holds.follow(order.id, tell)
        except NotFound:
            pass
        except TixError as error:
            self.report(f"Following an order: {error.detail}", severity="error")
        finally:
            self._followed.discard(order.id)

    def _ring(self) -> None:
        """A bell, once each, 2 minutes and 30 seconds before a hold ends."""
        for held in self.holds.counting:
            before = self._rung.get(held.order.id, float("inf"))
            for limit in (SOON, URGENT):
                if held.left <= limit < before and held.left > 0:
                    self.bell()
                    self.report(
                        f"“{held.order.ticket.title}” is held for {limit} s more.", severity="warning"
                    )
            self._rung[held.order.id] = held.left

    # --- for the views ------------------------------------------------------------------------------------

    def report(self, text: str, *, severity: str = "information") -> None:
        """A toast, kept in the log; errors stay until they are dismissed."""
        timeout = 86_400 if severity == "error" else None
        self.notify(text, severity=severity, timeout=timeout, markup=False)  # type: ignore[arg-type]

    def open_page(self, url: str) -> None:
        """In a browser, where there is one on this machine."""
        show(url)

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
            self.copy_to_clipboard(texts[chosen])
            self.report(f"Copied the {chosen}: {texts[chosen][:60]}")

    def action_view(self, name: str) -> None:
        """Another view."""
        self.switch_mode(name)

    def action_leave(self) -> None:
        """Quit; at once, unless a hold is counting."""
        self.exit(0)
