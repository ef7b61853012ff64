"""Listing, editing and withdrawing a ticket over HTTP."""

from typing import Any

import pytest

from tests.platform import Platform, User
from tests.problems import assert_problem
from tests.waiting import until

FIELDS = {
    *(
        "id",
        "title",
        "price",
        "currency",
        "venue",
        "startsAt",
        "seat",
        "externalId",
        "userId",
        "orderId",
        "status",
    ),
    *("version", "createdAt", "updatedAt"),
}
FULL = {
    "title": "Front row",
    "price": 4500,
    "currency": "eur",
    "venue": "Arena",
    "startsAt": "2030-05-01T20:00:00+02:00",
    "seat": "A 12",
    "externalId": "ext-1",
}


async def outbox(platform: Platform, ticket_id: str) -> int:
    """How many events tell of this ticket."""
    sql = "SELECT count(*) FROM outbox WHERE data->'ticket'->>'id' = $1"
    return await platform.count("tickets", sql, ticket_id)


async def put(user: User, ticket: dict[str, Any], **fields: Any) -> Any:
    """An edit of the version that is in `ticket`; it must work."""
    answer = await user.put(f"/api/tickets/{ticket['id']}", {"version": ticket["version"], **fields})
    assert answer.status_code == 200, answer.text
    return answer.json()


class TestCreate:
    """POST /api/tickets."""

    async def test_a_listing_is_answered_whole(self, platform: Platform) -> None:
        """201, version 0, available, with an ETag; times are UTC with Z."""
        user = platform.user()
        answer = await user.post("/api/tickets", FULL)
        assert answer.status_code == 201
        ticket = answer.json()
        assert ticket.keys() == FIELDS
        assert ticket.items() >= {**FULL, "startsAt": "2030-05-01T18:00:00.000000Z"}.items()
        assert (ticket["status"], ticket["version"], ticket["orderId"]) == ("available", 0, None)
        assert ticket["userId"] == str(user.id)
        assert answer.headers["etag"] == '"0.0"'
        assert ticket["createdAt"].endswith("Z")
        shown = await platform.http.get(f"/api/tickets/{ticket['id']}")
        assert shown.json() == ticket
        assert await outbox(platform, ticket["id"]) == 1

    async def test_what_is_left_out_is_null(self, platform: Platform) -> None:
        """And the currency is usd."""
        ticket = await platform.user().list_ticket()
        assert [ticket[name] for name in ("venue", "startsAt", "seat", "externalId")] == [None] * 4
        assert ticket["currency"] == "usd"

    @pytest.mark.parametrize(
        ("title", "kept"),
        [
            ("  Front row  ", "Front row"),
            ("é" * 200, "é" * 200),
            ("🎟 Ünïcode 中文", "🎟 Ünïcode 中文"),
            ("<b>'\"%_\\", "<b>'\"%_\\"),
        ],
    )
    async def test_a_title_is_kept_as_it_was_written(self, platform: Platform, title: str, kept: str) -> None:
        """But for space at its ends."""
        assert (await platform.user().list_ticket(title=title))["title"] == kept

    @pytest.mark.parametrize("price", [1, 99_999_999])
    async def test_the_bounds_of_a_price_are_included(self, platform: Platform, price: int) -> None:
        """1 to 999,999.99."""
        assert (await platform.user().list_ticket(price=price))["price"] == price

    async def test_an_external_id_is_one_seller_s_own(self, platform: Platform) -> None:
        """409 for the same seller, 201 for another; also when the listing was withdrawn."""
        one, two = platform.user(), platform.user()
        first = await one.list_ticket(externalId="row-1")
        body = {"title": "Again", "price": 1, "externalId": "row-1"}
        assert_problem(await one.post("/api/tickets", body), 409, "external_id_taken")
        await one.delete(f"/api/tickets/{first['id']}")
        assert_problem(await one.post("/api/tickets", body), 409, "external_id_taken")
        assert (await two.post("/api/tickets", body)).status_code == 201


