"""How an order stands, for whoever looks at it: plain sentences, and one thing to do next."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from client.money import shown
from client.story import UNHARMED, attention, is_buyer, told, why_declined

if TYPE_CHECKING:
    from server.orders.schemas import OrderOut, OrderWithHistory
    from server.payments.schemas import PaymentOut

AUTHORISED = frozenset({"authorized", "capturing"})
AGAIN = frozenset({"cancelled", "expired", "rejected"})
"""The buyer has paid nothing and may hold the ticket again, if it is free."""
VALID = frozenset({"complete", "disputed"})
"""The ticket is its buyer's."""

MINUTE = 60


@dataclass(frozen=True)
class Step:
    """A link to where it goes on."""

    text: str
    address: str


@dataclass(frozen=True)
class Outlook:
    """What a page says first; no `step`: the way on is to hold the ticket again."""

    says: tuple[str, ...]
    step: Step | None
    tone: str = ""
    """good, warn, bad: the colour of the notice."""
    waits: bool = False
    """Within seconds there will be news."""
    otherwise: Step | None = None
    """A smaller link: for where the step leads nowhere, or what is seldom wanted."""


def utc_time(at: datetime) -> str:
    """A time of day for a page that knows no time zone of its reader."""
    return f"{at.astimezone(UTC):%H:%M} UTC"


def spelt(seconds: int) -> str:
    """A length of time: 5 minutes, 1 minute, 90 seconds."""
    size, unit = (seconds // MINUTE, "minute") if seconds % MINUTE == 0 else (seconds, "second")
    return f"{size} {unit}{'' if size == 1 else 's'}"


def is_held(order: "OrderWithHistory") -> bool:
    """Whether it is a hold with time left."""
    return order.status == "created" and order.expires_at > order.server_time


def is_refundable(order: "OrderOut") -> bool:
    """Whether its seller can send the money back, for the first time or once more."""
    return order.status == "complete" or (order.status == "revoked" and order.needs_review)


def is_on_its_way(order: "OrderWithHistory", payment: "PaymentOut | None", came: str) -> bool:
    """Whether Stripe's word about a payment must follow: its buyer `came` "paid", or from the "bank".

    The hold may have ended meanwhile.
    """
    if payment is None or order.status not in {"created", "expired"}:
        return False
    is_unheard = payment.status == "open" and (came == "paid" or payment.decline_code is None)
    return came in {"paid", "bank"} and (is_unheard or payment.status == "requires_action")


def outlook(order: "OrderWithHistory", payment: "PaymentOut | None", came: str = "") -> Outlook:
    """How it stands; `payment` is the newest, which only a buyer sees; `came` as `is_on_its_way` has it."""
    if is_on_its_way(order, payment, came):
        here = f"/orders/{order.id}"
        if order.status == "expired":
            late = "The hold ended while you paid. What became of your payment is being looked at."
            fair = "If the ticket is not free any more, you are not charged."
            return Outlook((late, fair), Step("Look again", f"{here}?came={came}"), "warn", waits=True)
        coming = "Stripe will tell within seconds what became of your payment."
        return Outlook((coming,), Step("Look again", here), waits=True)
    made = _for_buyer(order, payment) if is_buyer(order) else _for_seller(order)
    if note := attention(order):
        return replace(made, says=(*made.says, f"{note[0].upper()}{note[1:]}."), tone="bad")
    return made


def _for_buyer(order: "OrderWithHistory", payment: "PaymentOut | None") -> Outlook:
    now, here = told(order.history[-1], order, time=utc_time), f"/orders/{order.id}"
    look_again = Step("Look again", here)
    if order.status == "created":
        return _hold(order, payment, now)
    if order.status == "accepted":
        return Outlook((now, "This takes some seconds."), look_again, waits=True)
    if order.status == "expired" and payment is not None and payment.status in AUTHORISED:
        late = "You paid just as the hold ended. Whether the ticket is still free is being looked at."
        return Outlook((late, "If it is not, you are not charged."), look_again, "warn", waits=True)
    if order.status in AGAIN:
        if order.status == "rejected":
            return Outlook((now, "You were not charged."), None, "bad")
        return Outlook((now,), None, "warn")
    if order.status in VALID:
        tone = "good" if order.status == "complete" else "warn"
        return Outlook((now,), Step("Show the ticket", f"{here}/ticket"), tone)
    return Outlook((now,), Step("Find another ticket", "/tickets?status=available"), "warn")


def _hold(order: "OrderWithHistory", payment: "PaymentOut | None", now: str) -> Outlook:
    here = f"/orders/{order.id}"
    pay = Step(f"Pay {shown(order.price, order.currency)}", f"{here}/payment")
    if payment is not None and payment.status in AUTHORISED:
        taken = "Your bank said yes. The ticket is being kept for you, then the money is taken."
        return Outlook((taken, "This takes some seconds."), Step("Look again", here), waits=True)
    if not is_held(order):
        return Outlook(("The time of this hold is over.",), Step("Look again", here), "warn", waits=True)
    if payment is not None and payment.status == "requires_action":
        to = payment.next_action.url if payment.next_action else payment.checkout_url
        asked = "Your bank wants to make sure that it is you. Nothing is taken before that."
        if to is None:
            return Outlook((asked,), pay, "warn")
        other_card = Step("Pay by another card", pay.address)
        return Outlook((asked,), Step("Go to your bank", to), "warn", otherwise=other_card)
    if payment is not None and payment.status == "open" and payment.decline_code:
        return Outlook((f"{why_declined(payment.decline_code)} {UNHARMED}",), pay, "bad")
    return Outlook((now,), pay)


def _for_seller(order: "OrderWithHistory") -> Outlook:
    now = told(order.history[-1], order, time=utc_time)
    listing = Step("See the listing", f"/tickets/{order.ticket.id}")
    refund = Step("Refund", f"/orders/{order.id}/refund")
    if order.status == "complete":
        return Outlook((now,), listing, "good", otherwise=refund)
    if is_refundable(order):
        return Outlook((now,), refund, "bad")
    return Outlook((now,), listing)
