"""The reference says what the API does: every route, its documents, and the refusals that people meet."""

import re
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from server.app import create_app
from server.settings import SERVICES, Settings
from tests.platform import Platform
from tests.stateful.test_stateful import ALL

CALLS = {
    "POST /api/users/signup",
    "POST /api/users/signin",
    "POST /api/users/signout",
    "GET /api/users/currentuser",
    "POST /api/users/tokens",
    "GET /api/users/tokens",
    "DELETE /api/users/tokens/{tokenId}",
    "GET /.well-known/jwks.json",
    "POST /api/tickets",
    "GET /api/tickets",
    "GET /api/tickets/{ticketId}",
    "PUT /api/tickets/{ticketId}",
    "DELETE /api/tickets/{ticketId}",
    "PUT /api/tickets/by-external-id/{externalId}",
    "POST /api/tickets/batch",
    "GET /api/tickets/events",
    "POST /api/orders",
    "GET /api/orders",
    "GET /api/orders/{orderId}",
    "DELETE /api/orders/{orderId}",
    "POST /api/orders/{orderId}/extend",
    "POST /api/orders/{orderId}/refund",
    "GET /api/orders/{orderId}/events",
    "POST /api/payments",
    "GET /api/payments",
    "GET /api/payments/{paymentId}",
    "POST /api/payments/webhook",
}
"""The contract: one that goes, or changes its address, breaks somebody's script."""


@pytest.fixture
async def reference(platform: Platform) -> dict[str, Any]:
    """The document, as anybody reads it."""
    answer = await platform.http.get("/openapi.json")
    assert answer.status_code == 200
    document: dict[str, Any] = answer.json()
    return document


def operations(reference: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By call: `GET /api/tickets`."""
    return {
        f"{method.upper()} {path}": operation
        for path, methods in reference["paths"].items()
        for method, operation in methods.items()
    }


async def test_it_is_openapi(reference: dict[str, Any]) -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(reference).iter_errors()] == []


async def test_it_has_every_call_of_the_contract_and_no_other(reference: dict[str, Any]) -> None:
    assert set(operations(reference)) == CALLS


def test_no_route_is_left_out(settings: Settings) -> None:
    """But those that are about the process: health, and the reference itself."""
    routes = create_app(SERVICES, settings).router.routes
    undocumented = {route.path for route in routes if not hasattr(route.ctx, "doc")}
    assert undocumented == {"livez", "readyz", "openapi.json", "docs"}


async def test_every_refusal_that_people_meet_is_in_it(reference: dict[str, Any]) -> None:
    """All that the stateful test provokes."""
    told = {
        f"{status} {code}"
        for operation in operations(reference).values()
        for status, answer in operation["responses"].items()
        for code in re.findall("`([a-z_]+)`: ", answer["description"])
    }
    assert {verdict for verdict in ALL if verdict[0] == "4" and " " in verdict} <= told


async def test_the_scope_a_call_needs_is_in_it(reference: dict[str, Any]) -> None:
    found = operations(reference)
    assert found["POST /api/orders"]["security"] == [{"token": ["orders:write"]}]
    assert found["POST /api/users/signout"]["security"] == [{"token": []}]
    assert "security" not in found["GET /api/tickets"]


async def test_what_is_answered_is_what_it_says(platform: Platform, reference: dict[str, Any]) -> None:
    """Of one call, whose members are all named; pydantic writes both from the same model."""
    ticket = await platform.user().list_ticket()
    about = operations(reference)["POST /api/tickets"]["responses"]["201"]["content"]["application/json"]
    name = about["schema"]["$ref"].rpartition("/")[2]
    assert set(reference["components"]["schemas"][name]["properties"]) == set(ticket)


async def test_people_read_it_without_any_other_host(platform: Platform, reference: dict[str, Any]) -> None:
    answer = await platform.http.get("/docs")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert not re.findall(r"(?:src|href)=\"(?!#|/)", answer.text)
    for path in reference["paths"]:
        assert path in answer.text
    for name in reference["components"]["schemas"]:
        assert f'id="{name}"' in answer.text
