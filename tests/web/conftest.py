"""The web shop, served beside the platform."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from sanic import Sanic

from server.app import create_web, serving
from server.ports import listen
from tests.platform import Platform, free_port
from tests.web.visiting import Visitor

GRACE_SECONDS = 2


@dataclass
class Web:
    """A running web shop."""

    url: str
    app: Sanic[Any, Any]
    platform: Platform
    visitor: Callable[..., Visitor]


@asynccontextmanager
async def shop(platform: Platform, *, api_url: str | None = None, **changed: Any) -> AsyncIterator[Web]:
    """The shop with these settings changed."""
    settings = platform.settings.model_copy(update=changed)
    async with AsyncExitStack() as stack:
        sock = listen(free_port())
        app = create_web(settings, api_url=api_url or platform.api_url)
        await stack.enter_async_context(serving(app, sock, grace=GRACE_SECONDS))
        url = f"http://127.0.0.1:{sock.getsockname()[1]}"

        def visitor(**more: Any) -> Visitor:
            http = httpx.AsyncClient(base_url=url, timeout=30, trust_env=False, **more)
            stack.push_async_callback(http.aclose)
            return Visitor(http)

        yield Web(url, app, platform, visitor)


@pytest.fixture(scope="module")
async def web(platform: Platform) -> AsyncIterator[Web]:
    """The shop as `up` serves it."""
    async with shop(platform) as running:
        yield running


@pytest.fixture
async def seller(web: Web) -> Visitor:
    """Somebody who signed up."""
    return await web.visitor().sign_up()
