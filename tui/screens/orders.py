"""One's own orders, or those of one's own listings, live."""

from collections.abc import Iterable
from functools import partial
from typing import ClassVar
from uuid import UUID

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.timer import Timer

from client import NotFound, TixError, Unavailable, Unreachable
from client.story import price
from server.orders.schemas import OrderOut
from tui.actions import guarded, key
from tui.bookings import Bookings
from tui.holds import UNDER_WAY
from tui.messages import HoldsChanged, LinkChanged, OrderChanged, Sending, TicketsChanged
from tui.screens.deals import AGAIN, CANCEL, EXTEND, REFUND, Deals
from tui.screens.dialogs import Choice
from tui.screens.panes import Panes
from tui.screens.reading import Reading
from tui.widgets.rows import Column, Rows
from tui.widgets.story import Story
from tui.words import ORDER, clock, day, mark

LOOK_AFTER = 0.15
"""Seconds the cursor rests on an order before its story is read."""
AGAIN_SECONDS = 2
"""After news that could not be read."""
FEW = 20
"""Orders that are read one by one after news of their tickets; more are read as a page."""
ALL = "all"


class Orders(Reading[Bookings], Deals, Panes):
    """What was bought, or with `o` sold: newest first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("p", "pay", "Pay", "The order's own page: its countdown, and the ways to pay."),
        EXTEND,
        CANCEL,
        AGAIN,
        REFUND,
        key("f", "status", "Status", "Only orders of one status, or all."),
        key("o", "role", "Bought/sold", "What was bought, or what was sold of one's own listings."),
    ]
    LIST = "orders"
    NAME = "orders"
    IS_OWN = True

    def __init__(self) -> None:
        """Nothing was read yet."""
        super().__init__()
        self.catalogue = Bookings()
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
                    is_stale=self.is_stale,
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

    @property
    def meant(self) -> OrderOut | None:
        """The one under the cursor."""
        return self.rows.current if self.is_drawn else None

    def on_mount(self) -> None:
        """Read, and count down what is held."""
        self.rows.focus()
        self.catalogue = Bookings(*self.tui.memory.booked())
        self._owner = self.whose
        self.show(keep=False)
        self.set_interval(0.5, self._count_down)

    def _count_down(self) -> None:
        if self.holds.counting:
            self.rows.refresh()

    def look_failed(self) -> None:
        """Whoever rests on it once more, or is back when Tix is, reads it."""
        self._looked = None

    def on_link_changed(self, _: LinkChanged) -> None:
        """The story under the cursor, too, may be out of date."""
        self._looked = None
        if self.session.is_online and self.is_current:
            self._look()

    def on_screen_resume(self) -> None:
        """What was ordered elsewhere meanwhile is not told here, so it is read."""
        self.owe()

    def on_screen_suspend(self) -> None:
        """Nobody looks."""
        self._looked = None
        self.workers.cancel_group(self, "look")

    # --- reading ------------------------------------------------------------------------------------------

    def anew(self) -> Bookings:
        """In the same role and of the same status."""
        return Bookings(self.catalogue.role, self.catalogue.status)

    def tell_chips(self, doing: str = "") -> None:
        """How many there are, and of which kind."""
        if not self.is_drawn:
            return
        book, count = self.catalogue, len(self.rows)
        parts = [f"{count:,}{'' if book.is_whole or not count else '+'} order{'' if count == 1 else 's'}"]
        parts.append("bought" if book.role == "buyer" else "sold: orders of your listings")
        parts += [f"only {mark(ORDER, book.status).word}"] if book.status else []
        self.query_one("#list").border_title = doing or " · ".join(parts)

    def _want(self, order_ids: Iterable[UUID]) -> None:
        """There is news of these, which is to be read; one after another, by one worker."""
        self._wanted |= set(order_ids)
        if len(self._wanted) > FEW:
            self._wanted.clear()
            self.owe()
        elif self._wanted and not self.is_working("news"):
            self._read_wanted()

    @work(group="news")
    async def _read_wanted(self) -> None:
        while self._wanted:
            order_id = self._wanted.pop()  # before it is asked for: news may come meanwhile
            try:
                order = await self.session.tix.show_order(order_id)
            except NotFound:
                continue  # another's
            except (Unreachable, Unavailable):  # the banner says it, or only a part of Tix is away
                self._wanted.add(order_id)
                self.set_timer(AGAIN_SECONDS, partial(self._want, ()))
                return
            except TixError as error:
                self.tui.failed("Reading an order", error)
            else:
                self.tui.hear_order(order)

    def on_order_changed(self, message: OrderChanged) -> None:
        """A step of one of these, or a new one."""
        order, old = message.order, self.catalogue.get(message.order.id)
        if self.whose is None:
            return
        self.hear([order])
        was_under_way = old is not None and old.status in UNDER_WAY
        if order.id == self._looked and was_under_way and order.status not in UNDER_WAY:
            self.look()  # the app does not follow it any more

    def on_tickets_changed(self, message: TicketsChanged) -> None:
        """A seller's orders are told by their tickets; so are refunds to a buyer."""
        if message.tickets is None:
            self.owe()
            return
        wanted = set(self.catalogue.of_tickets(ticket.id for ticket in message.tickets))
        if self.catalogue.role == "seller":
            wanted |= {it.order_id for it in message.tickets if it.order_id and self.session.owns(it.user_id)}
        self._want(wanted)

    @on(HoldsChanged)
    @on(Sending)
    def _holds_changed(self) -> None:
        """What is held, by how it stands now."""
        if self.whose is not None:
            known = self.catalogue.get
            held = (one.order for one in self.holds.counting)
            news = [one for one in held if (old := known(one.id)) is None or old.version < one.version]
            if news:
                self.hear(news)
        self.tell_details()

    @on(Rows.Moved, "#orders")
    def _moved(self) -> None:
        self.tell_details()
        self.refresh_bindings()
        if self.near_end():
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

    def tell_details(self) -> None:
        """The story of the order under the cursor, or why there is none."""
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
        return self.keyed(self.catalogue.why_empty) if self.fresh_at else "Reading…"

    # --- actions ------------------------------------------------------------------------------------------

    def why_not(self, action: str) -> str | None:
        """A page to pay on is its buyer's; what is shown was chosen by Tix, who is asked for others."""
        if action in {"status", "role"} and self.session.is_online is False:
            return "Tix does not answer; other orders are shown when it does."
        if action not in {"pay", "open"}:
            return super().why_not(action)
        if self.meant is None:
            return "There is no order here."
        if self.catalogue.role == "seller":
            return "Only its buyer pays it."
        if action == "pay" and self.meant.status != "created":
            state = mark(ORDER, self.meant.status).word
            return f"It is {state}: there is nothing to pay; {self.key_of('open')} shows its page."
        return None

    @on(Rows.Chosen, "#orders")
    def _chosen(self) -> None:
        if self.catalogue.role == "seller":
            self.action_zoom()
        else:
            self.action_open()

    @guarded
    def action_open(self) -> None:
        """The order's own page."""
        if self.meant is not None:
            self.tui.open_order(self.meant)

    @guarded
    def action_pay(self) -> None:
        """On the order's own page."""
        self.action_open()

    @guarded
    @work(exclusive=True, group="ask")
    async def action_status(self) -> None:
        """Choose one status, or all."""
        options = {ALL: "  all", **{status: str(found) for status, found in ORDER.items()}}
        chosen = await self.app.push_screen_wait(Choice("Orders of which status?", options))
        if chosen is not None:
            self._wish(self.catalogue.role, None if chosen == ALL else chosen)

    @guarded
    def action_role(self) -> None:
        """The other half."""
        self._wish("seller" if self.catalogue.role == "buyer" else "buyer", self.catalogue.status)

    def _wish(self, role: str, status: str | None) -> None:
        self.tui.memory.book(role, status)
        self.catalogue = Bookings(role, status)
        self.restart()

    def action_refresh(self) -> None:
        """From the first page on."""
        super().action_refresh()
        self._looked = None
        self.owe()

    def action_back(self) -> None:
        """Out of the story, then out of the filter."""
        if self.has_class("-zoomed"):
            self.action_zoom()
        elif self.catalogue.status is not None and self.session.is_online is not False:
            self._wish(self.catalogue.role, None)
