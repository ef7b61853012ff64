"""Idempotency-Key: the same request twice is one effect and one answer."""

import asyncio
from typing import Any

import pytest

from tests.platform import Platform, User
from tests.problems import assert_problem
from tests.waiting import until

TICKET = {"title": "Front row", "price": 4500}


def keyed(key: str) -> dict[str, str]:
    """The header."""
    return {"Idempotency-Key": key}


async def listings(platform: Platform, user: User) -> int:
    """How many the user has."""
    return await platform.count("tickets", "SELECT count(*) FROM tickets WHERE user_id = $1", user.id)


async def test_the_same_key_and_body_get_the_same_answer(platform: Platform) -> None:
    """Status and body to the letter, marked as replayed; one ticket and one event."""
    user = platform.user()
    first = await user.post("/api/tickets", TICKET, headers=keyed("a"))
    second = await user.post("/api/tickets", TICKET, headers=keyed("a"))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert await listings(platform, user) == 1
    told = "SELECT count(*) FROM outbox WHERE data->'ticket'->>'userId' = $1"
    assert await platform.count("tickets", told, str(user.id)) == 1


async def test_a_replay_is_what_was_answered_then(platform: Platform) -> None:
    """Also after the listing changed."""
    user = platform.user()
    first = (await user.post("/api/tickets", TICKET, headers=keyed("a"))).json()
    await user.put(f"/api/tickets/{first['id']}", {"version": 0, "price": 1})
    assert (await user.post("/api/tickets", TICKET, headers=keyed("a"))).json() == first


@pytest.mark.parametrize("other", [{**TICKET, "price": 4501}, {"price": 4500, "title": "Front row"}])
async def test_another_body_under_the_key_is_422(platform: Platform, other: dict[str, Any]) -> None:
    """The bytes count."""
    user = platform.user()
    await user.post("/api/tickets", TICKET, headers=keyed("a"))
    answer = await user.post("/api/tickets", other, headers=keyed("a"))
    assert_problem(answer, 422, "idempotency_key_reused", field="Idempotency-Key")
    assert await listings(platform, user) == 1


async def test_keys_belong_to_their_user(platform: Platform) -> None:
    """Somebody else's key is another key, and shows nothing of theirs."""
    one, two = platform.user(), platform.user()
    first = await one.post("/api/tickets", TICKET, headers=keyed("shared"))
    second = await two.post("/api/tickets", TICKET, headers=keyed("shared"))
    assert first.json()["id"] != second.json()["id"]
    assert second.json()["userId"] == str(two.id)


async def test_keys_belong_to_their_route(platform: Platform) -> None:
    """The same key may hold a ticket and pay for it."""
    seller, buyer = platform.user(), platform.user()
    ticket = await seller.list_ticket()
    held = await buyer.post("/api/orders", {"ticketId": ticket["id"]}, headers=keyed("k"))
    assert held.status_code == 201
    paid = await buyer.pay(held.json()["id"], None, headers=keyed("k"))
    assert paid.status_code == 201


async def test_a_failure_is_not_kept(platform: Platform) -> None:
    """The same request runs again, and may succeed then."""
    seller, buyer, rival = platform.user(), platform.user(), platform.user()
    ticket = await seller.list_ticket()
    theirs = await rival.hold(ticket["id"])
    body = {"ticketId": ticket["id"]}
    refused = await buyer.post("/api/orders", body, headers=keyed("k"))
    assert_problem(refused, 409, "ticket_reserved")
    await rival.delete(f"/api/orders/{theirs['id']}")
    again = await buyer.post("/api/orders", body, headers=keyed("k"))
    assert again.status_code == 201
    assert "idempotency-replayed" not in again.headers


async def test_twenty_at_once_make_one(platform: Platform) -> None:
    """Each is answered with the one ticket, or told that the first is still running."""
    user = platform.user()
    answers = await asyncio.gather(
        *(user.post("/api/tickets", TICKET, headers=keyed("storm")) for _ in range(20))
    )
    assert await listings(platform, user) == 1
    made = {answer.json()["id"] for answer in answers if answer.status_code == 201}
    assert len(made) == 1
    for answer in answers:
        if answer.status_code != 201:
            assert_problem(answer, 409, "idempotency_in_flight")


async def test_a_request_still_running_is_409(platform: Platform) -> None:
    """The second does not wait for the first, nor run beside it."""
    user = platform.user()
    async with platform.database("tickets") as session:
        transaction = session.transaction()
        await transaction.start()
        await session.execute("LOCK TABLE tickets IN EXCLUSIVE MODE")  # the first will wait for this
        first = asyncio.create_task(user.post("/api/tickets", TICKET, headers=keyed("slow")))
        try:
            held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
            await until(lambda: session.fetchval(held), "the first request has its key")
            second = await user.post("/api/tickets", TICKET, headers=keyed("slow"))
        finally:
            await transaction.rollback()
    assert_problem(second, 409, "idempotency_in_flight")
    assert (await first).status_code == 201


async def test_a_dry_run_takes_no_key(platform: Platform) -> None:
    """What writes nothing leaves the key for the real request."""
    user = platform.user()
    dry = await user.post("/api/tickets?dryRun=true", TICKET, headers=keyed("k"))
    assert dry.json()["dryRun"] is True
    real = await user.post("/api/tickets", TICKET, headers=keyed("k"))
    assert real.status_code == 201
    assert "idempotency-replayed" not in real.headers


async def test_a_payment_replayed_shows_the_payment_as_it_is_now(platform: Platform) -> None:
    """The key names which payment; a payment's state is not to be frozen."""
    seller, buyer = platform.user(), platform.user()
    order = await buyer.hold((await seller.list_ticket())["id"])
    first = await buyer.pay(order["id"], headers=keyed("p"))
    assert first.status_code == 201
    await buyer.order_in(order["id"], "complete")
    again = await buyer.pay(order["id"], headers=keyed("p"))
    assert again.status_code == 201
    assert again.headers["idempotency-replayed"] == "true"
    assert (again.json()["id"], again.json()["status"]) == (first.json()["id"], "captured")


async def test_sign_up_ignores_the_key(platform: Platform) -> None:
    """A kept answer would be a kept token."""
    body = {"email": "once@example.com", "password": "correct horse"}
    first = await platform.http.post("/api/users/signup", json=body, headers=keyed("k"))
    assert first.status_code == 201
    second = await platform.http.post("/api/users/signup", json=body, headers=keyed("k"))
    assert_problem(second, 409, "email_taken")
