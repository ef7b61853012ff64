"""What is looked for on every page is found on a bad one."""

from pathlib import Path

import pytest

from tests.web_browser.browsing import Come
from tests.web_browser.sound import FLAWS, flaws

pytestmark = pytest.mark.browser

BAD = """
<button style="border: 0">Bare</button>
<h1 style="width: 3em; overflow: hidden; white-space: nowrap">Far too long for its box</h1>
<p style="position: relative"><a href="/">One</a><a href="/" style="position: absolute; left: 0">Other</a></p>
<p style="transition: color 1s; min-width: 600px">Slow and wide</p>
"""


async def test_w23_each_flaw_is_noticed(come: Come, tmp_path: Path) -> None:
    page = await come(bypass_csp=True)
    await page.goto("/signin")
    await page.evaluate("html => document.querySelector('main').insertAdjacentHTML('beforeend', html)", BAD)
    found = await flaws(page, "/bad page", tmp_path)
    for flaw in FLAWS:
        assert any(one.startswith(f"{flaw}: ") for one in found), flaw
    assert any(one.endswith("px too wide for 320") for one in found)
    assert (tmp_path / "bad-page.jpeg").stat().st_size > 1000
