"""The app: its views, what they share, and what follows the streams."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from types import MappingProxyType
from typing import ClassVar
from uuid import UUID

from textual import work
from textual.binding import BindingType

from cli.clock import steady
from cli.config import Config, Target
from cli.errors import Refused
from cli.windows import show
from client import Anew, Conflict, TixError, Unauthenticated, watch_tickets
from client.story import is_buyer, told, why_declined
from server.orders.schemas import Decline, OrderOut, OrderWithHistory
from server.tickets.schemas import TicketOut
from tui.actions import key
from tui.holds import UNDER_WAY
from tui.journal import announced
from tui.keys import key_of
from tui.memory import Memory
from tui.messages import CardDeclined, HoldsChanged, LinkChanged, OrderChanged, TicketsChanged
from tui.screens.activity import Activity
from tui.screens.browse import Browse
from tui.screens.orders import Orders
from tui.screens.sell import Sell
from tui.screens.view import View
from tui.shell import Shell
from tui.words import complaint, spelt

BATCH_SECONDS = 0.1
"""Changes of tickets are shown together, ten times a second at most."""
PROMPT_SECONDS = 2.0
"""An answer that took longer may be one to an earlier try."""
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

    def __init__(
        self,
        config: Config,
        target: Target,
        memory: Memory,
        *,
        is_readonly: bool = False,
        flags: Mapping[str, str | None] = MappingProxyType({}),
    ) -> None:
        """Nothing is asked before the first paint; all as for `Shell`."""
        super().__init__(config, target, memory, is_readonly=is_readonly, flags=flags)
        self._followed: set[object] = set()
        self._steps: dict[object, int] = {}
        self._heard: list[TicketOut] = []
        self._was_online: bool | None = None

    def on_mount(self) -> None:
        """Begin to listen."""
        self.set_interval(BATCH_SECONDS, self._tell_heard)
        self.set_interval(0.25, self._ring)
        self.watch_link()
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
        # After an outage there may be holds of which no answer came, and the shop was never told.
        if session.is_online and (was_away or (session.token and session.user is None)):
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
        except Unauthenticated as error:
            self.sign_in_again(error)
        except Refused as error:
            self.report(error.detail, severity="error")
        except TixError as error:
            if session.is_online:
                self.report(complaint(error), severity="error")
                self.set_timer(AGAIN_SECONDS, self.begin)

    @work(group="watch")
    async def watch_link(self) -> None:
        """Whether Tix is there, for ever."""
        await self.session.watch()

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
                        self.take_ticket(news)
        except TixError as error:
            if isinstance(error, Unauthenticated):
                self.sign_in_again(error)
            else:
                self.report(complaint(error), severity="error")
            self.set_timer(AGAIN_SECONDS, self.follow_tickets)

    def take_ticket(self, ticket: TicketOut) -> None:
        """As it is after a change; told with the next batch."""
        self._heard.append(ticket)

    def _tell_heard(self) -> None:
        if self._heard:
            changed, self._heard = self._heard, []
            self.journal.add_tickets(changed)
            self.tell(lambda: TicketsChanged(changed))

    def take_hold(self, order: OrderOut) -> None:
        """Count an order of one's own, and follow it while it is under way."""
        if not self.session.owns(order.user_id):
            return  # whose it is has signed out meanwhile
        before = self.holds.get(order.id)
        if self.holds.hear(order):
            if before is not None and before.order.status != order.status:
                self.announce(order)
            self.tell(HoldsChanged)
        if order.status in UNDER_WAY and order.id not in self._followed:
            self._followed.add(order.id)
            self.follow_order(order)

    def hear_order(self, news: OrderWithHistory | Decline) -> None:
        """Take what is new of an order, as its buyer or seller, and tell it."""
        owns = self.session.owns
        if isinstance(news, OrderOut) and not (owns(news.user_id) or owns(news.seller_id)):
            return  # whose it is has signed out meanwhile
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

    def hold(self, ticket_id: UUID, title: str, *, at_most: int, asker: View) -> None:
        """Hold a ticket, asked for until Tix answers; `asker` is the view that is shown the hold."""
        self.send(ticket_id, f"Holding “{title}”", partial(self._hold, ticket_id, at_most, asker))

    async def _hold(self, ticket_id: UUID, at_most: int, asker: View) -> None:
        feed, user, began = self.session.feed, self.session.user, steady()
        try:
            order = await feed.reserve_ticket(ticket_id, max_price=at_most)
        except Conflict:
            self.look_at(ticket_id)
            raise
        except TixError:
            self.begin()  # it may be held all the same
            raise
        if steady() - began > PROMPT_SECONDS:  # an answer given again tells how it was the first time
            with suppress(TixError):
                order = await feed.show_order(order.id)
        if self.session.user != user:
            return  # who asked is signed out
        self.take_hold(order)
        if order.status not in UNDER_WAY:
            self.announce(order)
        elif asker.awaits(order):
            asker.held(order)
        else:
            orders = key_of(self, "view_orders")
            self.report(f"“{order.ticket.title}” is held for you: press {orders} to pay it.")

    @work(group="look")
    async def look_at(self, ticket_id: UUID) -> None:
        """What a refusal said may not have been told by the stream yet."""
        with suppress(TixError):
            ticket = await self.session.tix.show_ticket(ticket_id)
            self.tell(lambda: TicketsChanged([ticket]))

    def announce(self, order: OrderOut) -> None:
        """What an order of one's own has come to, where that is worth a toast."""
        if (said := announced(order)) is not None:
            self.report(said[1], severity=said[0])

    @work(group="orders")
    async def follow_order(self, order: OrderOut) -> None:
        """While it is under way."""
        try:
            await self.holds.follow(order.id, self.hear_order)
        except Unauthenticated as error:
            self.sign_in_again(error)
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
