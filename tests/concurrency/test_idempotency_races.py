"""The same request many times at once: one effect, and an answer for each."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx

from server.kit.idempotency import KeyedOnce
from tests.concurrency.races import audit, fetch, known_to_orders, tally
from tests.platform import Platform, User

TWENTY = 20
IN_FLIGHT = "409 idempotency_in_flight"


def key() -> dict[str, str]:
    """A fresh Idempotency-Key header."""
    return {"Idempotency-Key": str(uuid4())}


async def twenty_times(user: User, path: str, body: Any, headers: dict[str, str]) -> list[httpx.Response]:
    """The very same POST, twenty times at once."""
    return await asyncio.gather(*(user.post(path, body, headers=headers) for _ in range(TWENTY)))


def originals(answers: list[httpx.Response]) -> list[httpx.Response]:
    """The successful ones that are not repeats."""
    made = [answer for answer in answers if answer.status_code == 201]
    return [answer for answer in made if "idempotency-replayed" not in answer.headers]


class TestReserve:
    """POST /api/orders with an Idempotency-Key."""

    async def test_twenty_at_once_make_one_order(self, platform: Platform) -> None:
        """One original; the others are its replay or told to ask again, and then get it too."""
        buyer, header = platform.user(), key()
        ticket = await platform.user().list_ticket()
        body = {"ticketId": ticket["id"]}
        answers = await twenty_times(buyer, "/api/orders", body, header)
        assert set(tally(answers)) <= {"201", IN_FLIGHT}
        assert len(originals(answers)) == 1
        answers += await twenty_times(buyer, "/api/orders", body, header)
        made = {answer.text for answer in answers if answer.status_code == 201}
        assert len({httpx.Response(200, text=text).json()["id"] for text in made}) == 1
        assert await platform.count("orders", "SELECT count(*) FROM orders WHERE user_id = $1", buyer.id) == 1
        await platform.doctor()

    async def test_another_body_is_refused(self, platform: Platform) -> None:
        """The key of one order is no key to another, whenever it comes."""
        buyer, header = platform.user(), key()
        seller = platform.user()
        bodies = [{"ticketId": (await seller.list_ticket())["id"]} for _ in range(2)]
        for body in bodies:
            await known_to_orders(platform, body["ticketId"])
        answers = await asyncio.gather(
            *(buyer.post("/api/orders", bodies[number % 2], headers=header) for number in range(TWENTY))
        )
        assert set(tally(answers)) <= {"201", IN_FLIGHT, "422 idempotency_key_reused"}
        assert len(originals(answers)) == 1
        kept = originals(answers)[0].json()["ticket"]["id"]
        other = next(body for body in bodies if body["ticketId"] != kept)
        again = await buyer.post("/api/orders", other, headers=header)
        assert tally([again]) == {"422 idempotency_key_reused": 1}
        assert await platform.count("orders", "SELECT count(*) FROM orders WHERE user_id = $1", buyer.id) == 1

    async def test_a_refusal_is_not_kept(self, platform: Platform) -> None:
        """Told that it is reserved, the same key works when the ticket is free again."""
        buyer, rival, header = platform.user(), platform.user(), key()
        ticket = await platform.user().list_ticket()
        order = await rival.hold(ticket["id"])
        body = {"ticketId": ticket["id"]}
        answers = await twenty_times(buyer, "/api/orders", body, header)
        assert set(tally(answers)) <= {"409 ticket_reserved", IN_FLIGHT}
        assert (await rival.delete(f"/api/orders/{order['id']}")).status_code == 204
        assert (await buyer.post("/api/orders", body, headers=header)).status_code == 201


class TestList:
    """POST /api/tickets with an Idempotency-Key."""

    async def test_twenty_at_once_list_one_ticket(self, platform: Platform) -> None:
        """A seller who presses twenty times lists once."""
        seller = platform.user()
        answers = await twenty_times(seller, "/api/tickets", {"title": "Row 1", "price": 100}, key())
        assert set(tally(answers)) <= {"201", IN_FLIGHT}
        assert len(originals(answers)) == 1
        assert (
            await platform.count("tickets", "SELECT count(*) FROM tickets WHERE user_id = $1", seller.id) == 1
        )

    async def test_without_the_claim_it_lists_twenty(self, platform: Platform, monkeypatch: Any) -> None:
        """Negative control: keys that are neither claimed nor kept."""

        async def nothing(self: KeyedOnce, *_: object) -> None:
            pass

        monkeypatch.setattr(KeyedOnce, "claim", nothing)
        monkeypatch.setattr(KeyedOnce, "keep", nothing)
        seller = platform.user()
        await twenty_times(seller, "/api/tickets", {"title": "Row 1", "price": 100}, key())
        listed = await platform.count("tickets", "SELECT count(*) FROM tickets WHERE user_id = $1", seller.id)
        assert listed > 1


class TestPay:
    """POST /api/payments, many times for one order."""

    async def test_p10_six_charges_make_one_intent(self, platform: Platform) -> None:
        """Six at once, without a key: one payment, one intent at Stripe, one capture."""
        for _ in range(5):
            buyer = platform.user()
            ticket = await platform.user().list_ticket(price=4500)
            order = await buyer.hold(ticket["id"])
            answers = await asyncio.gather(*(buyer.pay(order["id"]) for _ in range(6)))
            assert set(tally(answers)) <= {"201", "200", "503 payments_unavailable"}, tally(answers)
            assert tally(answers)["201"] <= 1
            await buyer.order_in(order["id"], "complete")
            await assert_paid_once(platform, order["id"], 4500)
        await audit(platform)

    async def test_two_tabs_pay_once(self, platform: Platform) -> None:
        """Opened in one tab and in another, paid in both: the second sees what the first did."""
        buyer = platform.user()
        ticket = await platform.user().list_ticket(price=4500)
        order = await buyer.hold(ticket["id"])
        opened = await asyncio.gather(*(buyer.pay(order["id"], None) for _ in range(2)))
        assert len({answer.json()["id"] for answer in opened if answer.is_success}) == 1
        paid = await asyncio.gather(
            *(buyer.pay(order["id"], "pm_card_visa", headers=key()) for _ in range(2))
        )
        assert set(tally(paid)) <= {"200", "503 payments_unavailable"}, tally(paid)
        await buyer.order_in(order["id"], "complete")
        await assert_paid_once(platform, order["id"], 4500)

    async def test_one_key_is_one_payment(self, platform: Platform) -> None:
        """Twenty times with one key: the same payment each time, or asked to come again."""
        buyer = platform.user()
        ticket = await platform.user().list_ticket(price=4500)
        order = await buyer.hold(ticket["id"])
        body = {"orderId": order["id"], "paymentMethod": "pm_card_visa"}
        # News of the order may be on its way; once one has paid, all know of it.
        answers = await twenty_times(buyer, "/api/payments", body, key())
        # A repeat may be at the calls before the first request is, which is then told so.
        assert set(tally(answers)) <= {"201", IN_FLIGHT, "503 payments_unavailable"}, tally(answers)
        assert tally(answers)["503 payments_unavailable"] == 1 - len(originals(answers))
        assert len({answer.json()["id"] for answer in answers if answer.is_success}) == 1
        await buyer.order_in(order["id"], "complete")
        await assert_paid_once(platform, order["id"], 4500)


async def assert_paid_once(platform: Platform, order_id: str, amount: int) -> None:
    """One payment row, one intent at Stripe that names the order, one capture in the ledger."""
    payments = await fetch(
        platform, "payments", "SELECT id, status, stripe_id FROM payments WHERE order_id = $1", UUID(order_id)
    )
    assert [payment["status"] for payment in payments] == ["captured"]
    taken = "SELECT sum(amount) FROM ledger WHERE account = 'cash' AND payment_id = $1"
    assert await platform.count("payments", taken, payments[0]["id"]) == amount
    async with httpx.AsyncClient(base_url=platform.settings.stripe_api_base, trust_env=False) as stripe:
        headers = {"Authorization": f"Bearer {platform.settings.stripe_key}"}
        answer = await stripe.get("/v1/payment_intents", params={"limit": 100}, headers=headers)
    intents = [intent for intent in answer.json()["data"] if intent["metadata"].get("orderId") == order_id]
    assert [(intent["id"], intent["status"]) for intent in intents] == [
        (payments[0]["stripe_id"], "succeeded")
    ]
