"""`tix pay`: pay an order and wait until it is known what came of it."""

import io
import shutil
import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.errors import CONFLICT, PENDING, REJECTED, Refused
from cli.orders import Order
from cli.output import facts
from cli.run import Run
from cli.story import price, told

if TYPE_CHECKING:
    from client import Tix
    from server.orders.schemas import OrderWithHistory
    from server.payments.schemas import PaymentOut

EXAMPLES = (
    "tix pay ORDER\n"
    "tix pay ORDER --method pm_card_visa\n"
    "tix pay ORDER --no-wait --json\n"
    "tix pay ORDER --method pm_card_visa --timeout 120 --json"
)
OUTCOME_SECONDS = 60.0
LOOK_SECONDS = 0.3
QUIET_ZONE = 2
"""Modules of white around a QR code; the standard's four make it too wide for many terminals."""
BACK = frozenset({"revoked", "refunded", "charged_back"})
"""The ticket was paid once, and taken back."""
SECRET = frozenset({"client_secret"})
"""For a browser's payment form only; not for a terminal or the log of a script."""
Method = Annotated[
    str | None,
    typer.Option("--method", metavar="PM", help="A payment method of Stripe's: pm_card_visa (test)."),
]


def pay(
    ctx: typer.Context,
    order: Order,
    *,
    method: Method = None,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Begin the payment and end; the page is `checkoutUrl`.")
    ] = False,
) -> None:
    """Pay an order, by --method or on a page of Stripe's, whose link and QR code are told on stderr.

    Ends when the ticket is yours or surely is not. Exit 8 if that is not known in time (--timeout; on the
    page there is no limit but the hold's). With --json the page, or that of a bank which wants to see you,
    is a line on stderr with `checkoutUrl` or `nextAction`.
    """
    run = Run(ctx, order=order)

    async def settle(tix: "Tix") -> Watch:
        watch = Watch(run, tix, await begin(tix, order, method, run.options.idempotency_key))
        if not no_wait:
            await watch.known()
        return watch

    try:
        watch = run.ask(settle)
    except KeyboardInterrupt:
        run.out.say(f"Interrupted; what was begun goes on. To see it: tix orders show {order}{run.flags}")
        raise
    if no_wait:
        run.out.one(watch.payment, lambda: _begun(watch.payment), hidden=SECRET)
    else:
        watch.tell()


async def begin(tix: "Tix", order: str, method: str | None, key: str | None) -> "PaymentOut":
    """The order's payment: by a method, or on a page."""
    mode: Literal["checkout"] | None = None if method else "checkout"
    return await tix.pay_order(order, payment_method=method, mode=mode, key=key)


def _begun(payment: "PaymentOut") -> str:
    return facts(
        ("payment", str(payment.id)),
        ("status", payment.status),
        ("pay here", payment.checkout_url),
        ("bank", payment.next_action.url if payment.next_action else None),
    )


