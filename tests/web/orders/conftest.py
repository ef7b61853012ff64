"""The web shop beside the platform, and people with browsers."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from tests.web.visiting import Browser, browser

NewBrowser = Callable[[], Awaitable[Browser]]


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