class TestShow:
    """GET /api/tickets/:id."""

    async def test_an_unchanged_ticket_is_304(self, platform: Platform) -> None:
        """By ETag, also in a list or marked weak; no body, the same ETag."""
        ticket = await platform.user().list_ticket()
        path = f"/api/tickets/{ticket['id']}"
        for tag in ('"0.0"', 'W/"0.0"', '"9.9", "0.0"', "*"):
            answer = await platform.http.get(path, headers={"If-None-Match": tag})
            assert (answer.status_code, answer.content) == (304, b"")
            assert answer.headers["etag"] == '"0.0"'
        for tag in ('"0.1"', '"1.0"', "0.0", '"0"', "", "garbage"):
            assert (await platform.http.get(path, headers={"If-None-Match": tag})).status_code == 200

    async def test_the_etag_moves_with_the_listing_and_with_the_seat(self, platform: Platform) -> None:
        """Its first part is the version."""
        seller, buyer = platform.user(), platform.user()
        ticket = await seller.list_ticket()
        path = f"/api/tickets/{ticket['id']}"
        await put(seller, ticket, price=1)
        assert (await platform.http.get(path)).headers["etag"] == '"1.0"'
        order = await buyer.hold(ticket["id"])
        await platform.ticket_in(ticket["id"], "reserved")
        answer = await platform.http.get(path, headers={"If-None-Match": '"1.0"'})
        assert (answer.status_code, answer.headers["etag"]) == (200, '"1.1"')
        assert answer.json()["orderId"] == order["id"]


class TestUpdate:
    """PUT /api/tickets/:id."""

    async def test_an_edit_raises_the_version_by_one(self, platform: Platform) -> None:
        """Fields left out stay; one event for each edit."""
        user = platform.user()
        ticket = await user.list_ticket(venue="Arena")
        edited = await put(user, ticket, price=5000)
        assert (edited["price"], edited["venue"], edited["version"]) == (5000, "Arena", 1)
        cleared = await put(user, edited, venue=None)
        assert (cleared["venue"], cleared["version"]) == (None, 2)
        assert await outbox(platform, ticket["id"]) == 3

    async def test_an_edit_that_changes_nothing_changes_nothing(self, platform: Platform) -> None:
        """200, the same version, no event."""
        user = platform.user()
        ticket = await user.list_ticket()
        assert (await put(user, ticket, title=ticket["title"]))["version"] == 0
        assert (await put(user, ticket))["version"] == 0
        assert await outbox(platform, ticket["id"]) == 1

    async def test_an_old_version_is_409_and_names_the_current_one(self, platform: Platform) -> None:
        """In the body or as If-Match; the body has the last word."""
        user = platform.user()
        ticket = await user.list_ticket()
        path = f"/api/tickets/{ticket['id']}"
        await put(user, ticket, price=1)
        old = await user.put(path, {"version": 0, "price": 2})
        assert assert_problem(old, 409, "version_conflict")["currentVersion"] == 1
        old = await user.put(path, {"price": 2}, headers={"If-Match": '"0.0"'})
        assert assert_problem(old, 409, "version_conflict")["currentVersion"] == 1
        ahead = await user.put(path, {"version": 2, "price": 2})
        assert assert_problem(ahead, 409, "version_conflict")["currentVersion"] == 1
        new = await user.put(path, {"price": 2}, headers={"If-Match": '"1.0"'})
        assert (new.status_code, new.headers["etag"]) == (200, '"2.0"')

    async def test_a_seat_that_moved_is_no_edit(self, platform: Platform) -> None:
        """If-Match is about the listing: a hold that came and went does not spoil it."""
        user = platform.user()
        ticket = await user.list_ticket()
        answer = await user.put(f"/api/tickets/{ticket['id']}", {"price": 2}, headers={"If-Match": '"0.7"'})
        assert answer.status_code == 200

    async def test_the_currency_cannot_change(self, platform: Platform) -> None:
        """Buyers have seen a price in it; the same one again is no change."""
        user = platform.user()
        ticket = await user.list_ticket(currency="eur")
        answer = await user.put(f"/api/tickets/{ticket['id']}", {"version": 0, "currency": "usd"})
        assert_problem(answer, 422, "currency_immutable", field="currency")
        assert (await put(user, ticket, currency="eur", price=1))["version"] == 1

    async def test_an_external_id_of_another_listing_is_409(self, platform: Platform) -> None:
        """Nothing of the edit happens."""
        user = platform.user()
        await user.list_ticket(externalId="a")
        ticket = await user.list_ticket(externalId="b")
        path = f"/api/tickets/{ticket['id']}"
        answer = await user.put(path, {"version": 0, "externalId": "a", "price": 1})
        assert_problem(answer, 409, "external_id_taken")
        assert (await platform.http.get(path)).json() == ticket

    async def test_p07_a_held_ticket_is_neither_edited_nor_withdrawn(self, platform: Platform) -> None:
        """409, until the hold is over; then its version is what it was."""
        seller, buyer = platform.user(), platform.user()
        ticket = await seller.list_ticket()
        order = await buyer.hold(ticket["id"])
        await platform.ticket_in(ticket["id"], "reserved")
        path = f"/api/tickets/{ticket['id']}"
        for answer in (await seller.put(path, {"version": 0, "price": 1}), await seller.delete(path)):
            assert_problem(answer, 409, "ticket_reserved")
        await buyer.delete(f"/api/orders/{order['id']}")
        free = await platform.ticket_in(ticket["id"], "available")
        assert (free["version"], free["price"]) == (0, 4500)
        assert (await put(seller, free, price=1))["version"] == 1

    async def test_a_sold_ticket_is_neither_edited_nor_withdrawn(self, platform: Platform) -> None:
        """409 ticket_sold."""
        seller, buyer = platform.user(), platform.user()
        ticket = await seller.list_ticket()
        order = await buyer.hold(ticket["id"])
        await buyer.pay(order["id"])
        await platform.ticket_in(ticket["id"], "sold")
        path = f"/api/tickets/{ticket['id']}"
        for answer in (await seller.put(path, {"version": 0, "price": 1}), await seller.delete(path)):
            assert_problem(answer, 409, "ticket_sold")


