"""The look of it: a few screens are drawn just as they were when somebody last looked at them.

Written anew by `make golden`; the diff is the change of look.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from uuid import UUID

import pytest
from textual.widgets import Input

from tests.cli.running import ID, MOMENT
from tests.platform import User, client
from tests.tui.canned import canned
from tests.tui.conftest import Open
from tests.tui.drawing import difference, picture
from tests.tui.driving import Driver
from tests.waiting import until

KEPT = Path(__file__).parent / "pictures"
IS_RENEWED = "RENEW" in os.environ
NOW = datetime.fromisoformat(MOMENT)


class _Calendar(datetime):
    """Of one moment."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "_Calendar":
        """Always the same."""
        return cls.fromtimestamp(NOW.timestamp(), tz or UTC)


@pytest.fixture(scope="module")
def tix() -> Iterator[str]:
    """The address of a Tix that always says the same."""
    with canned() as url:
        yield url


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No time passes, and it is that of no place; no cursor blinks."""
    monkeypatch.setattr("tui.holds.steady", lambda: 1000.0)
    monkeypatch.setattr("tui.journal.datetime", _Calendar)
    monkeypatch.setattr(Input, "cursor_blink", False)
    with monkeypatch.context() as zone:
        zone.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


OpenAt = Callable[[tuple[int, int]], AbstractAsyncContextManager[Driver]]


@pytest.fixture
def open_at(open_tui: Open, tix: str) -> OpenAt:
    """Opens the app as somebody who holds a ticket and has paid another."""

    @asynccontextmanager
    async def open_(size: tuple[int, int]) -> AsyncIterator[Driver]:
        async with client(tix) as http:
            user = User(UUID(ID), http, {"Authorization": "Bearer eyJhbGciOiJub25lIn0.e30.c2VjcmV0"})
            async with open_tui(tix, user, size=size) as tui:
                await tui.sees("5 tickets", "15:00")
                yield tui

    return open_


Looks = Callable[[Driver, str], Awaitable[None]]


@pytest.fixture
def looks(tmp_path: Path) -> Looks:
    """Holds the screen against the picture kept under this name; it may take a moment to be drawn."""

    async def looks_(tui: Driver, name: str) -> None:
        path, drawn = KEPT / f"{name}-{tui.app.size.width}.svg", ""

        async def is_still() -> bool:
            nonlocal drawn
            before, drawn = drawn, picture(tui.app)
            await asyncio.sleep(0.3)
            return before == drawn

        if IS_RENEWED:
            await until(is_still, "nothing moves")
            path.write_text(drawn, encoding="utf-8")
            return
        kept = path.read_text(encoding="utf-8")
        with suppress(AssertionError):  # what follows says more
            await until(lambda: picture(tui.app) == kept, f"it looks like {path.name}", 5)
        if (drawn := picture(tui.app)) != kept:
            new = tmp_path / path.name
            new.write_text(drawn, encoding="utf-8")
            pytest.fail(
                f"It does not look like {path}\nany more, but like {new}\n"
                f"If that is as it should be: make golden\n{difference(kept, drawn)}",
                pytrace=False,
            )

    return looks_


async def test_one_column(open_at: OpenAt, looks: Looks) -> None:
    async with open_at((60, 20)) as tui:
        await looks(tui, "browse")
        await tui.press("question_mark")
        await tui.sees("What can be done here")
        await looks(tui, "help")
        await tui.press("escape")
        await tui.misses("What can be done here")
        await tui.press("enter")
        await tui.sees("Press p to pay")
        await looks(tui, "checkout")


async def test_two_panes(open_at: OpenAt, looks: Looks) -> None:
    async with open_at((100, 24)) as tui:
        await looks(tui, "browse")
        await tui.press("2")
        await tui.sees("2 orders", "to pay it.", "Held for you")
        await tui.press("j")
        await tui.sees("paid.")
        await looks(tui, "orders")
        await tui.press("3")
        await tui.sees("[3 sell]", "An Evening", "n new")
        await tui.press("n")
        await tui.sees("A new listing")
        await tui.press("f2")
        await tui.sees("write it as 45.00")
        await looks(tui, "listing")


async def test_three_panes(open_at: OpenAt, looks: Looks) -> None:
    async with open_at((140, 24)) as tui:
        await tui.sees("Held by you: 1")
        await looks(tui, "browse")
        await tui.press("right", "right")
        await until(
            lambda: tui.app.focused is tui.app.screen.query_one("#holds"), "the third pane has the keys"
        )
        await tui.press("enter")
        await tui.sees("Press p to pay")
        await looks(tui, "checkout")
