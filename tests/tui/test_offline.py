"""Tix goes away and comes back while its tickets are looked at."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from server.app import create_app, listen, serving
from server.kit.keeper import STREAM
from tests.platform import Platform, free_port
from tests.tui.conftest import Open
from tests.tui.driving import person
from tests.waiting import slowness, until


class Door:
    """A way to the platform on a port of its own, which can be shut as a killed server is."""

    def __init__(self, platform: Platform) -> None:
        self.port = free_port()
        self._to = int(platform.api_url.rpartition(":")[2])
        self._server: asyncio.Server | None = None
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
        await platform.bus.keeper.keep()
        await door.open()
        await tui.sees("Changed meanwhile")
