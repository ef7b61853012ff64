"""A part goes away and comes back: what was promised meanwhile is kept."""

import asyncio
from typing import Any

import httpx
import pytest

from server import events, worker
from server.kit import db, relay
from server.local import LocalServers
from server.settings import Settings
from server.worker import Jobs
from tests.platform import Platform, User, started
from tests.waiting import until


async def orders_known_to_payments(platform: Platform) -> int:
    """How many orders payments has heard of."""
    return await platform.count("payments", "SELECT count(*) FROM orders")


async def list_many(seller: User, count: int) -> list[dict[str, Any]]:
    """Listings, one after another: each is acknowledged."""
    return [await seller.list_ticket(title=f"Seat {n}") for n in range(count)]


class TestBus:
    """NATS."""

    @pytest.mark.slow
    async def test_p09_nats_away_for_10_seconds_while_orders_are_made(
        self, settings: Settings, empty: Settings, local: LocalServers
    ) -> None:
        """Reserving goes on without the bus; afterwards every replica agrees."""
        async with started(settings) as platform:
            seller = platform.user()
            tickets = await list_many(seller, 40)

            async def known() -> bool:
                return await platform.count("orders", "SELECT count(*) FROM tickets") == 40

            await until(known, "orders knows the listings")
            await asyncio.to_thread(local.stop_one, "nats", kill=True)
            loop = asyncio.get_running_loop()
            down = loop.time()
            try:
                for ticket in tickets[:20]:
                    await platform.user().hold(ticket["id"])
                await until(lambda: loop.time() - down > 10, "10 s without the bus", 15)
                for ticket in tickets[20:]:
                    await platform.user().hold(ticket["id"])
                assert (await platform.http.get("/livez")).status_code == 200
            finally:
                await asyncio.to_thread(local.start_one, "nats")

            async def all_heard() -> bool:
                return await orders_known_to_payments(platform) == 40

            await until(all_heard, "payments knows all 40 orders", 30)
            await platform.doctor(patience=20)

    async def test_p09_listings_made_while_nobody_listens_arrive(
        self, settings: Settings, empty: Settings
    ) -> None:
        """Consumers and relay are down; a later start publishes and hears everything, once."""
        async with started(settings, background=False) as platform:
            await list_many(platform.user(), 10)
        async with started(settings) as platform:

            async def heard() -> bool:
                return await platform.count("orders", "SELECT count(*) FROM tickets") == 10

            await until(heard, "orders heard all 10")
            await platform.doctor()

    async def test_p09_service_started_before_nats_waits_for_it(
        self, settings: Settings, empty: Settings, local: LocalServers
    ) -> None:
        """The background side waits for the broker instead of giving up."""
        await asyncio.to_thread(local.stop_one, "nats")
        joining = asyncio.ensure_future(anext(aiter_of(settings)))
        try:
            for _ in range(3):
                assert not joining.done()
                await asyncio.wait({joining}, timeout=0.3)
        finally:
            await asyncio.to_thread(local.start_one, "nats")
        assert await asyncio.wait_for(joining, 15)

    async def test_p09_publisher_killed_between_publish_and_mark(
        self, settings: Settings, empty: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Published, but never marked: published again after the restart, and still acted on once."""
        marks = 0

        async def die(*_: object) -> list[dict[str, Any]]:
            nonlocal marks
            marks += 1
            raise OSError("the process died here")

        real = db.rows

        async def rows(service: str, sql: str, *values: object) -> list[dict[str, Any]]:
            return await (die() if sql is relay.MARK else real(service, sql, *values))

        monkeypatch.setattr(relay, "rows", rows)
        async with started(settings) as platform:
            await list_many(platform.user(), 3)

            async def heard() -> bool:
                return await platform.count("orders", "SELECT count(*) FROM inbox") == 3

            await until(heard, "orders acted on the 3 events")
            pending = "SELECT count(*) FROM outbox WHERE published_at IS NULL"
            assert await platform.count("tickets", pending) == 3
            assert marks > 0
            monkeypatch.setattr(relay, "rows", real)

            async def drained() -> bool:
                return await platform.count("tickets", pending) == 0

            await until(drained, "the outbox drained")
            assert await platform.count("orders", "SELECT count(*) FROM inbox") == 3
            await platform.doctor()


async def aiter_of(settings: Settings) -> Any:
    """The background side of tickets, once; ended with the generator."""
    async with worker.running(["tickets"], settings) as link:
        yield link


class TestReplicas:
    """Two of everything."""

    @pytest.mark.slow
    async def test_p12_two_replicas_act_on_each_event_once(self, settings: Settings, empty: Settings) -> None:
        """Two background sides of all services share the work; nothing is done twice."""
        async with started(settings) as platform, worker.running(("tickets", "orders", "payments"), settings):
            seller = platform.user()
            tickets = await list_many(seller, 10)
            buyers = [platform.user() for _ in tickets]
            orders = [await buyer.hold(t["id"]) for buyer, t in zip(buyers, tickets, strict=True)]
            for buyer, order in zip(buyers, orders, strict=True):
                assert (await buyer.pay(order["id"])).status_code == 201
            for buyer, order in zip(buyers, orders, strict=True):
                await buyer.order_in(order["id"], "complete")
            # listings 10, authorised 10, captured 10; nothing else is for orders
            assert await platform.count("orders", "SELECT count(*) FROM inbox") == 30
            assert await platform.count("orders", "SELECT count(*) FROM order_history") == 30
            assert (
                await platform.count("payments", "SELECT count(*) FROM ledger WHERE kind = 'capture'") == 40
            )
            completed = events.OrderCompleted.type
            assert (
                await platform.count("orders", "SELECT count(*) FROM outbox WHERE type = $1", completed) == 10
            )
            await platform.doctor()


class TestDatabase:
    """PostgreSQL."""

    async def test_p17_postgres_away_is_503_and_then_whole(
        self, settings: Settings, empty: Settings, local: LocalServers
    ) -> None:
        """Meanwhile 503 with Retry-After and no address told, and /readyz names the part; then as before."""
        async with started(settings) as platform:
            seller, buyer = platform.user(), platform.user()
            ticket = await seller.list_ticket()
            await buyer.hold(ticket["id"])
            await asyncio.to_thread(local.stop_one, "postgres", kill=True)
            try:
                for answer in (
                    await buyer.reserve(ticket["id"]),
                    await platform.http.get("/api/tickets"),
                    await seller.post("/api/tickets", {"title": "Seat", "price": 100}),
                    await platform.http.post(
                        "/api/users/signin", json={"email": "a@example.com", "password": "password"}
                    ),
                ):
                    self.is_unavailable(answer)
                assert (await platform.http.get("/livez")).status_code == 200
                ready = await platform.http.get("/readyz")
                assert ready.status_code == 503
                assert "orders" in ready.json()["failing"]
            finally:
                await asyncio.to_thread(local.start_one, "postgres")

            async def whole() -> bool:
                return (await platform.http.get("/readyz")).status_code == 200

            await until(whole, "ready again")
            second = await seller.list_ticket()
            order = await buyer.hold(second["id"])
            assert (await buyer.pay(order["id"])).status_code == 201
            await buyer.order_in(order["id"], "complete")
            await platform.doctor()

    @staticmethod
    def is_unavailable(answer: httpx.Response) -> None:
        """A 503 that tells when to come back and nothing about the database."""
        assert answer.status_code == 503, answer.text
        assert int(answer.headers["Retry-After"]) >= 1
        assert answer.json()["code"] == "database_unavailable"
        assert not any(word in answer.text.lower() for word in ("127.0.0.1", "asyncpg", "connect", "refused"))

    @pytest.mark.slow
    async def test_sweeper_is_on_time_after_postgres_was_away(
        self, settings: Settings, empty: Settings, local: LocalServers
    ) -> None:
        """A hold that ended during the outage is released within 2 s of its end."""
        short = settings.model_copy(update={"hold_seconds": 3})
        async with started(short, jobs=Jobs(alarms=False)) as platform:
            ticket = await platform.user().list_ticket()
            await platform.user().hold(ticket["id"])
            await asyncio.to_thread(local.stop_one, "postgres")
            await asyncio.to_thread(local.start_one, "postgres")
            await platform.ticket_in(ticket["id"], "available", timeout=8)
            await platform.doctor()
