"""The other services' keys: fetched from auth over HTTP, and what happens while auth is away."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sanic import HTTPResponse, Request, Sanic
from sanic.response import json

from server.app import create_app, serving
from server.kit.auth import RemoteKeys, SigningKey
from server.kit.errors import Unavailable
from server.ports import listen
from server.settings import Settings
from tests.platform import User, free_port
from tests.problems import assert_problem
from tests.waiting import until


@dataclass
class Auth:
    """auth's key set on a port of its own, which can be away, hang or lie."""

    port: int = field(default_factory=free_port)
    keys: list[SigningKey] = field(default_factory=lambda: [SigningKey("first secret, 32 characters long")])
    asked: int = 0
    body: object = None
    hangs: asyncio.Event | None = None

    @property
    def url(self) -> str:
        """JWKS_URL."""
        return f"http://127.0.0.1:{self.port}/jwks.json"

    def app(self) -> "Sanic[Any, Any]":
        """The server."""
        app: Sanic[Any, Any] = Sanic(f"auth-{uuid4().hex}", configure_logging=False)
        app.config.TOUCHUP = False
        app.config.MOTD = False
        app.ctx.draining = False

        @app.get("/jwks.json")
        async def jwks(_: Request) -> HTTPResponse:
            self.asked += 1
            if self.hangs is not None:
                await self.hangs.wait()
            return json(self.body or {"keys": [key.jwks()["keys"][0] for key in self.keys]})

        return app


@pytest.fixture
async def auth() -> AsyncIterator[Auth]:
    """It answers."""
    made = Auth()
    async with serving(made.app(), listen(made.port), grace=0):
        yield made
        if made.hangs is not None:
            made.hangs.set()


async def test_a_key_is_fetched_once(auth: Auth) -> None:
    """Fifty requests at once ask auth one time."""
    remote, kid = RemoteKeys(auth.url), auth.keys[0].kid
    found = await asyncio.gather(*(remote.find(kid) for _ in range(50)))
    assert all(key is not None for key in found)
    assert auth.asked == 1


async def test_p14_invented_key_ids_do_not_hammer_auth(auth: Auth) -> None:
    """An unknown id is asked for at most every few seconds, by whoever comes."""
    remote = RemoteKeys(auth.url)
    assert [await remote.find(f"invented-{n}") for n in range(20)] == [None] * 20
    assert auth.asked == 1


async def test_a_new_key_is_found_after_a_while(auth: Auth, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rotation needs no restart; the old key goes when auth drops it."""
    monkeypatch.setattr(RemoteKeys, "AGAIN_SECONDS", 0)
    remote, old, new = RemoteKeys(auth.url), auth.keys[0], SigningKey("second secret, 32 characters lon")
    assert await remote.find(old.kid) is not None
    auth.keys = [new]
    assert await remote.find(new.kid) is not None
    assert await remote.find(old.kid) is None


async def test_a_withdrawn_key_is_forgotten_though_nobody_brings_another(
    auth: Auth, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By each process that serves; while auth is away it keeps what it has."""
    monkeypatch.setattr(RemoteKeys, "WATCH_SECONDS", 0.02)
    app = create_app(["orders"], settings.model_copy(update={"jwks_url": auth.url}))
    app.config.TOUCHUP = False
    remote, old = app.ctx.keys, auth.keys[0]
    async with serving(app, listen(0), grace=0):
        assert await remote.find(old.kid) is not None
        auth.body = ["no key set"]
        before = auth.asked
        await until(lambda: auth.asked > before + 1, "it asked in vain")
        assert await remote.find(old.kid) is not None
        auth.body, auth.keys = None, [SigningKey("second secret, 32 characters lon")]

        async def forgotten() -> bool:
            return await remote.find(old.kid) is None

        await until(forgotten, "the old key is gone")


async def test_while_auth_is_away_nothing_can_be_said_of_a_token() -> None:
    """503, not 401: the token may be good."""
    remote = RemoteKeys(f"http://127.0.0.1:{free_port()}/jwks.json")
    for _ in range(3):
        with pytest.raises(Unavailable):
            await remote.find("any")


async def test_known_keys_work_while_auth_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are in memory; an unknown one is unknown."""
    monkeypatch.setattr(RemoteKeys, "AGAIN_SECONDS", 0)
    auth = Auth()
    remote = RemoteKeys(auth.url)
    async with serving(auth.app(), listen(auth.port), grace=0):
        assert await remote.find(auth.keys[0].kid) is not None
    assert await remote.find(auth.keys[0].kid) is not None
    assert await remote.find("unknown") is None


async def test_p19_known_keys_do_not_wait_for_an_invented_one(
    auth: Auth, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody with a forged key id must not hold up everybody else while auth hangs."""
    monkeypatch.setattr(RemoteKeys, "AGAIN_SECONDS", 0)
    remote = RemoteKeys(auth.url)
    await remote.find(auth.keys[0].kid)
    auth.hangs = asyncio.Event()
    stuck = asyncio.create_task(remote.find("invented"))
    async with asyncio.timeout(1):
        assert await remote.find(auth.keys[0].kid) is not None
    assert not stuck.done()
    auth.hangs.set()
    assert await stuck is None


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"nothing": 1},
        {"keys": 1},
        {"keys": [{}]},
        {"keys": [{"kid": "a", "x": "short"}]},
        {"keys": ["a"]},
    ],
)
async def test_an_answer_that_is_no_key_set_is_as_good_as_none(auth: Auth, body: object) -> None:
    """Some other server on that port."""
    auth.body = body or ["empty"]
    with pytest.raises(Unavailable):
        await RemoteKeys(auth.url).find("a")


async def test_a_service_without_auth_verifies_by_its_keys(settings: Settings, auth: Auth) -> None:
    """tickets alone: 200 with auth's token, 401 with another's, 503 before auth was ever reached."""
    away = settings.model_copy(update={"jwks_url": f"http://127.0.0.1:{free_port()}/jwks.json"})
    for given, expected in ((settings.model_copy(update={"jwks_url": auth.url}), 404), (away, 503)):
        app = create_app(["orders"], given)
        app.config.TOUCHUP = False
        sock = listen(0)
        url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        async with serving(app, sock, grace=0), httpx.AsyncClient(base_url=url, trust_env=False) as http:
            token, _ = auth.keys[0].mint(user_id=uuid4(), email="a@b.de", lifetime=timedelta(hours=1))
            user = User(uuid4(), http, {"Authorization": f"Bearer {token}"})
            answer = await user.get(f"/api/orders/{uuid4()}")
            assert_problem(answer, expected, "order_not_found" if expected == 404 else "unavailable")
            if expected == 404:
                forged, _ = SigningKey("x" * 32).mint(
                    user_id=uuid4(), email="a@b.de", lifetime=timedelta(hours=1)
                )
                other = User(uuid4(), http, {"Authorization": f"Bearer {forged}"})
                assert_problem(await other.get("/api/orders"), 401, "unauthenticated")
