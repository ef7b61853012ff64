"""How a page comes: dark at once for who likes it dark, and softly unless somebody wants no motion."""

from typing import Literal

import pytest
from playwright.async_api import Page, Route

from tests.web_browser.browsing import Come, Watch
from tests.web_browser.pixels import painted

pytestmark = pytest.mark.browser

META = '<meta name="color-scheme" content="light dark">'
NOTE_REVEALS = (
    "addEventListener('pagereveal', (event) => { window.isSoft = event.viewTransition !== null; });"
)
DARK, LIGHT = range(64), range(230, 256)


async def without_styles(page: Page) -> None:
    """What is seen until they have come."""
    await page.route("**/static/app.*.css", lambda route: route.abort())


@pytest.mark.parametrize(("scheme", "shade"), [("dark", DARK), ("light", LIGHT)])
async def test_w25_dark_comes_without_a_flash(
    come: Come, watch: Watch, scheme: Literal["dark", "light"], shade: range
) -> None:
    page = await come(color_scheme=scheme)
    await page.goto("/signin")
    assert all(part in shade for part in await painted(page, 2, 400)), "with its styles"
    await without_styles(page)
    await page.reload()
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgba(0, 0, 0, 0)"
    assert all(part in shade for part in await painted(page, 2, 400)), "before its styles have come"
    watch.complaints.clear()  # of the styles


async def test_a_flash_is_noticed(come: Come, watch: Watch) -> None:
    page = await come(color_scheme="dark")
    await without_styles(page)

    async def without_the_word(route: Route) -> None:
        answer = await route.fetch()
        text = await answer.text()
        assert META in text.partition("<link")[0], "said before the styles"
        await route.fulfill(response=answer, body=text.replace(META, ""))

    await page.route("**/signin", without_the_word)
    await page.goto("/signin")
    assert await painted(page, 2, 400) == (255, 255, 255)
    watch.complaints.clear()


@pytest.mark.parametrize(("motion", "is_soft"), [("no-preference", True), ("reduce", False)])
async def test_w25_pages_change_softly_unless_nothing_shall_move(
    come: Come,
    motion: Literal["no-preference", "reduce"],
    is_soft: bool,  # noqa: FBT001 - a column of the table
) -> None:
    page = await come(reduced_motion=motion)
    await page.add_init_script(NOTE_REVEALS)
    await page.goto("/signin")
    await page.get_by_role("link", name="Create an account").click()
    await page.wait_for_url("**/signup")
    await page.wait_for_function("window.isSoft !== undefined")
    assert await page.evaluate("window.isSoft") == is_soft
