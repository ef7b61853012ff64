"""Very many tickets and none, as they look: nothing is wide, and the first screen of a phone has a price."""

import pytest
from playwright.async_api import ViewportSize, expect

from server.web.tickets import PER_PAGE
from tests.platform import Platform
from tests.web.test_many import LIST, MANY
from tests.web_browser.browsing import DESK, PHONE, Come

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
async def test_none_and_10_000(come: Come, platform: Platform, viewport: ViewportSize) -> None:
    page = await come(viewport=viewport)
    root, cards = page.locator("html"), page.locator(".card")
    async with platform.database("tickets") as session:
        await session.execute("TRUNCATE tickets")
        await page.goto("/tickets")
        await expect(page.get_by_role("link", name="List the first ticket")).to_be_in_viewport()
        await expect(root).to_have_js_property("scrollWidth", viewport["width"])
        await session.execute(LIST, MANY)
    await page.goto("/tickets")
    for _ in range(2):
        await expect(cards).to_have_count(PER_PAGE)
        await expect(cards.first.locator(".price")).to_be_in_viewport()
        await expect(root).to_have_js_property("scrollWidth", viewport["width"])
        await page.get_by_role("link", name="Next page").click()
        await page.get_by_role("link", name="First page").wait_for()
