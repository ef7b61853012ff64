"""JWT_SECRET and PASSWORD_PEPPER are changed while people are signed in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import bcrypt
import httpx
import jwt
import pytest

from server.app import create_app, serving
from server.kit.auth import SigningKey
from server.ports import listen
from server.settings import Settings
from tests.platform import Platform, client

PASSWORD = "correct horse battery"
NEW_JWT_SECRET = "the next secret of auth's key, 32 and more"
NEW_PEPPER = "the next pepper of the passwords, 32 and more"


@asynccontextmanager
async def auth(settings: Settings, **changed: object) -> AsyncIterator[httpx.AsyncClient]:
    """auth as it runs with other settings, on the same accounts."""
    app = create_app(["auth"], settings.model_copy(update=changed))
    app.config.TOUCHUP = False  # it works once per process
    sock = listen(0)
    async with (
        serving(app, sock, grace=1),
        client(f"http://127.0.0.1:{sock.getsockname()[1]}") as http,
    ):
        yield http


async def sign(how: str, http: httpx.AsyncClient, email: str, password: str = PASSWORD) -> httpx.Response:
    """POST /api/users/signup or signin."""
    return await http.post(f"/api/users/sign{how}", json={"email": email, "password": password})


async def is_signed_in(http: httpx.AsyncClient, token: str) -> bool:
    """Whether auth takes the token."""
    answer = await http.get("/api/users/currentuser", headers={"Authorization": f"Bearer {token}"})
    return answer.status_code == 200 and answer.json()["currentUser"] is not None


async def stored(platform: Platform, email: str) -> str:
    """The account's password as it is kept."""
    async with platform.database("auth") as session:
        return str(await session.fetchval("SELECT password_hash FROM users WHERE email = $1", email))


class TestTheSigningKey:
    """JWT_SECRET, JWT_SECRET_PREVIOUS."""

    async def test_nobody_is_signed_out_while_both_are_known(self, platform: Platform) -> None:
        """What the previous one signed counts; new tokens are the new one's. Both are published."""
        settings = platform.settings
        old_key, new_key = SigningKey(settings.jwt_secret or ""), SigningKey(NEW_JWT_SECRET)
        old = (await sign("up", platform.http, "dora@example.com")).json()["token"]
        async with auth(
            settings, jwt_secret=NEW_JWT_SECRET, jwt_secret_previous=settings.jwt_secret
        ) as after:
            assert await is_signed_in(after, old)
            new = (await sign("in", after, "dora@example.com")).json()["token"]
            assert await is_signed_in(after, new)
            assert jwt.get_unverified_header(new)["kid"] == new_key.kid
            keys = (await after.get("/.well-known/jwks.json")).json()["keys"]
            assert [key["kid"] for key in keys] == [new_key.kid, old_key.kid]
        async with auth(settings, jwt_secret_previous=NEW_JWT_SECRET) as before:
            # The first step where there are replicas: who still signs with the old one believes the new one.
            assert await is_signed_in(before, new)

    async def test_without_the_previous_one_everybody_is_signed_out(self, platform: Platform) -> None:
        """The end of the change; and what a change at once would do."""
        old = (await sign("up", platform.http, "emil@example.com")).json()["token"]
        async with auth(platform.settings, jwt_secret=NEW_JWT_SECRET) as after:
            assert not await is_signed_in(after, old)


class TestThePepper:
    """PASSWORD_PEPPER, PASSWORD_PEPPER_PREVIOUS."""

    async def test_who_signs_in_meanwhile_gets_a_hash_under_the_new_one(self, platform: Platform) -> None:
        """And needs the previous one no more. Who does not, is locked out without it."""
        settings = platform.settings
        for email in ("fay@example.com", "gil@example.com"):
            await sign("up", platform.http, email)
        hashed = await stored(platform, "fay@example.com")
        async with auth(
            settings, password_pepper=NEW_PEPPER, password_pepper_previous=settings.password_pepper
        ) as during:
            assert (await sign("in", during, "fay@example.com", "not hers, certainly")).status_code == 401
            assert await stored(platform, "fay@example.com") == hashed
            assert (await sign("in", during, "fay@example.com")).status_code == 200
            renewed = await stored(platform, "fay@example.com")
            assert renewed != hashed
            assert (await sign("in", during, "fay@example.com")).status_code == 200
            assert await stored(platform, "fay@example.com") == renewed
        async with auth(settings, password_pepper=NEW_PEPPER) as after:
            assert (await sign("in", after, "fay@example.com")).status_code == 200
            assert (await sign("in", after, "gil@example.com")).status_code == 401

    async def test_a_stranger_learns_nothing_by_the_time_it_takes(
        self, platform: Platform, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A wrong password and an unknown address cost as many comparisons."""
        settings = platform.settings
        await sign("up", platform.http, "hal@example.com")
        done: list[bytes] = []
        compare = bcrypt.checkpw

        def counted(given: bytes, hashed: bytes) -> bool:
            done.append(given)
            return compare(given, hashed)

        monkeypatch.setattr(bcrypt, "checkpw", counted)
        async with auth(
            settings, password_pepper=NEW_PEPPER, password_pepper_previous=settings.password_pepper
        ) as during:
            for email in ("hal@example.com", "nobody@example.com"):
                done.clear()
                assert (await sign("in", during, email, "not the password")).status_code == 401
                assert len(done) == 2
