"""Take the pictures in docs/tui anew, on a real platform: `make screenshots`."""

import asyncio
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser

from cli.config import Config
from tests.platform import ROOT, Platform, User
from tests.tui.drawing import picture
from tests.tui.driving import Driver, person
from tests.web_browser.browsing import chromium, executable
from tests.web_browser.png import lean
from tests.web_browser.screenshots import MOST_BYTES, fill, running
from tui.app import Tui
from tui.memory import Memory

WHERE = ROOT / "docs" / "tui"
SCALE = 0.75
SIZE = re.compile(r'<svg class="rich-terminal" viewBox="0 0 ([\d.]+) ([\d.]+)"')


async def browse(tui: Driver) -> None:
    """The third pane has a hold and some news."""
    await tui.sees("Held by you: 1", "You hold it for")
    await tui.press(*"jjjjj")
    await tui.sees("am Karlsplatz", "Press b to hold it")


async def narrow(tui: Driver) -> None:
    """The list alone."""
    await tui.sees("◐ 14:", "yours")


async def orders(tui: Driver) -> None:
    """With the story of one."""
    await tui.press("2")
    await tui.sees("orders · bought", "to pay it.")
    await tui.press("j")
    await tui.sees("45.00 USD paid.")


async def checkout(tui: Driver) -> None:
    """A hold, and the page on which it is paid."""
    await tui.press("2")
    await tui.sees("orders · bought", "to pay it.")
    await tui.press("enter")
    await tui.sees("Press p to pay")
    await tui.press("p")
    await tui.sees("To pay 12.50 GBP", "▀")


SHOWS: Mapping[str, tuple[tuple[int, int], Callable[[Driver], Awaitable[None]]]] = {
    "browse": ((140, 30), browse),
    "narrow": ((60, 20), narrow),
    "orders": ((100, 24), orders),
    "checkout": ((120, 34), checkout),
}


@asynccontextmanager
async def opened(platform: Platform, user: User, size: tuple[int, int]) -> AsyncIterator[Driver]:
    """The app, in a home of its own."""
    with tempfile.TemporaryDirectory() as home:
        token = user.headers["Authorization"].removeprefix("Bearer ")
        environ = {"HOME": home, "TIX_API_URL": platform.api_url, "TIX_TOKEN": token}
        config = Config(environ, Path(home))
        target = config.resolve(profile=None, api_url=None, warn=lambda _: None)
        app = Tui(config, target, Memory.of(environ, target.profile))
        async with app.run_test(size=size, notifications=True) as pilot:
            yield Driver(app, pilot)


async def take(browser: Browser, platform: Platform, buyer: User) -> None:
    """Every picture."""
    for name, (size, show) in SHOWS.items():
        async with opened(platform, buyer, size) as tui:
            await show(tui)
            tui.app.clear_notifications()
            await tui.misses("It was opened")
            svg = picture(tui.app)
        found = SIZE.search(svg)
        assert found is not None
        width, height = (round(float(side) * SCALE) for side in found.groups())
        page = await browser.new_page(viewport={"width": width, "height": height})
        sized = svg.replace("<svg ", f'<svg width="{width}" height="{height}" ', 1)
        await page.set_content(f'<body style="margin:0">{sized}</body>')
        path = WHERE / f"{name}.png"
        path.write_bytes(lean(await page.screenshot()))
        await page.close()
        print(f"{path.stat().st_size:7,} {path.relative_to(ROOT)}")  # noqa: T201 - a program's output
        if path.stat().st_size > MOST_BYTES:
            raise SystemExit(f"{path.name} has more than {MOST_BYTES:,} bytes.")


async def main(folder: Path) -> None:
    """Start everything in this folder, take the pictures, stop everything."""
    path = executable()
    if path is None:
        sys.exit("There is no Chromium: install one (Debian: apt-get install chromium).")
    async with running(folder) as (platform, _), chromium(path) as browser:
        await fill(platform)
        seller, buyer = platform.user(), await person(platform, "ada@example.com")
        paid = await buyer.hold((await seller.list_ticket(title="Piano recital", venue="Town Hall"))["id"])
        await buyer.pay(paid["id"])
        await buyer.order_in(paid["id"], "complete")
        held = await seller.list_ticket(
            title="Open-air opera", price=1250, currency="gbp", venue="Old Harbour"
        )
        await buyer.hold(held["id"])
        await take(browser, platform, buyer)


if __name__ == "__main__":
    WHERE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tix-pictures-") as made:
        Path(made).chmod(0o711)  # PostgreSQL runs as nobody where we are root
        asyncio.run(main(Path(made)))
