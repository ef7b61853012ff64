"""P13: an older event after a newer one changes nothing, whatever the order of arrival."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID, uuid4

import pytest
from uuid_utils.compat import uuid7

from server import events
from server.kit.db import rows
from server.kit.events import Envelope, Event
from server.kit.inbox import HeardOnce
from server.orders import service as orders
from server.payments import service as payments
from server.tickets import service as tickets
from tests.platform import Platform
from tests.problems import assert_problem
from tests.waiting import until

ORDERS = list(permutations(range(4)))


def listing(id_: UUID, version: int, *, user_id: UUID | None = None) -> events.Listing:
    """A listing whose price tells its version."""
    return events.Listing(
        id=id_,
        user_id=user_id or uuid7(),
        title=f"Version {version}",
        price=1000 + version,
        currency="usd",
        venue=None,
        starts_at=None,
        seat=None,
        withdrawn=version == 1,
        version=version,
    )


def order_state(id_: UUID, status: Any, version: int, user_id: UUID) -> events.OrderState:
    """An order as orders would tell it."""
    return events.OrderState(
        id=id_,
        user_id=user_id,
        seller_id=uuid7(),
        ticket_id=uuid7(),
        status=status,
        price=4500,
        currency="usd",
        expires_at=datetime.now(UTC) + timedelta(minutes=15),
        version=version,
    )


def seat(ticket_id: UUID, version: int) -> events.Seat:
    """A seat that is held at odd versions."""
    held = version % 2 == 1
    return events.Seat(
        ticket_id=ticket_id,
        holder=uuid7() if held else None,
        status="reserved" if held else "available",
        seat_version=version,
    )


async def say(platform: Platform, event: Event) -> None:
    """Put an event into the stream, as if its service had."""
    assert platform.bus is not None
    data = event.model_dump(mode="json", by_alias=True)
    envelope = Envelope(id=uuid7(), type=event.type, occurred_at=datetime.now(UTC), data=data)
    await platform.bus.publish(envelope, request="test-of-old-news")


@pytest.mark.parametrize("order", ORDERS)
async def test_p13_a_listing_ends_at_its_newest_version(platform: Platform, order: tuple[int, ...]) -> None:
    """orders' replica, for every order in which four versions can arrive."""
    id_, user = uuid7(), uuid7()
    for version in order:
        told = listing(id_, version, user_id=user)
        await orders.listing_changed(ticket=told, once=HeardOnce(uuid7()))
    [row] = await rows("orders", "SELECT version, price, title, withdrawn FROM tickets WHERE id = $1", id_)
    assert row == {"version": 3, "price": 1003, "title": "Version 3", "withdrawn": False}


@pytest.mark.parametrize("order", ORDERS)
async def test_p13_a_seat_ends_at_its_newest_version(platform: Platform, order: tuple[int, ...]) -> None:
    """tickets' replica of who holds it."""
    ticket = await platform.user().list_ticket()
    for version in order:
        moved = seat(UUID(ticket["id"]), version + 1)
        await tickets.seat_moved(seat=moved, once=HeardOnce(uuid7()))
    answer = await platform.http.get(f"/api/tickets/{ticket['id']}")
    assert answer.headers["etag"] == '"0.4"'
    assert (answer.json()["status"], answer.json()["orderId"]) == ("available", None)


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_p13_an_order_ends_at_its_newest_version(platform: Platform, order: tuple[int, ...]) -> None:
    """payments' replica: created, cancelled; the end may be heard before the beginning."""
    id_, user = uuid7(), platform.user()
    for version in order:
        status = ("created", "created", "cancelled")[version]
        told = order_state(id_, status, version + 1, user.id)
        await payments.order_changed(order=told, once=HeardOnce(uuid7()))
    assert_problem(await user.pay(str(id_)), 409, "order_not_payable")


async def test_p13_cancelled_then_created_leaves_nothing_payable(platform: Platform) -> None:
    """Over the bus: payments hears of the cancellation first, and of the order afterwards."""
    id_, user = uuid7(), platform.user()
    free = seat(uuid7(), 2)
    cancelled = order_state(id_, "cancelled", 2, user.id)
    await say(platform, events.OrderCancelled(order=cancelled, seat=free))
    known = "SELECT count(*) FROM orders WHERE id = $1"

    async def is_known() -> int:
        return await platform.count("payments", known, id_)

    await until(is_known, "payments heard of the cancellation")
    created = order_state(id_, "created", 1, user.id)
    heard = await platform.count("payments", "SELECT count(*) FROM inbox")
    await say(platform, events.OrderCreated(order=created, seat=free.model_copy(update={"seat_version": 1})))

    async def is_heard() -> bool:
        return await platform.count("payments", "SELECT count(*) FROM inbox") > heard

    await until(is_heard, "payments heard of the order")
    assert_problem(await user.pay(str(id_)), 409, "order_not_payable")
    assert await platform.count("payments", "SELECT count(*) FROM payments WHERE order_id = $1", id_) == 0


async def test_p13_an_old_listing_does_not_bring_back_an_old_price(platform: Platform) -> None:
    """Over the bus: the hold is taken at the newest price, though the old one is told again."""
    seller, buyer = platform.user(), platform.user()
    ticket = await seller.list_ticket(price=1000)
    edited = await seller.put(f"/api/tickets/{ticket['id']}", {"version": 0, "price": 2000})
    assert edited.status_code == 200
    id_ = UUID(ticket["id"])

    async def is_newest() -> bool:
        return (
            await platform.count(
                "orders", "SELECT coalesce(max(version), -1) FROM tickets WHERE id = $1", id_
            )
            == 1
        )

    await until(is_newest, "orders knows the edit")
    heard = await platform.count("orders", "SELECT count(*) FROM inbox")
    old = listing(id_, 0, user_id=seller.id)
    await say(platform, events.TicketUpdated(ticket=old))

    async def is_heard() -> bool:
        return await platform.count("orders", "SELECT count(*) FROM inbox") > heard

    await until(is_heard, "orders heard the old event")
    assert (await buyer.hold(ticket["id"]))["price"] == 2000


async def test_a_seat_of_an_unknown_ticket_is_no_failure(platform: Platform) -> None:
    """tickets owns its listings; news of another's is acknowledged and forgotten."""
    await tickets.seat_moved(seat=seat(uuid4(), 1), once=HeardOnce(uuid7()))


async def test_an_event_with_more_fields_is_heard(platform: Platform) -> None:
    """A newer publisher may add optional fields; an older consumer ignores them."""
    data = {"jti": str(uuid4()), "until": "2030-01-01T00:00:00Z", "reason": "new", "more": {"nested": [1]}}
    assert events.TokenRevoked.hear(data).until.year == 2030
    with pytest.raises(ValueError, match="Extra inputs"):
        events.TokenRevoked.model_validate(data)
