"""An order in words, for its buyer or its seller: what each step meant, and what to know."""

from collections.abc import Callable, Mapping
from datetime import datetime

from client.money import shown
from server.orders.schemas import OrderOut, Transition

STORY: Mapping[tuple[str, str], tuple[str, str]] = {
    ("created", "reserved"): (
        "Held for you; nobody else can take it.",
        "A buyer holds it.",
    ),
    ("created", "extended"): (
        "You took more time, once: until {expires}.",
        "The buyer took more time, once: until {expires}.",
    ),
    ("accepted", "payment authorised"): (
        "Your bank said yes. The ticket is kept for you and the money is being taken.",
        "The buyer's bank said yes. The ticket is kept and the money is being taken.",
    ),
    ("accepted", "payment authorised late"): (
        "You paid just as the hold ended; the ticket was still free, so it is yours.",
        "The buyer paid just as the hold ended; the ticket was still free, so it is the buyer's.",
    ),
    ("complete", "paid"): (
        "{price} paid. The ticket is yours.",
        "{price} paid. The ticket is sold.",
    ),
    ("complete", "dispute decided for the seller"): (
        "Your bank decided against you: the payment stands and the ticket is yours.",
        "The bank decided for you: the payment stands and the ticket is sold.",
    ),
    ("cancelled", "cancelled by the buyer"): (
        "You gave it up. Nothing was taken; the ticket was released.",
        "The buyer gave it up; your ticket was released.",
    ),
    ("expired", "hold ended"): (
        "Not paid in time. Nothing was taken; the ticket was released.",
        "The buyer did not pay in time; your ticket was released.",
    ),
    ("rejected", "paid too late"): (
        "You paid after the hold had ended, and the ticket was gone by then. Nothing was taken.",
        "The buyer paid after the hold had ended, and the ticket was gone by then. No money was taken.",
    ),
    ("rejected", "the card could not be charged"): (
        "Your card was authorised but could not be charged. Nothing was taken; the ticket was released.",
        "The buyer's card was authorised but could not be charged. Your ticket was released.",
    ),
    ("revoked", "refunded by the seller"): (
        "The seller took the ticket back: it is void, and your {price} is on its way back to you.",
        "You took the ticket back: it can be sold again, and the {price} is on its way to the buyer.",
    ),
    ("revoked", "refunded at Stripe"): (
        "Your {price} was given back at Stripe, so the ticket is void.",
        "The {price} was given back at Stripe, so the ticket was taken back and can be sold again.",
    ),
    ("revoked", "refund tried again by the seller"): (
        "The seller sent your {price} once more.",
        "You sent the {price} once more.",
    ),
    ("revoked", "refund sent back by the bank"): (
        "Your bank sent the refund back. The {price} is still owed to you.",
        "The buyer's bank sent the refund back. The {price} is still owed to the buyer.",
    ),
    ("refunded", "money given back"): (
        "Your {price} was given back; a bank may take some days to show it.",
        "The {price} was given back to the buyer.",
    ),
    ("disputed", "disputed by the buyer's bank"): (
        "Your bank asks for the money back and decides, in weeks. The ticket is yours until then.",
        "The buyer's bank asks for the money back; answer it in Stripe's dashboard. It decides, in weeks.",
    ),
    ("charged_back", "dispute decided for the buyer"): (
        "Your bank gave you the money back, so the ticket is no longer yours.",
        "The bank gave the buyer the money back, so the ticket was taken back.",
    ),
}
"""Status and cause → what it means to the buyer, and to the seller."""

STATES: Mapping[str, str] = {
    "created": "The ticket is held",
    "accepted": "The bank said yes and the money is being taken",
    "complete": "Paid; the ticket is the buyer's",
    "cancelled": "The hold was given up",
    "expired": "The hold ended unpaid",
    "rejected": "The payment came to nothing; no money was taken",
    "revoked": "The ticket was taken back from its buyer",
    "refunded": "The money was given back",
    "disputed": "The buyer's bank asks for the money back and will decide",
    "charged_back": "The bank gave the buyer the money back",
}
"""What a state means where its cause is not known, since a newer Tix wrote it."""

OVER = frozenset({"cancelled", "expired", "rejected", "refunded", "charged_back"})
"""An order's ends: its buyer may hold the ticket again, if it is free."""

DECLINED = "Your bank declined the card and gave no reason."
DECLINES: Mapping[str, str] = {
    "insufficient_funds": "There is not enough money on this card.",
    "card_velocity_exceeded": "This card was used too often, or for too much, in a short time.",
    "expired_card": "This card has expired.",
    "incorrect_cvc": "The card's security code is not right.",
    "incorrect_number": "The card's number is not right.",
    "processing_error": "The card could not be checked just now.",
    "authentication_required": "Your bank wants to make sure that it is you, and that was not done.",
    "payment_intent_authentication_failure": "Your bank could not make sure that it was you.",
    "payment_method_customer_decline": "You did not let your bank pay.",
}
"""Stripe's decline code → what it means; any other: DECLINED."""
UNHARMED = "Nothing was taken, and the ticket is still held for you."


def price(order: OrderOut) -> str:
    """What it costs, for people."""
    return shown(order.price, order.currency)


def is_buyer(order: OrderOut) -> bool:
    """Whether its buyer asks: a seller does not learn who that is."""
    return order.user_id is not None


def local_time(at: datetime) -> str:
    """A time of day where this runs."""
    return at.astimezone().strftime("%H:%M:%S")


def told(step: Transition, order: OrderOut, *, time: Callable[[datetime], str] = local_time) -> str:
    """What one step means to whoever asks; of a cause or a status of tomorrow, as much as is known."""
    both = STORY.get((step.status, step.cause))
    if both is None:
        return f"{STATES.get(step.status, f'It became {step.status}')} ({step.cause})."
    text = both[0] if is_buyer(order) else both[1]
    return text.format(price=price(order), expires=time(order.expires_at))


def attention(order: OrderOut) -> str | None:
    """What a person should know about an order that is flagged."""
    if not order.needs_review:
        return None
    if order.status != "revoked":
        return "something about the money is unclear; people look into it"
    if is_buyer(order):
        return "the refund did not get through; the seller can send it again"
    return "the refund did not get through; send it again"


def why_declined(code: str | None) -> str:
    """A declined card in plain words."""
    return DECLINES.get(code or "", DECLINED)


def why_not_cancellable(order: OrderOut) -> str:
    """What a buyer should know who wants to give up what is no unpaid hold."""
    if order.status == "accepted":
        return (
            "The bank said yes and your payment is being taken, so it is too late to give this up. "
            "Look again in a few seconds; once it is paid, the seller can give the money back."
        )
    if order.status in {"complete", "disputed"}:
        return "This is paid; only the seller can give the money back."
    return "This hold is over already; there is nothing to give up."
