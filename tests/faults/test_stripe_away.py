"""Stripe is away for ten minutes, time compressed: holds end on time, and everything settles afterwards."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from server.app import gateway_of
from server.local import LocalServers
from server.payments import ops
from server.payments.gateway import GatewayUnavailable
from server.settings import Settings
from tests.concurrency.gateways import TappedGateway
from tests.concurrency.races import audit, verdict
from tests.platform import Platform, User, started
from tests.waiting import until

HOLD = 2
LATE = 2
"""Seconds after its end in which a hold must be released."""
Wait = Callable[[], Awaitable[object]]


@dataclass
class Wire:
    """The way to Stripe: captures wait until it is cut."""

    cut: asyncio.Event
    away: bool = False
    """Answered by nobody, without a process being stopped."""
    captures: int = 0

    async def tap(self, call: str) -> None:
        """Before each call."""
        if call == "capture":
            self.captures += 1
            await self.cut.wait()
        if self.away:
            raise GatewayUnavailable("away")


@asynccontextmanager
async def wired(settings: Settings, **changes: Any) -> AsyncIterator[tuple[Platform, Wire]]:
    """A platform whose captures wait for the cut."""
    wire = Wire(asyncio.Event())
    gateway = TappedGateway(gateway_of(settings), wire.tap)
    try:
        async with started(settings.model_copy(update=changes), gateway=gateway) as platform:
            yield platform, wire
    finally:
        wire.cut.set()
        await gateway.close()


async def hold(platform: Platform) -> tuple[User, dict[str, Any]]:
    """A buyer with a hold."""
    buyer = platform.user()
    return buyer, await buyer.hold((await platform.user().list_ticket())["id"])


async def outage(platform: Platform, wire: Wire, leave: Wait, come_back: Wait, accepted_ends: str) -> None:
    """One order accepted, one at the bank, one opened and one untouched when Stripe leaves.

    `accepted_ends`: what the accepted one must be once Stripe is back.
    """
    waiting = [await hold(platform) for _ in range(3)]
    (at_the_bank, challenged), (opener, opened), _ = waiting
    assert verdict(await at_the_bank.pay(challenged["id"], "pm_card_authenticationRequired")) == "201"
    assert verdict(await opener.pay(opened["id"], None)) == "201"
    payer, accepted = await hold(platform)
    assert verdict(await payer.pay(accepted["id"])) == "201"
    await until(lambda: wire.captures, "a capture is on its way")
    await leave()
    wire.cut.set()
    late, order = await hold(platform)  # booking goes on
    assert verdict(await late.pay(order["id"])) == "503 payments_unavailable"
    for buyer, held in (*waiting, (late, order)):
        await buyer.order_in(held["id"], "expired", timeout=HOLD + LATE)
        await platform.ticket_in(held["ticket"]["id"], "available")
    assert (await payer.order(accepted["id"]))["status"] == "accepted"
    await platform.ticket_in(accepted["ticket"]["id"], "reserved")
    await come_back()
    await payer.order_in(accepted["id"], accepted_ends, timeout=20)

    async def closed() -> bool:
        unsettled = "SELECT count(*) FROM payments WHERE status NOT IN ('captured', 'voided')"
        return await platform.count("payments", unsettled) == 0

    await until(closed, "what was opened is cancelled at Stripe", 20)
    ends = {"expired": 4, accepted_ends: 1}
    assert await audit(platform) == ends


DEADLINES = [(3600, "complete"), (1, "rejected")]
"""Capture deadline, seconds → the end of an order that was accepted when Stripe left."""


@pytest.mark.slow
@pytest.mark.parametrize(("deadline", "ends"), DEADLINES)
async def test_for_a_moment(
    empty: Settings, monkeypatch: pytest.MonkeyPatch, deadline: int, ends: str
) -> None:
    """No call is answered while the holds end; back in time the accepted order is paid, later voided."""
    monkeypatch.setattr(ops, "SLOWEST_RETRY_SECONDS", 1)
    async with wired(empty, hold_seconds=HOLD, capture_deadline_seconds=deadline) as (platform, wire):

        async def leave() -> None:
            wire.away = True

        async def come_back() -> None:
            wire.away = False

        await outage(platform, wire, leave, come_back, ends)


@pytest.mark.slow
@pytest.mark.parametrize(("deadline", "ends"), DEADLINES)
async def test_its_process_is_gone_for_ten_seconds(
    empty: Settings, local: LocalServers, monkeypatch: pytest.MonkeyPatch, deadline: int, ends: str
) -> None:
    """The same with nobody at its address: five times as long as a hold."""
    monkeypatch.setattr(ops, "SLOWEST_RETRY_SECONDS", 2)
    loop = asyncio.get_running_loop()
    left = 0.0
    async with wired(empty, hold_seconds=HOLD, capture_deadline_seconds=deadline) as (platform, wire):

        async def leave() -> None:
            nonlocal left
            await asyncio.to_thread(local.stop_one, "stripe", kill=True)
            left = loop.time()

        async def come_back() -> None:
            await until(lambda: loop.time() - left > 10, "10 s without Stripe", 15)
            await asyncio.to_thread(local.start_one, "stripe")

        try:
            await outage(platform, wire, leave, come_back, ends)
        finally:
            await asyncio.to_thread(local.start_one, "stripe")
