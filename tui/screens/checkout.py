"""One order of one's own: its countdown, its story, and the ways to pay it."""

from collections.abc import Iterable
from typing import ClassVar

from textual import work
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from cli.output import harmless
from client import TixError
from client.story import OVER, price, told
from server.orders.schemas import OrderOut, OrderWithHistory
from server.payments.schemas import PaymentOut
from tui.actions import TWINS, guarded, key
from tui.holds import Held
from tui.messages import CardDeclined, OrderChanged
from tui.screens.dialogs import Confirm, MethodChoice
from tui.screens.view import View
from tui.widgets.countdown import Countdown
from tui.widgets.qr import qr_code
from tui.words import ORDER, mark


class Checkout(View):
    """From the hold to the ticket."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("p", "pay", "Pay", "Pay on a page of Stripe's: its link, its QR code, and the browser."),
        key("m", "method", "Method", "Pay by a payment method of Stripe's, like pm_card_visa."),
        key("e", "extend", "Extend", "5 minutes more, once."),
        key("x", "cancel", "Give up", "Give the hold up: nothing is taken, the ticket is free again."),
        key("h", "hold", "Hold again", "Hold the same ticket once more, after its hold has ended."),
    ]

    def __init__(self, order: OrderOut) -> None:
        """As it was last heard of."""
        super().__init__()
        self.order = order
        self.payment: PaymentOut | None = None
        self._is_paying = False

    def body(self) -> Iterable[Widget]:
        """What it is about and how long, beside how to pay."""
        with Horizontal(id="panes"):
            with VerticalScroll(id="order"):
                yield Static(id="title")
                yield Static(id="state")
                yield Countdown(self._held)
                yield Static(id="story")
            with Vertical(id="payment"):
                yield Static(id="how")
                yield Static(id="qr")

    def _held(self) -> Held | None:
        return self.holds.get(self.order.id)

    def on_mount(self) -> None:
        """Show it, and follow what becomes of it."""
        self.query_one("#order").focus()
        self._show()
        self.read()

    @work(exclusive=True, group="read")
    async def read(self) -> None:
        """The order with its history, and its newest payment."""
        try:
            self._take(await self.session.tix.show_order(self.order.id))
            payments = (await self.session.tix.list_payments(self.order.id)).items
        except TixError as error:
            if self.session.is_online:
                self.failed("Reading the order", error)
            return
        self.payment = payments[0] if payments else None
        self._show()

    def _take(self, order: OrderOut) -> None:
        if order.version >= self.order.version:
            self.order = order
            self.tui.take_hold(order)
            self._show()

    def on_order_changed(self, message: OrderChanged) -> None:
        """A step of this order."""
        if message.order.id == self.order.id:
            self._take(message.order)
            if message.order.status == "complete":
                self.read()

    def on_card_declined(self, message: CardDeclined) -> None:
        """The hold remains, and another card can be tried."""
        if message.decline.order_id == self.order.id:
            self.read()

    # --- what is shown ------------------------------------------------------------------------------------

    def _show(self) -> None:
        if not self.is_drawn:
            return
        order = self.order
        state = mark(ORDER, order.status)
        self.query_one("#title", Static).update(Content(harmless(order.ticket.title)))
        self.query_one("#state", Static).update(
            Content.assemble((price(order), "bold"), "   ", (str(state), state.colour))
        )
        history = order.history if isinstance(order, OrderWithHistory) else []
        lines = [f"{step.at.astimezone():%H:%M:%S}  {harmless(told(step, order))}" for step in history]
        self.query_one("#story", Static).update(Content("\n".join(lines)))
        self._show_payment()
        self.refresh_bindings()

    def _show_payment(self) -> None:
        if not self.is_drawn:
            return
        how, payment = self.query_one("#how", Static), self.payment
        url = self.link if self.order.status == "created" else None
        self.query_one("#qr", Static).update(qr_code(url) if url else "")
        how.update(Content(self._how(payment, url)))

    @property
    def link(self) -> str | None:
        """Where it is paid, or where the bank wants to see its customer."""
        payment = self.payment
        if payment is None or payment.status not in {"open", "requires_action"}:
            return None
        if payment.mode == "checkout":
            return payment.checkout_url
        return payment.next_action.url if payment.next_action else None

    def _how(self, payment: PaymentOut | None, url: str | None) -> str:
        status = self.order.status
        if status == "complete":
            return f"Paid {price(self.order)}. The ticket is yours."
        if status in OVER:
            return "Press h to hold it again." if self.why_not("hold") is None else ""
        if status != "created":
            return "The money is being taken; this page says when it is done."
        declined = ""
        if payment and payment.decline_code:
            declined = f"The bank declined the card ({harmless(payment.decline_code)}); try another.\n\n"
        if url:
            open_ = (
                "The bank wants to know that it is you; open"
                if payment and payment.mode == "intent"
                else ("To pay, open")
            )
            return f"{declined}{open_}\n{url}\n\ny copies it. This page says when it is paid."
        if self._is_paying:
            return "Asking Stripe…"
        return f"{declined}Press p to pay on a page of Stripe's, m to pay by a payment method."

    # --- actions ------------------------------------------------------------------------------------------

    def why_not(self, action: str) -> str | None:
        """By the state of the order."""
        status = self.order.status
        if action in {"pay", "method", "extend", "cancel"} and status != "created":
            state = mark(ORDER, status).word
            return f"It is {state}: there is nothing to pay, extend or give up any more."
        if action == "extend" and not self.order.extendable:
            return "A hold can be extended once only, since other buyers wait."
        if action == "hold" and status not in OVER:
            return "It is still held, or yours."
        return super().why_not(action)

    @guarded
    def action_pay(self) -> None:
        """Begin, or show again, the payment on a page."""
        self._pay(None)

    @guarded
    @work(exclusive=True, group="ask")
    async def action_method(self) -> None:
        """Choose a method, and confirm what it costs."""
        method = await self.app.push_screen_wait(MethodChoice())
        if method is None:
            return
        question = f"Pay {price(self.order)} for “{self.order.ticket.title}” by {method}?"
        if await self.app.push_screen_wait(Confirm(question, yes="Pay")):
            self._pay(method)

    @work(exclusive=True, group="pay")
    async def _pay(self, method: str | None) -> None:
        """Never shown before it is so."""
        self._is_paying = True
        self._show_payment()
        try:
            mode = None if method else "checkout"
            self.payment = await self.session.tix.pay_order(
                self.order.id,
                payment_method=method,
                mode=mode,  # type: ignore[arg-type]  # one of its two words
            )
        except TixError as error:
            self.failed("Paying", error)
        finally:
            self._is_paying = False
            self._show()
        if self.link:
            self.tui.open_page(self.link)

    @guarded
    @work(group="write")
    async def action_extend(self) -> None:
        """More time, once."""
        try:
            self._take(await self.session.tix.extend_order(self.order.id))
        except TixError as error:
            self.failed("Extending", error)
            self.read()

    @guarded
    @work(group="write")
    async def action_cancel(self) -> None:
        """Give it up, after a question."""
        question = f"Give “{self.order.ticket.title}” up? Nothing was taken; it is free for others then."
        if await self.app.push_screen_wait(Confirm(question, yes="Give up")):
            try:
                await self.session.tix.cancel_order(self.order.id)
            except TixError as error:
                self.failed("Giving up", error)
            self.read()

    @guarded
    @work(group="write")
    async def action_hold(self) -> None:
        """The same ticket again."""
        ticket = self.order.ticket
        try:
            order = await self.session.tix.reserve_ticket(ticket.id, max_price=self.order.price)
        except TixError as error:
            self.failed(f"Holding “{ticket.title}” again", error)
            return
        self.order, self.payment = order, None
        self.tui.take_hold(order)
        self.read()

    def action_refresh(self) -> None:
        """Read it anew."""
        super().action_refresh()
        self.read()

    def copyable(self) -> dict[str, str]:
        """Of this order."""
        order = self.order
        found = {"id": str(order.id), "JSON": order.model_dump_json(by_alias=True)}
        if self.link:
            found["payment link"] = self.link
        if self.session.shop:
            found["address"] = f"{self.session.shop.rstrip('/')}/orders/{order.id}"
        for name in ("pay", "method", "extend", "cancel", "show_order", "watch_order"):
            found[f"command to {name.replace('_order', '')}"] = TWINS[name].format(order=order.id)
        return found
