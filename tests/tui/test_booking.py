"""From the list to the ticket."""

from tests.platform import Platform
from tests.tui.conftest import Open


async def test_t03_a_ticket_is_booked_in_six_keys(platform: Platform, open_tui: Open) -> None:
    seller, buyer = platform.user(), platform.user()
    ticket = await seller.list_ticket(title="Front row")
    async with open_tui(platform, buyer) as tui:
        await tui.sees("Front row", "Press b to hold it")
        await tui.press("b")
        await tui.sees("Held for you until", "45.00 USD", "14:5")
        await tui.press("m", "enter", "y")
        await tui.sees("Paid 45.00 USD. The ticket is yours.", timeout=20)
    [order] = (await buyer.get("/api/orders")).json()["items"]
    assert (order["status"], order["ticket"]["id"]) == ("complete", ticket["id"])


async def test_t10_a_hold_is_shown_at_once_and_taken_back_when_it_is_refused(
    platform: Platform, open_tui: Open
) -> None:
    seller, buyer, other = platform.user(), platform.user(), platform.user()
    ticket = await seller.list_ticket(title="Only one")
    async with open_tui(platform, buyer) as tui:
        await tui.sees("Only one", "Press b to hold it")
        row = tui.app.screen.rows.current  # type: ignore[attr-defined]  # the first view is Browse
        await other.hold(ticket["id"])
        tui.app.screen.rows.put(row)  # type: ignore[attr-defined]  # as before the news came
        tui.app.screen.catalogue._tickets[row.id] = row  # type: ignore[attr-defined]
        tui.app.screen.action_hold()  # type: ignore[attr-defined]
        assert "… holding" in tui.screen or "holding" in tui.screen
        await tui.hears("reserved")
        await tui.misses("holding")
