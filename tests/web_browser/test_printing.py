"""What a paid order, its ticket and its receipt are on paper; and that a scanner reads the code."""

import re

import pytest
import segno
from playwright.async_api import Page

from tests.platform import Platform, User
from tests.web_browser.bought import EVENT, buy, signed_up
from tests.web_browser.browsing import PHONE, Come

pytestmark = pytest.mark.browser

SHEET = {"width": 718, "height": 1047}
"""A4 within margins of 1 cm, in CSS pixels."""
READ_CODE = """async (svg) => {
  const text = new XMLSerializer().serializeToString(svg);
  const picture = new Image();
  picture.src = `data:image/svg+xml,${encodeURIComponent(text)}`;
  await picture.decode();
  const [, , size] = svg.getAttribute("viewBox").split(" ").map(Number), scale = 8;
  const canvas = new OffscreenCanvas(size * scale, size * scale), pen = canvas.getContext("2d");
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  const drawn = pen.getImageData(0, 0, canvas.width, canvas.height).data;
  const isDark = (x, y) => drawn[4 * ((y + .5) * scale * canvas.width + (x + .5) * scale)] < 128;
  return Array.from({length: size}, (_, y) => Array.from({length: size}, (_, x) => Number(isDark(x, y))));
}"""
"""The modules as they are drawn, the quiet zone included."""
NOT_FOR_PAPER = "nav, button, .button, header, footer, .skip, a[href$='.ics']"


def code_of(address: str) -> list[list[int]]:
    """The modules that say this address."""
    return [list(row) for row in segno.make(address, error="m").matrix_iter(border=2)]


async def modules(page: Page) -> list[list[int]]:
    """Of the page's code, once a browser has drawn it."""
    drawn: list[list[int]] = await page.locator(".qr svg").evaluate(READ_CODE)
    return drawn


async def printed(page: Page) -> list[str]:
    """What would be on paper and should not; the page is left as it is printed."""
    await page.emulate_media(media="print", color_scheme="dark")
    await page.set_viewport_size({"width": SHEET["width"], "height": SHEET["height"]})
    seen = page.locator(NOT_FOR_PAPER).filter(visible=True)
    found: list[str] = await seen.evaluate_all("all => all.map(it => it.outerHTML)")
    return found


async def test_w22_prints_on_a_page_each_with_what_counts(
    come: Come, platform: Platform, seller: User, shop: str
) -> None:
    page = await come(viewport=PHONE, color_scheme="dark")
    buyer = await signed_up(page, platform)
    order_id = await buy(platform, seller, buyer)
    address = f"{shop}/orders/{order_id}"
    wanted, other = code_of(address), code_of(f"{address[:-1]}x")
    for paper in ("", "/ticket", "/receipt"):
        await page.goto(f"/orders/{order_id}{paper}")
        assert await printed(page) == []
        text = await page.locator("main").inner_text()
        for fact in (EVENT["title"], EVENT["venue"], EVENT["seat"], "45.00 USD", order_id):
            assert fact in text
        if paper != "/receipt":
            assert await modules(page) == wanted != other
            code = await page.locator(".qr svg").bounding_box()
            assert code is not None
            assert code["width"] >= 150  # 4 cm
        assert await page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"
        assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        sheets = re.findall(rb"/Type\s*/Page\b", await page.pdf(format="A4"))
        assert len(sheets) == 1, paper
        await page.emulate_media(media="screen")
