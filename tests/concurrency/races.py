"""What the race tests share: crowds, answers counted, guards taken away, and the books audited afterwards."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

import httpx
import pytest
from uuid_utils.compat import uuid7

from server import events
from server.kit.events import Envelope
from server.orders import statements
from server.settings import Settings
from server.worker import Jobs
from tests.dashboard import Money, dashboard
from tests.platform import Platform, User, database, wipe
from tests.waiting import until

T = TypeVar("T")

ONE_LIVE_ORDER = "one_live_order_per_ticket"
ONE_PER_SLOT = "one_order_per_hold_slot"
NO_ALARMS = Jobs(alarms=False)
"""For tests that stop in the middle of a storm: the alarms leave connections to Redis open there."""
TWO_HUNDRED = 200
ONE_WINNER = {"201": 1, "409 ticket_reserved": TWO_HUNDRED - 1}


def verdict(answer: httpx.Response) -> str:
    """`201`, or a refusal's status with its code: `409 ticket_reserved`."""
    if answer.is_success:
        return str(answer.status_code)
    return f"{answer.status_code} {answer.json().get('code')}"


def tally(answers: Iterable[httpx.Response]) -> Counter[str]:
    """How often each verdict was given."""
    return Counter(verdict(answer) for answer in answers)


async def storm(users: Collection[User], ticket_id: str, **fields: Any) -> list[httpx.Response]:
    """Every one of them reserves the ticket at the same moment."""
    return await asyncio.gather(*(user.reserve(ticket_id, **fields) for user in users))


async def turns(count: int) -> None:
    """Let the loop go round so often: an offset in progress, not in seconds, as machines differ in speed."""
    for _ in range(count):
        await asyncio.sleep(0)


async def known_to_orders(platform: Platform, ticket_id: str) -> None:
    """Wait until the news of the listing has arrived, so that a race is about the seat and not about it."""

    async def known() -> int:
        return await platform.count("orders", "SELECT count(*) FROM tickets WHERE id = $1", UUID(ticket_id))

    await until(known, f"orders knows ticket {ticket_id}")


async def batches(races: Iterable[Awaitable[T]], at_once: int) -> list[T]:
    """Run the races, `at_once` of them at a time; their results in order."""
    room = asyncio.Semaphore(at_once)

    async def in_turn(race: Awaitable[T]) -> T:
        async with room:
            return await race

    return await asyncio.gather(*(in_turn(race) for race in races))


MOST_ROUNDS = 8


async def rounds(
    race: Callable[[int], Awaitable[T]], count: int, at_once: int, *, until_seen: Callable[[Counter[T]], bool]
) -> Counter[T]:
    """How often each outcome came of `count` numbered races.

    They are chance: as many again are run while `until_seen` is not content, MOST_ROUNDS times at most.
    """
    outcomes: Counter[T] = Counter()
    for first in range(0, MOST_ROUNDS * count, count):
        outcomes += Counter(await batches(map(race, range(first, first + count)), at_once))
        if until_seen(outcomes):
            break
    return outcomes


async def race_for_one_ticket(platform: Platform, buyers: list[User]) -> dict[str, int]:
    """A new ticket, and all the buyers at once; what they were told."""
    ticket = await platform.user().list_ticket()
    await known_to_orders(platform, ticket["id"])
    answers = await storm(buyers, ticket["id"])
    winners = [answer.json() for answer in answers if answer.status_code == 201]
    if len(winners) == 1:
        seat = await fetch(
            platform, "orders", "SELECT holder, seat_version FROM tickets WHERE id = $1", ticket["id"]
        )
        assert [(str(row["holder"]), row["seat_version"]) for row in seat] == [(winners[0]["id"], 1)]
        live = "SELECT count(*) FROM orders WHERE ticket_id = $1 AND status = 'created'"
        assert await platform.count("orders", live, ticket["id"]) == 1
    return dict(tally(answers))


# --- guards taken away --------------------------------------------------------------------------------------


@asynccontextmanager
async def without_index(settings: Settings, name: str, service: str = "orders") -> AsyncIterator[None]:
    """A service without one of its unique indexes; afterwards its rows are wiped and it is made again."""
    async with database(settings, service) as session:
        definition = await session.fetchval("SELECT pg_get_indexdef($1::regclass)", name)
        await session.execute(f"DROP INDEX {name}")
    try:
        yield
    finally:
        await wipe(settings)
        async with database(settings, service) as session:
            await session.execute(definition)


@contextlib.contextmanager
def without_seat_check() -> Iterator[None]:
    """The statement that reserves no longer looks whether the seat is free."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(statements, "SEAT_IS_FREE", "true")
        yield


# --- the ends of a hold -------------------------------------------------------------------------------------


async def expire_now(platform: Platform, order_id: str) -> None:
    """The hold's time is over this moment, and the alarm says so; the sweeper may be quicker."""
    async with platform.database("orders") as session:
        now = await session.fetchval(
            "UPDATE orders SET expires_at = clock_timestamp() WHERE id = $1 AND status = 'created' "
            "RETURNING expires_at",
            UUID(order_id),
        )
    event = events.ExpirationComplete(order_id=UUID(order_id))
    data = event.model_dump(mode="json", by_alias=True)
    envelope = Envelope(id=uuid7(), type=event.type, occurred_at=now or datetime.now(UTC), data=data)
    assert platform.bus is not None
    await platform.bus.publish(envelope, request="race-expiry")


