"""An order in words, for its buyer or its seller: a sentence for each step it took, and what to do next."""

from __future__ import annotations

import shutil
import textwrap
from typing import TYPE_CHECKING

from cli.output import facts, harmless

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from server.orders.schemas import OrderOut, OrderWithHistory, Transition

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
TEST_CARD = "--method pm_card_visa"
INDENT = 24
"""Columns before a sentence: time, status and the space after each."""


def price(order: OrderOut) -> str:
    """What it costs, for people."""
    from client.money import shown  # noqa: PLC0415 - the package brings httpx

    return shown(order.price, order.currency)


def is_buyer(order: OrderOut) -> bool:
    """Whether its buyer asks: a seller does not learn who that is."""
    return order.user_id is not None


def told(step: Transition, order: OrderOut) -> str:
    """What one step means to whoever asks; of a cause or a status of tomorrow, as much as is known."""
    both = STORY.get((step.status, step.cause))
    if both is None:
        return f"{STATES.get(step.status, f'It became {step.status}')} ({step.cause})."
    text = both[0] if is_buyer(order) else both[1]
    return text.format(price=price(order), expires=order.expires_at.astimezone().strftime("%H:%M:%S"))


def timeline(order: OrderWithHistory, paint: Callable[[str, str | None], str], *, requests: bool) -> str:
    """A paragraph a step, under the day it happened on; with `requests`, whose id finds it in the logs."""
    return "\n".join(_paragraphs(order, paint, requests=requests))


def _paragraphs(
    order: OrderWithHistory, paint: Callable[[str, str | None], str], *, requests: bool
) -> Iterator[str]:
    day = None
    for step in order.history:
        at = step.at.astimezone()
        if at.date() != day:
            day = at.date()
            yield paint(str(day), "bold")
        room = max(30, shutil.get_terminal_size().columns - INDENT)
        lines = textwrap.wrap(harmless(told(step, order)), room)
        if requests:
            lines.append(f"request-id: {harmless(step.request_id)}")
        yield f"{paint(f'{at:%H:%M:%S}', 'dim')}  {step.status:<12}  " + f"\n{'':{INDENT}}".join(lines)


def attention(order: OrderOut) -> str | None:
    """What a person should know about an order that is flagged."""
    if not order.needs_review:
        return None
    if order.status != "revoked":
        return "something about the money is unclear; people look into it"
    if is_buyer(order):
        return "the refund did not get through; the seller can send it again"
    return "the refund did not get through; send it again"


def next_steps(order: OrderOut, flags: str) -> str | None:
    """What whoever asks can do now, each a command to copy; `flags` are those it was asked with."""
    id_, ticket = order.id, order.ticket.id
    steps: list[tuple[str, str]] = []
    if not is_buyer(order):
        if order.status == "complete" or (order.status == "revoked" and order.needs_review):
            steps = [("refund", f"tix orders refund {id_}")]
    elif order.status == "created" and order.expires_at > order.server_time:
        more_time = [("more time", f"tix orders extend {id_}")] if order.extendable else []
        steps = [
            ("pay", f"tix pay {id_} {TEST_CARD}"),
            *more_time,
            ("give up", f"tix orders cancel {id_}"),
        ]
    elif order.status in {"created", "accepted"}:
        steps = [("look again", f"tix orders show {id_}")]
    elif order.status in OVER:
        steps = [("reserve again", f"tix reserve {ticket}")]
    return facts(*((what, command + flags) for what, command in steps)) if steps else None


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
