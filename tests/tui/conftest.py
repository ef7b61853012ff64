"""The terminal app on a real platform, driven by its keys."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest

from cli.config import Config
from tests.cli.running import ID
from tests.platform import Platform, User, client
from tests.tui.canned import canned
from tests.tui.driving import Driver
from tui.app import Tui
from tui.memory import Memory

HERE = Path(__file__).parent
AT_ONCE = HERE / "test_booking.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is drawn takes a second or two, so one file stands for all of it among the quick tests."""
    for item in items:
        is_drawn = "open_tui" in getattr(item, "fixturenames", ())
        if is_drawn and item.path.is_relative_to(HERE) and item.path != AT_ONCE:
            item.add_marker("slow")


Open = Callable[..., AbstractAsyncContextManager[Driver]]


@asynccontextmanager
async def ada(open_tui: Open, **options: Any) -> AsyncIterator[Driver]:
    """Somebody with listings, a hold and an order, at a Tix that says the same each time."""
    with canned() as url:
        async with client(url) as http:
            user = User(UUID(ID), http, {"Authorization": "Bearer eyJhbGciOiJub25lIn0.e30.c2VjcmV0"})
            async with open_tui(url, user, **options) as tui:
                await tui.sees("5 tickets", "ada@example.com", "◐ ")
                yield tui


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home."""
    return tmp_path


@pytest.fixture
def open_tui(home: Path) -> Open:
    """Opens the app as somebody, on the screen of a test."""

    @asynccontextmanager
    async def open_(
        platform: Platform | str,
        user: User | None = None,
        *,
        size: tuple[int, int] = (180, 40),  # so wide that sentences are not broken in the middle
        is_readonly: bool = False,
        settings: str = "",
        flags: Mapping[str, str | None] = MappingProxyType({}),
    ) -> AsyncIterator[Driver]:
        api_url = platform if isinstance(platform, str) else platform.api_url
        environ = {"HOME": str(home), "TIX_API_URL": api_url, "NO_COLOR": ""}
        if user:
            environ["TIX_TOKEN"] = user.headers["Authorization"].removeprefix("Bearer ")
        (home / ".config" / "tix").mkdir(parents=True, exist_ok=True)
        (home / ".config" / "tix" / "config.toml").write_text(settings, encoding="utf-8")
        config = Config(environ, home)
        target = config.resolve(profile=None, api_url=None, warn=lambda _: None)
        memory = Memory.of(environ, target.profile)
        app = Tui(config, target, memory, is_readonly=is_readonly, flags=flags)
        async with app.run_test(size=size, notifications=True) as pilot:
            yield Driver(app, pilot)

    return open_
