"""Paths, methods, queries and cursors that mean nothing."""

import base64
import json
from typing import Any

import pytest

from tests.kit.conftest import World
from tests.problems import SECRET, assert_problem

pytestmark = pytest.mark.usefixtures("nothing_ever_changes")

BY_ID = [
    ("GET", "/api/tickets/{}", "ticket_not_found"),
    ("PUT", "/api/tickets/{}", "ticket_not_found"),
    ("DELETE", "/api/tickets/{}", "ticket_not_found"),
    ("GET", "/api/orders/{}", "order_not_found"),
    ("DELETE", "/api/users/tokens/{}", "token_not_found"),
    ("DELETE", "/api/orders/{}", "order_not_found"),
    ("POST", "/api/orders/{}/extend", "order_not_found"),
    ("GET", "/api/payments/{}", "payment_not_found"),
]
NO_IDS = [
    *("1", "-1", "null", "not-a-uuid", "0190f5b2-0000-7000-8000-00000000000", "%00", "%F0%9F%8E%AB", "%FF"),
    *(
        "..%2F..%2Fetc%2Fpasswd",
        "'%20OR%201=1--",
        "%7B%7D",
        "a" * 2000,
        "c0ffee00-0000-4000-8000-000000000001",
    ),
]


@pytest.mark.parametrize("id_", NO_IDS, ids=[id_[:20] for id_ in NO_IDS])
@pytest.mark.parametrize(("method", "path", "code"), BY_ID)
async def test_an_id_that_names_nothing_is_404(
    world: World, method: str, path: str, code: str, id_: str
) -> None:
    """An ill-formed id is as absent as an unknown one."""
    body = {"version": 0, "title": "x"} if method == "PUT" else None
    answer = await world.buyer.ask(method, path.format(id_), json=body)
    assert_problem(answer, 404, code)


METHODS = {
    "/api/users/signup": {"POST"},
    "/api/users/signin": {"POST"},
    "/api/users/signout": {"POST"},
    "/api/users/currentuser": {"GET"},
    "/api/users/tokens": {"GET", "POST"},
    "/api/users/tokens/{ticket}": {"DELETE"},
    "/.well-known/jwks.json": {"GET"},
    "/api/tickets": {"GET", "POST"},
    "/api/tickets/{ticket}": {"GET", "PUT", "DELETE"},
    "/api/tickets/by-external-id/row-1": {"PUT"},
    "/api/tickets/batch": {"POST", "GET", "PUT", "DELETE"},  # the others find /api/tickets/:id there
    "/api/orders": {"GET", "POST"},
    "/api/orders/{order}": {"GET", "DELETE"},
    "/api/orders/{order}/extend": {"POST"},
    "/api/payments": {"GET", "POST"},
    "/api/payments/{payment}": {"GET"},
    "/api/payments/webhook": {"POST", "GET"},  # GET finds /api/payments/:id there
}
ALL = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


@pytest.mark.parametrize(
    ("method", "path"),
    [(method, path) for path, allowed in METHODS.items() for method in ALL if method not in allowed],
)
async def test_a_wrong_method_is_405(world: World, method: str, path: str) -> None:
    """With the methods that would do."""
    answer = await world.buyer.ask(method, path.format(**world.ids))
    assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"]


@pytest.mark.parametrize(
    "path",
    [
        *("/api", "/api/", "/api/nothing", "/api/users", "/api/users/signup/x", "/admin", "/.env"),
        *("/api/tickets/a/b/c", "/api//tickets", "//api/tickets", "/API/tickets", "/api/tickets;a=b"),
        *("/api/tickets%2f", "/%2e%2e/%2e%2e/etc/passwd", "/api/orders/a/b", "/metrics/../.git/config"),
    ],
)
async def test_an_unknown_path_is_404(world: World, path: str) -> None:
    """problem+json too, and no guess at what was meant."""
    assert_problem(await world.buyer.get(path), 404, "not_found")


