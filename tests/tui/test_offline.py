"""Tix goes away and comes back while its tickets are looked at."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from server.app import create_app, serving
from server.kit.keeper import STREAM
from server.ports import listen
from tests.platform import Platform, free_port
from tests.tui.conftest import Open
from tests.tui.driving import person
from tests.waiting import slowness, until
from tui.session import DEAD_SECONDS


class Door:
    """A way to the platform on a port of its own, which can be shut as a killed server is."""

    def __init__(self, platform: Platform) -> None:
        self.port = free_port()
        self._to = int(platform.api_url.rpartition(":")[2])
        self._server: asyncio.Server | None = None
        self.lets_through = asyncio.Event()
        self.lets_through.set()
        self._passing: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """What leads through it."""
        return f"http://127.0.0.1:{self.port}"

    async def open(self) -> None:
        """Let all through."""
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", self.port)

    async def shut(self) -> None:
        """Nobody listens any more, and every connection is cut."""
        assert self._server is not None
        self.lets_through.set()
        self._server.close()
        for writer in tuple(self._passing):
            writer.transport.abort()
        await until(lambda: not self._passing, "nobody is inside")

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection("127.0.0.1", self._to)
        ends = {writer, there[1]}
        self._passing |= ends
        try:
            await asyncio.gather(self._carry(reader, there[1]), self._carry(there[0], writer))
        finally:
            for one in ends:
                one.close()
            self._passing -= ends

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while chunk := await reader.read(65536):
                await self.lets_through.wait()
                writer.write(chunk)
                await writer.drain()
        except OSError:
            pass
        writer.close()


@pytest.fixture
async def door(platform: Platform) -> AsyncIterator[Door]:
    """An open one."""
    made = Door(platform)
    await made.open()
    yield made
    await made.shut()


@pytest.mark.alone
async def test_t09_a_killed_server_is_told_within_2_s_and_what_changed_meanwhile_is_shown_after_it(
    platform: Platform, open_tui: Open, door: Door
) -> None:
    seller, buyer, other = platform.user(), await person(platform), platform.user()
    ticket = await seller.list_ticket(title="Front row")
    async with open_tui(door.url, buyer) as tui:
        await tui.sees("Front row", "Press b to hold it")
        slow = slowness()
        await door.shut()
        await tui.sees("! offline", "does not answer", " s old", timeout=2 * slow)
        await tui.sees("Tix does not answer; nothing can be changed")
        await tui.press("b")
        await tui.hears("Tix does not answer; nothing can be changed until it does.")
        await other.hold(ticket["id"])
        await seller.list_ticket(title="New meanwhile")
        await door.open()
        await tui.misses("! offline", timeout=5 * slow)
        await tui.sees("New meanwhile", "◐  Front row", timeout=5 * slow)
        await tui.press("r")
        await tui.sees("Somebody holds it")


@pytest.mark.alone
async def test_t09_a_server_that_ends_in_order_is_missed_within_2_s_too(
    platform: Platform, open_tui: Open
) -> None:
    """Its streams end whole, with a hint to come back later; that is looked into."""
    seller, buyer = platform.user(), await person(platform)
    await seller.list_ticket(title="In order")
    port = free_port()
    async with AsyncExitStack() as stack:
        app = create_app(["auth", "tickets", "orders"], platform.settings)
        await stack.enter_async_context(serving(app, listen(port), grace=2))
        async with open_tui(f"http://127.0.0.1:{port}", buyer) as tui:
            await tui.sees("In order", "Press b to hold it")
            slow = slowness()
            await stack.aclose()
            await tui.sees("! offline", timeout=2 * slow)
            again = create_app(["auth", "tickets", "orders"], platform.settings)
            async with serving(again, listen(port), grace=2):
                await seller.list_ticket(title="After it")
                await tui.misses("! offline", timeout=5 * slow)
                await tui.sees("After it", timeout=5 * slow)


@pytest.mark.alone
async def test_t09_a_silent_network_is_noticed_too(platform: Platform, open_tui: Open, door: Door) -> None:
    """Nothing is cut off and nothing comes: the server says something every 10 s, which is too seldom."""
    seller = platform.user()
    await seller.list_ticket(title="Heard of")
    async with open_tui(door.url, await person(platform)) as tui:
        await tui.sees("Heard of", "Press b to hold it")
        await until(lambda: tui.app.session.streams, "it follows")
        slow = slowness()
        door.lets_through.clear()
        await seller.list_ticket(title="Unheard of")
        await tui.sees("! offline", " s old", timeout=6 * slow)
        door.lets_through.set()
        await tui.misses("! offline", timeout=5 * slow)
        await tui.sees("Unheard of", timeout=5 * slow)


async def test_t09_a_stream_that_died_unheard_is_asked_for_again(
    platform: Platform, open_tui: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a laptop was asleep: Tix answers, and its stream does not."""
    await platform.user().list_ticket(title="Heard of")
    async with open_tui(platform, await person(platform)) as tui:
        await tui.sees("Heard of", "Press b to hold it")
        session = tui.app.session
        [first] = await until(lambda: session.streams, "it follows")

        def is_anew() -> bool:
            first.heard_at -= DEAD_SECONDS  # whatever it heard meanwhile
            return bool(session.streams) and first not in session.streams

        await until(is_anew, "it follows anew")
        assert session.is_online
        await platform.user().list_ticket(title="Heard anew")
        await tui.sees("Heard anew")


