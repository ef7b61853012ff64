"""`?dryRun=true`: every check runs, nothing is written or told, and the answer is what would have been."""

from typing import Any

import pytest

from tests.platform import Platform
from tests.problems import assert_problem

COUNTS = "SELECT (SELECT count(*) FROM tickets) + 1000000 * (SELECT count(*) FROM outbox)"
TICKET = {"title": "Front row", "price": 4500}


@pytest.mark.parametrize("yes", ["true", "1"])
async def test_a_ticket_is_not_listed(platform: Platform, yes: str) -> None:
    """200 with all that a listing has, marked."""
    user = platform.user()
    before = await platform.count("tickets", COUNTS)
    answer = await user.post(f"/api/tickets?dryRun={yes}", TICKET)
    assert answer.status_code == 200
    preview = answer.json()
    assert preview.items() >= {**TICKET, "dryRun": True, "version": 0, "status": "available"}.items()
    assert await platform.count("tickets", COUNTS) == before
    gone = await platform.http.get(f"/api/tickets/{preview['id']}")
    assert_problem(gone, 404, "ticket_not_found")


async def test_a_ticket_is_neither_changed_nor_withdrawn(platform: Platform) -> None:
    """The answer shows it as it would be; the ticket is as it was."""
    user = platform.user()
    ticket = await user.list_ticket()
    path = f"/api/tickets/{ticket['id']}"
    before = await platform.count("tickets", COUNTS)
    edited = await user.put(f"{path}?dryRun=true", {"version": 0, "price": 1})
    assert edited.status_code == 200
    assert edited.json().items() >= {"dryRun": True, "price": 1, "version": 1}.items()
    withdrawn = await user.delete(f"{path}?dryRun=true")
    assert withdrawn.status_code == 200
    assert withdrawn.json().items() >= {"dryRun": True, "status": "withdrawn", "version": 1}.items()
    assert (await platform.http.get(path)).json() == ticket
    assert await platform.count("tickets", COUNTS) == before


async def test_dry_run_false_is_real(platform: Platform) -> None:
    """201, without the mark."""
    answer = await platform.user().post("/api/tickets?dryRun=false", TICKET)
    assert answer.status_code == 201
    assert "dryRun" not in answer.json()


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"version": 5, "price": 1}, 409, "version_conflict"),
        ({"version": 0, "externalId": "taken"}, 409, "external_id_taken"),
        ({"version": 0, "currency": "eur"}, 422, "currency_immutable"),
        ({"version": 0, "price": 0}, 422, "invalid"),
    ],
)
async def test_every_check_runs(platform: Platform, body: dict[str, Any], status: int, code: str) -> None:
    """What would be refused is refused."""
    user = platform.user()
    await user.list_ticket(externalId="taken")
    ticket = await user.list_ticket()
    answer = await user.put(f"/api/tickets/{ticket['id']}?dryRun=true", body)
    assert_problem(answer, status, code)
    if code == "external_id_taken":
        assert_problem(
            await user.post("/api/tickets?dryRun=true", {**TICKET, "externalId": "taken"}), status, code
        )


async def test_a_dry_run_needs_a_token(platform: Platform) -> None:
    """It is a write, but for the writing."""
    assert_problem(await platform.http.post("/api/tickets?dryRun=true", json=TICKET), 401, "unauthenticated")
    reader = platform.user("tickets:read")
    assert_problem(await reader.post("/api/tickets?dryRun=true", TICKET), 403, "insufficient_scope")
