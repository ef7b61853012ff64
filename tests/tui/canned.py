"""A Tix that says the same each time, for pictures: fixed ids and times."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

from tests.cli.running import ID, MOMENT, Stub, order, step, ticket

PREFIX = "0198c6f0-0000-7000-8000-0000000000"
OTHER = f"{PREFIX}ff"
OFFERED = (
    ("Night train jazz", 4500, "usd", "Blue Hall", "Row A 12", "reserved", OTHER),
    ("Hamlet", 1_234_567, "jpy", "New Globe", "Stalls 4", "available", OTHER),
    ("City derby", 9900, "eur", "North Stadium", "Block 7, 14", "sold", OTHER),
    ("An Evening of Chamber Music, with Three Intervals", 380, "usd", None, None, "available", ID),
    ("[b]Open[/b] air cinema, 音楽", 1250, "gbp", "Old Harbour", None, "withdrawn", ID),
)
"""Title, price, currency, venue, seat, status and seller."""
TICKETS = [
    ticket(
        id=f"{PREFIX}0{number}",
        title=title,
        price=price,
        currency=currency,
        venue=venue,
        seat=seat,
        status=status,
        userId=seller,
        startsAt=f"2031-05-0{number}T19:30:00.000000Z",
    )
    for number, (title, price, currency, venue, seat, status, seller) in enumerate(OFFERED, start=1)
]
PAID = [step("created", "reserved"), step("accepted", "payment authorised"), step("complete", "paid")]


def _order(number: int, of: dict[str, Any], **more: Any) -> dict[str, Any]:
    names = ("id", "title", "price", "currency", "venue", "startsAt", "seat")
    about = {name: of[name] for name in names}
    amount = {"price": of["price"], "currency": of["currency"]}
    return order(id=f"{PREFIX}a{number}", sellerId=OTHER, ticket=about, **amount, **more)


ORDERS = [
    _order(2, TICKETS[0]),
    _order(1, TICKETS[2], status="complete", version=3, history=PAID),
]


def page(*items: dict[str, Any]) -> dict[str, Any]:
    """All of a list."""
    return {"items": list(items), "nextCursor": None}


@contextmanager
def canned() -> Iterator[str]:
    """Its address, while it runs. No stream tells anything."""
    with Stub() as stub:
        user = {"id": ID, "email": "ada@example.com", "createdAt": MOMENT}
        stub.answer("GET /api/users/currentuser", 200, {"currentUser": user})
        stub.answer("GET /api/tickets", 200, page(*TICKETS))
        stub.answer("GET /api/orders", 200, page(*ORDERS))
        stub.answer("GET /api/payments", 200, page())
        for one in ORDERS:
            stub.answer(f"GET /api/orders/{one['id']}", 200, one)
            stub.answer(f"GET /api/orders/{one['id']}/events", 204)
        stub.answer("GET /api/tickets/events", 204)
        stub.answer("GET /livez", 200, {"status": "ok"})
        stub.answer("GET /", 404, {"code": "not_found", "detail": "There is nothing."})
        thread = Thread(target=stub.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield stub.url
        finally:
            stub.shutdown()
            thread.join()