class Watch:
    """Looks at an order that is being paid until it is known what came of it."""

    def __init__(self, run: Run, tix: "Tix", payment: "PaymentOut") -> None:
        """`payment` is as the API answered it."""
        self._run, self._tix = run, tix
        self.payment = payment
        self.order: OrderWithHistory
        self._page: str | None = None
        self._declined: str | None = None
        self._is_away = False

    async def known(self) -> None:
        """The outcome, within --timeout seconds; a page may take as long as the hold. Raises Refused."""
        import asyncio  # noqa: PLC0415 - 30 ms, which --help can do without

        on_page = self.payment.checkout_url is not None
        patience = self._run.options.timeout or (None if on_page else OUTCOME_SECONDS)
        try:
            async with asyncio.timeout(patience):
                await self.outcome()
        except TimeoutError:
            raise self.pending(patience or 0) from None

    def tell(self) -> None:
        """The good end: talk, and the payment as data."""
        run, bought = self._run, self.order
        run.out.say(f"Paid {price(bought)}; “{bought.ticket.title}” is yours.")
        if bought.status == "disputed":
            run.out.say(told(bought.history[-1], bought))
        run.out.one(
            self.payment,
            lambda: facts(
                ("order", str(bought.id)),
                ("ticket", bought.ticket.title),
                ("status", bought.status),
                ("payment", str(self.payment.id)),
                ("paid", price(bought)),
            ),
            hidden=SECRET,
        )

    async def outcome(self) -> None:
        """Return when the ticket is theirs. Raises Refused when it surely will not be.

        While Tix does not answer nothing is known: whoever has paid waits until it does.
        """
        import asyncio  # noqa: PLC0415 - 30 ms, which --help can do without

        from client import TooMany, Unavailable, Unreachable  # noqa: PLC0415 - httpx, likewise

        while True:
            self._tell_page()
            try:
                self.order = await self._tix.show_order(self.payment.order_id)
                await self._look()
            except (TooMany, Unavailable, Unreachable):
                if not self._is_away:
                    self._run.out.say("Tix does not answer just now; still waiting for the outcome.")
                self._is_away = True
            else:
                self._is_away = False
                self._refuse_if_over()
                if self.order.status in {"complete", "disputed"}:
                    return
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
        """At the payment; the newest, where another window began one anew."""
        is_paid = self.order.status in {"complete", "disputed"}
        if self.payment.status != "voided":
            self.payment = await self._tix.show_payment(self.payment.id)
        elif is_paid:
            [self.payment, *_] = (await self._tix.list_payments(self.order.id)).items
        elif self.order.status == "created":
            closed = "This payment was closed, perhaps from another window; the hold remains."
            raise self._refused("payment_closed", CONFLICT, closed, f"tix pay {self.order.id}")

    def pending(self, patience: float) -> Refused:
        """Nothing is known for sure after `patience` seconds."""
        state = self.payment.status.replace("_", " ")
        page = f" {self._why_page()}: {self._page}" if self._page else ""
        away = " Tix does not answer now." if self._is_away else ""
        return Refused(
            f"After {patience:.0f} s it is not known what came of it: the payment is {state}.{page}{away}",
            code="still_pending",
            exit_code=PENDING,
            hint=f"tix orders show {self.payment.order_id}{self._run.flags}",
        )

    def _tell_page(self) -> None:
        """Once each: the hosted page, or the bank's, which a hosted page itself leads to."""
        payment = self.payment
        action = payment.next_action.url if payment.next_action else None
        url = payment.checkout_url if payment.mode == "checkout" else action
        if url and url != self._page:
            member = {"checkoutUrl": url} if payment.mode == "checkout" else {"nextAction": {"url": url}}
            self._run.out.urge(
                f"{self._why_page()}: {url}",
                orderId=str(payment.order_id),
                paymentId=str(payment.id),
                **member,
            )
            if payment.mode == "checkout":
                for line in qr_code(url):
                    self._run.out.say(line)
        self._page = url

    def _why_page(self) -> str:
        if self.payment.mode == "checkout":
            return "To pay, open"
        return "The bank wants to know that it is you; open"

    def _refuse_if_over(self) -> None:
        order, payment = self.order, self.payment
        ended = order.status in {"expired", "cancelled"}
        if order.status == "rejected":
            raise self._refused("payment_rejected", REJECTED)
        if order.status in BACK or (ended and payment.status in {"open", "requires_action", "voided"}):
            raise self._refused(f"order_{order.status}", CONFLICT)
        if payment.mode == "checkout":
            if payment.decline_code and payment.decline_code != self._declined:
                self._run.out.say(f"A card was declined ({payment.decline_code}); the page takes another.")
            self._declined = payment.decline_code
        elif payment.status == "open" and payment.decline_code:
            declined = f"The bank declined this card ({payment.decline_code}); the hold remains."
            raise self._refused("card_declined", REJECTED, declined)

    def _refused(self, code: str, exit_code: int, why: str | None = None, hint: str | None = None) -> Refused:
        detail = why or told(self.order.history[-1], self.order)
        hint = f"{hint or f'tix orders show {self.order.id}'}{self._run.flags}"
        return Refused(detail, code=code, exit_code=exit_code, hint=hint)


def qr_code(text: str) -> list[str]:
    """Lines for a telephone to read off the terminal; none where that is missing, too small or too plain."""
    if not sys.stderr.isatty() or not (sys.stderr.encoding or "").lower().startswith("utf"):
        return []
    import segno  # noqa: PLC0415 - 30 ms, and rarely needed

    code = segno.make(text, error="l")
    side, room = code.symbol_size(border=QUIET_ZONE)[0], shutil.get_terminal_size()
    if side > room.columns or side > 2 * room.lines:  # two modules in a line
        return []
    picture = io.StringIO()
    code.terminal(out=picture, border=QUIET_ZONE, compact=True)
    return picture.getvalue().splitlines()
