"""Take the pictures in docs/web anew: `make screenshots`."""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, Page

from server.app import create_web, serving
from server.kit import db, log, migrate
from server.local import LocalServers
from server.ports import listen
from server.settings import SERVICES, Settings
from tests.dashboard import GOOD_CARD
from tests.platform import ROOT, Platform, databases, free_port, started
from tests.web_browser.browsing import (
    PASSWORD,
    PHONE,
    Watch,
    chromium,
    executable,
    open_browser,
    reserve,
    sign_up,
)
from tests.web_browser.conftest import list_ticket
from tests.web_browser.png import lean

WHERE = ROOT / "docs" / "web"
MOST_BYTES = 60_000
DESK = {"width": 860, "height": 520}
TICKETS = (
    {"title": "Night train jazz", "price": 4500, "venue": "Blue Hall", "seat": "Row A 12"},
    {"title": "Hamlet", "price": 1_234_567, "currency": "jpy", "venue": "New Globe", "seat": "Stalls 4"},
    {
        "title": "City derby",
        "price": 9900,
        "currency": "eur",
        "venue": "North Stadium",
        "seat": "Block 7, 14",
    },
    {
        "title": "The Long and Winding Evening of Chamber Music, with an Introduction, Three Intervals and a"
        " Conversation with the Musicians Afterwards",
        "price": 99_999_999,
        "venue": "Grosser Saal des Musikvereins am Karlsplatz",
        "seat": "Parterre-Loge links, Reihe 2, Platz 11",
    },
    {"title": "Open-air cinema", "price": 1250, "currency": "gbp", "venue": "Old Harbour"},
    {"title": "Standing, one", "price": 100},
    {"title": "Cello suites", "price": 3800, "currency": "eur", "venue": "St Mary", "seat": "Nave 3"},
)
STARTS_AT = "2031-05-0{}T19:30:00Z"
Show = Callable[[Page, str], Awaitable[object]]
"""Lead a page to what is to be seen; the text is a ticket's id."""


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[tuple[Platform, str]]:
    """A platform of its own, and the shop's address."""
    log.configure("ERROR")
    os.environ["SANIC_TOUCHUP"] = "false"
    port, web_port = free_port(), free_port()
    async with AsyncExitStack() as stack:
        servers = LocalServers(folder / "servers", durable=False, api_url=f"http://127.0.0.1:{port}")
        environ = await asyncio.to_thread(servers.start)
        stack.push_async_callback(asyncio.to_thread, servers.stop)
        more = {"TIX_API_PORT": str(port), "TIX_WEB_PORT": str(web_port), "WEB_SECRET": PASSWORD * 2}
        settings = Settings.load({**environ, **more, "BCRYPT_COST": "4"}, SERVICES)
        await migrate.upgrade(databases(settings))
        await db.connect(databases(settings))
        stack.push_async_callback(db.disconnect)
        platform = await stack.enter_async_context(started(settings))
        shop = create_web(settings, api_url=platform.api_url)
        await stack.enter_async_context(serving(shop, listen(web_port), grace=2))
        yield platform, f"http://127.0.0.1:{web_port}"


async def fill(platform: Platform) -> str:
    """A few tickets, one held and one sold; the id of the one to show."""
    seller, buyer = platform.user(), platform.user()
    ids = []
    for day, ticket in enumerate(TICKETS, start=1):
        listed = await seller.list_ticket(**ticket, startsAt=STARTS_AT.format(day))
        ids.append(listed["id"])
    await buyer.hold(ids[4])
    order = await buyer.hold(ids[6])
    await buyer.pay(order["id"])
    await platform.ticket_in(ids[4], "reserved")
    await platform.ticket_in(ids[6], "sold")
    return str(ids[3])


async def home(page: Page, ticket_id: str) -> None:
    """As a stranger sees it."""
    await page.goto("/")


async def tickets(page: Page, ticket_id: str) -> None:
    """The list, signed in."""
    await sign_up(page)
    await page.goto("/tickets")


async def ticket(page: Page, ticket_id: str) -> None:
    """One with a long title, signed in."""
    await sign_up(page)
    await page.goto(f"/tickets/{ticket_id}")


async def sign_in_error(page: Page, ticket_id: str) -> None:
    """What was typed stays, and what to do is said twice."""
    await page.goto("/signin")
    await page.get_by_label("Email").fill("ada@example.com")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("heading", name="There is a problem").wait_for()


async def order_held(page: Page, ticket_id: str) -> None:
    """Just reserved."""
    await sign_up(page)
    await reserve(page, ticket_id)


async def payment(page: Page, ticket_id: str) -> None:
    """The card's form, by the sandbox's stand-in for Stripe."""
    await order_held(page, ticket_id)
    await page.get_by_role("link", name="Pay").click()
    await page.get_by_label("Card number").wait_for()


async def order_complete(page: Page, ticket_id: str) -> None:
    """Paid."""
    await payment(page, ticket_id)
    await page.get_by_label("Card number").fill(GOOD_CARD)
    await page.get_by_label("Expiry").fill("12 / 44")
    await page.get_by_label("CVC").fill("123")
    await page.locator("#card").get_by_role("button").click()
    await page.get_by_role("link", name="Show the ticket").wait_for()


SHOWS: Mapping[str, Show] = {
    "home": home,
    "tickets": tickets,
    "ticket": ticket,
    "sign-in-error": sign_in_error,
    "order-held": order_held,
    "payment": payment,
    "order-complete": order_complete,
}

RESERVED = frozenset({"order-held", "payment", "order-complete"})


async def take(browser: Browser, url: str, platform: Platform, ticket_id: str) -> None:
    """Every page, on desk and phone, by day and by night; a ticket of its own for each that reserves one."""
    seller = platform.user()
    for device, viewport in (("desk", DESK), ("phone", PHONE)):
        for scheme in ("light", "dark"):
            for name, show in SHOWS.items():
                still = {"reduced_motion": "reduce"}  # else a page may be caught on its way
                context = await open_browser(
                    browser, url, Watch(), viewport=viewport, color_scheme=scheme, **still
                )
                page = await context.new_page()
                own = await list_ticket(platform, seller, **TICKETS[0]) if name in RESERVED else ticket_id
                await show(page, own)
                path = WHERE / f"{name}-{device}-{scheme}.png"
                path.write_bytes(lean(await page.screenshot()))
                size = path.stat().st_size
                print(f"{size:7,} {path.relative_to(ROOT)}")  # noqa: T201 - a program's output
                if size > MOST_BYTES:
                    raise SystemExit(f"{path.name} has {size:,} bytes, more than {MOST_BYTES:,}.")
                await context.close()


async def main(folder: Path) -> None:
    """Start everything in this folder, take the pictures, stop everything."""
    path = executable()
    if path is None:
        sys.exit("There is no Chromium: install one (Debian: apt-get install chromium).")
    async with running(folder) as (platform, url), chromium(path) as browser:
        await take(browser, url, platform, await fill(platform))


if __name__ == "__main__":
    WHERE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tix-pictures-") as made:
        Path(made).chmod(0o711)  # PostgreSQL runs as nobody where we are root
        asyncio.run(main(Path(made)))
