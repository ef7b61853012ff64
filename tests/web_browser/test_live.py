"""Pages that follow what happens: at once, over a restart, paused, and without moving anything."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from server.app import create_app, create_web, serving
from server.ports import listen
from server.settings import SERVICES, Settings
from tests.concurrency.races import expire_now
from tests.dashboard import GOOD_CARD
from tests.platform import Platform, User, free_port
from tests.waiting import slowness, until
from tests.web_browser.browsing import DESK, PHONE, Come, Watch, reserve, sign_up
from tests.web_browser.conftest import NewTicket

pytestmark = pytest.mark.browser

AT_ONCE_MS = 1000
HIDE = """is => {
  Object.defineProperty(document, "hidden", {configurable: true, get: () => is});
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@asynccontextmanager
async def follows(page: Page) -> AsyncIterator[None]:
    """The page that is opened here has its stream."""
    async with page.expect_response("**/events"):
        yield


async def give_up(page: Page, order_id: str) -> None:
    """In another tab of the same person."""
    other = await page.context.new_page()
    await other.goto(f"/orders/{order_id}")
    await other.get_by_role("button", name="Give up").click()
    await expect(other.locator(".badge.cancelled")).to_be_visible()
    await other.close()


async def places(page: Page, *parts: Locator) -> list[Any]:
    """Where these are and how far the page is scrolled, in whole pixels."""
    boxes = [await part.bounding_box() for part in parts]
    where = [[round(box[side]) for side in ("x", "y", "width", "height")] for box in boxes if box]
    return [*where, await page.evaluate("[scrollX, scrollY]")]


class TestAtOnce:
    """A change, and the page says so."""

    async def test_w18_an_order_that_another_tab_gives_up(self, come: Come, listed: NewTicket) -> None:
        page = await come()
        await sign_up(page)
        async with follows(page):
            order_id = await reserve(page, await listed())
        await give_up(page, order_id)
        within = AT_ONCE_MS * slowness()
        await expect(page.locator(".badge.cancelled")).to_be_visible(timeout=within)
        await expect(page.get_by_role("button", name="Try to hold again")).to_be_visible()
        await expect(page.locator("#said")).to_contain_text("You gave it up. Nothing was taken")
        await expect(page.locator(".live button")).to_be_hidden()  # nothing comes any more
        assert page.url.endswith(order_id)

    async def test_w18_the_clock_runs_on_when_another_tab_adds_time(
        self, come: Come, listed: NewTicket
    ) -> None:
        page = await come()
        await sign_up(page)
        order_id = await reserve(page, await listed())
        async with follows(page):
            await page.goto(f"/orders/{order_id}/payment")
        other = await page.context.new_page()
        await other.goto(f"/orders/{order_id}")
        await other.get_by_role("button", name="Add time").click()
        await expect(page.get_by_role("timer")).to_contain_text("19:", timeout=AT_ONCE_MS * slowness() + 1000)

    async def test_w18_over_a_restart_of_the_service(
        self, come: Come, listed: NewTicket, seller: User, settings: Settings, watch: Watch
    ) -> None:
        ticket = await listed(price=4500)
        async with AsyncExitStack() as stack:
            api, shop = free_port(), free_port()
            web = create_web(settings, api_url=f"http://127.0.0.1:{api}")
            await stack.enter_async_context(serving(web, listen(shop), grace=2))
            page = await come(f"http://127.0.0.1:{shop}")
            price, old = page.locator(".panel .price"), page.get_by_text("No connection; this may be old.")
            async with serving(create_app(SERVICES, settings), listen(api), grace=2):
                async with follows(page):
                    await page.goto(f"/tickets/{ticket}")
                await expect(old).to_be_hidden()
            await expect(old).to_be_visible()
            meanwhile = await seller.put(f"/api/tickets/{ticket}", {"price": 5000, "version": 0})
            assert meanwhile.status_code == 200
            async with serving(create_app(SERVICES, settings), listen(api), grace=2):
                await expect(price).to_have_text("50.00 USD")
                await expect(old).to_be_hidden()
                await seller.put(f"/api/tickets/{ticket}", {"price": 5500, "version": 1})
                await expect(price).to_have_text("55.00 USD", timeout=AT_ONCE_MS * slowness())
                await page.context.close()
        assert all(
            "503" in it or "ERR_" in it for it in watch.complaints
        )  # the browser notes that it was away
        watch.complaints.clear()


class TestNothingMoves:
    """Whoever reads, types or aims goes on."""

    @pytest.mark.parametrize("screen", [DESK, PHONE], ids=["desk", "phone"])
    async def test_w19_tickets(
        self, come: Come, listed: NewTicket, seller: User, screen: dict[str, int]
    ) -> None:
        last = await listed(title="A word that changes")
        first = await listed(title="One above", price=4500)
        page = await come(viewport=screen)
        async with follows(page):
            await page.goto("/tickets")
        card = page.locator(f"[data-ticket='{last}'] a")
        await card.focus()
        await card.hover()
        before = await places(page, card, page.locator(".cards"))
        await seller.put(f"/api/tickets/{first}", {"price": 99_999_900, "version": 0})
        await expect(page.locator(f"[data-ticket='{first}'] .price")).to_have_text("999,999.00 USD")
        await seller.delete(f"/api/tickets/{last}")
        await expect(page.locator("#said")).to_have_text("A word that changes: Withdrawn.")
        assert await places(page, card, page.locator(".cards")) == before
        await expect(card).to_be_focused()

    @pytest.mark.parametrize("screen", [DESK, PHONE], ids=["desk", "phone"])
    async def test_w19_an_order(self, come: Come, listed: NewTicket, screen: dict[str, int]) -> None:
        page = await come(viewport=screen)
        await sign_up(page)
        async with follows(page):
            order_id = await reserve(page, await listed())
        pay = page.get_by_role("link", name="Pay")
        await pay.focus()
        await pay.hover()
        before = await places(page, pay, page.get_by_role("button", name="Give up"))
        await give_up(page, order_id)
        over = page.locator("#over")
        await expect(over).to_contain_text("You gave it up.")
        await expect(pay).to_have_attribute("aria-disabled", "true")
        await pay.press("Enter")
        await expect(pay).to_be_focused()
        assert await places(page, pay, page.get_by_role("button", name="Give up")) == before
        # Once nobody aims at it, the page is as if it were loaded now.
        await pay.blur()
        await page.mouse.move(1, 1)
        await expect(page.locator(".badge.cancelled")).to_be_visible()
        await expect(page.get_by_role("button", name="Try to hold again")).to_have_count(1)

    async def test_w19_paused(self, come: Come, listed: NewTicket, seller: User) -> None:
        ticket = await listed(price=4500)
        page, control = await come(), await come()
        for one in (page, control):
            async with follows(one):
                await one.goto(f"/tickets/{ticket}")
        await page.get_by_role("button", name="Live updates").press("Enter")
        await expect(page.get_by_role("button", name="Live updates")).to_have_attribute(
            "aria-pressed", "false"
        )
        await page.reload()  # and it stays so
        await seller.put(f"/api/tickets/{ticket}", {"price": 5000, "version": 0})
        await expect(control.locator(".panel .price")).to_have_text("50.00 USD")
        await expect(page.locator(".panel .price")).to_have_text("45.00 USD")
        await page.get_by_role("button", name="Live updates").press("Enter")
        await expect(page.locator(".panel .price")).to_have_text("50.00 USD")

    async def test_one_stream_a_tab_and_none_of_a_hidden_one(
        self, come: Come, platform: Platform, listed: NewTicket
    ) -> None:
        assert platform.streams is not None
        feed = platform.streams.feed
        page = await come()
        await until(lambda: feed.followers == 0, "those of other tests have left")
        for path in (f"/tickets/{await listed()}", "/tickets"):
            async with follows(page):
                await page.goto(path)
        await until(lambda: feed.followers == 1, "the page before has left")
        await page.evaluate(HIDE, arg=True)
        await until(lambda: feed.followers == 0, "a page that nobody sees has left")
        async with follows(page):
            await page.evaluate(HIDE, arg=False)
        await until(lambda: feed.followers == 1, "it is back")


class TestTheEnd:
    """A hold that ends while its buyer pays."""

    async def test_w07_what_was_typed_stays_and_nothing_is_sent(
        self, come: Come, platform: Platform, listed: NewTicket
    ) -> None:
        page = await come()
        await sign_up(page)
        ticket_id = await listed()
        order_id = await reserve(page, ticket_id)
        async with follows(page):
            await page.goto(f"/orders/{order_id}/payment")
        number = page.get_by_label("Card number")
        await number.fill(GOOD_CARD)
        typed = await number.input_value()
        await expire_now(platform, order_id)
        over = page.locator("#over")
        await expect(over).to_contain_text("Not paid in time. Nothing was taken")
        await expect(number).to_be_focused()
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.url))
        for name in ("Pay 45.00 USD", "Pay on Stripe's page instead"):
            button = page.get_by_role("button", name=name)
            await expect(button).to_have_attribute("aria-disabled", "true")
            await expect(button).to_have_accessible_description(
                re.compile("^Not paid in time. Nothing was taken")
            )
            await button.press("Enter")
        await number.press("Enter")
        assert sent == []
        assert await number.input_value() == typed
        await platform.ticket_in(ticket_id, "available")
        await over.get_by_role("button", name="Try to hold again").click()
        await page.wait_for_url(lambda url: "/orders/" in url and order_id not in url)
        await expect(page.get_by_role("link", name="Pay")).to_be_visible()
