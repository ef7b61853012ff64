"""Pages of tickets and accounts are sound in all their states; test_every_route.py misses none."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from server.app import create_web, serving
from server.kit import limits
from server.ports import listen
from server.settings import Settings
from tests.platform import Platform, User, free_port
from tests.web_browser.axe import violations
from tests.web_browser.browsing import PASSWORD, Come, reserve, sign_up
from tests.web_browser.conftest import list_ticket
from tests.web_browser.sound import flaws, leads_to

pytestmark = pytest.mark.browser

LONG = "An evening of very many words, " * 6
NEVER = "01900000-0000-7000-8000-000000000000"


@dataclass
class Stock:
    """Tickets in each state, and who sells them."""

    platform: Platform
    seller: User
    available: str
    reserved: str
    sold: str
    withdrawn: str

    async def new(self, **more: Any) -> str:
        """One more that is free."""
        return await list_ticket(self.platform, self.seller, **more)


@pytest.fixture(scope="module")
async def stock(platform: Platform, seller: User) -> Stock:
    """More than a page of tickets."""
    buyer = platform.user()
    for number in range(20):
        await seller.list_ticket(title=f"Seat {number}", venue="Grand Hall", seat=f"A{number}")
    await seller.list_ticket(title=LONG[:200], venue=LONG[:200], price=99_999_999, currency="jpy")
    ids = [
        await list_ticket(
            platform, seller, title=title, venue="Opera", seat="Row 1", startsAt="2030-05-01T20:00:00Z"
        )
        for title in ("Free", "Held", "Sold", "Gone")
    ]
    await buyer.hold(ids[1])
    order = await buyer.hold(ids[2])
    assert (await buyer.pay(order["id"])).status_code == 201
    await platform.ticket_in(ids[2], "sold")
    assert (await seller.delete(f"/api/tickets/{ids[3]}")).status_code in {200, 204}
    return Stock(platform, seller, *ids)


async def test_axe_notices(come: Come) -> None:
    page = await come()
    await page.goto("/")
    await page.evaluate("document.querySelector('h1').innerHTML = '<img src=data:,>'")
    assert [one.partition(" ")[0] for one in await violations(page)] == ["empty-heading", "image-alt"]


@pytest.mark.parametrize("path", ["/", "/tickets", "/tickets?q=nothing"])
async def test_w02_nothing_for_sale(come: Come, tmp_path: Path, path: str) -> None:
    page = await come(bypass_csp=True)
    await page.goto(path)
    assert await flaws(page, path, tmp_path) == []


State = Callable[[Page, Stock], Awaitable[object]]


def at(path: str) -> State:
    """Just open it; `{status}` is the id of a ticket in that state."""

    async def open_it(page: Page, stock: Stock) -> None:
        await page.goto(path.format(**vars(stock)))

    return open_it


async def second_page(page: Page, stock: Stock) -> None:
    await page.goto("/tickets")
    await page.get_by_role("link", name="Next page").click()
    await page.get_by_role("link", name="First page").wait_for()


async def sign_in_error(page: Page, stock: Stock) -> None:
    await page.goto("/signin")
    await page.get_by_label("Email").fill("nobody@example.com")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("heading", name="There is a problem").wait_for()


async def sign_in_limit(page: Page, stock: Stock) -> None:
    for _ in range(limits.SIGN_INS_PER_EMAIL):
        typed = {"email": "nobody@example.com", "password": PASSWORD}
        await stock.platform.http.post("/api/users/signin", json=typed)
    await sign_in_error(page, stock)
    await page.get_by_text("Too many tries.").first.wait_for()


async def sign_up_errors(page: Page, stock: Stock) -> None:
    await page.goto("/signup")
    await page.get_by_label("Email").fill("not an address")
    await page.get_by_label("Password").fill("short")
    await page.get_by_role("button", name="Create account").click()
    await page.get_by_role("heading", name="There is a problem").wait_for()


async def signed_in(page: Page, stock: Stock) -> None:
    await sign_up(page)


async def own_listing(page: Page, stock: Stock) -> None:
    """The page of a listing whose seller looks at it: the shop knows them by the cookie's account."""
    email = await sign_up(page)
    http = stock.platform.http
    answer = await http.post("/api/users/signin", json={"email": email, "password": PASSWORD})
    mine = {"Authorization": f"Bearer {answer.json()['token']}"}
    made = await http.post("/api/tickets", json={"title": "Mine", "price": 1}, headers=mine)
    await page.goto(f"/tickets/{made.json()['id']}")
    await page.get_by_text("This is your own listing.").wait_for()


