"""Listings by the seller's own ids: PUT by-external-id and the batch."""

from typing import Any
from uuid import UUID

import pytest

from server import events
from server.kit import limits
from server.tickets.schemas import MOST_ITEMS
from tests.platform import Platform, User
from tests.problems import assert_problem
from tests.waiting import until

LISTING = {
    "title": "Front row",
    "price": 4500,
    "currency": "eur",
    "venue": "Hall A",
    "startsAt": "2030-05-01T20:00:00.123456+02:00",
    "seat": "A 12",
}


def path(external_id: str) -> str:
    """The address of a listing by its seller's id."""
    return f"/api/tickets/by-external-id/{external_id}"


def items(count: int, **fields: Any) -> list[dict[str, Any]]:
    """A batch's items, named seat-0, seat-1 and so on."""
    return [{**LISTING, "externalId": f"seat-{n}", "price": 100 + n, **fields} for n in range(count)]


async def batch(user: User, given: list[Any], query: str = "", **more: Any) -> list[dict[str, Any]]:
    """The results of a batch, which must be answered."""
    answer = await user.post(f"/api/tickets/batch{query}", {"items": given, **more})
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = answer.json()["results"]
    assert [result["index"] for result in results] == list(range(len(given)))
    return results


def statuses(results: list[dict[str, Any]]) -> list[str]:
    """What became of each."""
    return [result["status"] for result in results]


async def told(platform: Platform, user: User) -> list[tuple[str, dict[str, Any]]]:
    """The events of a seller's listings, in order: type and listing, each as its class demands."""
    sql = (
        "SELECT type, data::text FROM outbox WHERE data->'ticket'->>'userId' = $1 "
        "ORDER BY data->'ticket'->>'id', (data->'ticket'->>'version')::int"
    )
    found = []
    async with platform.database("tickets") as session:
        for row in await session.fetch(sql, str(user.id)):
            class_ = events.TicketCreated if row["type"] == "ticket:created" else events.TicketUpdated
            event = class_.model_validate_json(row["data"])  # extra members are refused
            found.append((row["type"], event.ticket.model_dump(mode="json", by_alias=True)))
    return found


