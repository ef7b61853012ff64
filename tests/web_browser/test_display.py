"""What a page costs, that it stands still, and that it heeds what the reader's system asks for."""

import asyncio

import pytest
from playwright.async_api import Page, Route, ViewportSize

from tests.waiting import until
from tests.web_browser.browsing import DESK, PHONE, Come
from tests.web_browser.conftest import NewTicket

pytestmark = pytest.mark.browser

SHIFTS = """() => new Promise((done) => {
  new PerformanceObserver((list) => done(list.getEntries().map((one) => one.value))).observe(
    {type: "layout-shift", buffered: true});
  requestAnimationFrame(() => requestAnimationFrame(() => done([])));
})"""
PAINTED = "performance.getEntriesByName('first-contentful-paint').length > 0"
MOST_REQUESTS = 4
MOST_BYTES = 40_000


@pytest.fixture
async def paths(listed: NewTicket) -> list[str]:
    """The pages people see first, with a time on them that the script rewrites."""
    texts = {"venue": "The Grand Hall of Somewhere", "startsAt": "2030-09-25T20:00:00Z"}
    tickets = [
        await listed(title="A long evening with a longer name, and its encore", **texts) for _ in range(6)
    ]
    return ["/", "/tickets", f"/tickets/{tickets[0]}", "/signin"]


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
async def test_w16_nothing_moves_however_late_the_script(
    come: Come, paths: list[str], viewport: ViewportSize
) -> None:
    page = await come(viewport=viewport)
    painted = asyncio.Event()

    async def late(route: Route) -> None:
        await painted.wait()
        await route.continue_()

    await page.route("**/static/app.*.js", late)
    for path in paths:
        painted.clear()
        await page.goto(path, wait_until="commit")

        async def is_painted() -> bool:
            return bool(await page.evaluate(PAINTED))

        await until(is_painted, f"{path} is painted before its script comes")
        painted.set()
        await page.wait_for_load_state("load")
        assert await page.evaluate(SHIFTS) == [], path


async def test_a_shift_is_noticed(come: Come) -> None:
    page = await come()
    await page.goto("/")
    await page.evaluate(PAINTED)
    await page.evaluate(
        "document.querySelector('main').prepend(document.createElement('p').appendChild("
        "document.createTextNode('Here I am. '.repeat(200))).parentNode)"
    )
    assert await page.evaluate(SHIFTS) != []


async def test_w16_a_first_view_is_small(come: Come, paths: list[str]) -> None:
    for path in paths:
        page = await come()
        asked: list[str] = []
        sizes: list[int] = []
        page.on("request", lambda request: asked.append(request.url))  # noqa: B023 - a list for each page
        await page.goto(path)
        for entry in ("navigation", "resource"):
            sizes += await page.evaluate(
                "kind => performance.getEntriesByType(kind).map(one => one.encodedBodySize)", entry
            )
        once = [url for url in asked if not url.endswith("/events")]  # the stream stays open
        assert len(once) <= MOST_REQUESTS, asked
        assert sum(sizes) <= MOST_BYTES, sizes


async def test_w16_a_second_view_asks_for_the_page_alone(come: Come, paths: list[str]) -> None:
    page = await come()
    await page.goto(paths[0])
    await page.goto(paths[1])
    loaded = await page.evaluate(
        "performance.getEntriesByType('resource').filter(one => one.transferSize > 0).map(one => one.name)"
    )
    # The icon is asked for when the browser has time, on the first page or the second; the stream by each.
    assert [name for name in loaded if "/icon." not in name and not name.endswith("/events")] == []


async def test_w23_nothing_moves_for_those_who_asked_for_that(come: Come, paths: list[str]) -> None:
    for motion, seconds in (("no-preference", "0.15s, 0.15s"), ("reduce", "0s")):
        page = await come(reduced_motion=motion)
        await page.goto(paths[1])
        duration = await page.get_by_role("button", name="Show").evaluate(
            "it => getComputedStyle(it).transitionDuration"
        )
        assert duration == seconds


async def test_w23_forced_colours_are_taken(come: Come) -> None:
    page, plain = await come(forced_colors="active"), await come()
    for one in (page, plain):
        await one.goto("/")
    assert await background(page) != await background(plain)


async def background(page: Page) -> str:
    return str(await page.evaluate("getComputedStyle(document.body).backgroundColor"))
