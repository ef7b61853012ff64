"""One column, two panes or three: what is in them, and how one moves between them."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from textual.widgets import OptionList

from tests.platform import Platform
from tests.tui.conftest import Open
from tests.tui.driving import Driver, person
from tests.waiting import until
from tui.screens.checkout import Checkout


async def has_keys(tui: Driver, selector: str) -> None:
    """Wait until what is pressed goes there."""
    await until(lambda: tui.app.focused is tui.app.screen.query_one(selector), f"{selector} has the keys")


@pytest.mark.parametrize(("before", "after"), [("left", "right"), ("h", "l"), ("shift+tab", "tab")])
async def test_keys_lead_through_three_panes_and_back(
    platform: Platform, open_tui: Open, before: str, after: str
) -> None:
    buyer = await person(platform)
    await buyer.hold((await platform.user().list_ticket(title="Aisle"))["id"])
    async with open_tui(platform, buyer) as tui:
        await tui.sees("Details", "Held by you: 1", "Activity")
        for pane in ("#details", "#holds", "#news"):
            await tui.press(after)
            await has_keys(tui, pane)
        for pane in ("#holds", "#details", "#tickets"):
            await tui.press(before)
            await has_keys(tui, pane)


async def test_t06_the_keys_of_a_list_scroll_what_has_no_rows(platform: Platform, open_tui: Open) -> None:
    """Details and an order's page; and they choose among what can be copied."""
    buyer = await person(platform)
    await buyer.hold((await platform.user().list_ticket(title="Aisle"))["id"])

    async def scrolls(tui: Driver, selector: str) -> None:
        await has_keys(tui, selector)
        pane = tui.app.screen.query_one(selector)
        await until(lambda: pane.max_scroll_y > 1, "it is longer than the screen")

        async def leads(key: str, y: int | None) -> None:
            await tui.press(key)
            await until(
                lambda: pane.scroll_y == (pane.max_scroll_y if y is None else y), f"{key} leads there"
            )

        for key, y in (("G", None), ("g", 0), ("j", 1), ("k", 0), ("G", None)):
            await leads(key, y)
        half = round(pane.size.height / 2)
        await tui.press("ctrl+u")
        await until(lambda: pane.scroll_y == max(0, pane.max_scroll_y - half), "it is half a page up")

    async with open_tui(platform, buyer, size=(80, 9)) as tui:
        await tui.sees("Aisle", "Details")
        await tui.press("l")
        await scrolls(tui, "#details")
        await tui.press("y")
        await tui.sees("Copy")
        options = tui.app.screen.query_one(OptionList)
        await tui.press("G")
        await until(lambda: options.highlighted == options.option_count - 1, "it is the last")
        await tui.press("g")
        await until(lambda: options.highlighted == 0, "it is the first")
        await tui.press("escape")
        await tui.pilot.resize_terminal(60, 9)
        await tui.press("2")
        await tui.sees("1 order")
        await tui.press("enter")
        await tui.sees("Aisle", "held")
        page: Any = tui.app
        await until(lambda: isinstance(page.screen, Checkout), "it is another page")
        await until(lambda: getattr(page.screen.order, "history", None), "its story is read")
        await scrolls(tui, "#panes")


