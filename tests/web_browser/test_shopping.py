"""The shop in a browser: with a script and without, for two at once, on the narrowest screen."""

import re
from uuid import uuid4

import pytest
from playwright.async_api import Browser, expect

from tests.platform import Platform, User
from tests.web_browser.browsing import Come, Watch, open_browser, reserve, sign_up
from tests.web_browser.conftest import NewTicket

pytestmark = pytest.mark.browser

NARROWEST = {"width": 320, "height": 640}
PHONE_SCREEN = {"width": 390, "height": 844}
LONG_WORDS = ("Many words on end and then some " * 7)[:200]
LONG_WORD = "W" * 200


async def orders_of(platform: Platform, ticket_id: str) -> int:
    """How many there ever were."""
    return await platform.count("orders", "SELECT count(*) FROM orders WHERE ticket_id = $1", ticket_id)


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
async def test_w01_sign_up_find_reserve(
    come: Come, platform: Platform, listed: NewTicket, *, script: bool
) -> None:
    title = f"A song {'sung' if script else 'told'}"
    ticket = await listed(title=title, price=4550)
    page = await come(java_script_enabled=script)
    await page.goto(f"/tickets/{ticket}")
    await page.get_by_role("button", name="Reserve").click()
    await page.get_by_role("link", name="Create an account").click()  # and back to where it began
    email = await sign_up(page)
    await expect(page).to_have_url(f"/tickets/{ticket}")
    await expect(page.locator(".who")).to_contain_text(email)
    await page.get_by_role("link", name="Tickets", exact=True).first.click()
    await page.get_by_label("Search").fill(title)
    await page.get_by_role("button", name="Show").click()
    await expect(page.get_by_text("1 ticket on this page.")).to_be_visible()
    await page.get_by_role("link", name=title).click()
    await expect(page.locator(".panel .price")).to_have_text("45.50 USD")
    await page.get_by_role("button", name="Reserve").click()
    await page.wait_for_url("**/orders/*")
    await platform.ticket_in(ticket, "reserved")
    assert await orders_of(platform, ticket) == 1


async def test_w10_the_slower_of_two_is_offered_others(
    come: Come, platform: Platform, listed: NewTicket
) -> None:
    other = await listed(title="Another that is free")
    wanted = await listed(title="Wanted by two")
    first, second = await come(), await come()
    await sign_up(first)
    await sign_up(second)
    await second.goto(f"/tickets/{wanted}")
    await reserve(first, wanted)
    async with second.expect_navigation() as navigation:
        await second.get_by_role("button", name="Reserve").click()
    answer = await navigation.value
    assert answer is not None
    assert answer.status == 409
    await expect(second.get_by_role("heading", level=1)).to_have_text("Not reserved: Wanted by two")
    await expect(second.get_by_text("You hold nothing new")).to_be_visible()
    await second.get_by_role("link", name="Another that is free").click()
    await expect(second).to_have_url(f"/tickets/{other}")
    await expect(second.get_by_role("button", name="Reserve")).to_be_visible()
    assert await orders_of(platform, wanted) == 1


async def test_what_is_shown_is_what_is_sent(come: Come, listed: NewTicket, seller: User) -> None:
    ticket = await listed(price=4500)
    page = await come()
    await sign_up(page)
    async with page.expect_response("**/api/tickets/events"):
        await page.goto(f"/tickets/{ticket}")
    edited = await seller.put(f"/api/tickets/{ticket}", {"price": 5000, "version": 0})
    assert edited.status_code == 200, edited.text
    await expect(page.locator(".panel .price")).to_have_text("50.00 USD")
    await expect(page.locator("main [name=price]")).to_have_value("5000")


