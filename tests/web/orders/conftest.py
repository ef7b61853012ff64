"""The web shop beside the platform, and people with browsers."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from server.app import create_web, listen, serving
from server.local import LocalServers
from server.settings import Settings
from tests.platform import Platform, free_port
from tests.web.browsing import Browser, browser

NewBrowser = Callable[[], Awaitable[Browser]]


@pytest.fixture(scope="session")
def settings(servers: tuple[LocalServers, Settings]) -> Settings:
    """Those of all tests, and where the shop is: Stripe sends people back there."""
    return servers[1].model_copy(update={"tix_web_port": free_port(), "web_secret": "of the tests, " * 3})


@pytest.fixture(scope="module")
async def shop(platform: Platform, settings: Settings) -> AsyncIterator[str]:
    """The shop's address."""
    app = create_web(settings, api_url=platform.api_url)
    async with serving(app, listen(settings.tix_web_port), grace=2):
        yield f"http://127.0.0.1:{settings.tix_web_port}"


@pytest.fixture
async def stranger(shop: str) -> AsyncIterator[NewBrowser]:
    """Makes browsers of people who have no account yet."""
    async with AsyncExitStack() as stack:

        async def made() -> Browser:
            return await stack.enter_async_context(browser(shop))

        yield made


@pytest.fixture
def person(stranger: NewBrowser) -> NewBrowser:
    """Makes browsers of people who are signed in."""

    async def made() -> Browser:
        return await (await stranger()).sign_up()

    return made
