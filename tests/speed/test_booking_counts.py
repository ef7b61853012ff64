"""A whole booking, in events and statements: what it sets in motion is what it costs."""

from collections import Counter

from tests.platform import Platform
from tests.speed.statements import Statements, counted
from tests.waiting import until

OF_ORDER = "SELECT type FROM outbox WHERE data::text LIKE '%' || $1::text || '%'"
MOST = {"reserve": 3, "pay": 64}
"""Statements of a reservation and of a payment, all who hear of them included."""


async def test_a_booking_is_five_events_and_no_more_statements_than_it_was(platform: Platform) -> None:
    """Held, authorised, accepted, captured, complete: each told once."""
    ticket = await platform.user().list_ticket()
    sql = "SELECT count(*) FROM tickets WHERE id = $1"
    await until(lambda: platform.count("orders", sql, ticket["id"]), "orders knows the ticket")
    buyer = platform.user()
    with counted() as reserving:
        answer = await buyer.post("/api/orders", {"ticketId": ticket["id"]}, headers=reserving.headers)
        order = answer.json()
        await until(lambda: platform.count("payments", "SELECT count(*) FROM orders"), "payments knows it")
        await platform.ticket_in(ticket["id"], "reserved")
    with counted() as paying:
        await buyer.pay(order["id"], headers=paying.headers)
        await buyer.order_in(order["id"], "complete")
        await platform.ticket_in(ticket["id"], "sold")
    told: Counter[str] = Counter()
    for service in ("orders", "payments"):
        async with platform.database(service) as session:
            told.update(row["type"] for row in await session.fetch(OF_ORDER, order["id"]))
    assert told == {
        "order:created": 1,
        "payment:authorized": 1,
        "order:accepted": 1,
        "payment:created": 1,
        "order:completed": 1,
    }
    assert len(reserving.ran) <= MOST["reserve"], shown(reserving)
    assert len(paying.ran) <= MOST["pay"], shown(paying)


def shown(seen: Statements) -> str:
    """For whoever must find out what grew."""
    return "\n".join(" ".join(sql.split())[:90] for sql, _ in seen.ran)
