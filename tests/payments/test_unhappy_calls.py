"""What a buyer is told, and what is owed afterwards, when a call to Stripe does not go as it should."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from server import worker
from server.app import gateway_of
from server.payments.gateway import (
    Gateway,
    GatewayRefused,
    GatewayUnavailable,
    Intent,
    IntentStateConflict,
)
from server.settings import Settings
from tests.concurrency.gateways import TappedGateway
from tests.platform import Platform, User, started
from tests.waiting import until

OPEN_OPS = "SELECT count(*) FROM payment_ops WHERE done_at IS NULL AND kind <> 'sync'"


async def held(platform: Platform) -> tuple[User, dict[str, Any]]:
    """A buyer and an order that payments knows of."""
    buyer = platform.user()
    order = await buyer.hold((await platform.user().list_ticket())["id"])

    async def known() -> bool:
        return await platform.count("payments", "SELECT count(*) FROM orders") == 1

    await until(known, "payments knows the order")
    return buyer, order


def tapped(settings: Settings, tap: Callable[[str], Awaitable[object]]) -> Gateway:
    """The sandbox behind `tap`."""
    return TappedGateway(gateway_of(settings), tap)


class TestRefused:
    """Stripe will not open the payment: an amount below its minimum, say."""

    @pytest.mark.parametrize("method", [None, "pm_card_visa"])
    async def test_is_409_and_leaves_nothing_owed(self, empty: Settings, method: str | None) -> None:
        """order_not_payable, with a card or without; no call stays open, and the order can be cancelled."""

        async def tap(call: str) -> None:
            if call == "create":
                raise GatewayRefused("400 amount_too_small")

        gateway = tapped(empty, tap)
        async with started(empty, gateway=gateway) as platform:
            buyer, order = await held(platform)
            answer = await buyer.pay(order["id"], method)
            assert (answer.status_code, answer.json()["code"]) == (409, "order_not_payable")

            async def closed() -> bool:
                return await platform.count("payments", OPEN_OPS) == 0

            await until(closed, "no call is owed")
            assert (await buyer.delete(f"/api/orders/{order['id']}")).status_code == 204
            await platform.doctor()
        await gateway.close()


class TestRepeatedKey:
    """The same Idempotency-Key again: what became of it, never a success that was none."""

    async def test_after_a_decline_it_is_a_decline(self, empty: Settings) -> None:
        """402 both times, with the same declineCode; one attempt."""
        async with started(empty) as platform:
            buyer, order = await held(platform)
            key = {"Idempotency-Key": "card-1"}
            first = await buyer.pay(order["id"], "pm_card_chargeDeclined", headers=key)
            again = await buyer.pay(order["id"], "pm_card_chargeDeclined", headers=key)
            assert (first.status_code, again.status_code) == (402, 402)
            assert again.json()["declineCode"] == first.json()["declineCode"]
            assert await platform.count("payments", "SELECT max(attempt) FROM payments") == 1

    async def test_while_the_first_runs_it_is_in_flight(self, empty: Settings) -> None:
        """409 idempotency_in_flight while Stripe takes its time; afterwards the payment."""
        asked, gate = asyncio.Event(), asyncio.Event()

        async def tap(call: str) -> None:
            if call == "confirm":
                asked.set()
                await gate.wait()

        gateway = tapped(empty, tap)
        async with started(empty, gateway=gateway) as platform:
            buyer, order = await held(platform)
            key = {"Idempotency-Key": "slow-1"}
            first = asyncio.ensure_future(buyer.pay(order["id"], headers=key))
            await asked.wait()
            meanwhile = await buyer.pay(order["id"], headers=key)
            assert (meanwhile.status_code, meanwhile.json()["code"]) == (409, "idempotency_in_flight")
            gate.set()
            assert (await first).status_code == 201
            after = await buyer.pay(order["id"], headers=key)
            assert (after.status_code, after.headers["Idempotency-Replayed"]) == (201, "true")
            assert after.json()["id"] == (await first).json()["id"]
        await gateway.close()

    @pytest.mark.slow
    async def test_after_an_outage_it_goes_on(self, empty: Settings) -> None:
        """503 while Stripe is away; the repeat opens and confirms, within seconds and not a lease later."""
        away = True

        async def tap(_: str) -> None:
            if away:
                raise GatewayUnavailable("away")

        gateway = tapped(empty, tap)
        async with started(empty, gateway=gateway) as platform:
            buyer, order = await held(platform)
            key = {"Idempotency-Key": "outage-1"}
            assert (await buyer.pay(order["id"], headers=key)).status_code == 503
            away = False

            async def paid() -> bool:
                return (await buyer.pay(order["id"], headers=key)).status_code == 201

            await until(paid, "the repeat is answered")
            await buyer.order_in(order["id"], "complete", timeout=10)
            await platform.doctor()
        await gateway.close()


async def test_a_cancel_that_came_too_early_is_made_again(
    empty: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The intent is `processing` when its order is cancelled: the call stays owed until it succeeds."""
    gateway = gateway_of(empty)
    looked = 0
    real_cancel, real_get = gateway.cancel_intent, gateway.get_intent

    async def cancel(intent_id: str, *, key: str) -> Intent:
        if looked < 2:
            raise IntentStateConflict("processing")
        return await real_cancel(intent_id, key=key)

    async def get(intent_id: str) -> Intent:
        nonlocal looked
        looked += 1
        found = await real_get(intent_id)
        return replace(found, status="processing") if looked < 2 else found

    async with started(empty, gateway=gateway) as platform:
        buyer, order = await held(platform)
        assert (await buyer.pay(order["id"], None)).status_code == 201
        monkeypatch.setattr(gateway, "cancel_intent", cancel)
        monkeypatch.setattr(gateway, "get_intent", get)
        assert (await buyer.delete(f"/api/orders/{order['id']}")).status_code == 204

        async def voided() -> bool:
            count = "SELECT count(*) FROM payments WHERE status = 'voided'"
            return await platform.count("payments", count) == 1

        await until(voided, "the intent is cancelled after all", 20)
        assert looked >= 2
    await gateway.close()


@pytest.mark.slow
async def test_stopping_does_not_wait_for_a_stripe_that_hangs(empty: Settings) -> None:
    """The background side ends within a few seconds while a call never returns; the call stays owed."""
    asked, never = asyncio.Event(), asyncio.Event()

    async def tap(call: str) -> None:
        if call == "capture":
            asked.set()
            await never.wait()

    gateway = tapped(empty, tap)
    async with started(empty, gateway=gateway) as platform:
        buyer, order = await held(platform)
        assert (await buyer.pay(order["id"])).status_code == 201
        await asked.wait()
        began = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - began < worker.STOP_SECONDS + 3
    async with started(empty) as platform:
        assert await platform.count("payments", OPEN_OPS) == 1
    await gateway.close()
