"""What somebody without an account can find out (P16)."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator

import bcrypt
import httpx
import pytest

from server.auth.service import Hasher
from server.kit import limits
from server.settings import Settings
from tests.platform import Platform, started, wipe
from tests.problems import assert_problem

PASSWORD = "correct horse battery"
TRIES = 11


@pytest.fixture(scope="module")
async def slow_hash(settings: Settings) -> AsyncIterator[Platform]:
    """bcrypt at a cost that shows in the time of an answer, and no limits."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(limits, "SIGN_INS_PER_ADDRESS", 100_000)
        patched.setattr(limits, "SIGN_INS_PER_EMAIL", 100_000)
        await wipe(settings)
        async with started(settings.model_copy(update={"bcrypt_cost": 9}), background=False) as running:
            yield running


async def attempt(platform: Platform, email: str, typed: str = "wrong password") -> httpx.Response:
    """A sign-in that should fail."""
    return await platform.http.post("/api/users/signin", json={"email": email, "password": typed})


async def seconds(platform: Platform, email: str) -> float:
    """How long a refusal takes."""
    started_at = time.perf_counter()
    answer = await attempt(platform, email)
    took = time.perf_counter() - started_at
    assert_problem(answer, 401, "invalid_credentials")
    return took


async def test_p16_the_time_of_a_refusal_does_not_tell_whether_there_is_an_account(
    slow_hash: Platform,
) -> None:
    """Medians of a known and unknown addresses, taken in turn; the hash is most of both."""
    made = await slow_hash.http.post(
        "/api/users/signup", json={"email": "known@example.com", "password": PASSWORD}
    )
    assert made.status_code == 201
    known, unknown = [], []
    for n in range(TRIES):
        known.append(await seconds(slow_hash, "known@example.com"))
        unknown.append(await seconds(slow_hash, f"unknown-{n}@example.com"))
    one, other = statistics.median(known), statistics.median(unknown)
    assert min(known + unknown) > 0.01, "bcrypt at cost 9 takes longer than that: it was left out"
    assert 0.7 < one / other < 1.4, f"known {one * 1000:.1f} ms, unknown {other * 1000:.1f} ms"


async def hashed_for(platform: Platform, email: str) -> list[bytes]:
    """What a refusal costs: algorithm and cost of each hash that was compared for it."""
    compared: list[bytes] = []

    def watched(password: bytes, hashed: bytes) -> bool:
        compared.append(hashed[:7])
        return checkpw(password, hashed)

    checkpw = bcrypt.checkpw
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(bcrypt, "checkpw", watched)
        assert_problem(await attempt(platform, email), 401, "invalid_credentials")
    return compared


async def test_w20_an_unknown_address_is_as_much_work_as_a_wrong_password(
    slow_hash: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted, not timed; one that looks at no decoy is found out."""
    known = "counted@example.com"
    await slow_hash.http.post("/api/users/signup", json={"email": known, "password": PASSWORD})
    assert await hashed_for(slow_hash, known) == [b"$2b$09$"]
    assert await hashed_for(slow_hash, "nobody@example.com") == [b"$2b$09$"]

    async def hasty(hasher: Hasher, password: str, hashed: str | None) -> bool:
        return hashed is not None and await matches(hasher, password, hashed)

    matches = Hasher.matches
    monkeypatch.setattr(Hasher, "matches", hasty)
    assert await hashed_for(slow_hash, known) == [b"$2b$09$"]
    assert await hashed_for(slow_hash, "nobody@example.com") == []


async def test_p16_both_refusals_are_the_same_document(slow_hash: Platform) -> None:
    """But for the request id."""
    one = (await attempt(slow_hash, "known@example.com")).json()
    other = (await attempt(slow_hash, "unknown@example.com")).json()
    assert {**one, "requestId": ""} == {**other, "requestId": ""}


async def test_too_many_hashes_at_once_are_429(slow_hash: Platform) -> None:
    """A queue of bcrypt would starve everybody; those beyond it are told to come back."""
    answers = await asyncio.gather(*(attempt(slow_hash, f"crowd-{n}@example.com") for n in range(60)))
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {401, 429}
    assert statuses.count(401) >= limits.HASHES_AT_ONCE + limits.HASHES_WAITING
    for answer in answers:
        if answer.status_code == 429:
            assert_problem(answer, 429, "rate_limited")
    assert (await attempt(slow_hash, "after@example.com")).status_code == 401