async def test_w09_back_and_once_more_is_one_order(come: Come, platform: Platform, listed: NewTicket) -> None:
    ticket = await listed()
    page = await come()
    await sign_up(page)
    await page.goto(f"/tickets/{ticket}")
    form = await page.evaluate("Object.fromEntries(new FormData(document.querySelector('main form')))")
    await page.get_by_role("button", name="Reserve").click()
    await page.wait_for_url("**/orders/*")
    order = page.url.rpartition("/")[2]
    await platform.ticket_in(ticket, "reserved")
    await page.go_back()
    await expect(page.get_by_role("button", name="Reserve")).to_have_count(0)
    await expect(page.get_by_role("link", name="Go to your order")).to_have_attribute(
        "href", f"/orders/{order}"
    )
    await page.reload()
    assert await orders_of(platform, ticket) == 1
    # Sent once more it is the same request; from a page opened on its own, a second, and refused.
    for key, status in ((form["key"], 303), (str(uuid4()), 409)):
        sent = await page.request.post(
            f"/tickets/{ticket}/reserve", form={**form, "key": key}, max_redirects=0
        )
        assert sent.status == status
        assert sent.headers.get("location", f"/orders/{order}") == f"/orders/{order}"
    assert await orders_of(platform, ticket) == 1


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
async def test_w09_pressed_twice_is_one_order(
    come: Come, platform: Platform, listed: NewTicket, *, script: bool
) -> None:
    ticket = await listed()
    page = await come(java_script_enabled=script)
    await sign_up(page)
    await page.goto(f"/tickets/{ticket}")
    await page.get_by_role("button", name="Reserve").dblclick(no_wait_after=True)
    await page.wait_for_url("**/orders/*")
    await platform.ticket_in(ticket, "reserved")
    assert await orders_of(platform, ticket) == 1


async def test_w17_nothing_is_wider_than_the_narrowest_screen(come: Come, listed: NewTicket) -> None:
    texts = {"venue": LONG_WORD, "seat": LONG_WORD[:60], "startsAt": "2030-05-01T20:00:00Z"}
    tickets = [
        await listed(title=LONG_WORDS, price=99_999_999, **texts),
        await listed(title=LONG_WORD, price=99_999_999, currency="jpy", **texts),
    ]
    page = await come(viewport=NARROWEST)
    paths = [
        "/",
        "/tickets",
        f"/tickets?q={LONG_WORD}",
        "/tickets?from=much",
        "/signin",
        "/signup",
        "/nowhere",
    ]
    paths += [f"/tickets/{ticket}" for ticket in tickets]
    wide = {}
    for _ in ("signed out", "signed in"):
        for path in paths:
            await page.goto(path)
            width = await page.evaluate("document.documentElement.scrollWidth")
            if width > NARROWEST["width"]:
                wide[path] = width
        await sign_up(page)
    assert wide == {}


async def test_w17_what_counts_is_in_the_first_screen_of_a_phone(come: Come, listed: NewTicket) -> None:
    title, venue = "A title of an ordinary length, with its subtitle", "The Grand Hall of Somewhere"
    ticket = await listed(title=title, venue=venue, seat="Row 12, seat 4", startsAt="2030-05-01T20:00:00Z")
    page = await come(viewport=PHONE_SCREEN)
    await sign_up(page)
    await page.goto(f"/tickets/{ticket}")
    for part in (page.locator(".panel .price"), page.get_by_role("button", name="Reserve")):
        await expect(part).to_be_in_viewport(ratio=1)
    await page.get_by_role("button", name="Reserve").click()
    await page.wait_for_url("**/orders/*")
    order = page.url
    for part in (
        page.locator(".panel .price"),
        page.get_by_role("timer"),
        page.get_by_role("link", name="Pay"),
    ):
        await expect(part).to_be_in_viewport(ratio=1)
    await page.goto(f"{order}/payment")
    for part in (page.locator(".panel .price"), page.get_by_role("timer")):
        await expect(part).to_be_in_viewport(ratio=1)
    await page.goto("/orders")
    await expect(page.get_by_text(re.compile(r"1[0-9]:[0-9]{2} left"))).to_be_in_viewport(ratio=1)


async def test_w13_a_foreign_script_is_refused_and_noticed(shop: str, browser: Browser) -> None:
    watch = Watch()
    context = await open_browser(browser, shop, watch)
    page = await context.new_page()
    await page.goto("/nowhere")
    assert watch.complaints == []
    async with context.expect_event("console"):
        await page.evaluate(
            "document.body.append(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))"
        )
    assert await page.evaluate("window.ran") is None
    assert len(watch.complaints) == 1
    await context.close()
