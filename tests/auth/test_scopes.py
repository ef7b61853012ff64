"""What a token may do: 403 where its scope is missing, 404 or 403 where the thing is somebody else's."""

from dataclasses import dataclass
from typing import Any

import pytest

from server.kit.auth import SCOPES
from tests.platform import Platform, User
from tests.problems import assert_problem

NEEDS = [
    ("POST", "/api/tickets", "tickets:write"),
    ("PUT", "/api/tickets/{ticket}", "tickets:write"),
    ("DELETE", "/api/tickets/{ticket}", "tickets:write"),
    ("POST", "/api/orders", "orders:write"),
    ("GET", "/api/orders", "orders:read"),
    ("GET", "/api/orders/{order}", "orders:read"),
    ("DELETE", "/api/orders/{order}", "orders:write"),
    ("POST", "/api/orders/{order}/extend", "orders:write"),
    ("POST", "/api/payments", "payments:write"),
    ("GET", "/api/payments?orderId={order}", "orders:read"),
    ("GET", "/api/payments/{payment}", "orders:read"),
]


@dataclass
class Sale:
    """A ticket on hold, with an unpaid payment."""

    seller: User
    buyer: User
    ids: dict[str, str]


@pytest.fixture(scope="module")
async def sale(platform: Platform) -> Sale:
    """Made over HTTP."""
    seller, buyer = platform.user(), platform.user()
    ticket = await seller.list_ticket()
    order = await buyer.hold(ticket["id"])
    payment = (await buyer.pay(order["id"], None)).json()
    await platform.ticket_in(ticket["id"], "reserved")
    return Sale(seller, buyer, {"ticket": ticket["id"], "order": order["id"], "payment": payment["id"]})


@pytest.mark.parametrize(("method", "path", "scope"), NEEDS)
async def test_without_its_scope_a_token_is_403(
    platform: Platform, sale: Sale, method: str, path: str, scope: str
) -> None:
    """With all the others; the answer names the one it lacks."""
    others = [name for name in SCOPES if name != scope]
    user = platform.user(*others)
    answer = await user.ask(method, path.format(**sale.ids), json={} if method in {"POST", "PUT"} else None)
    assert assert_problem(answer, 403, "insufficient_scope")["scope"] == scope


@pytest.mark.parametrize(("method", "path", "scope"), NEEDS)
async def test_with_its_scope_alone_a_token_gets_further(
    platform: Platform, sale: Sale, method: str, path: str, scope: str
) -> None:
    """It is not refused for its scope."""
    user = platform.user(scope)
    answer = await user.ask(method, path.format(**sale.ids), json={} if method in {"POST", "PUT"} else None)
    assert answer.status_code != 401
    assert "insufficient_scope" not in answer.text


@pytest.mark.parametrize(
    "scopes", [["admin"], ["*"], ["tickets:*"], ["orders:write,orders:read"], ["ORDERS:READ"]]
)
async def test_a_scope_we_do_not_know_gives_nothing(platform: Platform, scopes: list[str]) -> None:
    """No wildcards, no lists, no cases."""
    user = platform.user(*scopes)
    assert_problem(await user.get("/api/orders"), 403, "insufficient_scope")


class TestStrangers:
    """Somebody with a good token and no part in the sale."""

    @pytest.mark.parametrize(
        ("method", "path", "body", "code"),
        [
            ("GET", "/api/orders/{order}", None, "order_not_found"),
            ("DELETE", "/api/orders/{order}", None, "order_not_found"),
            ("POST", "/api/orders/{order}/extend", None, "order_not_found"),
            ("POST", "/api/payments", {"orderId": "{order}"}, "order_not_found"),
            (
                "POST",
                "/api/payments",
                {"orderId": "{order}", "paymentMethod": "pm_card_visa"},
                "order_not_found",
            ),
            ("GET", "/api/payments?orderId={order}", None, "order_not_found"),
            ("GET", "/api/payments/{payment}", None, "payment_not_found"),
        ],
    )
    async def test_another_s_order_and_payment_are_404(
        self, platform: Platform, sale: Sale, method: str, path: str, body: Any, code: str
    ) -> None:
        """Nobody can find out that they exist."""
        if body:
            body = {name: value.format(**sale.ids) for name, value in body.items()}
        answer = await platform.user().ask(method, path.format(**sale.ids), json=body)
        assert_problem(answer, 404, code)
        assert (await sale.buyer.order(sale.ids["order"]))["status"] == "created"

    @pytest.mark.parametrize(
        ("method", "path", "code"),
        [
            ("DELETE", "/api/orders/{order}", "order_not_found"),
            ("POST", "/api/orders/{order}/extend", "order_not_found"),
            ("GET", "/api/payments?orderId={order}", "order_not_found"),
            ("GET", "/api/payments/{payment}", "payment_not_found"),
        ],
    )
    async def test_the_seller_neither_cancels_nor_sees_the_payment(
        self, sale: Sale, method: str, path: str, code: str
    ) -> None:
        """The client secret is the buyer's alone."""
        assert_problem(await sale.seller.ask(method, path.format(**sale.ids)), 404, code)

    @pytest.mark.parametrize(
        ("method", "body"), [("PUT", {"version": 0, "price": 1}), ("DELETE", None), ("PUT", {"version": 99})]
    )
    @pytest.mark.parametrize("dry", ["", "?dryRun=true"])
    async def test_another_s_listing_is_403(
        self, platform: Platform, sale: Sale, method: str, body: Any, dry: str
    ) -> None:
        """A listing is public, so that it exists is no secret."""
        answer = await platform.user().ask(method, f"/api/tickets/{sale.ids['ticket']}{dry}", json=body)
        assert_problem(answer, 403, "not_owner")
        assert (await platform.http.get(f"/api/tickets/{sale.ids['ticket']}")).json()["version"] == 0

    async def test_lists_hold_only_one_s_own(self, platform: Platform, sale: Sale) -> None:
        """An empty list is `[]`."""
        stranger = platform.user()
        for role in ("buyer", "seller"):
            answer = await stranger.get(f"/api/orders?role={role}")
            assert answer.json() == {"items": [], "nextCursor": None}
        assert [order["id"] for order in (await sale.buyer.get("/api/orders")).json()["items"]] == [
            sale.ids["order"]
        ]