async def own_order(page: Page, stock: Stock) -> None:
    await sign_up(page)
    ticket = await stock.new(title="Mine for a while")
    await reserve(page, ticket)
    await stock.platform.ticket_in(ticket, "reserved")
    await page.goto(f"/tickets/{ticket}")
    await page.get_by_role("link", name="Go to your order").wait_for()


async def taken(page: Page, stock: Stock) -> None:
    await sign_up(page)
    ticket = await stock.new(title="Wanted by two")
    await page.goto(f"/tickets/{ticket}")
    await stock.platform.user().hold(ticket)
    await page.get_by_role("button", name="Reserve").click()
    await page.get_by_role("heading", name="Not reserved").wait_for()


async def dearer(page: Page, stock: Stock) -> None:
    await sign_up(page)
    ticket = await stock.new(title="Dearer by the minute")
    await page.goto(f"/tickets/{ticket}")
    await page.evaluate("document.querySelector('[name=price]').value = 1")
    await page.get_by_role("button", name="Reserve").click()
    await page.get_by_role("button", name="Reserve at").wait_for()


async def stale_form(page: Page, stock: Stock) -> None:
    await page.goto("/signin")
    await page.evaluate("document.querySelector('[name=csrf]').value = '00'")
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("heading", name="This form is out of date").wait_for()


STATES: Mapping[str, State] = {
    "/ some": at("/"),
    "/tickets some": at("/tickets"),
    "/tickets second page": second_page,
    "/tickets narrowed": at("/tickets?q=seat&status=available&sort=price&from=1&to=100"),
    "/tickets empty": at("/tickets?q=nothing+like+it"),
    "/tickets error": at("/tickets?from=much&to=1"),
    "/tickets/<ticket_id> available": at("/tickets/{available}"),
    "/tickets/<ticket_id> reserved": at("/tickets/{reserved}"),
    "/tickets/<ticket_id> sold": at("/tickets/{sold}"),
    "/tickets/<ticket_id> withdrawn": at("/tickets/{withdrawn}"),
    "/tickets/<ticket_id> own": own_listing,
    "/tickets/<ticket_id> held by oneself": own_order,
    "/signin over": at("/signin?next=/tickets&over=1"),
    "/signin error": sign_in_error,
    "/signin limit": sign_in_limit,
    "/signup empty": at("/signup"),
    "/signup error": sign_up_errors,
    "/tickets signed in": signed_in,
    "/tickets/<ticket_id>/reserve taken": taken,
    "/tickets/<ticket_id>/reserve dearer": dearer,
    "/signin stale form": stale_form,
    "/nowhere error": at("/nowhere"),
    "/tickets/<ticket_id> error": at(f"/tickets/{NEVER}"),
}


@pytest.mark.parametrize("state", STATES)
async def test_w02_w17_w23_every_state(come: Come, stock: Stock, tmp_path: Path, state: str) -> None:
    page = await come(bypass_csp=True)
    await STATES[state](page, stock)
    assert leads_to(state, page)
    assert await flaws(page, state, tmp_path) == []


@pytest.fixture
async def cut_off(settings: Settings) -> AsyncIterator[str]:
    """The address of a shop whose services do not answer."""
    sock = listen(free_port())
    app = create_web(settings, api_url=f"http://127.0.0.1:{free_port()}")
    async with serving(app, sock, grace=2):
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"


async def test_w02_no_service_answers(come: Come, cut_off: str, tmp_path: Path) -> None:
    page = await come(cut_off, bypass_csp=True)
    answer = await page.goto("/tickets")
    assert answer is not None
    assert answer.status == 503
    assert await flaws(page, "away", tmp_path) == []
