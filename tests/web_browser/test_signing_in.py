"""Signing up and in as people do who type no password: pasted, or by a manager that fills what it knows."""

import pytest
from playwright.async_api import Locator, Page

from tests.web_browser.browsing import Come, sign_up

pytestmark = pytest.mark.browser

PASSWORD = "Pasted: Tr0ub4dor&3 – ünïcode"
FIELDS = """() => [...document.querySelectorAll("main form input:not([type=hidden])")].map(
  (it) => [it.name, it.type, it.autocomplete, it.checkVisibility() && !it.disabled && !it.readOnly])"""
FILL = """(known) => {
  for (const [token, text] of Object.entries(known)) {
    const it = document.querySelector(`main form input[autocomplete=${token}]`);
    it.value = text;
    for (const name of ["input", "change"]) it.dispatchEvent(new Event(name, {bubbles: true}));
  }
}"""
"""What a password manager does."""


async def paste(page: Page, field: Locator, text: str) -> None:
    """Cut it from the address field, which may show it, and put it into this one."""
    address = page.get_by_label("Email")
    await address.fill(text)
    await address.press("ControlOrMeta+a")
    await address.press("ControlOrMeta+x")
    await field.press("ControlOrMeta+v")


async def test_w20_one_can_paste(come: Come) -> None:
    page = await come()
    for door in ("/signup", "/signin"):
        await page.goto(door)
        await paste(page, page.get_by_label("Password"), PASSWORD)
        await paste(page, page.get_by_label("Email"), "pasted@example.com")
        assert await page.get_by_label("Password").input_value() == PASSWORD
        await page.keyboard.press("Enter")
        await page.get_by_role("button", name="Sign out").click()
        await page.wait_for_url("**/")


async def test_w20_a_manager_finds_its_fields_and_fills_them(come: Come) -> None:
    page = await come()
    email = await sign_up(page)
    for door, kind in (("/signup", "new-password"), ("/signin", "current-password")):
        await page.goto(door)
        email_field, password_field = await page.evaluate(FIELDS)
        assert email_field == ["email", "email", "username", True]
        assert password_field == ["password", "password", kind, True]
    page = await come()
    await page.goto("/signin?next=/sell")
    await page.evaluate(FILL, {"username": email, "current-password": "correct horse battery"})
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/sell")
