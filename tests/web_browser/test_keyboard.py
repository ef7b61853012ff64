"""Somebody who uses only the keyboard sees where they are, everywhere, and can buy."""

from typing import Literal

import pytest
from playwright.async_api import Locator, Page, ViewportSize, expect

from tests.dashboard import GOOD_CARD
from tests.web_browser.browsing import DESK, PASSWORD, Come, Stop, focused, sign_up
from tests.web_browser.conftest import NewTicket
from tests.web_browser.test_purchase import PAY, see_paid

pytestmark = pytest.mark.browser

MOST_STOPS = 80
LOW_PHONE = {"width": 390, "height": 480}
"""With its keyboard open: everything scrolls."""
WINDOWS = pytest.mark.parametrize("viewport", [DESK, LOW_PHONE], ids=["desk", "phone"])
LEAST_CONTRAST = 3


def assert_seen(stop: Stop) -> None:
    assert stop.outline >= 2, stop
    assert not stop.is_covered, stop
    assert stop.is_inside, stop
    assert stop.contrast >= LEAST_CONTRAST, stop


async def tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until it has the focus, seeing each stop on the way."""
    for _ in range(MOST_STOPS):
        await page.keyboard.press("Tab")
        assert_seen(await focused(page))
        if await wanted.evaluate("it => it === it.getRootNode().activeElement"):
            return
    raise AssertionError(f"{MOST_STOPS} times Tab do not lead to {wanted}")


async def walk(page: Page, key: str) -> list[Stop]:
    """Every stop of the page, until the first comes again, or the body, which stands for the window."""
    await page.keyboard.press(key)
    stops = [await focused(page)]
    while len(stops) < MOST_STOPS:
        await page.keyboard.press(key)
        stops.append(await focused(page))
        if stops[-1].name == stops[0].name or stops[-1].name.startswith("BODY"):
            return stops[:-1]
    return stops


@pytest.mark.parametrize(
    ("viewport", "scheme"), [(DESK, "light"), (LOW_PHONE, "dark")], ids=["desk", "phone"]
)
async def test_w03_from_no_account_to_a_paid_ticket(
    come: Come, listed: NewTicket, viewport: ViewportSize, scheme: Literal["light", "dark"]
) -> None:
    title = f"Keyboard concert {viewport['width']}"
    await listed(title=title)
    page = await come(viewport=viewport, color_scheme=scheme)
    await page.goto("/")
    await tab_to(page, page.get_by_role("link", name="Create account"))
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/signup")
    await tab_to(page, page.get_by_label("Email"))
    await page.keyboard.type(f"keys{viewport['width']}@example.com")
    await tab_to(page, page.get_by_label("Password"))
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/tickets")
    await tab_to(page, page.get_by_label("Search"))
    await page.keyboard.type(title)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/tickets?q=*")
    await tab_to(page, page.get_by_role("link", name=title))
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/tickets/*")
    await tab_to(page, page.get_by_role("button", name="Reserve"))
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/orders/*")
    await tab_to(page, page.get_by_role("link", name="Pay"))
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/payment")
    await expect(page.get_by_role("button", name=PAY)).to_have_attribute("aria-disabled", "false")
    for field, typed in (("Card number", GOOD_CARD), ("Expiry", "1244"), ("CVC", "123")):
        await tab_to(page, page.get_by_label(field))
        await page.keyboard.type(typed)
    await tab_to(page, page.get_by_role("button", name=PAY))
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/orders/*")
    await see_paid(page)
    await tab_to(page, page.get_by_role("link", name="Show the ticket"))
    await page.keyboard.press("Enter")
    await page.get_by_role("img", name="QR code").wait_for()


async def test_w03_a_faint_outline_is_noticed(come: Come) -> None:
    page = await come(bypass_csp=True)
    await page.goto("/signin")
    await page.add_style_tag(content=":focus-visible { outline-color: #ccc; }")
    await page.get_by_label("Email").focus()
    assert 1 < (await focused(page)).contrast < LEAST_CONTRAST


@WINDOWS
@pytest.mark.parametrize(("key", "scheme"), [("Tab", "light"), ("Shift+Tab", "dark")])
async def test_w03_each_stop_is_seen(
    come: Come, listed: NewTicket, viewport: ViewportSize, key: str, scheme: Literal["light", "dark"]
) -> None:
    for number in range(5):
        await listed(title=f"Row {number}")
    page = await come(viewport=viewport, color_scheme=scheme)
    await sign_up(page)
    for path in ("/", "/tickets", "/tickets?from=much"):
        await page.goto(path)
        stops = await walk(page, key)
        assert len(stops) > 5
        for stop in stops:
            assert_seen(stop)


async def test_the_first_stop_skips_the_header(come: Come) -> None:
    page = await come()
    await page.goto("/tickets")
    await page.keyboard.press("Tab")
    assert (await focused(page)).name == "A Skip to the content"
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    assert (await focused(page)).name == "INPUT q"


async def test_w11_an_error_is_read_first_and_leads_to_its_field(come: Come) -> None:
    page = await come(viewport=LOW_PHONE)
    await page.goto("/signup")
    await page.get_by_label("Email").fill("not an address")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_function("document.activeElement.id === 'problems'")
    assert (await page.title()).startswith("Error: ")
    assert_seen(await focused(page))
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.wait_for_function("document.activeElement.id === 'email'")
    assert_seen(await focused(page))
    assert await page.get_by_label("Email").input_value() == "not an address"