@pytest.fixture
def at_three(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Here it is some minutes after three, which is the time left of no hold."""
    with monkeypatch.context() as zone:
        zone.setenv("TZ", f"HERE{(datetime.now(UTC).hour - 3) % 24}")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("at_three")
async def test_the_third_pane_counts_down_tells_the_news_and_leads_to_payment(
    platform: Platform, open_tui: Open
) -> None:
    buyer, seller = await person(platform), platform.user()
    await buyer.hold((await seller.list_ticket(title="Aisle"))["id"])
    async with open_tui(platform, buyer, size=(140, 40)) as tui:
        await tui.sees("Held by you: 1")

        def counted() -> set[str]:
            return {word for word in tui.screen.split() if word.startswith("14:")}

        first = counted()
        assert first
        # Head, note and pane tell the same second, and the next one without a key.
        await until(lambda: len(counted()) == 1 and not counted() & first, "it counts down")
        await tui.press("3")
        await tui.sees("[3 sell]", "Held by you: 1")
        await seller.list_ticket(title="Brand new")
        await tui.sees("“Brand new” is")
        rows: Any = tui.app.screen.query_one("#holds")
        rows.focus()
        await tui.press("enter")
        await tui.sees("Press p to pay")


async def test_the_mouse_reaches_views_holds_and_what_is_held(platform: Platform, open_tui: Open) -> None:
    buyer = await person(platform)
    await buyer.hold((await platform.user().list_ticket(title="Aisle"))["id"])
    async with open_tui(platform, buyer) as tui:
        await tui.sees("Held by you: 1")
        await tui.click("2 orders")
        await tui.sees("[2 orders]", "to pay it.")
        await tui.click("◐ 14:")
        await tui.sees("Press p to pay")
        await tui.click("1 browse")
        await tui.sees("[1 browse]")
        await tui.click("? help")
        await tui.sees("What can be done here")


async def test_t24_the_width_of_the_list_is_kept(platform: Platform, open_tui: Open) -> None:
    async with open_tui(platform, size=(100, 24)) as tui:
        await tui.sees("newest first")
        pane = tui.app.screen.query_one("#list")
        await until(lambda: pane.size.width == 58, "60 % less the border")
        await tui.press("greater_than_sign")
        await until(lambda: pane.size.width == 63, "65 %")
        for _ in range(9):
            await tui.press("less_than_sign")
        await until(lambda: pane.size.width == 38, "40 % is the least")
    async with open_tui(platform, size=(100, 24)) as tui:
        await tui.sees("newest first")
        await until(lambda: tui.app.screen.query_one("#list").size.width == 38, "it is as it was left")


async def test_t13_a_pane_that_goes_away_leaves_its_keys_to_the_list(
    platform: Platform, open_tui: Open
) -> None:
    await platform.user().list_ticket(title="Aisle")
    async with open_tui(platform, await person(platform)) as tui:
        await tui.sees("Aisle", "Held by you", "Press b to hold it")
        await tui.press("right", "right")
        await has_keys(tui, "#holds")
        await tui.pilot.resize_terminal(80, 24)
        await has_keys(tui, "#tickets")
        await tui.misses("Held by you")
        await tui.pilot.resize_terminal(60, 20)
        await tui.misses("Press b to hold it")
        await tui.press("l")  # alone, the list gives its place to the details
        await tui.sees("Press b to hold it")
        await tui.press("h")
        await tui.misses("Press b to hold it")


async def test_t20_hints_name_ones_own_keys(platform: Platform, open_tui: Open) -> None:
    await platform.user().list_ticket(title="Aisle")
    keys = '[tui.keys]\nhold = "B"\npay = "f5"\nmethod = "M"\nback = "f8"\nview_sell = "f9"'
    async with open_tui(platform, await person(platform), settings=keys) as tui:
        await tui.sees("Aisle", "Press B to hold it", "B hold")
        await tui.press("slash")
        await tui.type("zzz", "filter")
        await tui.sees("Press f8 to take the filter away")
        await tui.press("f8")
        await tui.sees("Press B to hold it")
        await tui.press("B")
        await tui.sees("Press f5 to pay on a page of Stripe's, M to pay")


async def test_t22_live_and_the_time_left_are_there_in_the_narrowest_head(
    platform: Platform, open_tui: Open
) -> None:
    buyer = await person(platform)
    await buyer.hold((await platform.user().list_ticket(title="Aisle"))["id"])
    live = "[profiles.default]\nlive = true\n"
    for width in (60, 80):
        async with open_tui(platform, buyer, size=(width, 20), settings=live) as tui:
            head = (await tui.sees("LIVE", "[1 browse]", "◐ 14:")).splitlines()[0]
            assert "◐ 14:" in head
            assert "LIVE" in head
