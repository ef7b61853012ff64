"""Holding, showing, listing and cancelling orders over HTTP."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from uuid_utils.compat import uuid7

from server.orders.models import Order
from tests.platform import Platform
from tests.problems import assert_problem
from tests.waiting import until

FIELDS = {
    *(
        "id",
        "userId",
        "sellerId",
        "status",
        "ticket",
        "price",
        "currency",
        "expiresAt",
        "extendable",
        "serverTime",
    ),
    *("version", "needsReview", "createdAt", "updatedAt"),
}


def moment(text: str) -> datetime:
    """A time as Tix writes it."""
    assert text.endswith("Z")
    return datetime.fromisoformat(text)


class TestReserve:
    """POST /api/orders."""

    async def test_a_hold_is_answered_whole(self, platform: Platform) -> None:
        """201, created, for as long as configured, with the ticket as it was."""
        seller, buyer = platform.user(), platform.user()
        ticket = await seller.list_ticket(
            venue="Arena", startsAt="2030-05-01T20:00:00Z", seat="A 1", currency="eur"
        )
        answer = await buyer.reserve(ticket["id"], maxPrice=4500)
        assert answer.status_code == 201
        order = answer.json()
        assert order.keys() == FIELDS
        assert (order["status"], order["version"], order["extendable"]) == ("created", 1, True)
        assert (order["userId"], order["sellerId"]) == (str(buyer.id), str(seller.id))
        assert (order["price"], order["currency"], order["needsReview"]) == (4500, "eur", False)
        snapshot = {name: ticket[name] for name in order["ticket"]}
        assert order["ticket"] == snapshot
        length = moment(order["expiresAt"]) - moment(order["createdAt"])
        assert length == timedelta(seconds=platform.settings.hold_seconds)

    async def test_the_clock_is_the_database_s(self, platform: Platform) -> None:
        """`serverTime` is its now, so that a wrong clock at the client counts down rightly."""
        buyer = platform.user()
        order = await buyer.hold((await platform.user().list_ticket())["id"])
        async with platform.database("orders") as session:
            before = await session.fetchval("SELECT clock_timestamp()")
            shown = moment((await buyer.order(order["id"]))["serverTime"])
            after = await session.fetchval("SELECT clock_timestamp()")
        assert before <= shown <= after
        assert abs(shown - datetime.now(UTC)) < timedelta(seconds=5)

    async def test_a_held_ticket_is_409_and_a_sold_one_too(self, platform: Platform) -> None:
        """With different codes: one may become free again."""
        seller, buyer, late = platform.user(), platform.user(), platform.user()
        ticket = await seller.list_ticket()
        order = await buyer.hold(ticket["id"])
        assert_problem(await late.reserve(ticket["id"]), 409, "ticket_reserved")
        assert_problem(await buyer.reserve(ticket["id"]), 409, "ticket_reserved")
        await buyer.pay(order["id"])
        await buyer.order_in(order["id"], "complete")
        assert_problem(await late.reserve(ticket["id"]), 409, "ticket_sold")

    async def test_a_withdrawn_ticket_is_409(self, platform: Platform) -> None:
        """As soon as orders has heard."""
        seller, buyer = platform.user(), platform.user()
        ticket = await seller.list_ticket()
        await seller.delete(f"/api/tickets/{ticket['id']}")
        known = "SELECT count(*) FROM tickets WHERE id = $1 AND withdrawn"
        await until(lambda: platform.count("orders", known, ticket["id"]), "orders knows")
        assert_problem(await buyer.reserve(ticket["id"]), 409, "ticket_withdrawn")

    async def test_one_s_own_ticket_is_403(self, platform: Platform) -> None:
        """Also when somebody else holds it: the reason that stays comes first."""
        seller, buyer = platform.user(), platform.user()
        ticket = await seller.list_ticket()
        await buyer.hold(ticket["id"])
        assert_problem(await seller.reserve(ticket["id"]), 403, "own_ticket")

    async def test_a_price_above_the_maximum_is_409(self, platform: Platform) -> None:
        """With the price there is; at the maximum it is a hold."""
        buyer = platform.user()
        ticket = await platform.user().list_ticket(price=4500)
        problem = assert_problem(await buyer.reserve(ticket["id"], maxPrice=4499), 409, "price_changed")
        assert (problem["price"], problem["currency"]) == (4500, "usd")
        assert (await buyer.reserve(ticket["id"], maxPrice=4500)).status_code == 201

    async def test_a_ticket_that_is_not_there_is_404(self, platform: Platform) -> None:
        """At once; but a fresh id may be on its way, which is a 503 to try again."""
        buyer = platform.user()
        assert_problem(await buyer.reserve(str(uuid4())), 404, "ticket_not_found")
        old = "0190f5b2-0000-7000-8000-000000000000"
        assert_problem(await buyer.reserve(old), 404, "ticket_not_found")
        answer = await buyer.post("/api/orders", {"ticketId": str(uuid7())})
        assert_problem(answer, 503, "not_yet_visible")

    async def test_too_many_holds_are_429(self, platform: Platform) -> None:
        """The eleventh; cancelling one makes room, and so does paying."""
        seller, buyer = platform.user(), platform.user()
        tickets = [await seller.list_ticket() for _ in range(platform.settings.max_live_holds + 2)]
        held = [await buyer.hold(ticket["id"]) for ticket in tickets[:-2]]
        problem = await buyer.reserve(tickets[-1]["id"])
        assert_problem(problem, 429, "too_many_holds")
        await buyer.delete(f"/api/orders/{held[0]['id']}")
        assert (await buyer.reserve(tickets[-1]["id"])).status_code == 201
        assert_problem(await buyer.reserve(tickets[-2]["id"]), 429, "too_many_holds")
        await buyer.pay(held[1]["id"])
        await buyer.order_in(held[1]["id"], "complete")
        assert (await buyer.reserve(tickets[-2]["id"])).status_code == 201

    async def test_the_limit_holds_in_a_storm(self, platform: Platform) -> None:
        """Twenty holds at once leave at most ten."""
        seller, buyer = platform.user(), platform.user()
        tickets = [await seller.list_ticket() for _ in range(20)]
        answers = await asyncio.gather(*(buyer.reserve(ticket["id"]) for ticket in tickets))
        statuses = [answer.status_code for answer in answers]
        assert statuses.count(201) <= platform.settings.max_live_holds
        assert set(statuses) <= {201, 429}


class TestShow:
    """GET /api/orders and /api/orders/:id."""

    async def test_the_seller_sees_the_order_and_not_the_buyer(self, platform: Platform) -> None:
        """`userId` is null for them, alone and in the list."""
        seller, buyer = platform.user(), platform.user()
        order = await buyer.hold((await seller.list_ticket())["id"])
        seen = await seller.order(order["id"])
        assert (seen["userId"], seen["sellerId"]) == (None, str(seller.id))
        assert str(buyer.id) not in str(seen)
        [listed] = (await seller.get("/api/orders?role=seller")).json()["items"]
        assert (listed["id"], listed["userId"]) == (order["id"], None)
        assert (await seller.get("/api/orders")).json()["items"] == []
        assert (await buyer.get("/api/orders?role=seller")).json()["items"] == []

    async def test_status_and_history_are_of_one_moment(
        self, platform: Platform, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A step that is taken between the two reads is told the next time."""
        buyer = platform.user()
        order = await buyer.hold((await platform.user().list_ticket())["id"])
        read = Order.get_or_none

        async def read_and_wait(**named: Any) -> Order | None:
            found = await read(**named)
            monkeypatch.undo()
            assert (await buyer.delete(f"/api/orders/{order['id']}")).status_code == 204
            return found

        monkeypatch.setattr(Order, "get_or_none", read_and_wait)
        between = await buyer.order(order["id"])
        assert between["status"] == "created"
        assert [step["status"] for step in between["history"]] == ["created"]
        after = await buyer.order(order["id"])
        assert [step["status"] for step in after["history"]] == ["created", "cancelled"]

    async def test_the_history_has_every_step(self, platform: Platform) -> None:
        """With time and cause; the version is its length; only in the single order."""
        seller, buyer = platform.user(), platform.user()
        order = await buyer.hold((await seller.list_ticket())["id"])
        await buyer.delete(f"/api/orders/{order['id']}")
        seen = await buyer.order(order["id"])
        assert seen.keys() == FIELDS | {"history"}
        assert [step["status"] for step in seen["history"]] == ["created", "cancelled"]
        for step in seen["history"]:
            assert step.keys() == {"status", "at", "cause", "requestId"}
            assert all(step.values())
        assert moment(seen["history"][0]["at"]) <= moment(seen["history"][1]["at"])
        assert seen["version"] == 2
        [listed] = (await buyer.get("/api/orders")).json()["items"]
        assert listed.keys() == FIELDS

    async def test_the_list_is_narrowed_and_paged(self, platform: Platform) -> None:
        """Newest first; by status; pages neither repeat nor skip while orders are added."""
        seller, buyer = platform.user(), platform.user()
        made = [await buyer.hold((await seller.list_ticket())["id"]) for _ in range(5)]
        await buyer.delete(f"/api/orders/{made[2]['id']}")
        assert await ids(buyer, "status=cancelled") == [made[2]["id"]]
        assert await ids(buyer, "status=created") == [made[n]["id"] for n in (4, 3, 1, 0)]
        assert await ids(buyer, "status=complete") == []
        first = (await buyer.get("/api/orders?limit=2")).json()
        await buyer.hold((await seller.list_ticket())["id"])
        second = (await buyer.get(f"/api/orders?limit=2&cursor={first['nextCursor']}")).json()
        third = (await buyer.get(f"/api/orders?limit=2&cursor={second['nextCursor']}")).json()
        read = [order["id"] for page in (first, second, third) for order in page["items"]]
        assert read == [order["id"] for order in reversed(made)]
        assert third["nextCursor"] is None

    async def test_an_order_keeps_the_price_it_was_made_at(self, platform: Platform) -> None:
        """And the ticket as it was, though the listing changes later."""
        seller, buyer = platform.user(), platform.user()
        ticket = await seller.list_ticket(price=4500)
        order = await buyer.hold(ticket["id"])
        await buyer.delete(f"/api/orders/{order['id']}")
        await platform.ticket_in(ticket["id"], "available")

        async def edited() -> bool:
            answer = await seller.put(
                f"/api/tickets/{ticket['id']}", {"version": 0, "price": 1, "title": "New"}
            )
            return answer.status_code == 200

        await until(edited, "the seller edits the free ticket")
        seen = await buyer.order(order["id"])
        assert (seen["price"], seen["ticket"]["price"], seen["ticket"]["title"]) == (4500, 4500, "Front row")


