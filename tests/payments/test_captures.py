"""After the authorisation: captures that fail, come late or are made by somebody else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Literal

import pytest

from server.app import gateway_of
from server.settings import Settings
from server.worker import Jobs
from tests.concurrency.gateways import TappedGateway
from tests.concurrency.races import audit
from tests.dashboard import dashboard
from tests.platform import Platform, User, started
from tests.problems import assert_problem


async def held(platform: Platform) -> tuple[User, dict[str, Any]]:
    """A buyer with a hold."""
    buyer = platform.user()
    return buyer, await buyer.hold((await platform.user().list_ticket())["id"])


async def payment_of(buyer: User, order: dict[str, Any]) -> dict[str, Any]:
    """The order's newest payment."""
    return dict((await buyer.get(f"/api/payments?orderId={order['id']}")).json()["items"][0])


async def steps(buyer: User, order: dict[str, Any]) -> list[tuple[str, str]]:
    """Status and cause of each step after the hold."""
    return [(it["status"], it["cause"]) for it in (await buyer.order(order["id"]))["history"][1:]]


GAVE_UP = [("accepted", "payment authorised"), ("rejected", "the card could not be charged")]


class Gate:
    """Something that captures wait for."""

    def __init__(self, settings: Settings) -> None:
        self.reached, self.open = asyncio.Event(), asyncio.Event()
        self.gateway = TappedGateway(gateway_of(settings), self._tap)

    async def _tap(self, call: str) -> None:
        if call == "capture":
            self.reached.set()
            await self.open.wait()


@asynccontextmanager
async def gated(settings: Settings, **changes: Any) -> AsyncIterator[tuple[Platform, Gate]]:
    """A platform whose captures wait for a gate."""
    gate = Gate(settings)
    try:
        async with started(settings.model_copy(update=changes), gateway=gate.gateway) as platform:
            yield platform, gate
            gate.open.set()
    finally:
        await gate.gateway.close()


class TestRefusedCapture:
    """The money that was promised is not there."""

    async def test_the_seat_is_free_and_nothing_was_taken(self, empty: Settings) -> None:
        """The bank refuses, or let the authorisation lapse: rejected within seconds, and sold to the next."""
        async with started(empty) as platform:
            for card in ("pm_sandbox_captureFails", "pm_sandbox_authorizationLapses"):
                buyer, order = await held(platform)
                assert (await buyer.pay(order["id"], card)).json()["status"] == "authorized"
                await buyer.order_in(order["id"], "rejected")
                assert await steps(buyer, order) == GAVE_UP
                payment = await payment_of(buyer, order)
                assert (payment["status"], payment["amountCaptured"]) == ("voided", 0)
                await platform.ticket_in(order["ticket"]["id"], "available")
                other = platform.user()
                second = await other.hold(order["ticket"]["id"])
                assert (await other.pay(second["id"])).status_code == 201
                await other.order_in(second["id"], "complete")
            assert await audit(platform) == {"rejected": 2, "complete": 2}

    async def test_one_that_lapses_before_it_is_captured(self, empty: Settings) -> None:
        """The bank lets go of it by itself while the capture is on its way."""
        async with gated(empty) as (platform, gate), dashboard(empty) as stripe:
            buyer, order = await held(platform)
            intent = (await buyer.pay(order["id"])).json()["stripeId"]
            await gate.reached.wait()
            assert await stripe.act(intent, "lapse")
            gate.open.set()
            await buyer.order_in(order["id"], "rejected")
            assert await steps(buyer, order) == GAVE_UP
            assert await audit(platform) == {"rejected": 1}

    async def test_after_the_deadline_it_is_given_back(self, empty: Settings) -> None:
        """Captures fail for longer than CAPTURE_DEADLINE_SECONDS: voided, and the seat is free."""
        async with (
            started(empty.model_copy(update={"capture_deadline_seconds": 1})) as platform,
            dashboard(empty) as stripe,
        ):
            path = "/v1/payment_intents/*/capture"
            await stripe.fault("error_before", path=path, status=503, count=None)
            try:
                buyer, order = await held(platform)
                await buyer.pay(order["id"])
                await buyer.order_in(order["id"], "rejected", timeout=20)
            finally:
                await stripe.no_faults()
            assert await steps(buyer, order) == GAVE_UP
            assert await audit(platform) == {"rejected": 1}

    async def test_before_the_deadline_it_is_tried_again(self, empty: Settings) -> None:
        """Two failures, one before its effect and one after: captured once."""
        async with started(empty) as platform, dashboard(empty) as stripe:
            path = "/v1/payment_intents/*/capture"
            await stripe.fault("error_before", path=path, status=503)
            await stripe.fault("drop_after", path=path)
            buyer, order = await held(platform)
            await buyer.pay(order["id"])
            await buyer.order_in(order["id"], "complete", timeout=20)
            assert await audit(platform) == {"complete": 1}


async def test_an_accepted_order_cannot_be_cancelled(empty: Settings) -> None:
    """409 with a plain sentence while its money is being taken; it then completes."""
    async with gated(empty) as (platform, gate):
        buyer, order = await held(platform)
        await buyer.pay(order["id"])
        await gate.reached.wait()
        answer = await buyer.delete(f"/api/orders/{order['id']}")
        detail = "This order is accepted; only an unpaid hold can be cancelled."
        assert assert_problem(answer, 409, "order_not_cancellable")["detail"] == detail
        gate.open.set()
        await buyer.order_in(order["id"], "complete")
        assert await audit(platform) == {"complete": 1}


class TestSomebodyElseCaptures:
    """A person at the dashboard takes what is authorised, before orders has answered."""

    @pytest.mark.parametrize("then", ["", "refund", "dispute"])
    async def test_the_order_follows_and_a_person_is_called(
        self, empty: Settings, then: Literal["", "refund", "dispute"]
    ) -> None:
        """Complete, whatever became of the money meanwhile, and needsReview."""
        async with dashboard(empty) as stripe:
            async with started(empty, jobs=Jobs(payments=False)) as platform:  # nobody looks at Stripe
                buyer, order = await held(platform)
                intent = (await buyer.pay(order["id"], "pm_card_authenticationRequired")).json()["stripeId"]
                assert await stripe.act(intent, "authenticate")
                await stripe.capture(intent)
                if then:
                    assert await stripe.act(intent, then)
            async with started(empty) as platform:
                ends = {"": "complete", "refund": "refunded", "dispute": "disputed"}
                ended = await replace(buyer, http=platform.http).order_in(order["id"], ends[then])
                walked = [step["status"] for step in ended["history"]][:3]
                assert walked == ["created", "accepted", "complete"]
                assert ended["needsReview"] is (then != "refund")
                await audit(platform)