async def test_t01_what_was_kept_is_dimmed_and_has_its_age_until_tix_answers(
    open_tui: Open, home: Path, door: Door, platform: Platform
) -> None:
    """Even before it is known that nobody answers."""
    seller = platform.user()
    await seller.list_ticket(title="Kept one")
    async with open_tui(platform) as tui:
        await tui.sees("Kept one", "newest first")
        view: Any = tui.app.screen
        await until(lambda: not view.is_stale(), "it was read")
    path = home / ".local/state/tix/tui/default.json"
    state = json.loads(path.read_text())
    state["seen"] -= 2 * 3600
    path.write_text(json.dumps(state))
    door.lets_through.clear()
    async with open_tui(door.url) as tui:
        await tui.sees("Kept one", "as they were 2 h ago")
        assert tui.app.session.is_online is None
        view = tui.app.screen
        assert view.is_stale()
        await tui.sees("! offline", "this is 2 h old", timeout=3 * slowness())
        door.lets_through.set()
        await tui.misses("! offline", timeout=15)
        await tui.misses("as they were")
        assert not view.is_stale()


@pytest.mark.alone
async def test_t09_r_tries_at_once(platform: Platform, open_tui: Open, door: Door) -> None:
    await platform.user().list_ticket(title="At once")
    async with open_tui(door.url, await person(platform)) as tui:
        await tui.sees("At once", "Press b to hold it")
        await door.shut()
        await tui.sees("! offline")
        slow = slowness()
        began = time.monotonic()
        await door.open()
        await tui.press("r")
        await tui.misses("! offline", timeout=5 * slow)
        assert time.monotonic() - began < 1.5 * slow


@pytest.mark.alone
async def test_t09_what_a_server_forgot_is_read_anew(platform: Platform, open_tui: Open, door: Door) -> None:
    """The place in the stream means nothing any more; last here, since consumers are forgotten, too."""
    seller, buyer = platform.user(), await person(platform)
    ticket = await seller.list_ticket(title="Before the loss")
    async with open_tui(door.url, buyer) as tui:
        await tui.sees("Before the loss", "Press b to hold it")
        await door.shut()
        await tui.sees("! offline")
        change = {"title": "Changed meanwhile", "price": 4500, "version": ticket["version"]}
        assert (await seller.put(f"/api/tickets/{ticket['id']}", change)).status_code == 200
        assert platform.bus is not None
        await platform.bus.jetstream.delete_stream(STREAM)
        await platform.bus.keeper.make()
        await door.open()
        await tui.sees("Changed meanwhile")
