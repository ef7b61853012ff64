"""What holds for every page, whoever looks at it and however: looked at once, in all the ways people do."""

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import Page

from tests.web_browser.axe import violations_everywhere
from tests.web_browser.browsing import PHONE

ZOOMED = {"width": 320, "height": 256}
"""What is left of 1280 × 1024 at 400 %; and the narrowest phone."""
SPACED = """
* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important; }
p { margin-block-end: 2em !important; }"""
"""WCAG 1.4.12; the style is the reader's own, which no policy of ours concerns."""
WIDER = "() => Math.max(0, document.documentElement.scrollWidth - innerWidth)"
FLAWS: Mapping[str, str] = {
    "is cut": """() => [...document.querySelectorAll(
        "main button, main a, .badge, .price, .clock, nav a, label, dt, dd, h1, h2, th, td, summary, li, p")]
      .filter((it) => it.checkVisibility() && it.clientWidth > 1 && it.scrollWidth > it.clientWidth + 1)
      .filter((it) => getComputedStyle(it).overflowX !== "auto" && !it.closest(".unseen"))""",
    "overlaps another": """() => {
      const shown = "a, button, input, select, summary, .badge, .price, .clock, svg";
      const all = [...document.querySelectorAll(shown)]
        .filter((it) => it.checkVisibility() && !it.closest(".skip, .unseen, .art, .brand > svg"));
      const boxes = all.map((it) => [...it.getClientRects()]);
      const meet = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
        && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
      return all.filter((it, i) => all.some((other, j) => j > i && !it.contains(other) && !other.contains(it)
        && boxes[i].some((a) => boxes[j].some((b) => meet(a, b)))));
    }""",
    "has no edge in forced colours": """() => [...document.querySelectorAll(
        "main :is(button:not(.plain), .button, .card > a, .badge, input, select, .panel)")]
      .filter((it) => it.checkVisibility() && parseFloat(getComputedStyle(it).borderTopWidth) < 1)""",
    "moves": """() => [...document.querySelectorAll("*")].filter((it) => it.getAnimations().length
        || getComputedStyle(it).transitionDuration.split(", ").some((time) => parseFloat(time) > 0))""",
}
"""What is wrong with an element → the function that finds such elements."""
AS_TEXT = "found => found.map(it => it.outerHTML.slice(0, 160))"


async def flaws(page: Page, state: str, pictures: Path) -> list[str]:
    """What is wrong with this page, a sentence each; it leaves a picture of it, and the page unfit for more.

    The page's policy must be bypassed, so that axe and a reader's style can be added.
    """
    found = await violations_everywhere(page)
    await page.set_viewport_size({"width": ZOOMED["width"], "height": ZOOMED["height"]})
    if over := await page.evaluate(WIDER):
        found.append(f"{over} px too wide for {ZOOMED['width']}")
    await page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    await page.emulate_media(forced_colors="active", reduced_motion="reduce", color_scheme="light")
    await page.add_style_tag(content=SPACED)
    for flaw, finder in FLAWS.items():
        elements = await page.evaluate_handle(finder)
        found += [f"{flaw}: {element}" for element in await elements.evaluate(AS_TEXT)]
    if over := await page.evaluate(WIDER):
        found.append(f"{over} px too wide for {PHONE['width']}, spaced")
    name = re.sub(r"[^a-z]+", "-", state).strip("-")
    await page.screenshot(path=pictures / f"{name}.jpeg", full_page=True, quality=60)
    return found


def route_of(state: str) -> str:
    """`/tickets/<ticket_id>` of `/tickets/<ticket_id> sold`."""
    return state.partition(" ")[0]


def leads_to(state: str, page: Page) -> bool:
    """Whether this is a page of the state's route."""
    route = route_of(state)
    return re.fullmatch(re.sub(r"<[^>]+>", "[^/]+", route), urlsplit(page.url).path) is not None
