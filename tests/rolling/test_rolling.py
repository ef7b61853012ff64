"""Two replicas of everything, each restarted under load: nothing acknowledged is lost or done twice."""

import asyncio
import itertools
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from client import Tix, TixError
from server.settings import Settings
from server.tickets.schemas import NewTicket
from tests.concurrency.races import fetch
from tests.faults.bookings import paid_twice
from tests.platform import Platform
from tests.rolling.fleet import fleet
from tests.waiting import until

BUYERS = 3
STEPS = {
    # On a machine that stands still the money may come late, for a ticket that is still free.
    "pay": (["created", "accepted", "complete"], ["created", "expired", "accepted", "complete"]),
    "cancel": (["created", "cancelled"],),
    "leave": (["created", "expired"],),
}
"""What a buyer does → each step that the order takes."""
HOLD_SECONDS = 5
KILLS = 20


@dataclass
class Told:
    """What buyers were told, and what they were not."""

    orders: dict[str, str] = field(default_factory=dict)
    """Order → what its buyer did last, acknowledged."""
    failures: list[str] = field(default_factory=list)
    again: Counter[str] = field(default_factory=Counter)
    """Requests that the client sent again, by reason."""


@asynccontextmanager
async def shopping(platform: Platform, told: Told) -> AsyncIterator[None]:
    """People shop for the block; then each finishes what is in hand."""
    stop = asyncio.Event()
    people = [asyncio.create_task(_shop(platform, told, stop)) for _ in range(BUYERS)]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*people)


async def _shop(platform: Platform, told: Told, stop: asyncio.Event) -> None:
    """List, hold and pay, cancel or leave, with the retries of Tix's own client."""

    async def wait(seconds: float, error: TixError) -> None:
        told.again[error.code] += 1
        await asyncio.sleep(seconds)

    seller, buyer = (platform.user().headers["Authorization"].split()[1] for _ in range(2))
    async with Tix(platform.api_url, seller, wait=wait) as selling:
        tix = selling.speaking_for(buyer)
        for does in itertools.cycle(STEPS):
            if stop.is_set():
                return
            try:
                ticket = await selling.create_ticket(NewTicket(title="Front row", price=4500))
                order = await tix.reserve_ticket(ticket.id)
                told.orders[str(order.id)] = "leave"
                page = await tix.request("GET", f"/tickets/{ticket.id}")
                assert "Front row" in page.text
                if does == "pay":
                    await tix.pay_order(order.id, payment_method="pm_card_visa")
                elif does == "cancel":
                    await tix.cancel_order(order.id)
                told.orders[str(order.id)] = does
            except TixError as error:
                told.failures.append(f"{does}: {error!r}")


async def assert_once(platform: Platform, told: Told) -> None:
    """Each order went as its buyer was told, by each step once; nothing was buried; no promise is broken."""

    async def have_ended() -> bool:
        waiting = "SELECT count(*) FROM orders WHERE status IN ('created', 'accepted')"
        return await platform.count("orders", waiting) == 0

    await until(have_ended, "every order has come to its end", 30)
    sql = "SELECT order_id, array_agg(status ORDER BY version) AS steps FROM order_history GROUP BY order_id"
    taken = {str(row["order_id"]): row["steps"] for row in await fetch(platform, "orders", sql)}
    for order, does in told.orders.items():
        assert taken.get(order) in STEPS[does], (order, does)
    assert await paid_twice(platform) == []
    for service in ("tickets", "orders", "payments"):
        assert await fetch(platform, service, "SELECT * FROM dead_letters") == []
    await platform.doctor(patience=20)


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.timeout(240)
async def test_every_process_is_restarted_and_nobody_notices(empty: Settings, tmp_path: Path) -> None:
    """One after another: each ends with 0, no request that it took is cut, and no call fails.

    The negative control: of processes that are killed requests are cut. Then the client's keys and retries
    save its user, and the platform still does each thing once.
    """
    told = Told()
    # Who books quickly leaves more holds in their 5 s than one buyer may have.
    short = empty.model_copy(update={"hold_seconds": HOLD_SECONDS, "max_live_holds": 100})
    async with fleet(short, tmp_path) as ships:
        edge = ships.edge

        async def more_orders() -> None:
            enough = len(told.orders) + BUYERS
            await until(lambda: len(told.orders) > enough, f"they shop: {told.failures}", 30)

        async with shopping(ships.platform, told):
            await more_orders()
            before = edge.answered.copy()
            for replica in ships.replicas:
                assert await replica.end() == 0, replica.log.read_text()
                await replica.start()
                await replica.ready()
            assert (edge.cut, told.failures) == ({}, [])
            # Both of each had a part in it, but expiration, which nobody asks.
            idle = [one.log.name for one in ships.replicas if edge.answered[one.port] == before[one.port]]
            assert {name.partition("-")[0] for name in idle} <= {"expiration"}

            for number in range(KILLS):
                replica = ships.of("orders")[number % 2]
                await more_orders()
                await replica.end(signal.SIGKILL)
                await replica.start()
                await replica.ready()
                if edge.cut:
                    break
            assert edge.cut["orders"] > 0
        assert told.failures == []
        await assert_once(ships.platform, told)
