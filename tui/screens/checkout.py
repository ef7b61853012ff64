"""One order: its countdown, its story, and for its buyer the ways to pay it."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import ClassVar

from textual import work
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from cli.clock import steady
from cli.output import harmless
from client import PaymentRefused, TixError
from client.story import is_buyer, price
from server.orders.schemas import OrderOut
from server.payments.schemas import PaymentOut
from tui.actions import guarded, key
from tui.holds import UNDER_WAY, Held
from tui.messages import CardDeclined, HoldsChanged, LinkChanged, OrderChanged, Sending
from tui.paying import how_to_pay, page_of
from tui.screens.deals import AGAIN, CANCEL, ENDED, EXTEND, REFUND, Deals
from tui.screens.dialogs import Confirm, MethodChoice
from tui.screens.view import ON_ITS_WAY
from tui.widgets.pane import Pane
from tui.widgets.qr import QrCode
from tui.widgets.story import Deal
from tui.words import ORDER, mark


class Checkout(Deals):
    """From the hold to the ticket."""

    VERTICAL_BREAKPOINTS = [(0, "-short"), (24, "-tall")]
    BINDINGS: ClassVar[list[BindingType]] = [
        key("p", "pay", "Pay", "Pay on a page of Stripe's: its link, its QR code, and the browser."),
        key("m", "method", "Method", "Pay by a payment method of Stripe's, like pm_card_visa."),
        EXTEND,
        CANCEL,
        AGAIN,
        replace(REFUND, show=False),
        key("c", "copy_link", "Copy link", "Copy the link to where it is paid."),
        key("z", "zoom", "Zoom", "The QR code of the link alone, or all again.", show=False),
    ]

    def __init__(self, order: OrderOut) -> None:
        """As it was last heard of."""
        super().__init__()
        self.order = order
        self.payment: PaymentOut | None = None
        self._was_asking = False

    def body(self) -> Iterable[Widget]:
        """What it is about and how long, beside how to pay; below one another where it is narrow."""
        with Pane(id="panes"):
            yield Deal(lambda: self._held)
            with Vertical(id="payment") as pane:
                pane.border_title = "Payment"
                yield Static(id="how")
                yield QrCode(id="qr")

    @property
    def _held(self) -> Held | None:
        return self.holds.get(self.order.id)

    @property
    def _is_asking(self) -> bool:
        return self.tui.is_sending(("pay", self.order.id))

    @property
    def meant(self) -> OrderOut:
        """The one that is shown."""
        return self.order

    def on_mount(self) -> None:
        """Show it, and follow what becomes of it."""
        self.query_one("#panes").focus()
        self._was_asking = self._is_asking
        self._show()
        self.read()

    def read(self) -> None:
        """The order with its history, and its newest payment."""
        self.look()
        self.read_payment()

    @work(exclusive=True, group="read")
    async def read_payment(self) -> None:
        """The newest payment, which no stream tells, and nobody but its buyer."""
        if not is_buyer(self.order):
            return
        try:
            payments = (await self.session.tix.list_payments(self.order.id)).items
        except TixError as error:
            if self.session.is_online:  # else the banner says it
                self.tui.failed("Reading the payment", error)
            return
        if payments and payments[0].order_id == self.order.id:
            self.payment = payments[0]
        self._show()

    def on_order_changed(self, message: OrderChanged) -> None:
        """A step of this order."""
        order, old = message.order, self.order
        if order.id != old.id or order.version < old.version:
            return
        self.fresh_at = steady()
        self.order = order
        self._show()
        if order.version > old.version:
            self.read_payment()
        if old.status in UNDER_WAY and order.status not in UNDER_WAY:
            self.look()  # the app does not follow it any more, and late news may come

    def on_card_declined(self, message: CardDeclined) -> None:
        """The hold remains, and another card can be tried."""
        if message.decline.order_id == self.order.id:
            self.read_payment()

    def on_holds_changed(self, _: HoldsChanged) -> None:
        """An answer may have been quicker than the stream."""
        held = self._held
        if held is not None and held.order.version > self.order.version:
            self.order = held.order
            self._show()

    def on_sending(self, _: Sending) -> None:
        """What can be done depends on it; what was paid from a page that was left is read here."""
        was_asking, self._was_asking = self._was_asking, self._is_asking
        if was_asking and not self._is_asking:
            self.read_payment()
        self._show()

    def on_link_changed(self, _: LinkChanged) -> None:
        """What can be done depends on it; a payment may have been missed."""
        if self.session.is_online:
            self.read_payment()
        self._show()

    # --- what is shown ------------------------------------------------------------------------------------

    def _show(self) -> None:
        if not self.is_drawn:
            return
        order = self.order
        self.query_one(Deal).tell(order)
        text = how_to_pay(order, self.payment, is_asking=self._is_asking, key_of=self.key_of)
        self.query_one("#how", Static).update(Content(harmless_lines(text)))
        self.query_one(QrCode).link = self.link
        if self.link is None:
            self.remove_class("-zoomed")
        self.refresh_bindings()

    @property
    def link(self) -> str | None:
        """Where it is paid, or where the bank wants to see its customer."""
        return page_of(self.order, self.payment)

    # --- actions ------------------------------------------------------------------------------------------

    def why_not(self, action: str) -> str | None:
        """By the state of the order."""
        if action in {"copy_link", "zoom"}:
            return None if self.link else self.keyed("There is no link yet: {pay} asks for one.")
        if action in {"pay", "method"}:
            if not is_buyer(self.order):
                return "Only its buyer pays it."
            if self.order.status != "created":
                return f"It is {mark(ORDER, self.order.status).word}: there is nothing to pay."
            if self._is_asking:
                return ON_ITS_WAY
            if self._held is not None and self._held.left <= 0:
                return self.keyed(ENDED)
        return super().why_not(action)

    @guarded
    def action_pay(self) -> None:
        """Begin, or show again, the payment on a page."""
        self._pay(None)

    @guarded
    @work(exclusive=True, group="ask")
    async def action_method(self) -> None:
        """Choose a method, and confirm what it costs."""
        order = self.order
        method = await self.app.push_screen_wait(MethodChoice(is_live=self.session.is_live))
        if method is None:
            return
        question = f"Pay {price(order)} for “{order.ticket.title}” by {method}?"
        if await self.app.push_screen_wait(Confirm(question, yes="Pay")):
            why = self.why_not("method") if self.order.id == order.id else "This is another order."
            if why is not None:
                self.tui.report(why, severity="warning")
                return
            self._pay(method)

    def _pay(self, method: str | None) -> None:
        order = self.order
        self.tui.send(
            ("pay", order.id), f"Paying for “{order.ticket.title}”", partial(self._ask, order, method)
        )

    async def _ask(self, order: OrderOut, method: str | None) -> None:
        """What came of it is shown by what the order and its payment say then."""
        try:
            payment = await self.session.tix.pay_order(
                order.id, payment_method=method, mode=None if method else "checkout"
            )
        except PaymentRefused:
            pass  # the payment says why, and the stream tells it to whoever looks elsewhere
        except TixError as error:
            self.tui.failed(f"Paying for “{order.ticket.title}”", error)
        else:
            if self.is_running and self.order.id == order.id:
                self.payment = payment
                if self.link:
                    self.tui.open_page(self.link)
                self._show()
            elif not self.tui.shows_order(order.id) and page_of(order, payment):
                orders = self.key_of("view_orders")
                self.tui.report(f"“{order.ticket.title}” can be paid: press {orders} for the link.")
            return
        if self.is_running:
            self.read()  # it may have arrived

    def held(self, order: OrderOut) -> None:
        """The same page, from the beginning."""
        self.order, self.payment = order, None
        self.read()
        self._show()

    @guarded
    def action_copy_link(self) -> None:
        """To where the browser is."""
        if self.link is not None:
            self.app.copy_to_clipboard(self.link)
            self.tui.report("Copied the link. Where a terminal does not take it, mark it with the mouse.")

    @guarded
    def action_zoom(self) -> None:
        """The QR code alone, for all the room there is, and back."""
        self.toggle_class("-zoomed")

    def action_refresh(self) -> None:
        """Read it anew."""
        super().action_refresh()
        self.read()

    def action_back(self) -> None:
        """Out of the zoom, then out of here; the order stays as it is."""
        if self.has_class("-zoomed"):
            self.action_zoom()
        else:
            super().action_back()

    def copyable(self) -> dict[str, str]:
        """Of this order."""
        found = super().copyable()
        return {"payment link": self.link, **found} if self.link else found


def harmless_lines(text: str) -> str:
    """Each line harmless; the breaks between them are ours."""
    return "\n".join(map(harmless, text.split("\n")))
