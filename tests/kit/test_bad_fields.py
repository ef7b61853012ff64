"""Fields of the wrong type, size or form: 422 that names each, and nothing is stored."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.kit.conftest import World
from tests.problems import SECRET, assert_problem

pytestmark = pytest.mark.usefixtures("nothing_ever_changes")

ID = "0190f5b2-0000-7000-8000-000000000000"
HUGE = 10**400
NO_TEXT: list[Any] = [None, 1, 1.5, True, [], {}, ["a"]]
CONTROL = ["a\0b", "a\x1b[2Jb", "a\nb", "a\x7fb", "a\x85b"]
NO_PRICE = [
    0,
    -1,
    100_000_000,
    2**31,
    2**63,
    2**64,
    HUGE,
    -HUGE,
    1.5,
    100.0,
    1e2,
    True,
    "100",
    "",
    None,
    [],
    {},
]
NO_ID = ["", "1", "not-a-uuid", ID[:-1], ID + "0", "' OR 1=1 --", 1, True, [ID], {}, "\0"]
NO_TIME = [
    "",
    "tomorrow",
    "2030-01-01",
    "2030-01-01T00:00:00",
    "2030-13-01T00:00:00Z",
    "2030-02-30T00:00:00Z",
    "2030-01-01T25:00:00Z",
    "0001-01-01T00:00:00+23:59",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59-23:59",
    "9999-12-31T23:59:59Z",
    "-0001-01-01T00:00:00Z",
    "10000-01-01T00:00:00Z",
    "2030-01-01T00:00:00+99:99",
    "1893456000",
    1893456000,
    True,
    [],
]

TICKET: dict[str, Any] = {"title": "Front row", "price": 4500}
TOKEN: dict[str, Any] = {"name": "ci", "scopes": ["orders:read"]}
BAD: dict[tuple[str, str, str], tuple[dict[str, Any], list[Any]]] = {
    ("POST", "/api/tickets", "title"): (TICKET, [*NO_TEXT, *CONTROL, "", "   ", "a" * 201, "é" * 201]),
    ("POST", "/api/tickets", "price"): (TICKET, NO_PRICE),
    ("POST", "/api/tickets", "currency"): (
        TICKET,
        [None, 1, "", "us", "usdx", "USD", "xxx", "btc", "u$d", "\0\0\0", []],
    ),
    ("POST", "/api/tickets", "venue"): (TICKET, [*NO_TEXT[1:], *CONTROL, "", "a" * 201]),
    ("POST", "/api/tickets", "seat"): (TICKET, [*NO_TEXT[1:], *CONTROL, "", "a" * 61]),
    ("POST", "/api/tickets", "externalId"): (TICKET, [*NO_TEXT[1:], *CONTROL, "", "a" * 101]),
    ("POST", "/api/tickets", "startsAt"): (TICKET, NO_TIME),
    ("PUT", "/api/tickets/{ticket}", "title"): ({"version": 0}, [*NO_TEXT, *CONTROL, "", "a" * 201]),
    ("PUT", "/api/tickets/{ticket}", "price"): ({"version": 0}, NO_PRICE),
    ("PUT", "/api/tickets/{ticket}", "startsAt"): ({"version": 0}, NO_TIME),
    ("PUT", "/api/tickets/{ticket}", "currency"): ({"version": 0}, [None, "", "USD", "xxx", 1]),
    ("PUT", "/api/tickets/{ticket}", "withdrawn"): ({"version": 0}, [None, 0, 1, "true", "", []]),
    ("PUT", "/api/tickets/{ticket}", "version"): (
        {"title": "New"},
        [-1, 0.0, 1.5, True, "0", [], 2**31, 2**64, HUGE, None],
    ),
    ("POST", "/api/orders", "ticketId"): ({}, [*NO_ID, None]),
    ("POST", "/api/orders", "maxPrice"): ({"ticketId": ID}, [p for p in NO_PRICE if p is not None]),
    ("POST", "/api/payments", "orderId"): ({}, [*NO_ID, None]),
    ("POST", "/api/payments", "paymentMethod"): (
        {"orderId": ID},
        [
            "",
            "pm",
            "visa",
            "pm_",
            "pm_" + "a" * 71,
            "pm_card visa",
            "pm_\0",
            "pm_a\n",
            "../pm_a",
            1,
            True,
            [],
            {},
        ],
    ),
    ("POST", "/api/payments", "mode"): ({"orderId": ID}, ["", "Intent", "free", 1, True, None, []]),
    ("POST", "/api/users/signup", "email"): (
        {"password": SECRET},
        [
            *(None, 1, True, [], {}, "", "a", "a@", "@b.de", "a@b", "a@b.", "a@.de", "a@b..de", "a b@c.de"),
            *("a@b@c.de", "a\0@b.de", "a\n@b.de", "a@b.de\0", "a" * 250 + "@b.de", "İ" * 200 + "@b.de"),
        ],
    ),
    ("POST", "/api/users/signup", "password"): (
        {"email": "someone@example.com"},
        [None, 12345678, True, [], {}, "", "short", "1234567", "x" * 129],
    ),
    ("POST", "/api/users/signin", "email"): (
        {"password": SECRET},
        [None, 1, True, [], {}, "a\0@b.de", "a" * 255, "İ" * 200],
    ),
    ("POST", "/api/users/signin", "password"): (
        {"email": "someone@example.com"},
        [None, 1, True, [], {}, "x" * 1025],
    ),
    ("POST", "/api/users/tokens", "name"): (TOKEN, [*NO_TEXT, *CONTROL, "", "   ", "a" * 101]),
    ("POST", "/api/users/tokens", "scopes"): (
        TOKEN,
        [
            *(None, [], {}, "", "orders:read", 1, True, [None], [1], [""], [["orders:read"]]),
            *(["admin"], ["account"], ["*"], ["orders:*"], ["ORDERS:READ"], ["orders:read orders:write"]),
            ["orders:read", "orders:read"],
        ],
    ),
    ("POST", "/api/users/tokens", "expiresInDays"): (
        TOKEN,
        [0, -1, 366, 2**31, HUGE, 1.5, 30.0, True, "30", "", None, [], {}],
    ),
}


def _cases() -> Iterator[Any]:
    for (method, path, field), (rest, values) in BAD.items():
        for value in values:
            shown = repr(value)[:30].replace("\\", "_")
            name = f"{method} {path} {field}={shown}"
            yield pytest.param(method, path, {**rest, field: value}, field, id=name)


@pytest.mark.parametrize(("method", "path", "body", "field"), list(_cases()))
async def test_p15_a_bad_value_is_422_and_named(
    world: World, method: str, path: str, body: dict[str, Any], field: str
) -> None:
    """The answer names the field and says why; the value is not in it."""
    answer = await world.seller.ask(method, path.format(**world.ids), json=body)
    assert_problem(answer, 422, "invalid", field=field)


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e400", "-0.0", "4500.0", "1e3"])
async def test_p15_a_price_is_an_integer_and_nothing_like_one(world: World, literal: str) -> None:
    """Number forms that JSON libraries take for integers, or let through as NaN."""
    body = f'{{"title":"Front row","price":{literal}}}'.encode()
    assert_problem(
        await world.seller.ask("POST", "/api/tickets", content=body), 422, "invalid", field="price"
    )


@pytest.mark.parametrize(
    ("method", "path", "fields"),
    [
        ("POST", "/api/users/signup", {"email", "password"}),
        ("POST", "/api/users/signin", {"email", "password"}),
        ("POST", "/api/users/tokens", {"name", "scopes"}),
        ("POST", "/api/tickets", {"title", "price"}),
        ("PUT", "/api/tickets/{ticket}", {"version"}),
        ("POST", "/api/orders", {"ticketId"}),
        ("POST", "/api/payments", {"orderId"}),
    ],
)
async def test_what_is_missing_is_all_named(world: World, method: str, path: str, fields: set[str]) -> None:
    """One answer for all of it, not one field at a time."""
    answer = await world.seller.ask(method, path.format(**world.ids), json={})
    body = assert_problem(answer, 422, "invalid")
    assert {error["field"] for error in body["errors"]} == fields


@pytest.mark.parametrize(
    "field",
    ["id", "userId", "orderId", "status", "version", "createdAt", "seatStatus", "withdrawn", "sellerId"],
)
async def test_a_listing_takes_no_field_that_is_ours(world: World, field: str) -> None:
    """What the server decides cannot be set by the seller."""
    body = {**TICKET, field: "available"}
    assert_problem(await world.seller.post("/api/tickets", body), 422, "invalid", field=field)


@pytest.mark.parametrize("field", ["price", "currency", "userId", "status", "expiresAt", "holdSeconds"])
async def test_a_hold_takes_no_field_that_is_ours(world: World, field: str) -> None:
    """Price, window and buyer come from the platform."""
    body = {"ticketId": world.ticket["id"], field: 1}
    assert_problem(await world.buyer.post("/api/orders", body), 422, "invalid", field=field)


@pytest.mark.parametrize(
    "field", ["amount", "currency", "price", "status", "stripeId", "captureMethod", "userId", "token"]
)
async def test_p10_amount_and_currency_never_come_from_the_caller(world: World, field: str) -> None:
    """A payment names an order and a card, and nothing else."""
    body = {"orderId": world.order["id"], "paymentMethod": "pm_card_visa", field: 1}
    assert_problem(await world.buyer.post("/api/payments", body), 422, "invalid", field=field)


async def test_an_id_of_the_far_future_is_404(world: World) -> None:
    """A UUIDv7 can name a millisecond beyond the calendar's last year."""
    far = "ffffffff-ffff-7fff-bfff-ffffffffffff"
    reserved = await world.buyer.post("/api/orders", {"ticketId": far})
    assert_problem(reserved, 404, "ticket_not_found")
    paid = await world.buyer.post("/api/payments", {"orderId": far})
    assert_problem(paid, 404, "order_not_found")
