"""How often one may try to sign in; each test has a platform of its own, since a minute is remembered."""

from collections.abc import AsyncIterator

import httpx
import pytest

from server.kit import limits
from server.settings import Settings
from tests.platform import Platform, started
from tests.problems import assert_problem

PASSWORD = "correct horse battery"


async def attempt(platform: Platform, email: str, typed: str = "wrong password") -> httpx.Response:
    """A sign-in that should fail."""
    return await platform.http.post("/api/users/signin", json={"email": email, "password": typed})


@pytest.fixture
async def fresh(empty: Settings) -> AsyncIterator[Platform]:
    """Nobody has tried anything yet."""
    async with started(empty, background=False) as running:
        yield running


async def test_ten_a_minute_for_one_address(fresh: Platform) -> None:
    """In any spelling, also with the right password; another account is not affected."""
    await fresh.http.post("/api/users/signup", json={"email": "a@example.com", "password": PASSWORD})
    for n in range(limits.SIGN_INS_PER_EMAIL):
        answer = await attempt(fresh, ["a@example.com", " A@EXAMPLE.com"][n % 2])
        assert_problem(answer, 401, "invalid_credentials")
    problem = await attempt(fresh, "A@example.com", PASSWORD)
    assert_problem(problem, 429, "rate_limited")
    assert 0 < int(problem.headers["retry-after"]) <= 60
    assert_problem(await attempt(fresh, "b@example.com"), 401, "invalid_credentials")


async def test_thirty_a_minute_from_one_place(fresh: Platform) -> None:
    """Trying one password on many accounts is slow, too."""
    for n in range(limits.SIGN_INS_PER_ADDRESS):
        assert_problem(await attempt(fresh, f"user-{n}@example.com"), 401, "invalid_credentials")
    assert_problem(await attempt(fresh, "user-last@example.com"), 429, "rate_limited")


async def test_what_is_no_attempt_is_not_counted(fresh: Platform) -> None:
    """A malformed request tries no password."""
    for _ in range(limits.SIGN_INS_PER_ADDRESS + 5):
        answer = await fresh.http.post("/api/users/signin", json={"email": "a@example.com"})
        assert_problem(answer, 422, "invalid", field="password")
    assert_problem(await attempt(fresh, "a@example.com"), 401, "invalid_credentials")
