"""Selling, help and the reference in a browser: axe finds nothing, and a seller needs no script."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.platform import Platform
from tests.web_browser.browsing import DESK, PHONE, Come, focused, sign_up
from tests.web_browser.sound import flaws, leads_to

pytestmark = pytest.mark.browser

State = Callable[[Page, Platform], Awaitable[object]]
LONG_WORD = "W" * 200


async def list_one(page: Page, title: str = "Front row", price: str = "45.00") -> None:
    """By the form; lands on the listings."""
    await page.goto("/sell/new")
    await page.get_by_label("Title").fill(title)
    await page.get_by_label("Price").fill(price)
    await page.get_by_role("button", name="List ticket").click()
    await page.wait_for_url("**/sell*")


async def to_edit(page: Page) -> str:
    """The page of the first listing's changes; the ticket's id."""
    await page.goto("/sell")
    address = await page.locator("main a[href$='/edit']").first.get_attribute("href")
    assert address is not None
    await page.goto(address)
    return address.split("/")[2]


async def nothing_listed(page: Page, platform: Platform) -> None:
    await sign_up(page)
    await page.goto("/sell")


async def empty_form(page: Page, platform: Platform) -> None:
    await sign_up(page)
    await page.goto("/sell/new")


async def wrong_form(page: Page, platform: Platform) -> None:
    await sign_up(page)
    await page.goto("/sell/new")
    await page.get_by_label("Price").fill("a lot")
    await page.get_by_role("button", name="List ticket").click()
    await page.get_by_role("heading", name="There is a problem").wait_for()


async def listings(page: Page, platform: Platform) -> None:
    await sign_up(page)
    await list_one(page)


async def editing(page: Page, platform: Platform) -> None:
    await listings(page, platform)
    await to_edit(page)


async def held_by_a_buyer(page: Page, platform: Platform) -> None:
    await listings(page, platform)
    ticket_id = await to_edit(page)
    await platform.user().hold(ticket_id)
    await platform.ticket_in(ticket_id, "reserved")
    await page.reload()
    await page.get_by_text("A buyer holds this ticket.").wait_for()


async def withdrawn(page: Page, platform: Platform) -> None:
    await editing(page, platform)
    await page.get_by_role("button", name="Withdraw").click()
    await page.get_by_text("Nobody can find or reserve it any more").wait_for()


async def edited_meanwhile(page: Page, platform: Platform) -> None:
    await editing(page, platform)
    other = await page.context.new_page()
    await other.goto(page.url)
    for where, price in ((other, "50.00"), (page, "60.00")):
        await where.get_by_label("Price").fill(price)
        await where.get_by_role("button", name="Save").click()
        await where.wait_for_load_state()
    await page.get_by_role("table").wait_for()


async def wrong_listings(page: Page, platform: Platform) -> None:
    await sign_up(page)
    await page.goto("/sell?status=nonsense")


async def refused_to_withdraw(page: Page, platform: Platform) -> None:
    await listings(page, platform)
    ticket_id = await to_edit(page)
    await platform.user().hold(ticket_id)
    await page.get_by_role("button", name="Withdraw").click()
    await page.get_by_role("heading", name="There is a problem").wait_for()


def at(path: str) -> State:
    """Just open it."""

    async def open_it(page: Page, platform: Platform) -> None:
        await page.goto(path)

    return open_it


STATES: Mapping[str, State] = {
    "/sell empty": nothing_listed,
    "/sell/new empty": empty_form,
    "/sell/new error": wrong_form,
    "/sell some": listings,
    "/sell/<ticket_id>/edit some": editing,
    "/sell/<ticket_id>/edit held by a buyer": held_by_a_buyer,
    "/sell/<ticket_id>/edit withdrawn": withdrawn,
    "/sell/<ticket_id>/edit error": edited_meanwhile,
    "/sell error": wrong_listings,
    "/sell/<ticket_id>/withdraw error": refused_to_withdraw,
    "/help some": at("/help"),
    "/styleguide all": at("/styleguide"),
    "/docs all": at("/docs"),
}


@pytest.mark.parametrize("state", STATES)
async def test_w02_w17_w23_every_state(come: Come, platform: Platform, tmp_path: Path, state: str) -> None:
    page = await come(bypass_csp=True)
    await STATES[state](page, platform)
    assert leads_to(state, page)
    assert await flaws(page, state, tmp_path) == []


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
async def test_list_edit_withdraw_list_again(come: Come, *, script: bool) -> None:
    page = await come(java_script_enabled=script)
    await sign_up(page)
    await list_one(page, "A rare evening")
    ticket_id = await to_edit(page)
    await page.get_by_label("Price").fill("46.50")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator(".price")).to_have_text("46.50 USD")
    await page.get_by_role("button", name="Withdraw").click()
    await page.get_by_text("Nobody can find or reserve it any more").wait_for()
    await page.goto(f"/sell/{ticket_id}/edit")
    await page.get_by_role("button", name="List again").click()
    await page.get_by_text("Listed again. Buyers can find it now.").wait_for()
    await page.goto(f"/tickets/{ticket_id}")
    await expect(page.locator(".panel .price")).to_have_text("46.50 USD")


async def test_w17_nothing_is_wider_than_the_screen(come: Come) -> None:
    page = await come()
    await sign_up(page)
    await list_one(page, LONG_WORD, "999999.99")
    ticket_id = await to_edit(page)
    wide = {}
    for path in ("/sell", f"/sell/{ticket_id}/edit", "/sell/new", "/help", "/docs", "/styleguide"):
        await page.goto(path)
        for width in (320, PHONE["width"], DESK["width"]):
            await page.set_viewport_size({"width": width, "height": 640})
            if (found := await page.evaluate("document.documentElement.scrollWidth")) > width:
                wide[path] = found
    assert wide == {}


async def test_focus_is_seen(come: Come) -> None:
    page = await come(viewport=PHONE)
    await sign_up(page)
    await page.goto("/sell/new")
    await page.get_by_label("Title").focus()
    for _ in range(8):
        await page.keyboard.press("Tab")
        stop = await focused(page)
        assert stop.outline >= 2, stop
        assert not stop.is_covered, stop
