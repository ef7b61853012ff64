"""The seller gives the money back while the buyer's bank takes it: it goes back once, and is booked once."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import Literal, TypeVar
from uuid import UUID

import pytest

from server.app import gateway_of
from server.payments import ops
from server.payments.models import Payment
from server.payments.owed import LEASE, OpKind, PaymentOp
from server.settings import Settings
from tests.concurrency.races import NO_ALARMS, audit, fetch, rounds, turns, verdict, without_index
from tests.dashboard import Dashboard, dashboard
from tests.platform import Platform, User, started
from tests.waiting import until

T = TypeVar("T")

ONE_ENTRY = "uid_ledger_payment_a1abd6"
PRICE = 4500
Meeting = Literal["together", "dispute known", "refund owed", "refund made"]
MEETINGS: tuple[Meeting, ...] = ("together", "dispute known", "refund owed", "refund made")
FURTHEST = 60
"""Turns of the loop that one side may be ahead of the other."""
AT_ONCE = 6
LOOKS = 8
"""At one payment at the same time."""
CARDS = ("pm_card_visa", "pm_card_visa", "pm_card_pendingRefund")


@dataclass
class Sale:
    """A ticket that was paid for, and its money."""

    platform: Platform
    stripe: Dashboard
    order_id: str
    intent_id: str
    seller: User
    buyer: User

    async def status(self) -> str:
        """The payment's."""
        sql = "SELECT status FROM payments WHERE order_id = $1"
        [row] = await fetch(self.platform, "payments", sql, self.order_id)
        return str(row["status"])

    async def booked(self, *kinds: str) -> bool:
        """Whether the ledger has such an entry."""
        sql = (
            "SELECT count(*) FROM ledger l JOIN payments p ON p.id = l.payment_id "
            "WHERE order_id = $1 AND kind = ANY($2)"
        )
        return bool(await self.platform.count("payments", sql, self.order_id, kinds))

    async def refund(self) -> str:
        """The seller gives the money back; what he is told."""
        return verdict(await self.seller.post(f"/api/orders/{self.order_id}/refund", {}))

    async def refunds(self) -> bool:
        """Whether Stripe has a refund of it."""
        return bool((await self.stripe.picture(self.intent_id))["refunds"])

    async def dispute(self) -> bool:
        """The buyer's bank takes the money."""
        return await self.stripe.act(self.intent_id, "dispute")


async def sold(platform: Platform, stripe: Dashboard, card: str) -> Sale:
    """List, hold and pay."""
    seller, buyer = platform.user(), platform.user()
    order = await buyer.hold((await seller.list_ticket())["id"])
    intent_id = (await buyer.pay(order["id"], card)).json()["stripeId"]
    await buyer.order_in(order["id"], "complete", timeout=20)
    return Sale(platform, stripe, order["id"], intent_id, seller, buyer)


async def meet(sale: Sale, meeting: Meeting, offset: int) -> str:
    """Refund and dispute; what the seller was told."""

    async def after(ahead: int, deed: Callable[[], Awaitable[T]]) -> T:
        await turns(ahead)
        return await deed()

    match meeting:
        case "together":
            told, _ = await asyncio.gather(
                after(max(0, offset), sale.refund), after(max(0, -offset), sale.dispute)
            )
            return told
        case "dispute known":
            await sale.dispute()
            await until(lambda: sale.booked("dispute"), "payments knows of the dispute", 20)
            return await after(abs(offset), sale.refund)
        case "refund owed" | "refund made":
            told = await sale.refund()
            if meeting == "refund made":
                await until(sale.refunds, "Stripe makes the refund", 20)
            await after(abs(offset), sale.dispute)
            return told


async def race(platform: Platform, stripe: Dashboard, number: int) -> tuple[str, str, str]:
    """Sell; refund and dispute; the bank decides. What the seller was told, the decision, and the end."""
    rng = random.Random(number)  # noqa: S311 - a repeatable race, no secret
    sale = await sold(platform, stripe, CARDS[number % len(CARDS)])
    told = await meet(sale, MEETINGS[number % len(MEETINGS)], rng.randint(-FURTHEST, FURTHEST))
    await until(lambda: sale.booked("dispute"), "payments knows of the dispute", 20)
    # A bank that is shown a refund made before it took the money gives its own part back.
    refunded = (await stripe.money(sale.intent_id)).refunded > 0
    won = refunded or rng.choice((True, False))
    await stripe.decide(sale.intent_id, won=won)
    await until(lambda: sale.booked("dispute_won", "dispute_lost"), "payments knows of the decision", 20)
    ends = {
        ("202", True): "refunded",
        ("202", False): "charged_back",
        ("409 not_refundable", True): "complete",
        ("409 not_refundable", False): "charged_back",
    }
    ended = await sale.buyer.order_in(sale.order_id, ends[told, won], timeout=20)
    return told, "refunded first" if refunded else "won" if won else "lost", ended["status"]


