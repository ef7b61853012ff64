"""The malformed requests again, against processes as deployed: in those Sanic rewrites its own parser."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from server.settings import Settings
from tests.kit.raw import send
from tests.kit.test_guard import REFUSED, SECOND
from tests.kit.test_slow_clients import DOORS, HEAD, held
from tests.platform import Process, environment, free_port

pytestmark = pytest.mark.slow

AT_ONCE = 8
SECRET = "of the tests, " * 3
GOOD = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
TARGET = b"/api/tickets"
PATIENCE = 30
"""Seconds; a head is given 10, an answer 15."""
PARTS = ("auth", "tickets", "orders", "payments")


@asynccontextmanager
async def running(settings: Settings, log: Path, *services: str) -> AsyncIterator[str]:
    """`run` of these, ready; where it is."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    more = {**{f"{name}_url": url for name in PARTS}, "public_url": "https://tix.example"}
    environ = environment(settings, port=port, web_secret=SECRET, forwarded_secret=SECRET, **more)
    process = Process("run", *services, env=environ, log=log)
    try:
        await process.ready(url)
        yield url
    finally:
        await process.end()
    lines = process.log.read_text().splitlines()
    assert [line for line in lines if re.search(r'Traceback|"level": "error"', line)] == []


async def mistakes(url: str, target: bytes) -> list[str]:
    """The requests that were not refused as they should be, each with what came back."""
    few = asyncio.Semaphore(AT_ONCE)

    async def refused(name: str, request: bytes) -> str:
        async with few:
            answer = await send(url, request.replace(TARGET, target), SECOND, patience=3)
        head = answer.text.partition(b"\r\n\r\n")[0].lower()
        is_refused = len(answer.statuses) == 1 and 400 <= answer.statuses[0] < 500
        is_safe = b"connection: close" in head and b"x-content-type-options: nosniff" in head
        if is_refused and is_safe and answer.is_closed and b'"alive"' not in answer.text:
            return ""
        return f"{name}: {answer.text[:200]!r}"

    return [one for one in await asyncio.gather(*(refused(*case) for case in REFUSED.items())) if one]


async def end_of_the_slow(url: str, door: bytes) -> list[bytes]:
    """The status line that clients get who drip a head, and a body, for ever."""
    port = urlsplit(url).port or 0
    head = HEAD.replace(b"DOOR", door)
    heads, bodies = await asyncio.gather(
        held(port, head[:40], b"x", PATIENCE), held(port, head + b"{", b" ", PATIENCE)
    )
    return [said.partition(b"\r\n")[0] for _, said in (heads, bodies)]


async def test_processes_refuse_every_malformed_request_and_end_slow_ones(
    settings: Settings, tmp_path: Path
) -> None:
    """Whatever is asked for: one refusal and the end of the connection. Behind a good one the next counts."""

    async def examine(door: bytes, *services: str) -> None:
        async with running(settings, tmp_path / services[0], *services) as url:
            slow = asyncio.create_task(end_of_the_slow(url, door))
            for target in (door, b"/nowhere"):
                assert await mistakes(url, target) == []
            assert (await send(url, GOOD, SECOND)).statuses == [200, 200]
            assert [line.split()[1] for line in await slow] == [b"408", b"408"]

    await asyncio.gather(examine(DOORS["auth"], "auth", "tickets"), examine(DOORS["web"], "web"))
