"""`tix orders watch` while the platform is stopped, killed and started again."""

import asyncio
import json
import signal
import sys
from contextlib import AsyncExitStack
from typing import Any

import pytest

from server.kit.auth import SigningKey
from server.whole import GRACE_SECONDS
from tests.e2e.conftest import Up
from tests.platform import ROOT, Platform, client, environment, pools
from tests.streams.following import following


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_c11_a_restart_misses_and_repeats_nothing(up: Up, number: signal.Signals) -> None:
    """Also a step taken a moment before, of which it may or may not have been told: each is a line, once."""
    process = await up.start()
    settings = up.settings()
    async with client(up.api_url) as http, pools(settings) as sessions:
        key = SigningKey(settings.jwt_secret or "")
        platform = Platform(up.api_url, settings, key, http, sessions)
        seller, buyer = platform.user(), platform.user()
        order = await buyer.hold((await seller.list_ticket())["id"])
        token = buyer.headers["Authorization"].removeprefix("Bearer ")
        watching = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cli", "orders", "watch", order["id"], "--json", "--timeout", "90"),
            cwd=ROOT,
            env={
                **environment(settings),
                "TIX_API_URL": up.api_url,
                "TIX_TOKEN": token,
                "HOME": str(up.data),
            },
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert watching.stdout is not None
        told: list[Any] = [json.loads(await asyncio.wait_for(watching.stdout.readline(), 20))]
        assert (await buyer.post(f"/api/orders/{order['id']}/extend", None)).status_code == 200
        assert await process.end(number, timeout=20) == {signal.SIGTERM: 0}.get(number, -number)
        await up.none_left(10)
        await up.start()
        assert (await buyer.pay(order["id"])).is_success
        out, errors = await asyncio.wait_for(watching.communicate(), 60)
        told += [json.loads(text) for text in out.splitlines()]
    assert (watching.returncode, [one["version"] for one in told]) == (0, [1, 2, 3, 4]), errors
    assert [one["status"] for one in told] == ["created", "created", "accepted", "complete"]


@pytest.mark.slow
async def test_a_stop_does_not_wait_for_streams(up: Up) -> None:
    """Fifty do not cost the time that requests in flight are given; each is told when to come back."""
    process = await up.start()
    loop = asyncio.get_running_loop()
    begun = loop.time()
    assert await process.end() == 0
    without = loop.time() - begun
    process = await up.start()
    async with client(up.api_url) as http, AsyncExitStack() as clients:
        streams = [
            await clients.enter_async_context(following(http, "/api/tickets/events")) for _ in range(50)
        ]
        for stream in streams:
            await stream.has("ready")
        begun = loop.time()
        assert await process.end() == 0
        stopped = loop.time() - begun
        for stream in streams:
            await stream.ended()
            assert stream.broke is None
            assert len(stream.retries) == 2
    assert stopped < without + GRACE_SECONDS