# --- the books ----------------------------------------------------------------------------------------------


async def fetch(platform: Platform, service: str, sql: str, *values: object) -> list[dict[str, Any]]:
    """Rows of a query of the test's own."""
    async with platform.database(service) as session:
        return [dict(row) for row in await session.fetch(sql, *values)]


async def settled(platform: Platform, *, timeout: float = 30) -> None:
    """Wait until nothing is under way: no undecided payment, no refund, no call owed, no event unpublished.

    An attempt that another one overtook is never called; its row just falls due after a lease, and is closed.
    """

    async def quiet() -> bool:
        for service, sql in {
            "payments": "SELECT (SELECT count(*) FROM payment_ops"
            "   WHERE done_at IS NULL AND (tries > 0 OR due_at <= now()))"
            " + (SELECT count(*) FROM payments WHERE status IN ('authorized', 'capturing', 'refunding'))"
            " + (SELECT count(*) FROM outbox WHERE published_at IS NULL)",
            "orders": "SELECT (SELECT count(*) FROM orders WHERE status = 'accepted')"
            " + (SELECT count(*) FROM outbox WHERE published_at IS NULL)",
        }.items():
            if await platform.count(service, sql):
                return False
        return True

    await until(quiet, "everything under way is settled", timeout)


PAID_FOR = {
    "captured": {"complete"},
    "disputed": {"disputed", "revoked"},
    "refunded": {"refunded"},
    "refund_failed": {"revoked"},
    "charged_back": {"charged_back"},
}
"""Payment's status, once money was taken → what its order may be."""
UNPAID = {"created", "cancelled", "expired", "rejected"}
NO_MONEY_AT_STRIPE = {"voided": {"canceled"}, None: {"canceled", "requires_payment_method"}}
"""Payment's status, or none → what an intent may be."""

MONEY = """
SELECT p.id, p.order_id, p.status, p.stripe_id,
       coalesce(sum(l.amount) FILTER (WHERE l.kind = 'capture'), 0)::bigint AS captured,
       -coalesce(sum(l.amount) FILTER (WHERE l.kind LIKE 'refund%'), 0)::bigint AS refunded,
       -coalesce(sum(l.amount) FILTER (WHERE l.kind LIKE 'dispute%'), 0)::bigint AS disputed
FROM payments p LEFT JOIN ledger l ON l.payment_id = p.id AND l.account = 'cash' GROUP BY p.id
"""


async def audit(platform: Platform, *, timeout: float = 30) -> Counter[str]:
    """The money against the tickets, in our rows and at Stripe; returns how many orders ended how."""
    await settled(platform, timeout=timeout)
    await platform.doctor(patience=15)
    found = await fetch(platform, "orders", "SELECT id, ticket_id, status, payment_id FROM orders")
    orders = {order["id"]: order for order in found}
    payments = await fetch(platform, "payments", MONEY)
    owners = Counter(order["ticket_id"] for order in found if order["status"] in {"complete", "disputed"})
    assert [ticket for ticket, count in owners.items() if count > 1] == [], "owned twice"
    paid = {payment["order_id"]: payment for payment in payments if payment["status"] in PAID_FOR}
    assert {payment["status"] for payment in payments} <= PAID_FOR.keys() | {"voided"}
    assert paid.keys() == {order["id"] for order in found if order["status"] not in UNPAID}
    for order_id, payment in paid.items():
        assert orders[order_id]["payment_id"] == payment["id"]
        assert orders[order_id]["status"] in PAID_FOR[payment["status"]]
    await _compare_books(platform, {str(order_id) for order_id in orders}, payments)
    return Counter(order["status"] for order in found)


async def _compare_books(
    platform: Platform, order_ids: Collection[str], payments: list[dict[str, Any]]
) -> None:
    """Our ledger says of each payment what Stripe says of its intent, and no other intent has money."""
    payments = [payment for payment in payments if payment["stripe_id"]]  # not a page nobody paid on
    async with dashboard(platform.settings) as stripe:
        at_stripe = await batches((stripe.money(payment["stripe_id"]) for payment in payments), 10)
        ours = [Money(payment["captured"], payment["refunded"], payment["disputed"]) for payment in payments]
        for payment, mine, theirs in zip(payments, ours, at_stripe, strict=True):
            assert mine == theirs, f"payment {payment['id']} is {payment['status']}"
        statuses = {intent["id"]: intent["status"] for intent in await stripe.intents(order_ids)}
    known = {payment["stripe_id"]: payment["status"] for payment in payments}
    assert known.keys() <= statuses.keys()
    for intent_id, status in statuses.items():
        # One that is no payment's was opened by a call whose answer was lost; no card was tried with it.
        assert status in NO_MONEY_AT_STRIPE.get(known.get(intent_id), {"succeeded"}), intent_id
