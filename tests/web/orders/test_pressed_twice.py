"""A form sent once more while the first is still at work: nothing is refused, and one may press again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.platform import Platform
from tests.waiting import until
from tests.web.orders.conftest import NewBrowser
from tests.web.orders.test_orders import sold
from tests.web.orders.test_paying import PAY, listed, page_saying
from tests.web.visiting import Browser, Page


@asynccontextmanager
async def at_work(
    platform: Platform, browser: Browser, page: Page, action: str, *, table: str = "orders", **typed: str
) -> AsyncIterator[Page]:
    """What the second is answered; the first waits for this table, of the service of that name."""
    async with platform.database(table) as session:
        transaction = session.transaction()
        await transaction.start()
        await session.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
        first = asyncio.create_task(browser.send(page, action, **typed))
        try:
            has_key = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
            await until(lambda: session.fetchval(has_key), "the first has its key")
            yield await browser.send(page, action, **typed)
        finally:
            await transaction.rollback()
    assert (await first).status == 200


async def test_reserve_and_add_time(platform: Platform, person: NewBrowser) -> None:
    browser = await person()
    page = await browser.open(f"/tickets/{await listed(platform)}")
    async with at_work(platform, browser, page, f"{page.path}/reserve") as meanwhile:
        assert (meanwhile.status, meanwhile.path) == (200, page.path)
    order = await browser.click(
        await page_saying(browser, page.path, "You hold this ticket."), "Go to your order"
    )
    async with at_work(platform, browser, order, f"{order.path}/extend") as meanwhile:
        assert (meanwhile.status, meanwhile.path) == (200, order.path)
    assert "You added time." in (await browser.open(order.path)).text


async def test_list_a_ticket(platform: Platform, person: NewBrowser) -> None:
    seller = await person()
    page = await seller.open("/sell/new")
    typed = {"title": "Pressed twice", "price": "45.00"}
    async with at_work(platform, seller, page, "/sell/new", table="tickets", **typed) as meanwhile:
        assert (meanwhile.status, meanwhile.path) == (200, "/sell")
    made = "SELECT count(*) FROM tickets WHERE title = 'Pressed twice'"
    assert await platform.count("tickets", made) == 1


async def test_refund(platform: Platform, person: NewBrowser) -> None:
    seller, _, path = await sold(platform, person)
    page = await seller.open(f"{path}/refund")
    async with at_work(platform, seller, page, f"{path}/refund") as meanwhile:
        assert (meanwhile.status, meanwhile.path) == (200, path)


async def test_pay_on_stripes_page(platform: Platform, person: NewBrowser) -> None:
    browser = await person()
    order = await browser.reserve(await listed(platform))
    review = await browser.click(order, PAY)
    async with at_work(platform, browser, review, review.path, table="payments") as meanwhile:
        assert (meanwhile.status, meanwhile.path) == (503, review.path)
        assert "Stripe's page is not open yet. Nothing was taken" in meanwhile.text