class TestUpsert:
    """PUT /api/tickets/by-external-id/:externalId."""

    async def test_it_makes_changes_and_leaves_alone(self, platform: Platform) -> None:
        """201, 200, then 200 with `changed: false`, no new version, no event."""
        user = platform.user()
        made = await user.put(path("row-1"), LISTING)
        assert made.status_code == 201
        ticket = made.json()
        assert ticket.items() >= {"changed": True, "version": 0, "externalId": "row-1"}.items()
        assert ticket["startsAt"] == "2030-05-01T18:00:00.123456Z"
        shown = (await platform.http.get(f"/api/tickets/{ticket['id']}")).json()
        assert {**shown, "changed": True} == ticket
        changed = await user.put(path("row-1"), {**LISTING, "price": 1})
        assert (changed.status_code, changed.headers["etag"]) == (200, '"1.0"')
        assert changed.json().items() >= {"changed": True, "price": 1, "id": ticket["id"]}.items()
        same = await user.put(path("row-1"), {**LISTING, "price": 1})
        assert (same.status_code, same.json()) == (200, {**changed.json(), "changed": False})
        assert [(type_, listing["price"]) for type_, listing in await told(platform, user)] == [
            ("ticket:created", 4500),
            ("ticket:updated", 1),
        ]

    async def test_its_events_say_what_those_of_the_other_writes_say(self, platform: Platform) -> None:
        """The statement writes them itself: to the letter as the class does."""
        one, two = platform.user(), platform.user()
        await one.list_ticket(**LISTING, externalId="row-1")
        await two.put(path("row-1"), LISTING)
        [(_, plain)], [(_, upserted)] = await told(platform, one), await told(platform, two)
        own = {"id", "userId"}
        assert {k: v for k, v in plain.items() if k not in own} == {
            k: v for k, v in upserted.items() if k not in own
        }

    async def test_what_is_left_out_is_taken_away(self, platform: Platform) -> None:
        """It is the whole listing, not an edit."""
        user = platform.user()
        await user.put(path("row-1"), LISTING)
        answer = await user.put(path("row-1"), {"title": "Front row", "price": 4500, "currency": "eur"})
        assert [answer.json()[name] for name in ("venue", "startsAt", "seat")] == [None] * 3

    async def test_a_withdrawn_one_is_listed_again(self, platform: Platform) -> None:
        """Which is a change, and can be reserved."""
        seller, buyer = platform.user(), platform.user()
        ticket = (await seller.put(path("row-1"), LISTING)).json()
        await seller.delete(f"/api/tickets/{ticket['id']}")
        again = await seller.put(path("row-1"), LISTING)
        assert again.json().items() >= {"changed": True, "status": "available", "version": 2}.items()

        async def orders_knows() -> bool:
            sql = "SELECT count(*) FROM tickets WHERE id = $1 AND version = 2"
            return await platform.count("orders", sql, UUID(ticket["id"])) == 1

        await until(orders_knows, "orders knows that it is listed again")
        assert (await buyer.reserve(ticket["id"])).status_code == 201

    async def test_a_held_one_is_left_alone_or_refused(self, platform: Platform) -> None:
        """As it was: 200, unchanged; otherwise 409, and the hold stands."""
        seller, buyer = platform.user(), platform.user()
        ticket = (await seller.put(path("row-1"), LISTING)).json()
        order = await buyer.hold(ticket["id"])
        await platform.ticket_in(ticket["id"], "reserved")
        same = await seller.put(path("row-1"), LISTING)
        assert same.json().items() >= {"changed": False, "status": "reserved", "version": 0}.items()
        assert_problem(await seller.put(path("row-1"), {**LISTING, "price": 1}), 409, "ticket_reserved")
        await buyer.pay(order["id"])
        await platform.ticket_in(ticket["id"], "sold")
        assert_problem(await seller.put(path("row-1"), {**LISTING, "price": 1}), 409, "ticket_sold")
        assert (await platform.http.get(f"/api/tickets/{ticket['id']}")).json()["price"] == 4500

    async def test_the_currency_cannot_change(self, platform: Platform) -> None:
        """Nor by leaving it out."""
        user = platform.user()
        await user.put(path("row-1"), LISTING)
        answer = await user.put(path("row-1"), {"title": "Front row", "price": 4500})
        assert_problem(answer, 422, "currency_immutable", field="currency")

    async def test_an_id_is_its_seller_s_own(self, platform: Platform) -> None:
        """Another's listing of that name is another listing."""
        one, two = platform.user(), platform.user()
        for user in (one, two):
            assert (await user.put(path("shared"), LISTING)).status_code == 201
        await two.put(path("shared"), {**LISTING, "price": 1})
        [mine] = (await one.get(f"/api/tickets?externalId=shared&userId={one.id}")).json()["items"]
        assert mine["price"] == 4500

    @pytest.mark.parametrize(
        ("sent", "kept"),
        [("a%2Fb%3Fc", "a/b?c"), ("%E2%98%83", "☃"), ("100%25", "100%"), ("x" * 100, "x" * 100)],
    )
    async def test_any_id_fits_into_the_address(self, platform: Platform, sent: str, kept: str) -> None:
        """Percent-encoded."""
        answer = await platform.user().put(path(sent), LISTING)
        assert (answer.status_code, answer.json()["externalId"]) == (201, kept)

    @pytest.mark.parametrize("sent", ["x" * 101, "%20", "a%00b", "a%1Bb", "%FF"])
    async def test_a_bad_id_is_422(self, platform: Platform, sent: str) -> None:
        """As in a body."""
        assert_problem(await platform.user().put(path(sent), LISTING), 422, "invalid", field="externalId")

    async def test_a_dry_run_writes_nothing(self, platform: Platform) -> None:
        """200 with what would have been answered."""
        user = platform.user()
        answer = await user.put(f"{path('row-1')}?dryRun=true", LISTING)
        assert answer.status_code == 200
        assert answer.json().items() >= {"dryRun": True, "changed": True, "price": 4500}.items()
        assert await told(platform, user) == []
        assert (await user.get(f"/api/tickets?userId={user.id}")).json()["items"] == []

    async def test_it_needs_the_right_to_write(self, platform: Platform) -> None:
        """401, 403."""
        assert_problem(await platform.http.put(path("a"), json=LISTING), 401, "unauthenticated")
        reader = platform.user("tickets:read")
        assert_problem(await reader.put(path("a"), LISTING), 403, "insufficient_scope")

    async def test_any_offset_of_a_start_is_taken(self, platform: Platform) -> None:
        """PostgreSQL itself reads none beyond 15:59."""
        body = {**LISTING, "startsAt": "2030-05-01T20:00:00+16:00"}
        answer = await platform.user().put(path("far-east"), body)
        assert (answer.status_code, answer.json()["startsAt"]) == (201, "2030-05-01T04:00:00.000000Z")


