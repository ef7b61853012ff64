"""The web shop beside the platform, in a real Chromium; without one, its tests are skipped."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from server.kit import limits
from server.settings import Settings
from tests.platform import Platform, User, started, wipe
from tests.waiting import until
from tests.web_browser.browsing import Come, Watch, chromium, executable, open_browser

NewTicket = Callable[..., Awaitable[str]]


@pytest.fixture(scope="module")
async def platform(settings: Settings) -> AsyncIterator[Platform]:
    """The whole platform, with room for a crowd at the door: all tests come from one address."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(limits, "SIGN_INS_PER_ADDRESS", 100_000)
        await wipe(settings)
        async with started(settings) as running:
            yield running


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for all tests."""
    path = executable()
    if path is None:
        pytest.skip("no Chromium: install one (Debian: apt-get install chromium), then make test-web")
    async with chromium(path) as running:
        yield running


@pytest.fixture
def watch() -> Watch:
    """What the browsers of a test complain of; one that expects a complaint takes it away."""
    return Watch()


@pytest.fixture
async def come(shop: str, browser: Browser, watch: Watch) -> AsyncIterator[Come]:
    """Makes people, each with a browser of their own; whatever a browser complains of fails the test."""
    async with AsyncExitStack() as stack:

        async def made(url: str = shop, **options: Any) -> Page:
            context = await open_browser(browser, url, watch, **options)
            stack.push_async_callback(context.close)
            return await context.new_page()

        yield made
    assert watch.complaints == []


@pytest.fixture(scope="module")
def seller(platform: Platform) -> User:
    """Whose tickets are for sale."""
    return platform.user()


@pytest.fixture
def listed(platform: Platform, seller: User) -> NewTicket:
    """Lists a ticket that can be ordered; its id."""

    async def made(**more: Any) -> str:
        return await list_ticket(platform, seller, **more)

    return made


async def list_ticket(platform: Platform, seller: User, **more: Any) -> str:
    """A ticket, once orders has heard of it."""
    ticket_id: str = (await seller.list_ticket(**more))["id"]

    async def is_known() -> bool:
        return await platform.count("orders", "SELECT count(*) FROM tickets WHERE id = $1", ticket_id) == 1

    await until(is_known, f"orders has heard of ticket {ticket_id}")
    return ticket_id
