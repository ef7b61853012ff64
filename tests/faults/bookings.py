"""Bookings while everything goes wrong: what buyers do, what they were told last, and whether it was true."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from uuid import UUID

import httpx

from tests.concurrency.races import fetch, verdict
from tests.dashboard import Dashboard
from tests.platform import Platform

PATIENCE = 25
"""Times a buyer asks again, with the same key, when nobody can say."""
PAUSE = 0.3
"""Seconds between two of them."""
AUTHORISED = {"authorized", "capturing", "captured", "refunding", "refunded", "disputed"}
OVER = {"cancelled", "expired", "rejected"}
PAID = {"complete", "revoked", "refunded", "disputed", "charged_back"}
CARDS = {
    "3ds": "pm_card_authenticationRequired",
    "3ds fails": "pm_card_authenticationRequired",
    "leave the bank": "pm_card_authenticationRequired",
    "slow refund": "pm_card_pendingRefund",
    "no money": "pm_sandbox_captureFails",
}
"""Plan → card, where it is not a good one."""
PLANS = (
    *("pay", "pay", "cancel", "cancel", "forget", "refund", "slow refund", "3ds", "3ds fails"),
    *("decline then pay", "dispute won", "dispute lost", "no money", "leave the bank"),
)


@dataclass
class Booking:
    """One hold, and what its buyer was told last of each thing."""

    plan: str
    order_id: str = ""
    paid: str = ""
    """The payment's status, or a verdict; empty if nobody could say."""
    cancelled: str = ""
    refunded: str = ""
    intent_id: str = ""
    history: list[str] = field(default_factory=list)

    def lies(self) -> list[str]:
        """What does not agree with the states that the order passed."""
        end, passed = self.history[-1], set(self.history)
        said = {
            # Authorised it was, also where the buyer's own cancel came before orders' answer.
            f"paid: {self.paid}": self.paid in AUTHORISED
            and not passed & {"accepted", "rejected"}
            and self.cancelled != "204",
            f"not payable: {self.paid}": self.paid == "409 order_not_payable" and end not in OVER,
            f"declined: {self.paid}": self.paid.startswith("402") and bool(passed & PAID),
            f"cancelled: {self.cancelled}": self.cancelled == "204" and end != "cancelled",
            f"not cancellable: {self.cancelled}": self.cancelled.startswith("409") and end == "cancelled",
            f"refunded: {self.refunded}": self.refunded == "202" and "revoked" not in passed,
        }
        return [f"{self.plan}: told {told}, but {self.history}" for told, is_lie in said.items() if is_lie]


async def told(ask: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response | None:
    """The answer, once there is one that says something."""
    for _ in range(PATIENCE):
        answer = await ask()
        assert answer.status_code < 500 or answer.status_code == 503, answer.text
        if answer.status_code != 503 and verdict(answer) != "409 idempotency_in_flight":
            return answer
        await asyncio.sleep(PAUSE)  # a client's pause, as Retry-After asks for
    return None


class Buyer:
    """Somebody who books a ticket and does as planned."""

    def __init__(self, platform: Platform, stripe: Dashboard, plan: str, number: int) -> None:
        self.booking = Booking(plan)
        self._stripe = stripe
        self._seller, self._buyer = platform.user(), platform.user()
        self._rng = random.Random(number)  # noqa: S311 - a seed makes a failure repeatable

    async def book(self) -> Booking:
        """List, hold, and go on as planned."""
        ticket = await self._seller.list_ticket()
        held = await told(lambda: self._buyer.reserve(ticket["id"]))
        assert held is not None
        self.booking.order_id = held.json()["id"]
        match self.booking.plan:
            case "forget":
                pass
            case "cancel":
                await asyncio.gather(self._pay("pm_card_visa"), self._cancel())
            case "decline then pay":
                await self._pay("pm_card_chargeDeclined")
                await self._pay("pm_card_mastercard")
            case plan:
                is_ours = await self._pay(CARDS.get(plan, "pm_card_visa"))
                await self._go_on(is_ours=is_ours)
        return self.booking

    async def _go_on(self, *, is_ours: bool) -> None:
        """What comes after the payment."""
        match self.booking.plan:
            case "refund" | "slow refund" if is_ours:
                await self._refund()
            case "dispute won" | "dispute lost" if is_ours:
                await self._stripe.act(self.booking.intent_id, "dispute")
            case "3ds" | "3ds fails" if self.booking.intent_id:
                outcome = "fail" if self.booking.plan == "3ds fails" else "complete"
                await self._stripe.act(self.booking.intent_id, "authenticate", outcome=outcome)

    async def end(self) -> Booking:
        """What the order went through, as its buyer sees it."""
        order = await self._buyer.order(self.booking.order_id)
        self.booking.history = [step["status"] for step in order["history"]]
        return self.booking

    async def _pay(self, method: str) -> bool:
        """Pay, and wait for the end of it if it was taken; whether the ticket is ours."""
        key = {"Idempotency-Key": f"{self.booking.order_id}-{method}"}
        answer = await told(lambda: self._buyer.pay(self.booking.order_id, method, headers=key))
        if answer is None or not answer.is_success:
            self.booking.paid = "" if answer is None else verdict(answer)
            return False
        self.booking.paid, self.booking.intent_id = answer.json()["status"], answer.json()["stripeId"]
        if self.booking.paid not in AUTHORISED:
            return False
        for _ in range(PATIENCE):
            status = (await self._buyer.order(self.booking.order_id))["status"]
            if status in PAID | OVER:
                return status in PAID
            await asyncio.sleep(PAUSE)
        return False

    async def _cancel(self) -> None:
        await asyncio.sleep(self._rng.uniform(0, 0.5))  # anywhere around the payment
        answer = await told(lambda: self._buyer.delete(f"/api/orders/{self.booking.order_id}"))
        self.booking.cancelled = "" if answer is None else verdict(answer)

    async def _refund(self) -> None:
        answer = await told(lambda: self._seller.post(f"/api/orders/{self.booking.order_id}/refund", {}))
        self.booking.refunded = "" if answer is None else verdict(answer)


async def decide(stripe: Dashboard, booking: Booking) -> None:
    """The bank decides the dispute, if there is one."""
    disputes = (await stripe.picture(booking.intent_id))["disputes"] if booking.intent_id else []
    if any(dispute["status"] == "needs_response" for dispute in disputes):
        await stripe.decide(booking.intent_id, won=booking.plan == "dispute won")


async def undecided(platform: Platform) -> int:
    """Orders and payments that have not come to an end."""
    orders = "SELECT count(*) FROM orders WHERE status IN ('created', 'accepted')"
    payments = (
        "SELECT count(*) FROM payments WHERE status NOT IN ('captured', 'voided', 'refunded', 'charged_back')"
    )
    return await platform.count("orders", orders) + await platform.count("payments", payments)


async def paid_twice(platform: Platform) -> list[UUID]:
    """Orders with more than one payment whose money was taken."""
    sql = (
        "SELECT order_id FROM payments p JOIN ledger l ON l.payment_id = p.id "
        "WHERE l.kind = 'capture' AND l.account = 'cash' GROUP BY order_id HAVING count(*) > 1"
    )
    return [row["order_id"] for row in await fetch(platform, "payments", sql)]
