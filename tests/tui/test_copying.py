"""What can be taken along: ids, addresses, the row as JSON, the payment link, and the same as a command."""

import json

from tests.platform import Platform
from tests.tui.conftest import Open
from tests.tui.driving import Driver, person
from tests.waiting import until


async def copied(tui: Driver, *keys: str) -> str:
    """What is in the clipboard after these keys in the menu."""
    before = tui.app.clipboard
    await tui.press("y")
    await tui.sees("Copy", "command to")
    await tui.press(*keys)
    await until(lambda: tui.app.clipboard != before, "something was copied")
    return tui.app.clipboard


async def test_t17_a_ticket_is_copied_in_every_form_and_each_form_is_shown(
    platform: Platform, open_tui: Open
) -> None:
    seller = platform.user()
    ticket = await seller.list_ticket(title="Copy me")
    async with open_tui(platform, await person(platform)) as tui:
        await tui.sees("Copy me", "Press b to hold it")
        await tui.press("y")
        shown = await tui.sees("id", ticket["id"], "JSON", f"tix reserve {ticket['id']}")
        assert f"tix tickets show {ticket['id']}" in shown
        await tui.press("escape")
        await tui.misses("tix reserve")
        assert await copied(tui, "enter") == ticket["id"]
        await tui.hears(f"Copied the id: {ticket['id']}")
        address = await copied(tui, "down", "enter")
        assert address.endswith(f"/tickets/{ticket['id']}")
        await tui.hears(f"Copied the address: {address}")
        await until(lambda: tui.toasts[-1].endswith(address), "all of it is shown")
        assert json.loads(await copied(tui, "end", "enter"))["title"] == "Copy me"
        await until(lambda: tui.toasts[-1].endswith("…"), "the rest of what is long is left out")


async def test_t17_an_order_gives_its_link(platform: Platform, open_tui: Open) -> None:
    seller, buyer = platform.user(), await person(platform)
    order = await buyer.hold((await seller.list_ticket(title="Pay me"))["id"])
    link = (await buyer.open_page(order["id"])).json()["checkoutUrl"]
    async with open_tui(platform, buyer) as tui:
        await tui.sees("Pay me", "You hold it for")
        await tui.press("enter")
        await tui.sees("To pay 45.00 USD, open")
        await tui.press("c")
        await until(lambda: tui.app.clipboard == link, "the link was copied")
        await tui.press("y")
        await tui.sees("payment link", f"tix pay {order['id']}")
