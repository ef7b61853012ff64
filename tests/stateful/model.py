"""What Tix promises, in plain Python: who holds what, what each call is answered, and what comes of it.

Every method that stands for a call returns the predicted verdict (`201`, `409 ticket_sold`) and leaves the
objects as the whole platform must be once its news has travelled.
"""

from dataclasses import dataclass, field
from typing import Any

MOST_HOLDS = 1
"""Unpaid holds that a user may have, so few that the cap is met."""

GOOD, ASKS, DISPUTES = "pm_card_visa", "pm_card_authenticationRequired", "pm_card_createDispute"
LAPSES, SENDS_REFUND_BACK = "pm_sandbox_authorizationLapses", "pm_card_refundFail"
DECLINES = {
    "pm_card_chargeDeclined": "generic_decline",
    "pm_card_chargeDeclinedInsufficientFunds": "insufficient_funds",
}
ODD_CARDS = (*DECLINES, ASKS, LAPSES, SENDS_REFUND_BACK)
NOT_AUTHENTICATED = "payment_intent_authentication_failure"
UNPAID = {"open", "requires_action"}
UNKNOWN_ORDER = "404 order_not_found"


@dataclass(eq=False)
class Ticket:
    """A listing and its seat; people are named, `price` is in minor units."""

    seller: str
    price: int
    id: str = ""
    version: int = 0
    withdrawn: bool = False
    holder: "Order | None" = None

    @property
    def status(self) -> str:
        """As it is shown."""
        if self.holder is None:
            return "withdrawn" if self.withdrawn else "available"
        return "reserved" if self.holder.status == "created" else "sold"

    def edit(self, who: str, *, version: int, **change: Any) -> str:
        """PUT with what is to change: `price`, `withdrawn`."""
        if who != self.seller:
            return "403 not_owner"
        if self.holder:
            return f"409 ticket_{self.status}"
        if version != self.version:
            return "409 version_conflict"
        self.version += any(getattr(self, name) != value for name, value in change.items())
        vars(self).update(change)
        return "200"

    def withdraw(self, who: str) -> str:
        """DELETE."""
        answer = self.edit(who, version=self.version, withdrawn=True)
        return "204" if answer == "200" else answer


@dataclass(eq=False)
class Payment:
    """One payment of an order; amounts in minor units."""

    id: str = ""
    status: str = "open"
    card: str | None = None
    attempt: int = 0
    decline_code: str | None = None
    captured: int = 0
    refunded: int = 0


@dataclass(eq=False)
class Order:
    """A hold and what became of it."""

    ticket: Ticket
    buyer: str
    price: int
    id: str = ""
    history: list[str] = field(default_factory=lambda: ["created"])
    extended: bool = False
    payments: list[Payment] = field(default_factory=list)

    @property
    def status(self) -> str:
        """Its last step."""
        return self.history[-1]

    @property
    def payment(self) -> Payment | None:
        """The last one."""
        return self.payments[-1] if self.payments else None

    @property
    def needs_review(self) -> bool:
        """Whether a person must look: the bank sent the refund back."""
        return self.payment is not None and self.payment.status == "refund_failed"

    def cancel(self, who: str) -> str:
        """DELETE."""
        if who != self.buyer:
            return UNKNOWN_ORDER
        if self.status == "created":
            self._release("cancelled")
        return "204" if self.status == "cancelled" else "409 order_not_cancellable"

    def extend(self, who: str) -> str:
        """POST …/extend."""
        if who != self.buyer:
            return UNKNOWN_ORDER
        if self.status != "created":
            return "409 order_not_extendable"
        if self.extended:
            return "409 extension_used"
        self.extended = True
        self.history.append("created")
        return "200"

    def time_passes(self) -> None:
        """The hold's end has come; what is not a hold does not mind."""
        if self.status == "created":
            self._release("expired")

    def pay(self, who: str, card: str | None) -> str:
        """POST /api/payments."""
        if who != self.buyer:
            return UNKNOWN_ORDER
        payment = self.payment
        is_new = payment is None or payment.status == "voided"
        if is_new and self.status != "created":
            return "409 order_not_payable"
        if payment is None or is_new:
            payment = Payment()
            self.payments.append(payment)
        if card is not None and payment.status in UNPAID:
            payment.card, payment.decline_code = card, DECLINES.get(card)
            payment.attempt += 1
            payment.status = "requires_action" if card == ASKS else "open"
            if card in DECLINES:
                return "402 card_declined"
            if card != ASKS:
                self._charge(payment)
        return "201" if is_new else "200"

    def authenticate(self, *, passed: bool) -> str:
        """The buyer answers at the bank's page, which may be gone."""
        payment = self.payment
        if payment is None or payment.status != "requires_action":
            return "404"
        if passed:
            self._charge(payment)
        else:
            payment.status, payment.decline_code = "open", NOT_AUTHENTICATED
        return "303"

    def refund(self, who: str) -> str:
        """POST …/refund."""
        if who not in {self.buyer, self.ticket.seller}:
            return UNKNOWN_ORDER
        if who == self.buyer:
            return "403 not_owner"
        payment = self.payment
        if payment is None or not (self.status == "complete" or self.needs_review):
            return "409 not_refundable"
        if self.status == "complete":
            self.ticket.holder = None
        self.history += ["revoked", "refunded"]
        if payment.card == SENDS_REFUND_BACK:
            self.history.append("revoked")
            payment.status = "refund_failed"
        else:
            payment.status, payment.refunded = "refunded", payment.captured
        return "202"

    def decide(self, *, won: bool) -> None:
        """The bank ends the dispute, for us or for the buyer."""
        assert self.payment is not None
        self.history.append("complete" if won else "charged_back")
        self.payment.status = "captured" if won else "charged_back"
        if not won:
            self.ticket.holder = None

    def _charge(self, payment: Payment) -> None:
        if payment.card == LAPSES:
            self._release("accepted", "rejected")
            return
        payment.status, payment.captured = "captured", self.price
        self.history += ["accepted", "complete"]
        if payment.card == DISPUTES:
            payment.status = "disputed"
            self.history.append("disputed")

    def _release(self, *steps: str) -> None:
        self.history += steps
        self.ticket.holder = None
        if self.payment is not None:
            self.payment.status = "voided"


@dataclass
class Market:
    """Everything there is, oldest first."""

    tickets: list[Ticket] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)

    @property
    def disputed(self) -> list[Order]:
        """Those that wait for the bank's word."""
        return [order for order in self.orders if order.status == "disputed"]

    def reserve(self, who: str, ticket: Ticket, max_price: int | None) -> str:
        """POST /api/orders."""
        if who == ticket.seller:
            return "403 own_ticket"
        if ticket.status != "available":
            return f"409 ticket_{ticket.status}"
        if max_price is not None and ticket.price > max_price:
            return "409 price_changed"
        if sum(order.buyer == who and order.status == "created" for order in self.orders) == MOST_HOLDS:
            return "429 too_many_holds"
        ticket.holder = Order(ticket, who, ticket.price)
        self.orders.append(ticket.holder)
        return "201"
