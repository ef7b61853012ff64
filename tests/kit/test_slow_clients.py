"""Clients that never finish: the server ends it, by the clock of their first byte, and blames nobody else."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from server.app import create_app, create_web, serving
from server.kit.auth import SigningKey
from server.ports import listen
from server.settings import Settings
from tests.logged import Logged

SECONDS = 0.3
GIVES_UP = 10
"""Seconds after which the client goes itself, if nobody ended it."""
DOORS = {"auth": b"/api/users/signin", "web": b"/signin"}
PAGES = {"auth": b"/api/users/currentuser", "web": b"/signin"}
HEAD = b"POST DOOR HTTP/1.1\r\nHost: x\r\nContent-Length: 10000\r\n\r\n"


@pytest.fixture(scope="module", params=["auth", pytest.param("web", marks=pytest.mark.slow)])
def face(request: pytest.FixtureRequest) -> str:
    """A service or the shop."""
    return str(request.param)


@pytest.fixture(scope="module")
async def port(settings: Settings, face: str) -> AsyncIterator[int]:
    """It over HTTP, with little patience."""
    if face == "web":
        app = create_web(settings, api_url="http://127.0.0.1:9")
    else:
        app = create_app(["auth"], settings, keys=SigningKey(settings.jwt_secret or ""))
    app.config.update(
        {"REQUEST_TIMEOUT": SECONDS, "RESPONSE_TIMEOUT": 2 * SECONDS, "KEEP_ALIVE_TIMEOUT": 3 * SECONDS}
    )
    app.config.TOUCHUP = False  # it works once per process
    sock = listen(0)
    async with serving(app, sock, grace=1):
        yield sock.getsockname()[1]


async def held(port: int, first: bytes, drip: bytes, patience: float = GIVES_UP) -> tuple[float, bytes]:
    """Send `first`, then a drip every 50 ms; for how many seconds, and what the server said."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    started, said = time.monotonic(), b""
    try:
        writer.write(first)
        while time.monotonic() - started < patience:
            try:
                more = await asyncio.wait_for(reader.read(65536), 0.05)
            except TimeoutError:
                writer.write(drip)
                continue
            if not more:
                break
            said += more
    except ConnectionError:
        pass
    finally:
        writer.close()
    return time.monotonic() - started, said


@pytest.mark.parametrize(
    "first",
    [
        b"G",
        b"GET /livez",
        b"GET /livez HTTP/1.1\r\n",
        b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Half",
        b"GET /livez HTTP/1.1\r\nHost: x\r\n",
        b"GET /livez HTTP/1.1\nHost: x\n\n",
    ],
)
@pytest.mark.parametrize("drip", [b"", b"x"], ids=["silent", "dripping"])
async def test_p19_half_a_head_ends_with_408(port: int, first: bytes, drip: bytes) -> None:
    """After REQUEST_TIMEOUT, though a byte arrives every now and then."""
    seconds, said = await held(port, first, drip)
    assert b" 408 " in said
    assert b"application/problem+json" in said or b"<!doctype html>" in said.lower()
    assert SECONDS * 0.8 < seconds < GIVES_UP


@pytest.mark.parametrize("drip", [b"", b"x"], ids=["silent", "dripping"])
@pytest.mark.parametrize("method", [b"POST", b"GET"])
async def test_p19_half_a_body_ends(port: int, face: str, method: bytes, drip: bytes, logged: Logged) -> None:
    """After RESPONSE_TIMEOUT, however slowly it goes on; it is no failure of ours."""
    door = (DOORS if method == b"POST" else PAGES)[face]
    head = HEAD.replace(b"POST", method).replace(b"DOOR", door)
    seconds, said = await held(port, head + b'{"email":', drip)
    assert b" 408 " in said
    assert seconds < GIVES_UP
    assert logged.errors == []


async def test_a_get_may_have_a_body(port: int, face: str, logged: Logged) -> None:
    """It is read and means nothing; left unread Sanic logs an error."""
    head = b"GET %b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\n" % PAGES[face]
    _, said = await held(port, head + b"abc", b"")
    assert said.startswith(b"HTTP/1.1 200 ")
    assert logged.errors == []


async def test_p19_an_idle_connection_ends(port: int) -> None:
    """A kept-alive connection is not kept for ever."""
    seconds, said = await held(port, b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n", b"")
    assert b" 200 " in said
    assert 2 * SECONDS < seconds < GIVES_UP


async def test_p19_a_connection_that_says_nothing_ends(port: int) -> None:
    """Not even one byte is needed to be shown the door."""
    seconds, said = await held(port, b"", b"")
    assert said == b""
    assert seconds < GIVES_UP


async def test_p19_a_client_slow_to_finish_a_refused_body_ends(port: int, face: str) -> None:
    """The rest of a refused body is waited for, but not for ever."""
    head = HEAD.replace(b"DOOR", DOORS[face]).replace(b"10000", b"10000000")
    seconds, said = await held(port, head + b"x" * 100, b"x")
    assert b" 413 " in said
    assert seconds < GIVES_UP
