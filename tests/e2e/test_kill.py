"""kill -9 of the whole platform in the middle of work, again and again: nothing acknowledged is lost."""

import asyncio
import random
import signal
from collections import Counter
from dataclasses import dataclass, field

import httpx
import pytest

from server import doctor
from server.kit.auth import SigningKey
from tests.e2e.conftest import Up
from tests.platform import Platform, client, databases, pools
from tests.waiting import until

ROUNDS = 4
SHOPPERS = 12


@dataclass
class Told:
    """What shoppers were told before the lights went out."""

    orders: dict[str, dict[str, str]] = field(default_factory=dict)
    """Order id → its buyer's Authorization header."""
    cancelled: set[str] = field(default_factory=set)
    cut: Counter[str] = field(default_factory=Counter)
    """Steps that were under way when the process died."""


async def shop(platform: Platform, told: Told, dice: random.Random) -> None:
    """List, hold, and pay, cancel or forget, until the connection breaks."""
    seller, buyer = platform.user(), platform.user()
    step = ""
    try:
        while True:
            step = "list"
            ticket = await seller.post("/api/tickets", {"title": "Seat", "price": 100})
            step = "hold"
            held = await buyer.reserve(ticket.json()["id"])
            if held.status_code != 201:  # too many holds, or the listing is still on its way
                continue
            order_id = held.json()["id"]
            told.orders[order_id] = buyer.headers
            match dice.choice(("pay", "pay", "cancel", "forget")):
                case "pay":
                    step = "pay"
                    await buyer.pay(order_id)
                case "cancel":
                    step = "cancel"
                    if (await buyer.delete(f"/api/orders/{order_id}")).status_code == 204:
                        told.cancelled.add(order_id)
    except (httpx.HTTPError, KeyError):
        told.cut[step] += 1


@pytest.mark.slow
async def test_kill_9_during_load_loses_nothing_acknowledged(up: Up) -> None:
    """Four rounds of load, each ended by kill -9; every acknowledged order is there and doctor is clean."""
    up.environ["HOLD_SECONDS"] = "4"
    dice = random.Random(20261122)  # noqa: S311 - a seed makes a failure repeatable
    told = Told()
    for _ in range(ROUNDS):
        process = await up.start()
        settings = up.settings()
        async with client(up.api_url) as http, pools(settings) as sessions:
            platform = Platform(up.api_url, settings, SigningKey(settings.jwt_secret or ""), http, sessions)
            enough = len(told.orders) + dice.randint(30, 80)
            shoppers = [asyncio.ensure_future(shop(platform, told, dice)) for _ in range(SHOPPERS)]
            while len(told.orders) < enough:
                await asyncio.wait(shoppers, timeout=0.01, return_when=asyncio.FIRST_COMPLETED)
            await process.end(signal.SIGKILL)
            await asyncio.wait_for(asyncio.gather(*shoppers), 30)
    # The kills hit: every shopper of every round was cut off in the middle of something, payments among it.
    assert sum(told.cut.values()) == ROUNDS * SHOPPERS
    assert told.cut["pay"] > 0, told.cut
    assert told.cut["hold"] + told.cut["list"] > 0, told.cut

    await up.start()
    settings = up.settings()
    async with client(up.api_url) as http, pools(settings) as sessions:
        platform = Platform(up.api_url, settings, SigningKey(settings.jwt_secret or ""), http, sessions)

        async def settled() -> bool:
            waiting = "SELECT count(*) FROM orders WHERE status IN ('created', 'accepted')"
            return await platform.count("orders", waiting) == 0

        await until(settled, "every hold ended or was paid", 60)
        for order_id, headers in told.orders.items():
            order = await http.get(f"/api/orders/{order_id}", headers=headers)
            assert order.status_code == 200
            if order_id in told.cancelled:
                assert order.json()["status"] == "cancelled"
            else:
                assert order.json()["status"] in {"complete", "expired", "cancelled", "rejected"}
        assert await platform.count("orders", "SELECT count(*) FROM orders WHERE status = 'complete'") > 0
        report = await doctor.examine(databases(settings), patience=40)
        assert report.is_clean, report.as_text()
