"""GET /api/orders/:id/events: every step once, for buyer and seller, until nothing comes any more."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from server.kit.events import Envelope
from tests.platform import Platform, User
from tests.streams.following import Stream, following
from tests.waiting import until


def path(order: dict[str, Any]) -> str:
    return f"/api/orders/{order['id']}/events"


async def held(platform: Platform) -> tuple[User, User, dict[str, Any]]:
    """A seller, a buyer, and what the buyer holds of the seller's."""
    seller, buyer = platform.user(), platform.user()
    return seller, buyer, await buyer.hold((await seller.list_ticket())["id"])


def steps(stream: Stream) -> list[tuple[str, int]]:
    """Status and version of each change, as told."""
    return [(one["status"], one["version"]) for one in stream.named("order")]


async def test_it_begins_with_the_order_and_tells_each_step_once(platform: Platform) -> None:
    """Each with the history that led to it; the last is what GET answers."""
    _, buyer, order = await held(platform)
    async with following(platform.http, path(order), headers=buyer.headers) as stream:
        await stream.has("order")
        assert (await buyer.pay(order["id"])).status_code == 201
        told = await stream.has("order", 3)
        assert stream.events[0].name == "ready"
    assert steps(stream) == [("created", 1), ("accepted", 2), ("complete", 3)]
    assert [len(one["history"]) for one in told] == [1, 2, 3]
    now = await buyer.order(order["id"])
    assert {**told[-1], "serverTime": None} == {**now, "serverTime": None}


async def test_who_was_away_is_told_each_step_as_it_was(platform: Platform) -> None:
    """Accepted is told as accepted, though the order is complete by now; and nothing is told twice."""
    seller, buyer, order = await held(platform)
    async with following(platform.http, path(order), headers=buyer.headers) as stream:
        await stream.has("order")
    assert (await buyer.pay(order["id"])).status_code == 201
    await buyer.order_in(order["id"], "complete")
    async with following(platform.http, path(order), headers=buyer.headers, last_id=stream.last_id) as again:
        await again.has("order", 2)
        assert (await seller.post(f"/api/orders/{order['id']}/refund", None)).status_code == 202
        await again.ended()
    assert steps(again) == [("accepted", 2), ("complete", 3), ("revoked", 4), ("refunded", 5)]
    accepted = again.named("order")[0]
    assert [step["status"] for step in accepted["history"]] == ["created", "accepted"]
    assert accepted["updatedAt"] == accepted["history"][-1]["at"]


async def test_a_declined_card_is_the_buyers_business(platform: Platform) -> None:
    """The seller follows the order, but learns neither who buys nor why a bank said no."""
    seller, buyer, order = await held(platform)
    async with (
        following(platform.http, path(order), headers=buyer.headers) as bought,
        following(platform.http, path(order), headers=seller.headers) as sold,
    ):
        await bought.has("order")
        await sold.has("order")
        assert (await buyer.pay(order["id"], "pm_card_chargeDeclined")).status_code == 402
        decline = (await bought.has("decline"))[0]
        assert (decline["orderId"], decline["declineCode"]) == (order["id"], "generic_decline")
        assert (await buyer.pay(order["id"])).is_success
        await bought.has("order", 3)
        await sold.has("order", 3)
    assert {event.name for event in sold.events} == {"ready", "order"}
    assert {one["userId"] for one in sold.named("order")} == {None}
    assert {one["userId"] for one in bought.named("order")} == {str(buyer.id)}


async def test_it_ends_with_the_order_and_stays_ended(platform: Platform) -> None:
    """Who comes back (a browser does) is told to stop; who comes new is told the end."""
    _, buyer, order = await held(platform)
    async with following(platform.http, path(order), headers=buyer.headers) as stream:
        await stream.has("order")
        assert (await buyer.delete(f"/api/orders/{order['id']}")).status_code == 204
        await stream.ended()
    assert steps(stream)[-1] == ("cancelled", 2)
    back = await buyer.get(path(order), headers={"Last-Event-ID": stream.last_id})
    assert (back.status_code, back.content) == (204, b"")
    async with following(platform.http, path(order), headers=buyer.headers) as late:
        await late.ended()
    assert steps(late) == [("cancelled", 2)]


