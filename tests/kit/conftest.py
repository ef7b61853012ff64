"""A small world to send bad requests to, and the check that they changed nothing in it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.platform import Platform, User
from tests.problems import Watch
from tests.waiting import until


@dataclass
class World:
    """A seller with a free ticket, and a buyer with a held one and an unpaid payment for it."""

    platform: Platform
    seller: User
    buyer: User
    ticket: dict[str, Any]
    order: dict[str, Any]
    payment: dict[str, Any]

    @property
    def ids(self) -> dict[str, str]:
        """For paths: `/api/orders/{order}`."""
        return {"ticket": self.ticket["id"], "order": self.order["id"], "payment": self.payment["id"]}


@pytest.fixture(scope="module")
async def world(platform: Platform) -> World:
    """Made over HTTP, and settled."""
    seller, buyer = platform.user(), platform.user()
    ticket = await seller.list_ticket(title="Free seat")
    held = await seller.list_ticket(title="Held seat")
    order = await buyer.hold(held["id"])
    await platform.ticket_in(held["id"], "reserved")
    paid = await buyer.pay(order["id"], None)
    assert paid.status_code == 201, paid.text

    async def quiet() -> bool:
        waiting = "SELECT count(*) FROM outbox WHERE published_at IS NULL"
        pending = [await platform.count(service, waiting) for service in ("tickets", "orders", "payments")]
        calls = await platform.count("payments", "SELECT count(*) FROM payment_ops WHERE done_at IS NULL")
        replicas = await platform.count("orders", "SELECT count(*) FROM tickets")
        # Stripe's news of the new intent may lead to one more look at it: first let it arrive.
        news = await platform.count("payments", "SELECT count(*) FROM stripe_events")
        return not any(pending) and not calls and replicas == 2 and news > 0

    await until(quiet, "the world has settled")
    async with platform.database(
        "payments"
    ) as session:  # nor does the reconciler look in the minutes to come
        await session.execute("UPDATE payments SET checked_at = now() + interval '1 day'")
    return World(platform, seller, buyer, ticket, order, paid.json())


@pytest.fixture(scope="module")
async def watch(platform: Platform) -> AsyncIterator[Watch]:
    """Connections that see every table."""
    made = await Watch.open(platform)
    yield made
    await made.close()


@pytest.fixture(scope="module")
async def nothing_ever_changes(world: World, watch: Watch) -> AsyncIterator[None]:
    """Around a whole module: after a thousand bad requests all is as it was."""
    before = await watch.all()
    yield
    assert await watch.all() == before


@pytest.fixture
async def nothing_changes(world: World, watch: Watch) -> AsyncIterator[None]:
    """Around a test: no row is stored or changed."""
    before = await watch.all()
    yield
    assert await watch.all() == before
