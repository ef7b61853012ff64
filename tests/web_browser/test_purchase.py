"""From no account to a paid ticket, in the page and on Stripe's own; and the clock of a hold."""

import asyncio

import pytest
from playwright.async_api import Page, Route, expect

from server.settings import Settings
from tests.concurrency.races import expire_now
from tests.dashboard import DECLINED_CARD, GOOD_CARD
from tests.platform import Platform
from tests.web_browser.browsing import DESK, PHONE, Come, Watch, reserve, sign_up
from tests.web_browser.conftest import NewTicket

pytestmark = pytest.mark.browser

PAY = "Pay 45.00 USD"
TAKING_MS = 40_000
"""What a payment may take: Stripe, its webhook, the capture and the page's next look."""
HOLD_SECONDS = 900
OTHER_TIME = """
Date = class extends Date {
  constructor(...given) { given.length ? super(...given) : super(Date.now()); }
  static now() { return super.now() + ahead; }
};
let ahead = 3600_000;
addEventListener("pass", (event) => { ahead += event.detail * 1000; });
"""
"""A clock that is an hour wrong, and whose time a test lets pass."""
NOTE_WHAT_IS_SAID = """
window.said = [];
addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("said");
  if (place) new MutationObserver(() => said.push(place.textContent)).observe(place, {childList: true});
});
"""


async def to_payment(page: Page, ticket_id: str) -> str:
    """Sign up, hold the ticket and go to pay; the order's id."""
    await sign_up(page)
    order_id = await reserve(page, ticket_id)
    await page.get_by_role("link", name="Pay").click()
    await page.wait_for_url("**/payment")
    return order_id


async def give_card(page: Page, number: str) -> None:
    """Into Stripe's form in the page, and pay."""
    await page.get_by_label("Card number").fill(number)
    await page.get_by_label("Expiry").fill("1244")
    await page.get_by_label("CVC").fill("123")
    await page.get_by_role("button", name=PAY).click()


async def see_paid(page: Page) -> None:
    """The order's page, by itself, says that it is paid."""
    await expect(page.locator(".badge.complete")).to_be_visible(timeout=TAKING_MS)


async def payments_of(platform: Platform, order_id: str) -> int:
    return await platform.count("payments", "SELECT count(*) FROM payments WHERE order_id = $1", order_id)


async def left(page: Page) -> int:
    """Seconds, as the page shows them."""
    minutes, seconds = (await page.get_by_role("timer").inner_text()).split(":")
    return int(minutes) * 60 + int(seconds)


async def let_pass(page: Page, seconds: int) -> None:
    await page.evaluate("seconds => dispatchEvent(new CustomEvent('pass', {detail: seconds}))", seconds)


async def test_in_the_page(come: Come, platform: Platform, listed: NewTicket) -> None:
    title = "Paid in the page"
    await listed(title=title)
    page = await come()
    await page.goto("/")
    await page.get_by_role("link", name="Create account").click()
    await sign_up(page)
    await page.get_by_role("link", name=title).click()
    await page.get_by_role("button", name="Reserve").click()
    await page.get_by_role("link", name="Pay").click()
    await give_card(page, GOOD_CARD)
    await see_paid(page)
    await page.get_by_role("link", name="Show the ticket").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(title)
    await platform.doctor()


async def test_w01_on_stripes_page_without_a_script(
    come: Come, platform: Platform, listed: NewTicket
) -> None:
    page = await come(java_script_enabled=False)
    await to_payment(page, await listed())
    await page.get_by_role("button", name=PAY).click()
    await page.wait_for_url("**/c/pay/**")
    await page.locator("[name=number]").fill(GOOD_CARD)
    await page.locator("[name=expiry]").fill("12 / 44")
    await page.locator("[name=cvc]").fill("123")
    await page.locator("[name=cvc]").press("Enter")
    await page.wait_for_url("**/orders/*")
    await see_paid(page)


async def test_declined_then_paid(come: Come, platform: Platform, listed: NewTicket, watch: Watch) -> None:
    page = await come()
    order_id = await to_payment(page, await listed())
    await give_card(page, DECLINED_CARD)
    refusal = page.locator("#refusal")
    await expect(refusal).to_contain_text("There is not enough money on this card.")
    await expect(refusal).to_be_focused()
    assert (await page.title()).startswith("Error: ")
    assert len(watch.complaints) == 1
    assert "402 (Payment Required)" in watch.complaints.pop()  # Stripe's answer, which the browser notes
    await give_card(page, GOOD_CARD)
    await see_paid(page)
    assert await payments_of(platform, order_id) == 1


