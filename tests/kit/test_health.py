"""/livez and /readyz, by these names, at every service (P04)."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from server.app import create_app, serving
from server.crew import looped
from server.kit.auth import SigningKey
from server.ports import listen
from server.settings import SERVICES, Service, Settings
from tests.problems import assert_problem


async def broken() -> None:
    """A part that says no."""
    raise ConnectionError("postgres://tix:secret@10.0.0.1/tix does not answer")


async def hanging() -> None:
    """A part that says nothing."""
    await asyncio.Event().wait()


@asynccontextmanager
async def served(settings: Settings, service: Service, **checks: object) -> AsyncIterator[httpx.AsyncClient]:
    """One service over HTTP."""
    key = SigningKey(settings.jwt_secret or "")
    app = create_app([service], settings, keys=key, checks=checks)  # type: ignore[arg-type]
    app.config.TOUCHUP = False  # it works once per process
    sock = listen(0)
    async with (
        serving(app, sock, grace=1),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{sock.getsockname()[1]}", trust_env=False) as http,
    ):
        yield http


@pytest.mark.parametrize("service", SERVICES)
async def test_p04_every_service_serves_the_probes(settings: Settings, service: Service) -> None:
    """At the paths that the manifests ask."""
    async with served(settings, service) as http:
        live, ready = await http.get("/livez"), await http.get("/readyz")
    assert (live.status_code, ready.status_code) == (200, 200)
    assert ready.json() == {"status": "ready"}


async def test_p04_readyz_names_the_failing_part(settings: Settings) -> None:
    """And only its name; a part that hangs fails too, and liveness does not depend on either."""
    async with served(settings, "tickets", bus=broken, alarms=hanging) as http:
        ready, live = await http.get("/readyz"), await http.get("/livez")
    assert sorted(assert_problem(ready, 503, "not_ready")["failing"]) == ["alarms", "bus"]
    assert live.status_code == 200


async def test_p17_readyz_says_when_the_database_is_away(settings: Settings) -> None:
    """The service's own, by name."""

    async def away() -> None:
        raise TimeoutError

    async with served(settings, "orders", orders=away) as http:
        ready = await http.get("/readyz")
    assert assert_problem(ready, 503, "not_ready")["failing"] == ["orders"]


def test_who_cannot_listen_is_not_up(settings: Settings) -> None:
    """A port that was only bound, another may have by now; uvloop goes on, and the other answers for us."""
    ours, theirs = listen(0), socket.socket()
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    theirs.bind(ours.getsockname())
    theirs.listen()

    async def serve() -> int:
        async with serving(create_app([], settings), ours):
            return 0

    try:
        with pytest.raises(OSError, match="in use"):
            looped(serve())
    finally:
        ours.close()
        theirs.close()
