"""doctor repairs what a lost message, a lost webhook or a late call left, and says what it did."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from server import repair, worker
from server.app import gateway_of, runner_of
from server.deadletters import LISTENERS
from server.kit.db import rows
from server.kit.events import Envelope
from server.payments import ops
from server.payments import service as payments
from server.settings import SERVICES, Settings
from server.worker import Jobs
from tests.dashboard import dashboard
from tests.doctor.test_doctor import examined
from tests.platform import Platform, User, command, environment, started, wipe
from tests.waiting import until

HEARD_BY = {"tickets": ("orders",), "orders": ("tickets", "payments"), "payments": ("orders",)}
"""Whose events go to whom."""
TAKE = "UPDATE outbox SET published_at = now() WHERE published_at IS NULL RETURNING *"


@dataclass
class World:
    """Only the API runs; what the background would do is done by hand, or not."""

    platform: Platform
    seller: User
    buyer: User

    async def settle(self) -> None:
        """Everything is heard and every due call to Stripe is made."""
        while await self.hear() or await self._called():
            pass

    async def lose(self) -> None:
        """What was said since is heard by nobody: the bus has lost it."""
        for service in HEARD_BY:
            await rows(service, TAKE)

    async def hold(self) -> dict[str, Any]:
        """A hold that all have heard of."""
        ticket = await self.seller.list_ticket()
        await self.settle()
        order = await self.buyer.hold(ticket["id"])
        await self.settle()
        return order

    async def sale(self) -> dict[str, Any]:
        """A ticket that was paid for: the order."""
        order = await self.hold()
        assert (await self.buyer.pay(order["id"])).status_code == 201

        async def is_looked_at() -> bool:
            await self.settle()
            looks = "SELECT count(*) FROM payment_ops WHERE kind = 'sync' AND done_at IS NULL"
            return await self.platform.count("payments", looks) == 0

        await until(is_looked_at, "Stripe's bells are answered, some a moment later")
        return await self.buyer.order_in(order["id"], "complete", timeout=1)

    async def refund_at_stripe(self, order: dict[str, Any]) -> None:
        """The whole of it, and its webhooks are lost."""
        paid = (await self.buyer.get("/api/payments", params={"orderId": order["id"]})).json()["items"]
        async with dashboard(self.platform.settings) as stripe:
            await stripe.fault("webhook_drop", count=None)
            await stripe.refund(paid[0]["stripeId"])
            await stripe.no_faults()

    async def call_stripe(self) -> None:
        """The calls to Stripe are made, and no more."""
        while await self._called():
            pass

    async def hear_all(self) -> None:
        """Everything is heard; calls to Stripe stay owed."""
        while await self.hear():
            pass

    async def state(self, service: str) -> list[dict[str, Any]]:
        """What a service knows, but for what counts or times its news."""
        tables = {"tickets": "tickets", "orders": "orders", "payments": "orders"}
        found = await rows(service, f"SELECT * FROM {tables[service]}")
        return [{k: v for k, v in row.items() if k not in {"payment_version", "updated_at"}} for row in found]

    async def hear(self) -> int:
        """What was said until now is heard."""
        said = [
            (listener, event)
            for service, listeners in HEARD_BY.items()
            for event in await rows(service, TAKE)
            for listener in listeners
        ]
        for service, row in sorted(said, key=lambda pair: pair[1]["id"]):
            if listener := LISTENERS.get(f"{service}-{row['type'].replace(':', '-')}"):
                event = Envelope(
                    id=row["id"],
                    type=row["type"],
                    occurred_at=row["occurred_at"],
                    data=json.loads(row["data"]),
                )
                await listener.hear({}, event.model_dump_json(by_alias=True))
        return len(said)

    async def _called(self) -> int:
        gateway = gateway_of(self.platform.settings)
        try:
            calls = await ops.start_due(runner_of(gateway, self.platform.settings), ops.AT_ONCE)
            await asyncio.gather(*calls)
            return len(calls)
        finally:
            await gateway.close()


@pytest.fixture
async def world(empty: Settings) -> AsyncIterator[World]:
    """An empty one."""
    async with started(empty, background=False) as platform:
        yield World(platform, platform.user(), platform.user())
    await wipe(empty)


# --- damage: what a crash, a lost message or a lost webhook leaves ------------------------------------------


async def overdue(world: World) -> None:
    """Nobody swept, and no alarm rang."""
    await world.hold()
    await rows("orders", "UPDATE orders SET expires_at = now() - interval '1 minute'")


async def capture_unheard(world: World) -> None:
    """The money was taken, and orders never heard."""
    order = await world.hold()
    await world.buyer.pay(order["id"])
    await world.hear()  # payment:authorized
    await world.hear()  # order:accepted
    await world.call_stripe()
    await world.lose()
    await rows("orders", "UPDATE orders SET updated_at = now() - interval '1 hour'")


async def refund_unheard(world: World) -> None:
    """The money went back at Stripe, payments knows, and orders never heard."""
    order = await world.sale()
    await world.refund_at_stripe(order)
    await rows("payments", "UPDATE payments SET checked_at = now() - interval '1 day'")
    [payment] = await rows("payments", "SELECT id FROM payments")
    await payments.look_again(payment_ids=[payment["id"]])
    await world.call_stripe()
    await world.lose()


async def revocation_unheard(world: World) -> None:
    """The seller gave the money back, and payments never heard."""
    order = await world.sale()
    assert (await world.seller.post(f"/api/orders/{order['id']}/refund", {})).status_code == 202
    await world.lose()


async def authorisation_unheard(world: World) -> dict[str, Any]:
    """The bank reserved the money, and orders never heard: the order."""
    order = await world.hold()
    await world.buyer.pay(order["id"])
    await world.lose()
    return order


async def left_open(world: World) -> None:
    """The buyer gave up; payments heard, and its decision to cancel is gone."""
    order = await world.hold()
    await world.buyer.pay(order["id"], None)
    await world.buyer.delete(f"/api/orders/{order['id']}")
    await world.hear_all()
    await rows("payments", "DELETE FROM payment_ops WHERE kind = 'cancel'")


async def called_late(world: World) -> None:
    """A call to Stripe that was put off too far."""
    order = await world.hold()
    await world.buyer.pay(order["id"], None)
    await world.buyer.delete(f"/api/orders/{order['id']}")
    await world.hear_all()
    await rows(
        "payments",
        "UPDATE payment_ops SET due_at = now() + interval '1 hour', created_at = now() - interval '1 hour', "
        "tries = 3, error = 'boom' WHERE done_at IS NULL",
    )


async def webhooks_lost(world: World) -> None:
    """The money went back at Stripe, and we never heard."""
    await world.refund_at_stripe(await world.sale())


async def hold_unheard(world: World) -> None:
    """A ticket is held, and neither tickets nor payments ever heard."""
    ticket = await world.seller.list_ticket()
    await world.settle()
    await world.buyer.hold(ticket["id"])
    await world.lose()


async def listing_unheard(world: World) -> None:
    """A ticket is on sale, and orders never heard."""
    await world.seller.list_ticket()
    await world.lose()


Damage = Callable[[World], Awaitable[object]]
DAMAGE: tuple[tuple[Damage, set[str]], ...] = (
    (overdue, {"no_overdue_hold"}),
    (capture_unheard, {"nothing_stuck_in_accepted", "money_means_ticket"}),
    (refund_unheard, {"ticket_means_money", "returns_have_a_reason"}),
    (revocation_unheard, {"money_goes_back", "money_means_ticket", "orders_agree", "seats_agree"}),
    (authorisation_unheard, {"every_authorisation_answered"}),
    (left_open, {"nothing_open_for_an_ended_order"}),
    (called_late, {"stripe_is_called"}),
    (webhooks_lost, {"ledger_is_stripes"}),
    (hold_unheard, {"seats_agree", "orders_agree"}),
    (listing_unheard, {"listings_agree"}),
)


@asynccontextmanager
async def running(world: World) -> AsyncIterator[None]:
    """The background, but for those who would release a hold before doctor does."""
    jobs = Jobs(sweeper=False, alarms=False)
    async with worker.running(SERVICES, world.platform.settings, jobs=jobs, patience=0.05):
        yield


async def doctor(world: World, *options: str) -> tuple[int, dict[str, Any]]:
    """`python -m server doctor`: its exit status, and what it found."""
    status, said, errors = await command(
        "doctor", "--json", "--fresh", *options, env=environment(world.platform.settings)
    )
    assert errors == ""
    return status, json.loads(said)


def test_all_that_is_repaired_is_broken_here() -> None:
    """A repair that no test needs might be one that does nothing."""
    assert set().union(*(names for _, names in DAMAGE)) == repair.REMEDIES.keys()


@pytest.mark.slow
@pytest.mark.parametrize(("damage", "names"), DAMAGE, ids=[damage.__name__ for damage, _ in DAMAGE])
async def test_it_is_repaired(world: World, damage: Damage, names: set[str]) -> None:
    """Found, and there to stay; after the repair all is well."""
    await damage(world)
    async with running(world):
        found = await examined(world.platform, patience=1)
        assert {finding.name for finding in found.findings} == names
        assert await repair.repair(found)
        left = await examined(world.platform, patience=15)
        assert left.is_clean, left.as_text()


@pytest.mark.slow
async def test_the_command(world: World) -> None:
    """Exit 6, then 0 once it may repair; it says what it did."""
    await hold_unheard(world)
    async with running(world):
        status, found = await doctor(world, "--patience", "0")
        assert (status, found["repaired"]) == (6, [])
        assert {tuple(finding["repair"][:1]) for finding in found["findings"]} == {
            ("python -m server doctor --repair",)
        }
        status, left = await doctor(world, "--repair", "--patience", "3")
        assert (status, left["findings"]) == (0, [])
        assert sorted(what.split()[0] for what in left["repaired"]) == ["payments", "tickets"]
        assert all(what.endswith("(events: 1)") for what in left["repaired"])


@pytest.mark.slow
async def test_nobody_is_there_to_do_it(world: World) -> None:
    """It is said; once Tix runs it is done, without a second repair."""
    order = await authorisation_unheard(world)
    status, found = await doctor(world, "--repair", "--patience", "2")
    assert status == 6
    assert found["repaired"][-1] == "nobody picked this up: start Tix, so that it is done (make run)"
    async with running(world):
        await world.buyer.order_in(order["id"], "complete", timeout=15)
        await world.platform.doctor(patience=15)


async def test_an_old_state_heard_again_changes_nothing(world: World) -> None:
    """A whole life, told again to all who hear it: not an event of theirs more than the answers."""
    order = await world.sale()
    assert (await world.seller.post(f"/api/orders/{order['id']}/refund", {})).status_code == 202
    await world.settle()
    before = [await world.state(service) for service in HEARD_BY]
    for name in ("seats_agree", "listings_agree", "orders_agree"):
        [tell] = repair.REMEDIES[name]
        said = await tell([{"order_id": order["id"], "ticket_id": order["ticket"]["id"]}])
        assert "failed" not in said
        assert "events: 0" not in said
    await world.settle()
    assert [await world.state(service) for service in HEARD_BY] == before
