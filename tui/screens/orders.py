"""One's own orders, or those of one's own listings, live."""

import time
from typing import ClassVar
from uuid import UUID

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.timer import Timer

from client import TixError
from client.story import price
from server.orders.schemas import OrderOut
from tui.actions import guarded, key
from tui.bookings import Bookings
from tui.holds import UNDER_WAY
from tui.messages import HoldsChanged, LinkChanged, OrderChanged, TicketsChanged
from tui.screens.checkout import Checkout
from tui.screens.deals import AGAIN, CANCEL, EXTEND, REFUND, Deals
from tui.screens.dialogs import Choice
from tui.screens.panes import Panes
from tui.widgets.rows import Column, Rows
from tui.widgets.story import Story
from tui.words import ORDER, clock, day, mark

NEAR_END = 50
"""Rows before the last one at which the next page is read."""
LOOK_AFTER = 0.15
"""Seconds the cursor rests on an order before its story is read."""
FEW = 20
"""Orders that are read one by one after news of their tickets; more are read as a page."""
ALL = "all"


class Orders(Deals, Panes):
    """What was bought, or with `o` sold: newest first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("p", "open", "Pay", "The order's own page: its countdown, and the ways to pay.", name="pay"),
        EXTEND,
        CANCEL,
        AGAIN,
        REFUND,
        key("f", "status", "Status", "Only orders of one status, or all."),
        key("o", "role", "Bought/sold", "What was bought, or what was sold of one's own listings."),
    ]

    def __init__(self) -> None:
        """Nothing was read yet."""
        super().__init__()
        self.bookings = Bookings()
        self._of: UUID | None = None
        self._looking: Timer | None = None
        self._looked: UUID | None = None
        self._wanted: set[UUID] = set()

    def body(self) -> ComposeResult:
        """The list, and the story of the order under the cursor."""
        with Horizontal(id="panes"):
            with Vertical(id="list"):
                yield Rows(
                    self._columns(),
                    key=lambda order: order.id,
                    is_stale=self._is_stale,
                    empty=self._empty,
                    id="orders",
                )
            yield Story(id="details")
            yield self.aside()

    def _columns(self) -> list[Column[OrderOut]]:
        def style(order: OrderOut) -> str:
            return mark(ORDER, order.status).style

        return [
            Column("", lambda one: mark(ORDER, one.status).sign, 1, style=style),
            Column("ticket", lambda one: one.ticket.title, 16, grows=3),
            Column("price", price, 14, is_number=True),
            Column("status", lambda one: mark(ORDER, one.status).word, 12, style=style),
            Column("left", self._left, 8, is_number=True),
            Column("ordered", lambda one: day(one.created_at), 21, needs=80),
        ]

    def _left(self, order: OrderOut) -> str:
        held = self.holds.get(order.id)
        return clock(held.left) if held is not None and held.is_counting else ""

    def _is_stale(self) -> bool:
        return self.session.is_online is False

    @property
    def rows(self) -> Rows[OrderOut]:
        """The list."""
        return self.query_one("#orders", Rows)

    @property
    def meant(self) -> OrderOut | None:
        """The one under the cursor."""
        return self.rows.current if self.is_drawn else None

    def on_mount(self) -> None:
        """Read, and count down what is held."""
        self.rows.focus()
        self._show(keep=False)
        self.set_interval(0.5, self._count_down)

    def _count_down(self) -> None:
        if self.holds.counting:
            self.rows.refresh()

    def on_screen_resume(self) -> None:
        """What was ordered elsewhere meanwhile is not told here, so it is read."""
        self.read(anew=True)

    def on_screen_suspend(self) -> None:
        """Nobody looks."""
        self._looked = None
        self.workers.cancel_group(self, "look")

    # --- reading ------------------------------------------------------------------------------------------

    @work(exclusive=True, group="read")
    async def read(self, *, anew: bool = False) -> None:
        """The first page, or the next one; of somebody else's orders nothing stays."""
        session, user = self.session, self.session.user
        if user is None:
            self._of, self.bookings = None, Bookings(self.bookings.role, self.bookings.status)
            self._show(keep=False)
            return
        old = self.bookings
        bookings = Bookings(old.role, old.status) if anew or self._of != user.id else old
        try:
            await bookings.read(session.tix)
            while anew and not bookings.is_whole and len(bookings.shown()) < self.rows.cursor:
                await bookings.read(session.tix)
        except TixError as error:
            if session.is_online:  # else the banner says it
                self.failed("Reading orders", error)
            return
        is_same = self._of == user.id
        self._of, self.bookings, self.fresh_at = user.id, bookings, time.monotonic()
        self._show(keep=is_same)

    def _show(self, *, keep: bool = True) -> None:
        if not self.is_drawn:
            return
        self.rows.show(self.bookings.shown(), keep=keep)
        book, count = self.bookings, len(self.rows)
        parts = [f"{count}{'' if book.is_whole or not count else '+'} order{'' if count == 1 else 's'}"]
        parts.append("bought" if book.role == "buyer" else "sold: orders of your listings")
        parts += [f"only {mark(ORDER, book.status).word}"] if book.status else []
        self.query_one("#list").border_title = " · ".join(parts)

    @work(exclusive=True, group="news")
    async def read_some(self) -> None:
        """The orders of which there is news."""
        try:
            if len(self._wanted) > FEW:
                self._wanted.clear()
                self.read(anew=True)
            while self._wanted:
                order = await self.session.tix.show_order(next(iter(self._wanted)))
                self._wanted.discard(order.id)
                self.tui.hear_order(order)
        except TixError:
            self._wanted.clear()  # another's, or Tix is away: r reads all

    # --- news ---------------------------------------------------------------------------------------------

    def on_order_changed(self, message: OrderChanged) -> None:
        """A step of one of these, or a new one."""
        order, old = message.order, self.bookings.get(message.order.id)
        if self.session.user is not None and self.bookings.hear(order):
            self._show()
            was_under_way = old is not None and old.status in UNDER_WAY
            if order.id == self._looked and was_under_way and order.status not in UNDER_WAY:
                self.look()  # the app does not follow it any more

    def on_tickets_changed(self, message: TicketsChanged) -> None:
        """A seller's orders are told by their tickets; so are refunds to a buyer."""
        if message.tickets is None:
            self.read(anew=True)
            return
        self._wanted |= set(self.bookings.of_tickets(ticket.id for ticket in message.tickets))
        if self.bookings.role == "seller":
            mine = (it for it in message.tickets if it.order_id and self.session.owns(it.user_id))
            self._wanted |= {it.order_id for it in mine if it.order_id}
        if self._wanted:
            self.read_some()

    def on_link_changed(self, _: LinkChanged) -> None:
        """Dim or brighten; whoever signed in sees their own."""
        self.rows.refresh()
        user = self.session.user
        if (user.id if user else None) != self._of:
            self.read(anew=True)
        self._tell_story()

    def on_holds_changed(self, _: HoldsChanged) -> None:
        """What is held, by how it stands now."""
        is_news = False
        if self.session.user is not None:
            for held in self.holds.counting:
                known = self.bookings.get(held.order.id)
                if known is None or known.version < held.order.version:
                    is_news |= self.bookings.hear(held.order)
        if is_news:
            self._show()
        self._tell_story()

    @on(Rows.Moved, "#orders")
    def _moved(self) -> None:
        self._tell_story()
        self.refresh_bindings()
        if self.rows.cursor >= len(self.rows) - NEAR_END and not self.bookings.is_whole and self.fresh_at:
            self.read()
        if self._looking is not None:
            self._looking.stop()
        if self.meant is not None and self.is_current:
            self._looking = self.set_timer(LOOK_AFTER, self._look)

    def _look(self) -> None:
        order = self.meant
        if order is not None and order.id != self._looked:
            self._looked = order.id
            self.look()

    def _tell_story(self) -> None:
        if self.is_drawn:
            order = self.meant
            self.query_one(Story).tell(order, note=self.what_next(order) if order else "")
            if order is None:
                self.rows.refresh()  # which says why

    def _empty(self) -> str:
        if self.session.is_online is False:
            return "Nothing was read yet, and Tix does not answer."
        if self.session.user is None:
            return self.keyed("Your orders are here once you are signed in. Press {account} to sign in.")
        return self.keyed(self.bookings.why_empty) if self.fresh_at else "Reading…"

    # --- actions ------------------------------------------------------------------------------------------

    def why_not(self, action: str) -> str | None:
        """A page to pay on is its buyer's."""
        if action == "open":
            if self.meant is None:
                return "There is no order here."
            return "Only its buyer pays it." if self.bookings.role == "seller" else None
        return super().why_not(action)

    @on(Rows.Chosen, "#orders")
    def _chosen(self) -> None:
        if self.bookings.role == "seller":
            self.action_zoom()
        else:
            self.action_open()

    @guarded
    def action_open(self) -> None:
        """The order's own page."""
        if self.meant is not None:
            self.app.push_screen(Checkout(self.meant))

    def held_again(self, order: OrderOut) -> None:
        """To be paid on its own page."""
        self.app.push_screen(Checkout(order))

    @work(exclusive=True, group="ask")
    async def action_status(self) -> None:
        """Choose one status, or all."""
        options = {ALL: "  all", **{status: str(found) for status, found in ORDER.items()}}
        chosen = await self.app.push_screen_wait(Choice("Orders of which status?", options))
        if chosen is not None:
            self._wish(self.bookings.role, None if chosen == ALL else chosen)

    def action_role(self) -> None:
        """The other half."""
        self._wish("seller" if self.bookings.role == "buyer" else "buyer", self.bookings.status)

    def _wish(self, role: str, status: str | None) -> None:
        self.bookings = Bookings(role, status)
        self.fresh_at = 0
        self._show(keep=False)
        self.read(anew=True)

    def action_refresh(self) -> None:
        """From the first page on."""
        super().action_refresh()
        self._looked = None
        self.read(anew=True)

    def action_back(self) -> None:
        """Out of the story, then out of the filter."""
        if self.has_class("-zoomed"):
            self.action_zoom()
        elif self.bookings.status is not None:
            self._wish(self.bookings.role, None)