async def test_w09_pressed_twice_is_one_payment(come: Come, platform: Platform, listed: NewTicket) -> None:
    page = await come()
    order_id = await to_payment(page, await listed())
    await page.get_by_label("Card number").fill(GOOD_CARD)
    await page.get_by_label("Expiry").fill("1244")
    await page.get_by_label("CVC").fill("123")
    await page.get_by_role("button", name=PAY).dblclick(no_wait_after=True)
    await see_paid(page)
    assert await payments_of(platform, order_id) == 1


async def test_pressed_before_stripes_form_is_there_sends_nothing(
    come: Come, settings: Settings, listed: NewTicket
) -> None:
    page = await come()
    asked_to_come = asyncio.Event()

    async def late(route: Route) -> None:
        await asked_to_come.wait()
        await route.continue_()

    await page.route(settings.stripe_js_url, late)
    await sign_up(page)
    payment = f"/orders/{await reserve(page, await listed())}/payment"
    await page.goto(payment, wait_until="commit")
    button = page.locator("#card button")
    await expect(button).to_be_visible()
    went: list[str] = []
    page.on("framenavigated", lambda frame: went.append(frame.url) if frame == page.main_frame else None)
    await button.press("Enter", no_wait_after=True)
    asked_to_come.set()
    await expect(page.get_by_label("Card number")).to_be_visible()
    assert went == []
    await expect(page).to_have_url(payment)
    await expect(button).to_have_attribute("aria-disabled", "false")


async def test_a_hold_that_is_over_is_held_again(come: Come, platform: Platform, listed: NewTicket) -> None:
    page = await come()
    ticket_id = await listed()
    order_id = await to_payment(page, ticket_id)
    await expire_now(platform, order_id)
    await platform.ticket_in(ticket_id, "available")
    await page.goto(f"/orders/{order_id}")
    await expect(page.locator(".badge.expired")).to_be_visible()
    await page.get_by_role("button", name="Try to hold again").click()
    await page.wait_for_url(lambda url: "/orders/" in url and order_id not in url)
    await expect(page.get_by_role("link", name="Pay")).to_be_visible()


async def test_w05_time_can_be_added_once(come: Come, listed: NewTicket) -> None:
    page = await come(java_script_enabled=False)
    await sign_up(page)
    await reserve(page, await listed())
    before = await left(page)
    await page.get_by_role("button", name="Add time").click()
    await expect(page.get_by_role("button", name="Add time")).to_have_count(0)
    assert 290 <= await left(page) - before <= 300


class TestClock:
    """By the server's time, whatever the reader's computer says."""

    async def test_w04_an_hour_wrong_is_not_a_second_off(self, come: Come, listed: NewTicket) -> None:
        page = await come()
        await page.context.add_init_script(OTHER_TIME)
        await sign_up(page)
        order_id = await reserve(page, await listed())
        right = await come(storage_state=await page.context.storage_state())
        await right.goto(f"/orders/{order_id}")
        await page.reload()
        off = abs(await page.evaluate("Date.now()") - await right.evaluate("Date.now()"))
        assert off > 3_500_000
        assert abs(await left(page) - await left(right)) <= 1
        assert HOLD_SECONDS - 60 < await left(page) <= HOLD_SECONDS

    async def test_w05_w06_milestones_are_said_once_and_the_end_makes_the_button_inert(
        self, come: Come, listed: NewTicket
    ) -> None:
        page = await come()
        await page.context.add_init_script(OTHER_TIME)
        await page.context.add_init_script(NOTE_WHAT_IS_SAID)
        await to_payment(page, await listed())
        button = page.get_by_role("button", name=PAY)
        await button.focus()
        for mark, words in ((600, "10 minutes"), (300, "5 minutes"), (120, "2 minutes"), (60, "60 seconds")):
            await let_pass(page, await left(page) - mark + 1)
            await expect(page.locator("#said")).to_have_text(f"{words} are left to pay.")
            await expect(page.locator("#soon")).to_be_visible(visible=mark <= 120)
        await let_pass(page, 27)
        await expect(page.locator("#said")).to_have_text("30 seconds are left to pay.")
        await let_pass(page, 30)
        await expect(page.locator("#over")).to_be_visible()
        assert len(await page.evaluate("said")) == 6
        await expect(button).to_have_attribute("aria-disabled", "true")
        await expect(button).to_be_focused()
        assert page.url.endswith("/payment")


WIDTHS = (320, PHONE["width"], DESK["width"])


async def test_w17_nothing_is_wider_than_the_screen(come: Come, listed: NewTicket) -> None:
    page = await come()
    texts = {"venue": "W" * 200, "seat": "W" * 60, "startsAt": "2030-05-01T20:00:00Z"}
    order_id = await to_payment(page, await listed(title="W" * 200, **texts))
    for path in (f"/orders/{order_id}/payment", f"/orders/{order_id}", "/orders"):
        await page.goto(path)
        for width in WIDTHS:
            await page.set_viewport_size({"width": width, "height": 640})
            await expect(page.locator("html")).to_have_js_property("scrollWidth", width)
