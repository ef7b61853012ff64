"""Accounts over HTTP: sign up, sign in, who am I; and what a stranger can learn of them."""

import asyncio
import unicodedata
from typing import Any

import httpx
import pytest

from tests.platform import Platform
from tests.problems import SECRET, assert_problem

PASSWORD = "correct horse battery"


async def sign_up(platform: Platform, email: str, password: str = PASSWORD) -> httpx.Response:
    """POST /api/users/signup."""
    return await platform.http.post("/api/users/signup", json={"email": email, "password": password})


async def sign_in(platform: Platform, email: str, password: str = PASSWORD) -> httpx.Response:
    """POST /api/users/signin."""
    return await platform.http.post("/api/users/signin", json={"email": email, "password": password})


async def users(platform: Platform) -> int:
    """How many accounts there are."""
    return await platform.count("auth", "SELECT count(*) FROM users")


def bearer(session: Any) -> dict[str, str]:
    """The header of a fresh session."""
    return {"Authorization": f"Bearer {session['token']}"}


async def test_signing_up_signs_in(platform: Platform) -> None:
    """201 with the account and a token that every service accepts."""
    answer = await sign_up(platform, "ann@example.com")
    assert answer.status_code == 201
    session = answer.json()
    assert session.keys() == {"user", "token", "expiresAt"}
    assert session["user"].keys() == {"id", "email", "createdAt"}
    me = await platform.http.get("/api/users/currentuser", headers=bearer(session))
    assert me.json()["currentUser"] == session["user"]
    assert me.json()["token"]["expiresAt"] == session["expiresAt"]
    listed = await platform.http.post(
        "/api/tickets", json={"title": "Front row", "price": 1}, headers=bearer(session)
    )
    assert listed.json()["userId"] == session["user"]["id"]
    for path in ("/api/orders", "/api/tickets"):
        assert (await platform.http.get(path, headers=bearer(session))).status_code == 200


async def test_signing_in_gives_another_token_of_the_same_account(platform: Platform) -> None:
    """200 with the same shape."""
    made = (await sign_up(platform, "bob@example.com")).json()
    answer = await sign_in(platform, "bob@example.com")
    assert answer.status_code == 200
    assert answer.json()["user"] == made["user"]
    assert answer.json()["token"] != made["token"]


async def test_without_a_token_there_is_no_current_user(platform: Platform) -> None:
    """200 and null: a page asks before it knows."""
    answer = await platform.http.get("/api/users/currentuser")
    assert (answer.status_code, answer.json()) == (200, {"currentUser": None, "token": None})


@pytest.mark.parametrize(
    "email", ["CARL@EXAMPLE.COM", "Carl@Example.Com", " carl@example.com ", "carl@EXAMPLE.com"]
)
async def test_p16_another_spelling_is_the_same_account(platform: Platform, email: str) -> None:
    """In upper case or with spaces: 409, and it signs in to the one there is."""
    await sign_up(platform, "carl@example.com")
    before = await users(platform)
    assert_problem(await sign_up(platform, email), 409, "email_taken")
    assert await users(platform) == before
    assert (await sign_in(platform, email)).json()["user"]["email"] == "carl@example.com"


async def test_p16_an_account_made_in_upper_case_is_kept_in_lower(platform: Platform) -> None:
    """Whoever comes first, comes first in every spelling."""
    made = (await sign_up(platform, "DORA@Example.com")).json()
    assert made["user"]["email"] == "dora@example.com"
    assert_problem(await sign_up(platform, "dora@example.com"), 409, "email_taken")


async def test_p16_ten_at_once_make_one_account(platform: Platform) -> None:
    """The constraint decides, not a look beforehand; nine are told so."""
    spellings = ["eve@example.com", "EVE@example.com", "Eve@Example.com"]
    answers = await asyncio.gather(*(sign_up(platform, spellings[n % 3]) for n in range(10)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9
    assert await platform.count("auth", "SELECT count(*) FROM users WHERE email ILIKE 'eve@%'") == 1


@pytest.mark.parametrize(
    ("email", "password"),
    [("fay@example.com", "wrong password"), ("nobody@example.com", PASSWORD), ("fay@example.com", "")],
)
async def test_p16_a_refused_sign_in_says_the_same_whatever_is_wrong(
    platform: Platform, email: str, password: str
) -> None:
    """Unknown address and wrong password are one answer."""
    await sign_up(platform, "fay@example.com")
    problem = assert_problem(await sign_in(platform, email, password), 401, "invalid_credentials")
    assert problem["detail"].startswith("The e-mail address or the password is not right")


@pytest.mark.parametrize(
    "password",
    [
        "12345678",
        "x" * 128,
        "пароль-пароль",
        "🎟" * 8,
        "with\0NUL in it",
        " spaces around ",
        "x" * 72 + "tail",
        "quote'quote--",
    ],
)
async def test_any_password_of_8_to_128_characters_works_and_no_other_like_it(
    platform: Platform, password: str
) -> None:
    """Also beyond bcrypt's 72 bytes and across NUL; a character more, less or changed is wrong."""
    email = f"gil-{len(password)}-{ord(password[0])}@example.com"
    assert (await sign_up(platform, email, password)).status_code == 201
    assert (await sign_in(platform, email, password)).status_code == 200
    for other in (password + "x", password[:-1], password.swapcase() + "!"):
        answer = await sign_in(platform, email, other)
        assert_problem(answer, 401, "invalid_credentials")


async def test_a_password_typed_on_another_keyboard_is_the_same(platform: Platform) -> None:
    """Composed and decomposed letters look the same and are the same (NFC)."""
    composed, decomposed = (unicodedata.normalize(form, "mañana-señor") for form in ("NFC", "NFD"))
    assert composed != decomposed
    await sign_up(platform, "hana@example.com", composed)
    assert (await sign_in(platform, "hana@example.com", decomposed)).status_code == 200


async def test_no_password_is_stored_or_answered(platform: Platform) -> None:
    """A bcrypt hash is, and no two are alike."""
    one = await sign_up(platform, "ida@example.com", SECRET)
    two = await sign_up(platform, "jon@example.com", SECRET)
    assert SECRET not in one.text + two.text
    async with platform.database("auth") as session:
        found = await session.fetch(
            "SELECT * FROM users WHERE email = ANY($1)", ["ida@example.com", "jon@example.com"]
        )
    hashes = {row["password_hash"] for row in found}
    assert len(hashes) == 2
    assert all(hashed.startswith("$2") for hashed in hashes)
    assert SECRET not in str([dict(row) for row in found])
    assert "password" not in one.text.lower()