class TestWithdraw:
    """DELETE /api/tickets/:id, and back."""

    async def test_withdrawn_twice_is_204_twice(self, platform: Platform) -> None:
        """One event; out of the list, but still there by its id."""
        user = platform.user()
        ticket = await user.list_ticket()
        path = f"/api/tickets/{ticket['id']}"
        for _ in range(2):
            answer = await user.delete(path)
            assert (answer.status_code, answer.content) == (204, b"")
        shown = (await platform.http.get(path)).json()
        assert (shown["status"], shown["version"]) == ("withdrawn", 1)
        assert await outbox(platform, ticket["id"]) == 2
        mine = f"/api/tickets?userId={user.id}"
        assert (await platform.http.get(mine)).json()["items"] == []
        [hidden] = (await platform.http.get(f"{mine}&status=withdrawn")).json()["items"]
        assert hidden["id"] == ticket["id"]

    async def test_an_edit_lists_it_again(self, platform: Platform) -> None:
        """`withdrawn: false`; and it can be held again."""
        seller, buyer = platform.user(), platform.user()
        ticket = await seller.list_ticket()
        await seller.delete(f"/api/tickets/{ticket['id']}")
        back = await put(seller, {**ticket, "version": 1}, withdrawn=False)
        assert (back["status"], back["version"]) == ("available", 2)
        [listed] = (await platform.http.get(f"/api/tickets?userId={seller.id}")).json()["items"]
        assert listed["id"] == ticket["id"]

        async def orders_knows() -> bool:
            sql = "SELECT count(*) FROM tickets WHERE id = $1 AND version = 2"
            return await platform.count("orders", sql, ticket["id"]) == 1

        await until(orders_knows, "orders knows that it is listed again")
        assert (await buyer.reserve(ticket["id"])).status_code == 201
