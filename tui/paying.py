"""How a payment stands, in sentences: nothing is said before it is so, and what to do next is."""

from collections.abc import Callable

from client.story import OVER, UNHARMED, is_buyer, price, told, why_declined
from server.orders.schemas import OrderOut, OrderWithHistory
from server.payments.schemas import PaymentOut

AUTHORISED = frozenset({"authorized", "capturing"})
WAYS = "Press {pay} to pay on a page of Stripe's, {method} to pay by a payment method."
Keys = Callable[[str], str]
"""The key of an action, by its id, as it is shown."""


def page_of(order: OrderOut, payment: PaymentOut | None) -> str | None:
    """The page of Stripe's or the bank's on which it goes on; only while the ticket is held."""
    if order.status != "created" or payment is None or payment.status not in {"open", "requires_action"}:
        return None
    if payment.mode == "checkout":
        return payment.checkout_url
    return payment.next_action.url if payment.next_action else None


def how_to_pay(order: OrderOut, payment: PaymentOut | None, *, is_asking: bool, key_of: Keys) -> str:
    """What a buyer should know now, and press next, or what its seller should; `payment` is the newest."""
    if is_buyer(order) and order.status == "created":
        return _held(order, payment, is_asking=is_asking, key_of=key_of)
    now = told(order.history[-1], order) if isinstance(order, OrderWithHistory) and order.history else ""
    if not is_buyer(order):
        return now
    match order.status:
        case "accepted":
            return "Your bank said yes. The money is being taken; this page says when it is done."
        case "complete":
            return f"Paid {price(order)}. The ticket is yours."
        case "expired" if payment is not None and payment.status in AUTHORISED:
            return (
                "You paid just as the hold ended. Whether the ticket is still free is being looked at; "
                "if it is not, you are not charged. This page says what came of it."
            )
        case status if status in OVER:
            return f"{now}\n\nPress {key_of('hold')} to hold it again.".strip()
    return now


def _held(order: OrderOut, payment: PaymentOut | None, *, is_asking: bool, key_of: Keys) -> str:
    ways = WAYS.format(pay=key_of("pay"), method=key_of("method"))
    if is_asking:
        return "Asking Stripe…"
    if payment is None:
        return ways
    if payment.status in AUTHORISED:
        return "Your bank said yes. The ticket is being kept for you, then the money is taken."
    declined = ""
    if payment.status == "open" and payment.decline_code:
        declined = f"Declined: {why_declined(payment.decline_code)} {UNHARMED}\n\n"
    url = page_of(order, payment)
    if url is None:
        return f"{declined}{'Try another card. ' if declined else ''}{ways}"
    if payment.mode == "checkout":
        card = " with another card" if declined else ""
        return (
            f"{declined}To pay {price(order)}{card}, open\n{url}\n\n"
            f"{key_of('copy_link')} copies it. This page says when it is paid; nothing is taken before that."
        )
    return (
        "Your bank wants to make sure that it is you. Nothing is taken before that. Open\n"
        f"{url}\n\n{key_of('copy_link')} copies it. This page says when it is paid; "
        f"{key_of('method')} tries another card."
    )