@pytest.mark.parametrize(
    "races",
    [
        3,
        pytest.param(32, marks=pytest.mark.slow),
        pytest.param(96, marks=[pytest.mark.exhaustive, pytest.mark.timeout(240)]),
    ],
)
async def test_money_goes_back_once(empty: Settings, races: int) -> None:
    """By the refund or by the bank; a refund that the dispute overtook is made when the bank gives in."""
    async with started(empty, jobs=NO_ALARMS) as platform, dashboard(empty) as stripe:
        outcomes = await rounds(
            partial(race, platform, stripe), races, AT_ONCE, until_seen=lambda seen: len(seen) > 2
        )
        await audit(platform)
        assert len(outcomes) > 2, f"always in the same order: {outcomes}"
        kept = "SELECT sum(amount) AS cash FROM ledger WHERE account = 'cash' GROUP BY payment_id"
        assert {row["cash"] for row in await fetch(platform, "payments", kept)} <= {0, PRICE}


async def test_a_refund_that_comes_back_during_a_dispute(empty: Settings) -> None:
    """The bank has the money: tried again or not, the refund waits for it and is made when it gives in."""
    async with started(empty, jobs=NO_ALARMS) as platform, dashboard(empty) as stripe:
        sale = await sold(platform, stripe, "pm_card_visa")
        assert await sale.refund() == "202"
        await sale.buyer.order_in(sale.order_id, "refunded")
        await sale.dispute()
        await until(lambda: sale.booked("dispute"), "payments knows of the dispute")
        assert await stripe.act(sale.intent_id, "settle_refund", status="failed")
        await sale.buyer.order_in(sale.order_id, "revoked")
        assert await sale.refund() in {"202", "409 not_refundable"}  # as soon as the dispute is told of

        async def waits() -> bool:
            return await sale.status() == "disputed"

        await until(waits, "the refund waits for the bank")
        await stripe.decide(sale.intent_id, won=True)
        await sale.buyer.order_in(sale.order_id, "refunded")
        await audit(platform)


async def looks(settings: Settings, sale: Sale) -> None:
    """Many look at the payment at once, as if as many webhooks had rung at as many replicas."""
    gateway = gateway_of(settings)
    [row] = await fetch(
        sale.platform, "payments", "SELECT id FROM payments WHERE order_id = $1", sale.order_id
    )
    op = PaymentOp(
        payment_id=row["id"], kind=OpKind.SYNC, key="look", tries=1, due_at=datetime.now(UTC) + LEASE
    )
    try:
        deadline = timedelta(hours=1)
        outcomes = await asyncio.gather(
            *(ops.run(op, gateway, capture_deadline=deadline, return_url="") for _ in range(LOOKS)),
            return_exceptions=True,
        )
    finally:
        await gateway.close()
    assert any(isinstance(outcome, Payment) for outcome in outcomes), outcomes


async def test_many_looks_book_a_refund_once(empty: Settings) -> None:
    """Eight at once, at a refund made in Stripe's dashboard."""
    async with started(empty, jobs=NO_ALARMS) as platform, dashboard(empty) as stripe:
        sale = await sold(platform, stripe, "pm_card_visa")
        await stripe.refund(sale.intent_id)
        await looks(empty, sale)
        await sale.buyer.order_in(sale.order_id, "refunded")
        assert await audit(platform) == {"refunded": 1}


async def test_without_lock_and_index_a_refund_is_booked_twice(
    empty: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: no look waits for the other, and the ledger takes an entry twice."""
    read, all_have_read = count(1), asyncio.Event()

    async def unlocked(id_: UUID) -> Payment:
        payment = await Payment.get(id=id_)
        if next(read) >= LOOKS:
            all_have_read.set()
        await all_have_read.wait()
        return payment

    async with (
        without_index(empty, ONE_ENTRY, "payments"),
        started(empty, jobs=NO_ALARMS) as platform,
        dashboard(empty) as stripe,
    ):
        sale = await sold(platform, stripe, "pm_card_visa")
        await stripe.fault("webhook_drop", count=None)  # nobody else looks
        await stripe.refund(sale.intent_id)
        await stripe.no_faults()
        monkeypatch.setattr(Payment, "locked", unlocked)
        await looks(empty, sale)
        with pytest.raises(AssertionError, match="no_over_refund"):
            await platform.doctor(patience=0)
