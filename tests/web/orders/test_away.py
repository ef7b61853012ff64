"""Pages of orders while a service that they can do without is away, or hangs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from server.app import create_web, listen, serving
from server.settings import Settings
from server.web import asking
from server.web.bff import NOUNS
from tests.concurrency.races import expire_now
from tests.platform import Platform, free_port
from tests.web.orders.conftest import NewBrowser
from tests.web.orders.test_paying import listed, page_saying


@asynccontextmanager
async def shop_without(
    platform: Platform, settings: Settings, service: str, *, port: int | None = None
) -> AsyncIterator[str]:
    """The address of a shop that looks for this service where nothing is, or at that port."""
    services = {f"{name}_url": platform.api_url for name in NOUNS}
    services[f"{service}_url"] = f"http://127.0.0.1:{port or free_port()}"
    sock = listen(free_port())
    async with serving(create_web(settings.model_copy(update=services)), sock, grace=2):
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"


async def test_without_payments_an_order_is_shown(
    platform: Platform, settings: Settings, person: NewBrowser
) -> None:
    browser = await person()
    order = await browser.reserve(await listed(platform))
    async with shop_without(platform, settings, "payments") as shop:
        page = await browser.open(f"{shop}{order.path}")
    assert (page.status, page.text.count("Time left to pay:")) == (200, 1)


async def test_nor_is_it_held_up_by_payments_that_hang(
    platform: Platform, settings: Settings, person: NewBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "PATIENCE_SECONDS", 0.2)
    browser = await person()
    order = await browser.reserve(await listed(platform))
    done = asyncio.Event()

    async def hang(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await done.wait()
        writer.close()

    async with await asyncio.start_server(hang, "127.0.0.1") as payments:
        port = payments.sockets[0].getsockname()[1]
        async with shop_without(platform, settings, "payments", port=port) as shop, asyncio.timeout(8):
            page = await browser.open(f"{shop}{order.path}")
        done.set()
    assert (page.status, page.text.count("Time left to pay:")) == (200, 1)


async def test_without_tickets_an_order_that_is_over_leads_to_the_tickets_page(
    platform: Platform, settings: Settings, person: NewBrowser
) -> None:
    browser = await person()
    ticket_id = await listed(platform)
    order = await browser.reserve(ticket_id)
    await expire_now(platform, order.path.rpartition("/")[2])
    await page_saying(browser, order.path, "Not paid in time.")
    async with shop_without(platform, settings, "tickets") as shop:
        page = await browser.open(f"{shop}{order.path}")
    assert page.status == 200
    assert page.buttons == []
    assert page.read.links["See if the ticket is still free"] == f"/tickets/{ticket_id}"
    assert "not free any more" not in page.text


async def test_without_orders_a_ticket_is_shown(
    platform: Platform, settings: Settings, person: NewBrowser
) -> None:
    browser = await person()
    ticket_id = await listed(platform)
    await browser.reserve(ticket_id)
    await platform.ticket_in(ticket_id, "reserved")
    async with shop_without(platform, settings, "orders") as shop:
        page = await browser.open(f"{shop}/tickets/{ticket_id}")
    assert page.status == 200
    assert "Somebody holds this ticket." in page.text