LISTS = {
    "/api/tickets": [
        "limit",
        "cursor",
        "sort",
        "status",
        "q",
        "minPrice",
        "maxPrice",
        "userId",
        "externalId",
    ],
    "/api/orders": ["limit", "cursor", "status", "role"],
    "/api/payments": ["limit", "cursor", "orderId"],
}
BAD_QUERY: dict[str, list[str]] = {
    "limit": ["0", "-1", "101", "1.5", "abc", "", "1" + "0" * 400, "1" + "0" * 5000, "NaN", "null", "%00"],
    "cursor": ["", "x", "====", "%00", "%FF", "é", "a" * 501, "bnVsbA", "W10", "e30", "WyJhIl0", "W1tbW1tb"],
    "sort": ["", "title", "Price", "--price", "price;drop table tickets", "%00", "createdAt,price"],
    "status": ["", "free", "AVAILABLE", "created,paid", "%00"],
    "role": ["", "admin", "Buyer", "%00"],
    "q": ["%00", "a%00b", "%1B", "a" * 201],
    "minPrice": ["-1", "1.5", "abc", "", "100000000", "1" + "0" * 400],
    "maxPrice": ["-1", "1.5", "abc", "", "100000000", "1" + "0" * 400],
    "userId": ["", "x", "%00", "1"],
    "externalId": ["%00", "a" * 101],
    "orderId": ["", "x", "%00", "1"],
}


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        pytest.param(path, name, value, id=f"{path} {name}={value[:20]}")
        for path, names in LISTS.items()
        for name in names
        for value in BAD_QUERY[name]
    ],
)
async def test_a_bad_query_is_422_and_named(world: World, path: str, name: str, value: str) -> None:
    """The parameter is named as the client wrote it."""
    rest = f"&orderId={world.order['id']}" if path == "/api/payments" and name != "orderId" else ""
    answer = await world.buyer.get(f"{path}?{name}={value}{rest}")
    assert_problem(answer, 422, "invalid", field=name)


@pytest.mark.parametrize(("path", "name"), [(path, name) for path, names in LISTS.items() for name in names])
async def test_a_parameter_given_twice_is_422(world: World, path: str, name: str) -> None:
    """Two servers would read two different ones."""
    value = {"limit": "1", "sort": "price", "status": "created", "role": "buyer"}.get(name, world.order["id"])
    answer = await world.buyer.get(f"{path}?{name}={value}&{name}={value}")
    assert_problem(answer, 422, "invalid", field=name)


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "name", ["page", "offset", "Limit", "min_price", "order_id", "user_id", "limit[]", "$where"]
)
async def test_an_unknown_parameter_is_422(world: World, path: str, name: str) -> None:
    """A misspelt filter must not silently filter nothing."""
    rest = f"&orderId={world.order['id']}" if path == "/api/payments" else ""
    assert_problem(await world.buyer.get(f"{path}?{name}={SECRET}{rest}"), 422, "invalid", field=name)


def forged(*parts: Any) -> str:
    """A cursor of our own making."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


NOBODY = "c0ffee00-0000-4000-8000-000000000002"


@pytest.mark.parametrize(
    ("path", "cursor"),
    [
        ("/api/tickets", forged("-createdAt", "yesterday-ish", NOBODY)),
        ("/api/tickets", forged("-createdAt", "'; DROP TABLE tickets; --", NOBODY)),
        ("/api/tickets", forged("-createdAt", "\0", NOBODY)),
        ("/api/tickets", forged("-createdAt", "\ud800", NOBODY)),
        ("/api/tickets", forged("-createdAt", "999999-01-01", NOBODY)),
        ("/api/tickets", forged("-createdAt", "2030-01-01", "not-an-id")),
        ("/api/tickets", forged("-createdAt", "2030-01-01")),
        ("/api/tickets", forged("-createdAt", 5, NOBODY)),
        ("/api/tickets", forged("price", "5", NOBODY)),
        ("/api/tickets?sort=price", forged("price", "9" * 40, NOBODY)),
        ("/api/tickets?sort=price", forged("price", "1.5", NOBODY)),
        ("/api/tickets?sort=price", forged("price", "NaN", NOBODY)),
        ("/api/tickets?sort=price", forged("-price", "5", NOBODY)),
        ("/api/orders", forged("x")),
        ("/api/orders", forged(NOBODY, NOBODY)),
        ("/api/orders", forged(1)),
        ("/api/orders", forged({"id": 1})),
    ],
)
async def test_a_forged_cursor_is_422(world: World, path: str, cursor: str) -> None:
    """It reaches the database as a value at most, and the database's complaint does not reach the client."""
    joint = "&" if "?" in path else "?"
    assert_problem(await world.buyer.get(f"{path}{joint}cursor={cursor}"), 422, "invalid", field="cursor")


@pytest.mark.parametrize("value", ["", "maybe", "2", "TRUEish", "null", "%00", "true&dryRun=false"])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/tickets", {"title": "a", "price": 1}),
        ("PUT", "/api/tickets/{ticket}", {"version": 0, "title": "a"}),
        ("DELETE", "/api/tickets/{ticket}", None),
        ("PUT", "/api/tickets/by-external-id/row-1", {"title": "a", "price": 1}),
        ("POST", "/api/tickets/batch", {"items": []}),
    ],
)
async def test_a_dry_run_that_is_neither_yes_nor_no_is_422(
    world: World, method: str, path: str, body: Any, value: str
) -> None:
    """What might have been meant as a dry run is never a real write."""
    answer = await world.seller.ask(method, f"{path.format(**world.ids)}?dryRun={value}", json=body)
    assert_problem(answer, 422, "invalid", field="dryRun")