async def test_an_expired_order_may_yet_be_accepted_so_its_stream_stays(platform: Platform) -> None:
    seller, buyer, order = await held(platform)
    async with following(platform.http, path(order), headers=buyer.headers) as stream:
        await stream.has("order")
        async with platform.database("orders") as session:
            await session.execute("UPDATE orders SET expires_at = now() WHERE id = $1", order["id"])
        await stream.has("order", 2)
        await seller.list_ticket()
        assert steps(stream)[-1] == ("expired", 2)
        assert stream.is_open


async def test_a_verdict_said_again_is_no_change(platform: Platform) -> None:
    """payments asks again after a minute, and orders answers the same; so does a rebuilt stream."""
    seller, buyer, order = await held(platform)
    async with following(platform.http, path(order), headers=buyer.headers) as stream:
        assert (await buyer.pay(order["id"])).status_code == 201
        await until(lambda: steps(stream)[-1:] == [("complete", 3)], "it is complete")
    async with platform.database("orders") as session:
        said = await session.fetch(
            "SELECT type, data FROM outbox WHERE data -> 'order' ->> 'id' = $1", order["id"]
        )
    assert platform.bus is not None
    for row in said:
        envelope = Envelope(
            id=uuid7(), type=row["type"], occurred_at=datetime.now(UTC), data=json.loads(row["data"])
        )
        await platform.bus.publish(envelope, request="again")
    async with following(platform.http, path(order), headers=buyer.headers, last_id=stream.last_id) as again:
        assert (await seller.post(f"/api/orders/{order['id']}/refund", None)).status_code == 202
        await again.ended()
    assert steps(again) == [("revoked", 4), ("refunded", 5)]


async def test_the_flag_for_a_person_is_a_change(platform: Platform) -> None:
    """It moves neither seat nor version."""
    _, buyer, order = await held(platform)
    async with following(platform.http, path(order), headers=buyer.headers) as stream:
        await stream.has("order")
        async with platform.database("orders") as session:
            await session.execute("UPDATE orders SET needs_review = true WHERE id = $1", order["id"])
        state = {
            **{name: order[name] for name in ("id", "userId", "sellerId", "price", "currency", "expiresAt")},
            "ticketId": order["ticket"]["id"],
            "status": "created",
            "version": 1,
            "needsReview": True,
        }
        envelope = Envelope(
            id=uuid7(), type="order:updated", occurred_at=datetime.now(UTC), data={"order": state}
        )
        assert platform.bus is not None
        await platform.bus.publish(envelope, request="flag")
        told = await stream.has("order", 2)
    assert [one["needsReview"] for one in told] == [False, True]
    assert stream.last_id.endswith(".1r")


async def test_nobody_else_follows_it(platform: Platform) -> None:
    _, buyer, order = await held(platform)
    stranger, writer = platform.user(), platform.user("orders:write")
    for answer in (await stranger.get(path(order)), await buyer.get("/api/orders/nonsense/events")):
        assert (answer.status_code, answer.json()["code"]) == (404, "order_not_found")
    assert (await platform.http.get(path(order))).status_code == 401
    assert (await writer.get(path(order))).json()["code"] == "insufficient_scope"
    assert (await buyer.get(f"{path(order)}?userId=me")).status_code == 422


@pytest.mark.parametrize("last_id", ["1-7.1", "nonsense"])
async def test_an_unknown_id_is_told_to_read_anew_and_how_it_is(platform: Platform, last_id: str) -> None:
    _, buyer, order = await held(platform)
    async with following(platform.http, path(order), headers=buyer.headers, last_id=last_id) as stream:
        await stream.has("order")
        assert [event.name for event in stream.events] == ["reset", "order"]