async def ids(user: Any, query: str) -> list[str]:
    """Of the orders a list answers."""
    return [order["id"] for order in (await user.get(f"/api/orders?{query}")).json()["items"]]


class TestCancel:
    """DELETE /api/orders/:id."""

    async def test_cancelled_twice_is_204_twice(self, platform: Platform) -> None:
        """One step in the history, one event; the ticket is free at once for the next."""
        seller, buyer, rival = platform.user(), platform.user(), platform.user()
        ticket = await seller.list_ticket()
        order = await buyer.hold(ticket["id"])
        for _ in range(2):
            answer = await buyer.delete(f"/api/orders/{order['id']}")
            assert (answer.status_code, answer.content) == (204, b"")
        assert (await rival.reserve(ticket["id"])).status_code == 201
        assert len((await buyer.order(order["id"]))["history"]) == 2
        told = "SELECT count(*) FROM outbox WHERE type = 'order:cancelled' AND data->'order'->>'id' = $1"
        assert await platform.count("orders", told, order["id"]) == 1

    async def test_cancelling_again_does_not_free_the_next_one_s_seat(self, platform: Platform) -> None:
        """The seat is somebody else's by then."""
        seller, buyer, rival = platform.user(), platform.user(), platform.user()
        ticket = await seller.list_ticket()
        order = await buyer.hold(ticket["id"])
        await buyer.delete(f"/api/orders/{order['id']}")
        theirs = await rival.hold(ticket["id"])
        assert (await buyer.delete(f"/api/orders/{order['id']}")).status_code == 204
        assert (await rival.order(theirs["id"]))["status"] == "created"
        assert_problem(await buyer.reserve(ticket["id"]), 409, "ticket_reserved")

    async def test_a_paid_order_is_not_cancellable(self, platform: Platform) -> None:
        """409; the way back from there is a refund."""
        seller, buyer = platform.user(), platform.user()
        order = await buyer.hold((await seller.list_ticket())["id"])
        await buyer.pay(order["id"])
        await buyer.order_in(order["id"], "complete")
        assert_problem(await buyer.delete(f"/api/orders/{order['id']}"), 409, "order_not_cancellable")

    @pytest.mark.parametrize("id_", [str(uuid4()), str(uuid7())], ids=["v4", "v7"])
    async def test_an_unknown_order_is_404_at_once(self, platform: Platform, id_: str) -> None:
        """orders is the authority: nothing is on its way to it."""
        async with asyncio.timeout(1):
            assert_problem(await platform.user().delete(f"/api/orders/{id_}"), 404, "order_not_found")
            assert_problem(await platform.user().get(f"/api/orders/{id_}"), 404, "order_not_found")
