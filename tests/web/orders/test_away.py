"""Pages of orders while a service that they can do without is away, or hangs."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from server.app import create_web, serving
from server.ports import listen
from server.settings import Settings
from server.web import asking
from server.web.bff import NOUNS
from tests.concurrency.races import expire_now
from tests.platform import Platform, free_port
from tests.web.orders.conftest import NewBrowser
from tests.web.orders.test_paying import listed, page_saying
from tests.web.services import hanging


@asynccontextmanager
async def shop_without(
    platform: Platform, settings: Settings, *services: str, at: str | None = None
) -> AsyncIterator[str]:
    """The address of a shop that looks for these services where nothing is, or there."""
    nowhere = at or f"http://127.0.0.1:{free_port()}"
    homes = {f"{name}_url": nowhere if name in services else platform.api_url for name in NOUNS}
    sock = listen(free_port())
    async with serving(create_web(settings.model_copy(update=homes)), sock, grace=2):
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"


async def test_without_payments_an_order_is_shown(
    platform: Platform, settings: Settings, person: NewBrowser
) -> None:
    browser = await person()
    order = await browser.reserve(await listed(platform))
    async with shop_without(platform, settings, "payments") as shop:
        page = await browser.open(f"{shop}{order.path}")
    assert (page.status, page.text.count("Time left to pay:")) == (200, 1)


async def test_nor_is_it_held_up_by_services_that_hang_however_many_there_are(
    platform: Platform, settings: Settings, person: NewBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order that is over asks two that it can do without, one after the other."""
    assert asking.PATIENCE_SECONDS <= 1
    monkeypatch.setattr(asking, "PATIENCE_SECONDS", 2.0)
    browser = await person()
    order = await browser.reserve(await listed(platform))
    await expire_now(platform, order.path.rpartition("/")[2])
    await page_saying(browser, order.path, "Not paid in time.")
    async with hanging() as at, shop_without(platform, settings, "payments", "tickets", at=at) as shop:
        began = time.monotonic()
        page = await browser.open(f"{shop}{order.path}")
        took = time.monotonic() - began
    assert (page.status, page.read.links.keys() >= {"See if the ticket is still free"}) == (200, True)
    assert 2 <= took < 3.9, "one patience for both"


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