class TestBatch:
    """POST /api/tickets/batch."""

    async def test_it_makes_changes_and_leaves_alone(self, platform: Platform) -> None:
        """A result each, in the order of the items, over several statements; one event a change."""
        user = platform.user()
        given = items(250)
        made = await batch(user, given)
        assert statuses(made) == ["created"] * 250
        assert [result["ticket"]["externalId"] for result in made] == [item["externalId"] for item in given]
        assert all(result.keys() == {"index", "status", "ticket"} for result in made)
        given[7]["price"] = given[240]["price"] = 1
        again = await batch(user, given)
        assert [result["index"] for result in again if result["status"] == "updated"] == [7, 240]
        assert statuses(again).count("unchanged") == 248
        assert again[0]["ticket"] == made[0]["ticket"]
        types = [type_ for type_, _ in await told(platform, user)]
        assert (types.count("ticket:created"), types.count("ticket:updated")) == (250, 2)

    async def test_what_is_wrong_with_one_is_said_of_that_one(self, platform: Platform) -> None:
        """The others are listed; fields are named as in a 422."""
        seller, buyer = platform.user(), platform.user()
        held = await seller.list_ticket(externalId="held")
        await buyer.hold(held["id"])
        await platform.ticket_in(held["id"], "reserved")
        good = items(2)
        given = [
            good[0],
            {**LISTING, "externalId": "a", "price": 0},
            {**LISTING, "externalId": "b", "colour": "red"},
            LISTING,
            "no object",
            {"title": "Front row", "price": 1, "externalId": "held"},
            {**good[0], "price": 9},
            good[1],
        ]
        results = await batch(seller, given)
        assert statuses(results) == ["created", *["error"] * 6, "created"]
        errors = [result["error"] for result in results[1:7]]
        assert [error["code"] for error in errors] == [*["invalid"] * 4, "ticket_reserved", "invalid"]
        named = [error["errors"][0]["field"] for error in errors if "errors" in error]
        assert named == ["price", "colour", "externalId", "item", "externalId"]
        assert "item 0" in errors[5]["detail"]
        assert results[0]["ticket"]["price"] == 100

    async def test_atomic_is_all_or_nothing(self, platform: Platform) -> None:
        """409 names those that cannot be; nothing was written or told; without them all of it is."""
        user = platform.user()
        given = [*items(3), {**LISTING, "externalId": "bad", "price": 0}]
        answer = await user.post("/api/tickets/batch", {"items": given, "atomic": True})
        [refused] = assert_problem(answer, 409, "batch_refused")["results"]
        assert (refused["index"], refused["error"]["errors"][0]["field"]) == (3, "price")
        assert await told(platform, user) == []
        assert statuses(await batch(user, given[:3], atomic=True)) == ["created"] * 3

    async def test_the_same_key_gets_the_same_answer(self, platform: Platform) -> None:
        """What was created is told as created again; another body is refused."""
        user = platform.user()
        # An unknown field is told by its name, which PostgreSQL could not keep.
        body, key = {"items": [*items(2), {"externalId": "x", "\0": 1}]}, {"Idempotency-Key": "k"}
        first = await user.post("/api/tickets/batch", body, headers=key)
        again = await user.post("/api/tickets/batch", body, headers=key)
        assert (again.headers["idempotency-replayed"], again.json()) == ("true", first.json())
        other = await user.post("/api/tickets/batch", {"items": items(3)}, headers=key)
        assert_problem(other, 422, "idempotency_key_reused")

    async def test_a_dry_run_writes_nothing_and_shows_what_would_change(self, platform: Platform) -> None:
        """Each result as it would be; an update with what it would replace."""
        user = platform.user()
        await batch(user, items(2))
        before = await told(platform, user)
        given = items(3)
        given[0]["price"] = 1
        answer = await user.post("/api/tickets/batch?dryRun=true", {"items": given})
        assert answer.json()["dryRun"] is True
        updated, unchanged, created = answer.json()["results"]
        assert (updated["ticket"]["price"], updated["before"]["price"]) == (1, 100)
        assert (unchanged["status"], created["status"]) == ("unchanged", "created")
        assert await told(platform, user) == before
        assert statuses(await batch(user, given)) == ["updated", "unchanged", "created"]

    async def test_the_largest_batch_fits(self, platform: Platform) -> None:
        """A thousand items; one more, or more than 1 MiB, is refused."""
        user = platform.user()
        full = items(MOST_ITEMS, title="x" * 200, venue="y" * 200, seat="z" * 60)
        assert statuses(await batch(user, full)) == ["created"] * MOST_ITEMS
        more = await user.post("/api/tickets/batch", {"items": items(MOST_ITEMS + 1)})
        assert_problem(more, 422, "invalid", field="items")
        large = await user.ask("POST", "/api/tickets/batch", content=b" " * (limits.BATCH_BODY + 1))
        assert_problem(large, 413, "too_large")
        assert await batch(user, []) == []
