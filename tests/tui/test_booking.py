"""From the list to the ticket."""

import asyncio
from typing import Any

import pytest

from server.orders.schemas import OrderOut
from tests.platform import Platform
from tests.tui.conftest import Open
from tests.tui.driving import person


async def test_t03_a_ticket_is_booked_in_six_keys(platform: Platform, open_tui: Open) -> None:
    seller, buyer = platform.user(), await person(platform)
    ticket = await seller.list_ticket(title="Front row")
    async with open_tui(platform, buyer) as tui:
        await tui.sees("Front row", "Press b to hold it")
        await tui.press("b")
        await tui.sees("Held for you until", "45.00 USD", "14:5")
        await tui.press("m")
        await tui.sees("Pay by which payment method?")
        await tui.press("enter")
        await tui.sees("Pay 45.00 USD for “Front row” by pm_card_visa?")
        await tui.press("y")
        await tui.sees("Paid 45.00 USD. The ticket is yours.", timeout=20)
    [order] = (await buyer.get("/api/orders")).json()["items"]
    assert (order["status"], order["ticket"]["id"]) == ("complete", ticket["id"])


async def test_t10_a_hold_is_shown_at_once_and_taken_back_when_it_is_refused(
    platform: Platform, open_tui: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    seller, buyer, other = platform.user(), await person(platform), platform.user()
    ticket = await seller.list_ticket(title="Only one")
    async with open_tui(platform, buyer) as tui:
        await tui.sees("Only one", "Press b to hold it")
        ours = tui.app.session.feed
        reserve, answer = ours.reserve_ticket, asyncio.Event()

        async def slowly(*args: Any, **kwargs: Any) -> OrderOut:
            await answer.wait()
            await other.hold(ticket["id"])
            return await reserve(*args, **kwargs)

        monkeypatch.setattr(ours, "reserve_ticket", slowly)
        await tui.press("b")
        await tui.sees("holding")
        answer.set()
        await tui.hears("Holding “Only one”: This ticket is reserved")
        await tui.sees("◐  Only one")
        await tui.misses("holding")
