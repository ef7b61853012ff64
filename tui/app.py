"""The app: its views, what they share, and what follows the streams."""

import asyncio
from typing import ClassVar

from textual import work
from textual.binding import BindingType

from cli.config import Config, Target
from cli.errors import Refused
from cli.windows import show
from client import Anew, TixError, Unauthenticated, watch_tickets
from client.story import is_buyer, told, why_declined
from server.orders.schemas import Decline, OrderOut, OrderWithHistory
from server.tickets.schemas import TicketOut
from tui.actions import key
from tui.holds import UNDER_WAY
from tui.journal import announced
from tui.memory import Memory
from tui.messages import CardDeclined, HoldsChanged, LinkChanged, OrderChanged, TicketsChanged
from tui.screens.activity import Activity
from tui.screens.browse import Browse
from tui.screens.orders import Orders
from tui.screens.sell import Sell
from tui.shell import Shell
from tui.words import complaint, spelt

BATCH_SECONDS = 0.1
"""Changes of tickets are shown together, ten times a second at most."""
AGAIN_SECONDS = 10
"""After a refusal that no new connection cures."""


class Tui(Shell):
    """`tix tui`."""

    CSS_PATH = "app.tcss"
    TITLE = "Tix"
    MODES = {"browse": Browse, "orders": Orders, "sell": Sell, "activity": Activity}
    DEFAULT_MODE = "browse"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("1", "view('browse')", "Browse", "Tickets on sale.", show=False, name="view_browse"),
        key(
            "2",
            "view('orders')",
            "Orders",
            "Yours, and those of your listings.",
            show=False,
            name="view_orders",
        ),
        key("3", "view('sell')", "Sell", "Your own listings.", show=False, name="view_sell"),
        key(
            "4", "view('activity')", "Activity", "What was heard and said.", show=False, name="view_activity"
        ),
    ]

    def __init__(self, config: Config, target: Target, memory: Memory, *, is_readonly: bool = False) -> None:
        """Nothing is asked before the first paint."""
        super().__init__(config, target, memory, is_readonly=is_readonly)
        self._followed: set[object] = set()
        self._steps: dict[object, int] = {}
        self._heard: list[TicketOut] = []
        self._was_online: bool | None = None

    def on_mount(self) -> None:
        """Begin to listen."""
        self.set_interval(BATCH_SECONDS, self._tell_heard)
        self.set_interval(0.25, self._ring)
        self.follow_tickets()
        self.begin()

    async def on_unmount(self) -> None:
        """Keep what is worth it, and close."""
        self.memory.view = self.current_mode
        self.memory.save()
        self.workers.cancel_all()  # none may ask once the connections are closed
        await self.session.close()

    def link_changed(self) -> None:
        """Tell it; who could not be asked before is asked now."""
        self.tell(LinkChanged)
        session, was_away = self.session, self._was_online is False
        self._was_online = session.is_online
        # After an outage there may be holds of which no answer came.
        if session.is_online and session.token and (session.user is None or was_away):
            self.begin()

    # --- listening ----------------------------------------------------------------------------------------

    @work(exclusive=True, group="begin")
    async def begin(self) -> None:
        """Who is signed in, where the shop is, and what is under way."""
        session = self.session
        try:
            await session.open()
            if session.token:
                await session.recognise()
                for order in await self.holds.find():
                    self.take_hold(order)
            session.shop = session.shop or await session.tix.find_shop()
        except Unauthenticated:
            self.sign_in_again()
        except Refused as error:
            self.report(error.detail, severity="error")
        except TixError as error:
            if error.code == "malformed_token":
                self.sign_in_again()
            elif session.is_online:
                self.report(complaint(error), severity="error")
                self.set_timer(AGAIN_SECONDS, self.begin)

    @work(exclusive=True, group="tickets")
    async def follow_tickets(self) -> None:
        """Everybody's tickets, for ever."""
        try:
            async with watch_tickets(self.session.feed) as changes:
                async for news in changes:
                    if isinstance(news, Anew):
                        self._heard.clear()
                        self.tell(lambda: TicketsChanged(None))
                    else:
                        self._heard.append(news)
        except TixError as error:
            if isinstance(error, Unauthenticated):
                self.sign_in_again()
            else:
                self.report(complaint(error), severity="error")
            self.set_timer(AGAIN_SECONDS, self.follow_tickets)

    def _tell_heard(self) -> None:
        if self._heard:
            changed, self._heard = self._heard, []
            self.journal.add_tickets(changed)
            self.tell(lambda: TicketsChanged(changed))

    def take_hold(self, order: OrderOut) -> None:
        """Count an order of one's own, and follow it while it is under way."""
        before = self.holds.get(order.id)
        if self.holds.hear(order):
            said = announced(order)
            if before is not None and before.order.status != order.status and said is not None:
                self.report(said[1], severity=said[0])
            self.tell(HoldsChanged)
        if order.status in UNDER_WAY and order.id not in self._followed:
            self._followed.add(order.id)
            self.follow_order(order)

    def hear_order(self, news: OrderWithHistory | Decline) -> None:
        """Take what is new of an order, as its buyer or seller, and tell it."""
        if isinstance(news, Decline):
            held = self.holds.get(news.order_id)
            of = f" for “{held.order.ticket.title}”" if held else ""
            self.report(f"The card{of} was declined: {why_declined(news.decline_code)}", severity="warning")
            self.tell(lambda: CardDeclined(news))
            return
        before = self._steps.get(news.id, 0)
        self._steps[news.id] = max(before, news.version)
        if news.version > before and (before or news.version == 1):  # else it is old
            self.journal.add_order(news, told(news.history[-1], news) if news.history else None)
        if is_buyer(news):
            self.take_hold(news)
        self.tell(lambda: OrderChanged(news))

    @work(group="orders")
    async def follow_order(self, order: OrderOut) -> None:
        """While it is under way."""
        try:
            await self.holds.follow(order.id, self.hear_order)
        except Unauthenticated:
            self.sign_in_again()
        except TixError as error:
            self.report(f"Following “{order.ticket.title}”: {complaint(error)}", severity="error")
        finally:
            self._followed.discard(order.id)

    def _ring(self) -> None:
        """A bell, once each, 2 minutes and 30 seconds before a hold ends."""
        for held, _ in self.holds.due():
            self.bell()
            title = held.order.ticket.title
            self.report(f"“{title}” is held for {spelt(held.left + 0.5)} more.", severity="warning")

    # --- for the views ------------------------------------------------------------------------------------

    @work(group="browser")
    async def open_page(self, url: str) -> None:
        """In a browser, where there is one on this machine; it may take its time."""
        if await asyncio.to_thread(show, url):
            self.report("It was opened in your browser.")

    def action_view(self, name: str) -> None:
        """Another view."""
        self.switch_mode(name)
