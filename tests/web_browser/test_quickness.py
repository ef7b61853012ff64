"""How soon a page is there on a slow line and a slow computer, and that it stands still meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from playwright.async_api import Browser, Page

from tests.platform import Platform, User
from tests.web_browser.bought import EVENT, buy, hold, signed_up
from tests.web_browser.browsing import PHONE, Come, Watch, open_browser
from tests.web_browser.conftest import list_ticket

pytestmark = [pytest.mark.browser, pytest.mark.alone]

SLOW_LINE = {
    "offline": False,
    "latency": 150,  # ms
    "downloadThroughput": 1.6e6 / 8,  # bytes a second
    "uploadThroughput": 0.75e6 / 8,
}
SLOWER = 4
"""Times slower than this computer."""
MOST_MS = 1200
TRIES = 3
"""What else the machine does only makes it slower."""
MOST_REQUESTS, MOST_BYTES = 4, 40_000
ASKED = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .filter((one) => one.name.startsWith(location.origin) && one.transferSize && !/events$|icon/.test(one.name))
  .map((one) => [one.name, one.encodedBodySize])"""
"""What came from the shop, not from the browser's own store; but the event stream, which does not end, and
the icon, which is asked for on this page or on the one before."""
PAINTS = """() => new Promise((done) => {
  const seen = {lcp: 0, shifts: []};
  new PerformanceObserver((list) => { seen.lcp = list.getEntries().at(-1).startTime; })
    .observe({type: "largest-contentful-paint", buffered: true});
  new PerformanceObserver((list) => {
    for (const { value, sources } of list.getEntries()) {
      const moved = sources.map(({ node, previousRect: was, currentRect: is }) =>
        `${(node?.parentElement ?? node)?.outerHTML.slice(0, 80)}: ${was.y} to ${is.y}`);
      seen.shifts.push(`${value}: ${moved.join("; ")}`);
    }
  }).observe({type: "layout-shift", buffered: true});
  setTimeout(() => done(seen), 300);
})"""


@dataclass(frozen=True)
class Paint:
    """How a page came."""

    lcp: float
    """When its largest part was painted: https://web.dev/articles/lcp. Milliseconds."""
    shifts: Sequence[str]
    """What moved."""


async def slow(page: Page) -> None:
    """From now on."""
    session = await page.context.new_cdp_session(page)
    await session.send("Network.enable")
    await session.send("Network.emulateNetworkConditions", SLOW_LINE)
    await session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})


async def paint(page: Page, path: str) -> Paint:
    """Open it for the first time, and wait until all of it has come."""
    await slow(page)
    await page.goto(path, wait_until="load")
    if path.endswith("/payment"):
        await page.locator("#fields:not([aria-busy])").wait_for()
    return Paint(**await page.evaluate(PAINTS))


@pytest.fixture(scope="module")
async def paths(
    platform: Platform, seller: User, shop: str, browser: Browser
) -> Sequence[tuple[str, object]]:
    """What to open, and the cookies to do it with."""
    tickets = [await list_ticket(platform, seller, **EVENT) for _ in range(20)]
    context = await open_browser(browser, shop, Watch())
    buyer = await signed_up(await context.new_page(), platform)
    orders = [await hold(platform, seller, buyer), await buy(platform, seller, buyer)]
    cookies = await context.storage_state()
    await context.close()
    of_nobody = [(path, None) for path in ("/", "/tickets", f"/tickets/{tickets[0]}", "/signin")]
    own = ["/orders", *(f"/orders/{order}" for order in orders), f"/orders/{orders[0]}/payment"]
    return [*of_nobody, *((path, cookies) for path in own)]


async def test_w16_the_largest_part_is_there_soon_and_nothing_moves(
    come: Come, paths: Sequence[tuple[str, object]]
) -> None:
    late: dict[str, Sequence[float]] = {}
    moved: dict[str, Sequence[str]] = {}
    for path, cookies in paths:
        times: list[float] = []
        while len(times) < TRIES and (not times or times[-1] > MOST_MS):
            page = await come(viewport=PHONE, storage_state=cookies)
            made = await paint(page, path)
            await page.context.close()
            assert made.lcp > SLOW_LINE["latency"], "it was not slow at all"
            times.append(made.lcp)
            if made.shifts:
                moved[path] = made.shifts
        if times[-1] > MOST_MS:
            late[path] = times
    assert (late, moved) == ({}, {})


async def test_w16_an_order_asks_for_little_of_its_own(
    come: Come, paths: Sequence[tuple[str, object]]
) -> None:
    """Nobody comes to one without having seen another page of the shop."""
    for path, cookies in paths:
        if cookies is None:
            continue
        page = await come(storage_state=cookies)
        await page.goto("/tickets")
        await page.goto(path)
        asked = await page.evaluate(ASKED)
        assert len(asked) <= MOST_REQUESTS, asked
        assert sum(size for _, size in asked) <= MOST_BYTES, asked
