"""orders' verdicts as payments hears them: late, twice, out of place; each has one effect at most."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from uuid_utils.compat import uuid7

from server import events
from server.kit.db import rows
from server.kit.inbox import HeardOnce
from server.payments import service, till
from server.payments.models import Payment, PaymentStatus
from server.settings import Settings

STATUSES = ["open", "requires_action", "authorized", "capturing", "captured", "voided"]
CALL_FOR_ACCEPTED = {"authorized": "capture"}
CALL_FOR_REJECTED = {"open": "cancel", "requires_action": "cancel", "authorized": "cancel"}
TOLD_AGAIN = {"captured": "payment:created", "voided": "payment:voided"}


@pytest.fixture(autouse=True)
async def nobody_works(empty: Settings) -> None:
    """No worker runs: what is owed stays owed."""


def order_state(status: Any, version: int = 2) -> events.OrderState:
    """An order as orders would tell it."""
    return events.OrderState(
        id=uuid7(),
        user_id=uuid4(),
        seller_id=uuid4(),
        ticket_id=uuid4(),
        status=status,
        price=4500,
        currency="usd",
        expires_at=datetime.now(UTC) + timedelta(minutes=15),
        version=version,
    )


async def payment_in(status: str, order: events.OrderState) -> UUID:
    """A payment as it would be stored."""
    made = await Payment.create(
        order_id=order.id,
        user_id=order.user_id,
        stripe_id=f"pi_{uuid4().hex}",
        amount=order.price,
        currency=order.currency,
        livemode=False,
        status=PaymentStatus(status),
        version=3,
    )
    return UUID(str(made.id))


async def owed(payment_id: UUID) -> list[str]:
    """The calls to Stripe written down for it."""
    found = await rows("payments", "SELECT kind FROM payment_ops WHERE payment_id = $1", payment_id)
    return [row["kind"] for row in found]


async def told() -> list[str]:
    """The events recorded."""
    return [row["type"] for row in await rows("payments", "SELECT type FROM outbox ORDER BY id")]


async def status_of(payment_id: UUID) -> str:
    """As stored."""
    [row] = await rows("payments", "SELECT status FROM payments WHERE id = $1", payment_id)
    return str(row["status"])


@pytest.mark.parametrize("status", STATUSES)
async def test_accepted_captures_what_is_authorised_and_repeats_what_is_settled(status: str) -> None:
    """Heard twice under two ids, the money is owed to be taken once."""
    order = order_state("accepted")
    payment = await payment_in(status, order)
    for _ in range(2):
        await service.order_accepted(order=order, payment_id=payment, once=HeardOnce(uuid7()))
    assert await owed(payment) == ([CALL_FOR_ACCEPTED[status]] if status in CALL_FOR_ACCEPTED else [])
    assert await status_of(payment) == ("capturing" if status == "authorized" else status)
    assert await told() == [TOLD_AGAIN[status]] * 2 if status in TOLD_AGAIN else not await told()


@pytest.mark.parametrize("status", STATUSES)
async def test_rejected_gives_back_what_is_not_taken(status: str) -> None:
    """A capture under way or done is not touched: that is for a refund, never for a cancellation."""
    order = order_state("rejected")
    payment = await payment_in(status, order)
    for _ in range(2):
        await service.order_rejected(order=order, payment_id=payment, once=HeardOnce(uuid7()))
    assert await owed(payment) == ([CALL_FOR_REJECTED[status]] if status in CALL_FOR_REJECTED else [])
    assert await status_of(payment) == status


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("ended", ["cancelled", "expired"])
async def test_the_end_of_an_order_frees_what_nobody_paid(status: str, ended: str) -> None:
    """Cancelled: also an authorisation. Expired: that one waits for the verdict, which may still be yes."""
    order = order_state(ended)
    payment = await payment_in(status, order)
    for _ in range(2):
        await service.order_changed(order=order, once=HeardOnce(uuid7()))
    expected = {
        ("cancelled", "open"): ["cancel"],
        ("cancelled", "requires_action"): ["cancel"],
        ("cancelled", "authorized"): ["cancel"],
        ("expired", "open"): ["cancel_unpaid"],
        ("expired", "requires_action"): ["cancel_unpaid"],
    }
    assert await owed(payment) == expected.get((ended, status), [])
    assert await told() == []


async def test_p05_an_expired_order_is_not_payable(empty: Settings) -> None:
    """By anybody, with or without a card; no payment row is made."""
    order = order_state("expired")
    await service.order_changed(order=order, once=HeardOnce(uuid7()))

    async def never(_: Any) -> Any:
        raise AssertionError("Stripe must not be called")

    for method in (None, "pm_card_visa"):
        with pytest.raises(till.OrderNotPayable):
            await till.pay_order(order_id=order.id, user_id=order.user_id, payment_method=method, run=never)
    assert await rows("payments", "SELECT 1 FROM payments WHERE order_id = $1", order.id) == []


@pytest.mark.parametrize("status", ["rejected", "complete"])
async def test_a_rejection_for_good_lets_go_of_other_open_payments(status: str) -> None:
    """The first lapsed and a second was opened; of an order that lives on, the second may still pay."""
    order = order_state(status)
    first = await payment_in("voided", order)
    second = await payment_in("open", order)
    for _ in range(2):
        await service.order_rejected(order=order, payment_id=first, once=HeardOnce(uuid7()))
    assert await owed(first) == []
    assert await owed(second) == (["cancel_unpaid"] if status == "rejected" else [])
