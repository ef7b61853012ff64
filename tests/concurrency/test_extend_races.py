"""Extending a hold at the moment it ends: longer and still held, or over; never both."""

import asyncio
import random
from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest

from server.orders import service, statements
from server.settings import Settings
from tests.concurrency.paying import Pace
from tests.concurrency.races import NO_ALARMS, rounds, verdict
from tests.platform import Platform, started

EXTENDED, OVER = ("200", "created"), ("409 order_not_extendable", "expired")
AT_ONCE = 4


async def race(platform: Platform, number: int, pace: Pace) -> tuple[str, str]:
    """A hold ends while its buyer extends it; what they were told, and what the order is."""
    rng = random.Random(number)  # noqa: S311 - a repeatable race, no secret
    buyer = platform.user()
    order = await buyer.hold((await platform.user().list_ticket())["id"])
    id_ = UUID(order["id"])
    left = 2 * pace.seconds
    async with platform.database("orders") as session:
        await session.execute(
            "UPDATE orders SET expires_at = clock_timestamp() + $2::interval WHERE id = $1",
            id_,
            timedelta(seconds=left),
        )

    async def extend() -> str:
        # Aimed so that the statement runs within a request's length of the end, on either side.
        await asyncio.sleep(left - pace.seconds + pace.seconds * rng.uniform(-0.7, 0.7))
        loop = asyncio.get_running_loop()
        began = loop.time()
        answer = await buyer.post(f"/api/orders/{id_}/extend", {})
        pace.recent.append(loop.time() - began)
        return verdict(answer)

    async def sweep(asking: "asyncio.Future[str]") -> None:
        while not asking.done():
            await service.expire_holds(order_id=id_)

    asking = asyncio.ensure_future(extend())
    told, _ = await asyncio.gather(asking, sweep(asking))
    await service.expire_holds(order_id=id_)
    return told, (await buyer.order(order["id"]))["status"]


async def compete(platform: Platform, count: int, *wanted: tuple[str, str]) -> Counter[tuple[str, str]]:
    """`count` such races, and as many again while one of the outcomes wanted did not come about."""
    pace = Pace(0.02)
    return await rounds(
        lambda number: race(platform, number, pace),
        count,
        AT_ONCE,
        until_seen=lambda outcomes: outcomes.keys() >= set(wanted),
    )


@pytest.mark.parametrize(
    "count", [12, pytest.param(100, marks=pytest.mark.slow), pytest.param(300, marks=pytest.mark.exhaustive)]
)
async def test_extended_or_expired(empty: Settings, count: int) -> None:
    """200 means that it is held; who is told 409 holds it no longer."""
    async with started(empty, jobs=NO_ALARMS) as platform:
        outcomes = await compete(platform, count, EXTENDED, OVER)
        await platform.doctor()
    assert outcomes.keys() == {EXTENDED, OVER}, outcomes


@pytest.mark.slow
async def test_without_its_conditions_an_expired_hold_is_extended(
    empty: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: the statement that asks neither whether it is held nor what time it is."""
    guard = "status = 'created' AND NOT extended AND expires_at > clock_timestamp()"
    blind = statements.EXTEND.replace(guard, "NOT extended")
    assert blind != statements.EXTEND
    monkeypatch.setattr(statements, "EXTEND", blind)
    async with started(empty, jobs=NO_ALARMS) as platform:
        outcomes = await compete(platform, 16, ("200", "expired"))
        assert outcomes["200", "expired"], outcomes
        with pytest.raises(AssertionError, match="legal_order_histories"):
            await platform.doctor(patience=0)
