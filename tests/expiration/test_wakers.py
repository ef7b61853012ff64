"""Two independent wakers release holds that ran out: the orders sweeper, and alarms on taskiq and Redis."""

import asyncio
import statistics
from datetime import datetime
from typing import Any

import pytest
import redis.asyncio

from server import worker
from server.kit import db
from server.settings import Settings
from server.worker import Jobs, redis_url
from tests.platform import Platform, started, wipe
from tests.waiting import slowness, until

pytestmark = pytest.mark.alone


async def hold_many(platform: Platform, count: int) -> list[dict[str, Any]]:
    """`count` buyers each hold a ticket of their own."""
    seller = platform.user()
    tickets = await asyncio.gather(*(seller.list_ticket(title=f"Seat {n}") for n in range(count)))
    return await asyncio.gather(*(platform.user().hold(ticket["id"]) for ticket in tickets))


async def lateness(platform: Platform, count: int, *, timeout: float) -> list[float]:
    """Seconds from each hold's end to its release, once all are released."""

    async def all_over() -> bool:
        return await platform.count("orders", "SELECT count(*) FROM orders WHERE status = 'expired'") == count

    await until(all_over, f"{count} holds are released", timeout)
    async with platform.database("orders") as session:
        found = await session.fetch(
            "SELECT extract(epoch FROM h.at - o.expires_at)::float AS late FROM orders o "
            "JOIN order_history h ON h.order_id = o.id AND h.status = 'expired'"
        )
    return sorted(row["late"] for row in found)


@pytest.fixture
def short(settings: Settings) -> Settings:
    """Holds of 2 seconds."""
    return settings.model_copy(update={"hold_seconds": 2})


class TestAlarmsAlone:
    """The sweeper is switched off."""

    @pytest.mark.slow
    async def test_p21_fifty_holds_released_by_taskiq(self, short: Settings, empty: Settings) -> None:
        """Median within 3 s, none later than 6 s, none lost by an alarm that rang early."""
        async with started(short, jobs=Jobs(sweeper=False)) as platform:
            await hold_many(platform, 50)
            late = await lateness(platform, 50, timeout=12)
            slow = slowness()
            assert statistics.median(late) < 3 * slow, late
            assert late[-1] < 6 * slow, late
            assert late[0] >= 0, late
            await platform.doctor()

    @pytest.mark.slow
    async def test_p21_without_any_waker_nothing_is_released(self, short: Settings, empty: Settings) -> None:
        """Negative control: with both off the holds stay, so the tests above show what they say."""
        async with started(short, jobs=Jobs(sweeper=False, alarms=False)) as platform:
            orders = await hold_many(platform, 3)
            ends = max(datetime.fromisoformat(order["expiresAt"]) for order in orders)

            async def long_over() -> bool:
                now = (await db.rows("orders", "SELECT clock_timestamp() AS now"))[0]["now"]
                return bool((now - ends).total_seconds() > 3)

            await until(long_over, "3 s after the end of the last hold")
            assert await platform.count("orders", "SELECT count(*) FROM orders WHERE status = 'created'") == 3

    @pytest.mark.slow
    async def test_p21_two_expiration_workers_ring_once_an_order(
        self, short: Settings, empty: Settings
    ) -> None:
        """Two schedulers on one Redis: each order's alarm is published once."""
        async with (
            started(short, jobs=Jobs(sweeper=False)) as platform,
            worker.running(["expiration"], short),
        ):
            await hold_many(platform, 20)
            await lateness(platform, 20, timeout=12)
            heard = await platform.count("orders", "SELECT count(*) FROM inbox")
            # 20 listings and 20 alarms; an alarm that rang twice would be a row more.
            assert heard == 40

    @pytest.mark.slow
    async def test_p21_order_made_while_expiration_was_down_rings_later(
        self, short: Settings, empty: Settings
    ) -> None:
        """The order waits on the bus, and its alarm is set when expiration is back, late but not lost."""
        async with started(
            short, services=("auth", "tickets", "orders", "payments"), jobs=Jobs(sweeper=False)
        ) as platform:
            await hold_many(platform, 5)
        async with started(short, jobs=Jobs(sweeper=False)) as platform:
            await lateness(platform, 5, timeout=15)

    @pytest.mark.slow
    async def test_the_alarm_moves_with_an_extended_hold(self, short: Settings, empty: Settings) -> None:
        """taskiq releases it after its new end and not before."""
        longer_by_2 = short.model_copy(update={"extend_seconds": 2})
        async with started(longer_by_2, jobs=Jobs(sweeper=False)) as platform:
            buyer = platform.user()
            order = await buyer.hold((await platform.user().list_ticket())["id"])
            longer = await buyer.post(f"/api/orders/{order['id']}/extend", {})
            done = await buyer.order_in(order["id"], "expired", timeout=12)
            assert done["history"][-1]["at"] >= longer.json()["expiresAt"]


class TestSweeperAlone:
    """taskiq is off, or its Redis has lost everything."""

    @pytest.mark.slow
    async def test_p21_released_within_2_seconds(self, short: Settings, empty: Settings) -> None:
        """No alarms at all: the sweeper is on time by itself."""
        async with started(short, jobs=Jobs(alarms=False)) as platform:
            await hold_many(platform, 50)
            late = await lateness(platform, 50, timeout=8)
            assert late[-1] < 2 * slowness(), late

    @pytest.mark.slow
    async def test_redis_wiped_loses_nothing(self, short: Settings, empty: Settings) -> None:
        """FLUSHALL between hold and end: released by the sweeper; alarms of later holds work again."""
        async with started(short) as platform:
            await hold_many(platform, 10)
            async with redis.asyncio.Redis.from_url(redis_url(short)) as alarms:
                await alarms.flushall()
            late = await lateness(platform, 10, timeout=8)
            assert late[-1] < 2 * slowness(), late
        await wipe(short)
        async with started(short, jobs=Jobs(sweeper=False)) as platform:
            async with redis.asyncio.Redis.from_url(redis_url(short)) as alarms:
                await alarms.flushall()  # the running workers' consumer group goes with it
            await hold_many(platform, 5)
            await lateness(platform, 5, timeout=12)

    async def test_p21_the_window_is_a_setting(self, settings: Settings, empty: Settings) -> None:
        """HOLD_SECONDS decides, to the millisecond, by the database's clock."""
        async with started(settings.model_copy(update={"hold_seconds": 77}), background=False) as platform:
            async with platform.database("orders") as session:
                await session.execute(
                    "INSERT INTO tickets (id, user_id, title, price, currency, withdrawn, version, "
                    "seat_status, seat_version) "
                    "VALUES (uuidv7(), uuidv7(), 'Seat', 100, 'usd', false, 0, 'available', 0)"
                )
                ticket_id = await session.fetchval("SELECT id FROM tickets")
            order = await platform.user().hold(str(ticket_id))
            held = datetime.fromisoformat(order["expiresAt"]) - datetime.fromisoformat(order["createdAt"])
            assert held.total_seconds() == 77
