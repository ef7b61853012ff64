"""One race of a payment against the end of its hold, and many of them."""

import asyncio
import random
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

import pytest

from tests.concurrency.races import MOST_ROUNDS, batches, expire_now, fetch, settled, verdict
from tests.platform import Platform
from tests.waiting import until

Ending = Literal["cancel", "expire"]
LANES = [
    12,
    pytest.param(60, marks=pytest.mark.slow),
    pytest.param(200, marks=[pytest.mark.exhaustive, pytest.mark.timeout(240)]),
]
"""How many races, quickly and at length."""
AT_ONCE = 8
"""Races under way at the same time; more would only queue for two cores."""
Window = tuple[float, float]
WINDOW: Window = (-0.05, 0.05)
"""Seconds around the moment of payment in which the hold ends."""


@dataclass
class Pace:
    """How long a payment takes here and now: the other side aims at its end."""

    guess: float
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=2 * AT_ONCE))

    @property
    def seconds(self) -> float:
        """The median of the recent ones."""
        return sorted(self.recent)[len(self.recent) // 2] if self.recent else self.guess


@dataclass
class Race:
    """What each side was told, and how the first buyer's order ended."""

    order_id: UUID
    pay: str = ""
    end: str = ""
    rival: str = ""
    order: str = ""


async def run(platform: Platform, number: int, pace: Pace, ending: Ending, window: Window) -> Race:
    """Hold a ticket; pay it and end the hold at nearly the same moment; then somebody else wants it."""
    rng = random.Random(number)  # noqa: S311 - a repeatable race, no secret
    buyer, rival = platform.user(), platform.user()
    ticket = await platform.user().list_ticket()
    order = await buyer.hold(ticket["id"])
    race = Race(UUID(order["id"]))

    async def pay() -> None:
        began = time.perf_counter()
        race.pay = verdict(await buyer.pay(order["id"]))
        if race.pay == "201":
            pace.recent.append(time.perf_counter() - began)

    async def end() -> None:
        # The offset that makes it a race: around the moment at which the payment is made.
        await asyncio.sleep(max(0, pace.seconds + rng.uniform(*window)))
        if ending == "cancel":
            race.end = verdict(await buyer.delete(f"/api/orders/{order['id']}"))
        else:
            await expire_now(platform, order["id"])

    async def taken() -> bool:
        """Somebody has the ticket for good: the rival, or the first buyer."""
        answer = await rival.reserve(ticket["id"])
        race.rival = verdict(answer)
        if answer.status_code == 201:
            race.rival = verdict(await rival.pay(answer.json()["id"]))
            return True
        return race.rival == "409 ticket_sold"

    await asyncio.gather(pay(), end())
    if number % 3:  # in every third race nobody else wants it
        await until(taken, f"ticket {ticket['id']} is taken", 60)
    return race


def both_won(races: list[Race]) -> bool:
    """Whether some paid and some were too late."""
    return 0 < sum(race.order == "complete" for race in races) < len(races)


async def compete(
    platform: Platform,
    count: int,
    ending: Ending,
    *,
    latency: float = 0,
    window: Window = WINDOW,
    at_once: int = AT_ONCE,
    until_seen: Callable[[list[Race]], bool] = both_won,
) -> list[Race]:
    """`count` such races, again and again until that was seen; nothing is under way any more at the end.

    `latency` of Stripe in seconds.
    """
    pace = Pace(0.1 + 2 * latency)  # a payment is two calls
    races: list[Race] = []
    for first in range(0, MOST_ROUNDS * count, count):
        numbers = range(first, first + count)
        races += await batches((run(platform, number, pace, ending, window) for number in numbers), at_once)
        await settled(platform)
        found = await fetch(platform, "orders", "SELECT id, status FROM orders")
        statuses = {row["id"]: row["status"] for row in found}
        for race in races:
            race.order = statuses[race.order_id]
        if until_seen(races):
            break
    return races


def assert_fair(races: list[Race]) -> None:
    """Both sides won some, and what the losers were told is true."""
    assert both_won(races), f"not a race: {Counter(race.order for race in races)}"
    for race in races:
        if race.order == "complete":
            assert race.pay == "201"
            assert race.rival in {"", "409 ticket_sold"}
        else:
            assert race.pay in {"201", "409 order_not_payable"}
            assert race.rival in {"", "201"}
