"""The Caddyfile as Caddy reads it, before a real platform; skipped where there is no Caddy."""

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest

from tests.infra.containers import K8S
from tests.platform import Platform, client, free_port
from tests.waiting import until

pytestmark = pytest.mark.skipif(shutil.which("caddy") is None, reason="no caddy on the path")

NOBODY = "127.0.0.1:9"


@asynccontextmanager
async def edge(directory: Path, upstream: str, **environ: str) -> AsyncIterator[httpx.AsyncClient]:
    """Caddy on ports of its own, all services at `upstream`."""
    port = free_port()
    text = (K8S / "base/Caddyfile").read_text()
    text = re.sub(r"\b(auth|tickets|orders|payments|web):\d+", upstream, text)
    text = text.replace("\n:8080 {", f"\nhttp://127.0.0.1:{port} {{")
    text = text.replace("\n:3000 {", f"\nhttp://127.0.0.1:{free_port()} {{")
    (directory / "Caddyfile").write_text(text)
    process = await asyncio.create_subprocess_exec(
        *("caddy", "run", "--adapter", "caddyfile", "--config", str(directory / "Caddyfile")),
        env={"PATH": os.environ["PATH"], "HOME": str(directory), "PUBLIC_URL": "http://shop.test", **environ},
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with client(f"http://127.0.0.1:{port}") as http:

            async def is_up() -> bool:
                with suppress(httpx.HTTPError):
                    return (await http.get("/livez")).status_code == 200
                return False

            await until(is_up, "the edge is up")
            yield http
    finally:
        process.terminate()
        await process.wait()


def at(platform: Platform) -> str:
    """Its host and port."""
    return platform.api_url.removeprefix("http://")


async def statuses(http: httpx.AsyncClient) -> list[int]:
    """What comes of more sign-ins than one address may try, each of which lies about its address."""
    return [
        (
            await http.post(
                "/api/users/signin",
                json={"email": f"nobody-{number}@example.com", "password": "wrong but long"},
                headers={"X-Forwarded-For": f"198.51.100.{number}", "Forwarded": f"for=198.51.100.{number}"},
            )
        ).status_code
        for number in range(35)
    ]


async def test_it_hands_on_what_is_named_and_nothing_else(platform: Platform, tmp_path: Path) -> None:
    async with edge(tmp_path, at(platform)) as http:
        assert (await http.get("/api/tickets")).json()["items"] == []
        assert (await http.get("/api/orders")).json()["code"] == "unauthenticated"
        assert "keys" in (await http.get("/.well-known/jwks.json")).json()
        for path in ("/metrics", "/readyz", "/docs", "/api/ticketsandmore", "/api"):
            answer = await http.get(path)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
            assert answer.headers["X-Request-Id"] == answer.json()["requestId"]
        assert (await http.get("/")).headers["Location"] == "http://shop.test"
        large = await http.post("/api/tickets", content=b"x" * 1_200_000)
        assert (large.status_code, large.json()["code"]) == (413, "too_large")


async def test_a_client_cannot_choose_its_address(platform: Platform, tmp_path: Path) -> None:
    secret = platform.settings.forwarded_secret or ""
    async with edge(tmp_path, at(platform), FORWARDED_SECRET=secret) as http:
        assert 429 in await statuses(http)


async def test_whom_the_edge_trusts_may_name_it(platform: Platform, tmp_path: Path) -> None:
    """The control: the same lies, from who ends TLS, are whom the requests are from."""
    secret = platform.settings.forwarded_secret or ""
    async with edge(tmp_path, at(platform), FORWARDED_SECRET=secret, TRUSTED_PROXIES="127.0.0.0/8") as http:
        assert set(await statuses(http)) == {401}


async def test_a_stream_arrives_as_it_is_written(platform: Platform, tmp_path: Path) -> None:
    async with (
        edge(tmp_path, at(platform)) as http,
        http.stream("GET", "/api/tickets/events") as stream,
    ):
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        assert (await anext(stream.aiter_lines())).startswith("retry:")


async def test_a_service_that_is_away_is_told_as_our_services_tell_it(tmp_path: Path) -> None:
    async with edge(tmp_path, NOBODY) as http:
        answer = await http.get("/api/tickets")
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert answer.headers["Retry-After"] == "1"
