"""Chromium, as the tests drive it, and what people do with it."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Response,
    WebError,
    async_playwright,
    expect,
)

Come = Callable[..., Awaitable[Page]]
"""A new person, with a browser of their own; how it is set up by Playwright's names."""

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",  # as root it has none
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESK = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 700}
PASSWORD = "correct horse battery"
OVERTAKEN = "Transition was aborted"
"""What Chromium says when a page follows another that has not appeared yet."""
PATIENCE_MS = 30_000
"""For each step, on a machine that is busy with other things."""


def executable() -> str | None:
    """An installed Chromium."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@asynccontextmanager
async def chromium(path: str) -> AsyncIterator[Browser]:
    """It runs, without a window and with a profile of its own."""
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        await browser.close()


@dataclass
class Watch:
    """What a browser complains of: errors and warnings of scripts, and whatever the page's policy refused."""

    complaints: list[str] = field(default_factory=list)
    _pages: set[str] = field(default_factory=set)

    def over(self, context: BrowserContext) -> None:
        """Begin."""
        context.on("response", self._answered)
        context.on("console", self._said)
        context.on("weberror", self._raised)

    def _answered(self, response: Response) -> None:
        if response.request.is_navigation_request():
            self._pages.add(response.url)

    def _said(self, message: ConsoleMessage) -> None:
        # That a page itself is a 404, say, is told as if one of its parts had failed.
        is_page = (
            message.text.startswith("Failed to load resource") and message.location["url"] in self._pages
        )
        if message.type in {"error", "warning"} and not is_page:
            self._note(message.page, message.text)

    def _raised(self, error: WebError) -> None:
        self._note(error.page, str(error.error))

    def _note(self, page: Page | None, text: str) -> None:
        if OVERTAKEN not in text:
            self.complaints.append(f"{page and page.url}: {text}")


async def open_browser(browser: Browser, url: str, watch: Watch, **options: Any) -> BrowserContext:
    """A profile for one person, on a desk unless said otherwise; its pages are at `url`."""
    settings = {"viewport": DESK, "locale": "en-GB", "timezone_id": "Europe/London", **options}
    context = await browser.new_context(base_url=url, **settings)
    context.set_default_timeout(PATIENCE_MS)
    watch.over(context)
    return context


async def sign_up(page: Page) -> str:
    """Make an account and land where it leads; returns the e-mail address."""
    if "/signup" not in page.url:
        await page.goto("/signup")
    email = f"{uuid4().hex[:12]}@example.com"
    await page.get_by_label("Email").fill(email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Create account").click()
    await page.get_by_role("button", name="Sign out").wait_for()
    return email


async def reserve(page: Page, ticket_id: str) -> str:
    """Hold a ticket by its page; returns the order's id."""
    await page.goto(f"/tickets/{ticket_id}")
    await page.get_by_role("button", name="Reserve").click()
    await page.wait_for_url("**/orders/*")
    return page.url.rpartition("/")[2]


@dataclass(frozen=True)
class Stop:
    """What has the focus, and how it shows."""

    name: str
    outline: float
    """Pixels."""
    is_covered: bool
    """By the header that stays at the top."""
    is_inside: bool
    """Of the window, at least with its upper edge."""
    contrast: float
    """Of the outline with what lies around the element: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio."""


FOCUSED = """() => {
  const pen = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
  const painted = (colour) => {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    return pen.getImageData(0, 0, 1, 1).data;
  };
  const light = ([...rgb]) => rgb.slice(0, 3).map((part) => part / 255)
    .map((part) => part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4)
    .reduce((sum, part, i) => sum + part * [.2126, .7152, .0722][i], 0);
  let it = document.activeElement;
  while (it.shadowRoot?.activeElement) it = it.shadowRoot.activeElement;
  let around = it;
  do around = around.parentElement ?? around.getRootNode().host ?? document.body;
  while (around !== document.body && painted(getComputedStyle(around).backgroundColor)[3] < 255);
  const style = getComputedStyle(it), box = it.getBoundingClientRect();
  const [low, high] = [style.outlineColor, getComputedStyle(around).backgroundColor].map(painted).map(light)
    .sort((one, other) => one - other);
  const top = document.querySelector(".top"), under = top.getBoundingClientRect().bottom;
  return {
    name: `${it.tagName} ${it.id || it.name || it.textContent.trim().slice(0, 40)}`,
    outline: style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth),
    is_covered: !top.contains(it) && !it.classList.contains("skip") && box.top < under,
    is_inside: box.top >= 0 && box.top < innerHeight,
    contrast: (high + .05) / (low + .05),
  };
}"""


async def focused(page: Page) -> Stop:
    """What has the focus now."""
    return Stop(**await page.evaluate(FOCUSED))
