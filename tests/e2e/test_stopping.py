"""A service that is told to end, by raw sockets and signals: not ready, still there, then gone."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from server.settings import Settings
from tests.platform import Process, client, environment, free_port
from tests.waiting import slowness, until

pytestmark = pytest.mark.slow

DRAIN_SECONDS = 1
BODY = b'{"email":"nobody@example.com","password":"correct horse"}'
HEAD = b"POST /api/users/signin HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
HALF = HEAD % len(BODY) + BODY[:20]
"""A request that is under way until its sender says so; who reads it says 100 Continue."""


@pytest.fixture
async def auth(settings: Settings, tmp_path: Path) -> AsyncIterator[tuple[Process, httpx.AsyncClient, int]]:
    """`run auth`, ready."""
    port = free_port()
    environ = environment(settings, port=port, drain_seconds=DRAIN_SECONDS)
    process = Process("run", "auth", env=environ, log=tmp_path / "auth.log")
    url = f"http://127.0.0.1:{port}"
    await process.ready(url)
    async with client(url) as http:
        yield process, http, port
    if process.status is None:
        await process.end(signal.SIGKILL)


async def under_way(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Half a request, which the service has begun to read."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HALF)
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    return reader, writer


async def test_p18_it_says_so_serves_on_and_finishes(
    auth: tuple[Process, httpx.AsyncClient, int],
) -> None:
    """/readyz says no while new requests are answered still; the one under way is finished; exit 0."""
    process, http, port = auth
    reader, writer = await under_way(port)
    ending = asyncio.create_task(process.end(timeout=15 * slowness()))

    async def is_draining() -> bool:
        answer = await http.get("/readyz")
        return answer.status_code == 503 and answer.json()["failing"] == ["draining"]

    await until(is_draining, "it is not ready any more")
    answer = await http.get("/.well-known/jwks.json")
    assert (answer.status_code, answer.headers["connection"]) == (200, "close")

    async def is_closed() -> bool:
        try:
            await http.get("/livez")
        except httpx.ConnectError:
            return True
        return False

    await until(is_closed, "it takes nothing new")
    assert process.status is None
    writer.write(BODY[20:])
    assert (await reader.read()).startswith(b"HTTP/1.1 401 ")
    writer.close()
    await writer.wait_closed()
    assert await ending == 0
    assert process.log.read_text().count("Traceback") == 0


async def test_two_ctrl_c_at_once_are_one(auth: tuple[Process, httpx.AsyncClient, int]) -> None:
    """From a terminal, and from a reloader that hands its own on."""
    process, http, port = auth
    reader, writer = await under_way(port)
    os.kill(process.pid, signal.SIGINT)

    async def is_draining() -> bool:
        return (await http.get("/readyz")).status_code == 503

    await until(is_draining, "it has heard the first one")
    ending = asyncio.create_task(process.end(signal.SIGINT))
    writer.write(BODY[20:])
    assert (await reader.read()).startswith(b"HTTP/1.1 401 ")
    writer.close()
    assert await ending == 0


async def test_a_second_signal_ends_it_at_once(auth: tuple[Process, httpx.AsyncClient, int]) -> None:
    """Nobody has to wait for what it waits for."""
    process, http, port = auth
    _, writer = await under_way(port)
    ending = asyncio.create_task(process.end(timeout=15 * slowness()))

    async def is_draining() -> bool:
        return (await http.get("/readyz")).status_code == 503

    await until(is_draining, "it has heard the first one")
    began = time.monotonic()
    assert await process.end() == -signal.SIGTERM
    assert await ending == -signal.SIGTERM
    assert time.monotonic() - began < DRAIN_SECONDS * slowness()
    writer.close()
