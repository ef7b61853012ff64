"""News of an intent that is being opened at this very moment: it must never be taken for a stray one."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from server.kit.db import transaction
from server.payments import service
from server.payments.gateway import Intent, StripeEvent
from server.payments.models import Payment
from server.payments.owed import OpKind, PaymentOp
from server.payments.stripe_gateway import StripeGateway
from tests.payments.test_money_back import sold
from tests.platform import Platform
from tests.waiting import until

OWED = "SELECT count(*) FROM payment_ops WHERE payment_id = $1 AND kind = $2"


def rings(intent_id: str, payment_id: str) -> StripeEvent:
    """Stripe's bell for an intent that names a payment."""
    return StripeEvent(
        id=f"evt_{uuid4().hex}",
        type="payment_intent.processing",
        intent_id=intent_id,
        livemode=False,
        account=None,
        payment_id=payment_id,
        order_id=None,
    )


async def test_one_that_is_opened_between_two_looks_is_ours(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unknown at the first look, at the second the payment's own: looked at, and not cancelled."""
    sale = await sold(platform)
    payment = await sale.payment()
    real = Payment.get_or_none

    async def not_yet(**by: Any) -> Payment | None:
        return None if "stripe_id" in by else await real(**by)

    async def nothing_is_owed() -> bool:
        owed = f"{OWED} AND done_at IS NULL"
        return await platform.count("payments", owed, UUID(payment["id"]), "sync") == 0

    # A look that was not begun yet would be for this bell, too.
    await until(nothing_is_owed, "Stripe's bells for the sale are answered")
    syncs = await platform.count("payments", OWED, UUID(payment["id"]), "sync")
    monkeypatch.setattr(Payment, "get_or_none", not_yet)
    await service.doorbell(event=rings(sale.intent_id, payment["id"]))
    monkeypatch.undo()
    assert await platform.count("payments", OWED, UUID(payment["id"]), "stray") == 0
    assert await platform.count("payments", OWED, UUID(payment["id"]), "sync") > syncs
    await platform.doctor()


async def test_a_stray_call_for_the_payments_own_intent_does_nothing(platform: Platform) -> None:
    """Should one be written all the same: closed without a call."""
    seller, buyer = platform.user(), platform.user()
    order = await buyer.hold((await seller.list_ticket())["id"])
    payment = (await buyer.pay(order["id"], None)).json()
    id_ = UUID(payment["id"])
    async with transaction("payments"):
        await PaymentOp.owe(id_, OpKind.STRAY, stripe_id=payment["stripeId"])

    async def closed() -> bool:
        return await platform.count("payments", f"{OWED} AND done_at IS NOT NULL", id_, "stray") == 1

    await until(closed, "the call is closed")
    assert (await buyer.pay(order["id"])).status_code == 200
    await buyer.order_in(order["id"], "complete")


async def test_a_bell_that_tells_what_our_own_call_was_answered_is_no_reason_to_ask(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sale rings three times and nobody looks; one that tells of something else is looked at."""
    asked: list[str] = []
    real = StripeGateway.get_intent

    async def noted(gateway: StripeGateway, intent_id: str) -> Intent:
        asked.append(intent_id)
        return await real(gateway, intent_id)

    monkeypatch.setattr(StripeGateway, "get_intent", noted)
    monkeypatch.setattr(
        service, "TOGETHER", timedelta(seconds=1)
    )  # as long as our call may take on a busy machine
    sale = await sold(platform)
    payment = await sale.payment()

    async def is_answered() -> bool:
        rang = "SELECT count(*) FROM stripe_events WHERE intent_id = $1"
        owed = f"{OWED} AND done_at IS NULL"
        return (
            await platform.count("payments", rang, sale.intent_id) == 3
            and await platform.count("payments", owed, UUID(payment["id"]), "sync") == 0
        )

    await until(is_answered, "Stripe's three bells for the sale are answered")
    assert sale.intent_id not in asked
    told = replace(rings(sale.intent_id, payment["id"]), told="canceled")
    await service.doorbell(event=told)
    await until(lambda: sale.intent_id in asked, "what is news is looked at")
    assert (await sale.payment())["status"] == "captured"
    await platform.doctor()
