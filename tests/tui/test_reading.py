"""What is said, and done, while a list is on its way."""

import asyncio
from typing import Any

import pytest

from client import Tix
from tests.platform import Platform
from tests.tui.conftest import Open
from tests.tui.driving import person
from tests.tui.test_account import PASSWORD, account, type_into
from tests.tui.test_panes import has_keys
from tests.tui.test_sessions import sign_out
from tests.waiting import until


class Slow:
    """Lists that come when they may."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.may_come = asyncio.Event()
        self.may_come.set()
        ask = Tix.list_tickets

        async def slowly(*args: Any) -> Any:
            await self.may_come.wait()
            return await ask(*args)

        monkeypatch.setattr(Tix, "list_tickets", slowly)


async def test_esc_does_not_end_what_is_owed(
    platform: Platform, open_tui: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow(monkeypatch)
    slow.may_come.clear()
    await platform.user().list_ticket(title="Front row")
    async with open_tui(platform) as tui:
        await tui.sees("Reading…")
        await tui.press("escape", "4", "1")
        await tui.sees("[1 browse]", "Reading…")
        slow.may_come.set()
        await tui.sees("Front row")


async def test_another_order_or_status_is_shown_at_once_and_nothing_is_said_that_nobody_knows(
    platform: Platform, open_tui: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, seller = Slow(monkeypatch), platform.user()
    for title, price in (("Dear one", 9000), ("Cheap one", 1000)):
        await seller.list_ticket(title=title, price=price)
    async with open_tui(platform) as tui:
        await tui.sees("Cheap one", "Dear one", "newest first")
        slow.may_come.clear()
        await tui.press("s")
        await tui.sees("oldest first", "Cheap one", "Dear one")
        await until(lambda: tui.screen.index("Dear one") < tui.screen.index("Cheap one"), "it is the older")
        await tui.press("s")
        await tui.sees("cheapest first", "Cheap one", "Dear one")
        await until(lambda: tui.screen.index("Cheap one") < tui.screen.index("Dear one"), "it is cheaper")
        await tui.press("f")
        await tui.sees("only available", "Cheap one", "Dear one")
        await tui.press("f")
        await tui.sees("only reserved", "Reading…")
        await tui.press("f", "f", "f")
        await tui.misses("only ")
        await tui.sees("Cheap one", "Dear one")
        await tui.press("f", "f")
        await tui.sees("only reserved", "Reading…")
        slow.may_come.set()
        await tui.sees("No ticket fits.")


async def test_orders_stay_while_tix_is_away(
    platform: Platform, open_tui: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    buyer = await person(platform)
    await buyer.hold((await platform.user().list_ticket(title="Front row"))["id"])
    async with open_tui(platform, buyer) as tui:
        await tui.press("2")
        await tui.sees("1 order · bought", "◐  Front row")
        monkeypatch.setattr(tui.app.session, "hear", lambda: None)
        tui.app.session.is_online = False
        for key in ("o", "f"):
            await tui.press(key)
            await tui.hears("Tix does not answer; other orders are shown when it does.")
            await tui.press("d")
            await until(lambda: not tui.toasts, "they are gone")
        await tui.sees("1 order · bought", "Front row")


async def test_esc_out_of_a_filter_brings_no_listing_of_another_back(
    platform: Platform, open_tui: Open
) -> None:
    kim, lee = await person(platform), await account(platform)
    await kim.list_ticket(title="Of Kim")
    async with open_tui(platform, kim) as tui:
        await tui.press("3")
        await tui.sees("1 ticket", "Of Kim")
        await tui.press("slash")
        await tui.type("zzz", "filter")
        await tui.sees("No ticket fits.")
        await tui.press("enter")
        await has_keys(tui, "#tickets")
        await sign_out(tui)
        await type_into(tui, lee, PASSWORD)
        await tui.hears(f"Signed in as {lee}.")
        await tui.sees("No ticket fits.")
        await tui.press("escape")
        await tui.sees("You list nothing yet.")
        assert "Of Kim" not in tui.screen
