"""axe-core over a page: https://github.com/dequelabs/axe-core."""

from importlib.resources import files

from playwright.async_api import Page

from tests.web_browser.browsing import DESK, PHONE

SCRIPT = (files("axe_playwright_python") / "axe.min.js").read_text()
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
RUN = """async (tags) => {
  const found = await axe.run(document, {runOnly: tags, resultTypes: ["violations"], preload: false});
  return found.violations.flatMap((rule) => rule.nodes.map(
    (node) => `${rule.id} (${rule.impact}): ${node.target}: ${node.failureSummary}`));
}"""


SETTLED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
"""Scripts that follow the colour scheme have heard of it."""


async def violations(page: Page) -> list[str]:
    """What is wrong with the page as it is shown now, a sentence each."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(SCRIPT)
    found: list[str] = await page.evaluate(RUN, TAGS)
    return found


async def violations_everywhere(page: Page) -> list[str]:
    """The same on a desk and a phone, by day and by night."""
    found = []
    for size in (DESK, PHONE):
        await page.set_viewport_size({"width": size["width"], "height": size["height"]})
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            await page.evaluate(SETTLED)
            found += [f"{size['width']} {scheme} {one}" for one in await violations(page)]
    return found
