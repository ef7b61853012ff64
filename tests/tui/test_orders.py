"""One's own orders, and those of one's own listings."""

from typing import Any
from uuid import UUID

import pytest

from client import TixError
from server.orders.schemas import OrderOut
from tests.concurrency.races import expire_now
from tests.platform import Platform
from tests.tui.canned import ORDERS
from tests.tui.conftest import Open, ada
from tests.tui.driving import person
from tests.waiting import until
from tui.screens.checkout import Checkout


class TestBuyer:
    """What was bought."""

    async def test_lists_the_newest_first_with_the_story_of_the_one_under_the_cursor(
        self, platform: Platform, open_tui: Open
    ) -> None:
        """Sign, word and time left; enter leads to its own page and escape back to the same row."""
        seller, buyer = platform.user(), await person(platform)
        first = await buyer.hold((await seller.list_ticket(title="Old one", price=1200))["id"])
        await buyer.pay(first["id"])
        await buyer.order_in(first["id"], "complete")
        await buyer.hold((await seller.list_ticket(title="New one"))["id"])
        async with open_tui(platform, buyer) as tui:
            await tui.press("2")
            screen = await tui.sees("2 orders · bought", "◐  New one", "✓  Old one", "Held for you; nobody")
            assert screen.index("New one") < screen.index("Old one")
            assert "14:" in next(line for line in screen.splitlines() if "◐  New one" in line)
            await tui.press("j")
            await tui.sees("12.00 USD paid.")
            await tui.press("enter")
            await tui.sees("Paid 12.00 USD. The ticket is yours.")
            await tui.press("escape")
            await tui.sees("2 orders · bought", "12.00 USD paid.")

    async def test_t14_gives_up_after_a_question_whose_answer_is_no_unless_said(
        self, platform: Platform, open_tui: Open
    ) -> None:
        """Enter is No; y gives it up, and the list says so; b then holds it again."""
        buyer = await person(platform)
        order = await buyer.hold((await platform.user().list_ticket(title="Aisle"))["id"])
        async with open_tui(platform, buyer) as tui:
            await tui.press("2")
            await tui.sees("◐  Aisle", "x gives it up")
            await tui.press("x")
            await tui.sees("Give “Aisle” (45.00 USD) up?")
            await tui.press("enter")
            await tui.sees("1 order · bought")
            assert (await buyer.order(order["id"]))["status"] == "created"
            await tui.press("x")
            await tui.sees("Give “Aisle” (45.00 USD) up?")
            await tui.press("y")
            await tui.sees("✗  Aisle", "given up", "b holds it again")
            assert (await buyer.order(order["id"]))["status"] == "cancelled"
            await platform.ticket_in(order["ticket"]["id"], "available")
            await tui.press("b")
            await tui.sees("Held for you until")
        statuses = [one["status"] for one in (await buyer.get("/api/orders")).json()["items"]]
        assert statuses == ["created", "cancelled"]

    async def test_t08_extends_once_and_says_why_not_again(self, platform: Platform, open_tui: Open) -> None:
        """The row counts from twenty minutes then; a refusal is a sentence and asks nothing."""
        buyer = await person(platform)
        order = await buyer.hold((await platform.user().list_ticket(title="Aisle"))["id"])
        async with open_tui(platform, buyer) as tui:
            await tui.press("2")
            await tui.sees("◐  Aisle", "5 minutes more")
            await tui.press("e")
            await tui.sees("19:", "You took more time, once")
            await tui.press("e")
            await tui.hears("It was extended already: once is all, since other buyers wait.")
            await tui.press("R")
            await tui.hears("Only its seller can give the money back.")
        history = (await buyer.order(order["id"]))["history"]
        assert [step["cause"] for step in history] == ["reserved", "extended"]

    async def test_is_filtered_by_status(self, platform: Platform, open_tui: Open) -> None:
        """f asks which; escape takes it away."""
        seller, buyer = platform.user(), await person(platform)
        gone = await buyer.hold((await seller.list_ticket(title="Given up"))["id"])
        await buyer.delete(f"/api/orders/{gone['id']}")
        await buyer.hold((await seller.list_ticket(title="Held still"))["id"])
        async with open_tui(platform, buyer) as tui:
            await tui.press("2")
            await tui.sees("Given up", "Held still")
            await tui.press("f")
            await tui.sees("Orders of which status?", "✗ given up")
            await tui.press("down", "enter")
            await tui.sees("1 order · bought · only held", "Held still")
            assert "Given up" not in tui.screen
            await tui.press("escape")
            await tui.sees("2 orders · bought", "Given up")

    async def test_changes_by_itself(self, platform: Platform, open_tui: Open) -> None:
        """What is done elsewhere with an order is on its row."""
        buyer = await person(platform)
        order = await buyer.hold((await platform.user().list_ticket(title="Aisle"))["id"])
        async with open_tui(platform, buyer) as tui:
            await tui.press("2")
            await tui.sees("◐  Aisle", "Held for you; nobody")
            await expire_now(platform, order["id"])
            await tui.sees("✗  Aisle", "expired", "Not paid in time")
            await tui.hears("The hold on “Aisle” has ended; nothing was taken.")

    @pytest.mark.slow
    async def test_pages_are_read_as_the_cursor_comes_near_the_end(
        self, platform: Platform, open_tui: Open
    ) -> None:
        """Of 130 orders each is there, though a page has a hundred."""
        seller, buyer = platform.user(), await person(platform)
        for number in range(130):
            order = await buyer.hold((await seller.list_ticket(title=f"Seat {number:03}"))["id"])
            await buyer.delete(f"/api/orders/{order['id']}")
        async with open_tui(platform, buyer) as tui:
            await tui.press("2")
            await tui.sees("100+ orders", "Seat 129")
            await tui.press("G")
            await tui.sees("130 orders", "Seat 000")


class TestSeller:
    """The orders of one's own listings."""

    async def test_t14_refunds_after_a_question_that_names_ticket_and_amount(
        self, platform: Platform, open_tui: Open
    ) -> None:
        """No unless said; the buyer's name is nowhere; the ticket is free again and the money goes back."""
        seller, buyer = await person(platform), platform.user()
        ticket = await seller.list_ticket(title="Box seat", price=9900)
        order = await buyer.hold(ticket["id"])
        await buyer.pay(order["id"])
        await buyer.order_in(order["id"], "complete")
        async with open_tui(platform, seller) as tui:
            await tui.press("2")
            await tui.sees("You have no order yet.")
            await tui.press("o")
            await tui.sees("1 order · sold", "✓  Box seat", "99.00 USD paid.", "R gives the money back")
            await tui.press("R")
            await tui.sees("Take “Box seat” back and give its buyer 99.00 USD?")
            await tui.press("enter")
            await tui.misses("Take “Box seat” back")
            assert (await buyer.order(order["id"]))["status"] == "complete"
            await tui.press("R")
            await tui.sees("Take “Box seat” back and give its buyer 99.00 USD?")
            await tui.press("y")
            await tui.hears("“Box seat” is yours again; 99.00 USD is on its way back.")
            await tui.sees("↩  Box seat", "refunded", "was given back", timeout=20)
            await tui.press("x")
            await tui.hears("Only its buyer can do that.")
        assert (await buyer.order(order["id"]))["status"] == "refunded"
        await platform.ticket_in(ticket["id"], "available")

    async def test_an_error_keeps_no_other_news_away(
        self, platform: Platform, open_tui: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Of two orders that changed at once one cannot be read: the other one is, and it is said."""
        seller, buyer = await person(platform), platform.user()
        tickets = [await seller.list_ticket(title=title) for title in ("Box", "Aisle")]
        orders = [await buyer.hold(ticket["id"]) for ticket in tickets]
        async with open_tui(platform, seller) as tui:
            await tui.press("2", "o")
            await tui.sees("◐  Box", "◐  Aisle")
            tix = tui.app.session.tix
            show, asked = tix.show_order, list[UUID]()

            async def refuse_first(order_id: UUID) -> Any:
                asked.append(order_id)
                if order_id == asked[0]:
                    raise TixError("It is broken.", code="internal_error", status=500)
                return await show(order_id)

            monkeypatch.setattr(tix, "show_order", refuse_first)
            view: Any = tui.app.screen
            for order in orders:
                await buyer.delete(f"/api/orders/{order['id']}")
                await platform.ticket_in(order["ticket"]["id"], "available")
            view._want(UUID(order["id"]) for order in orders)
            await tui.hears("Reading an order: It is broken.")
            await until(lambda: tui.screen.count("given up") >= 1, "the other one is as it is now")

    async def test_sees_an_order_come(self, platform: Platform, open_tui: Open) -> None:
        """By the news of the ticket; and what becomes of it."""
        seller, buyer = await person(platform), platform.user()
        ticket = await seller.list_ticket(title="Box seat")
        async with open_tui(platform, seller) as tui:
            await tui.press("2", "o")
            await tui.sees("Nobody has ordered")
            order = await buyer.hold(ticket["id"])
            await tui.sees("◐  Box seat", "A buyer holds it.")
            await buyer.delete(f"/api/orders/{order['id']}")
            await tui.sees("✗  Box seat", "The buyer gave it up")


async def test_whoever_is_signed_out_is_told_how_to_sign_in(platform: Platform, open_tui: Open) -> None:
    async with open_tui(platform) as tui:
        await tui.press("2")
        await tui.sees("0 orders", "Press a")
        await tui.press("x")
        await tui.hears("Sign in first: press a.")


async def test_t13_is_usable_at_60_by_20(platform: Platform, open_tui: Open) -> None:
    """One column: the list, and with z the story."""
    buyer = await person(platform)
    await buyer.hold((await platform.user().list_ticket(title="Aisle"))["id"])
    async with open_tui(platform, buyer, size=(60, 20)) as tui:
        await tui.press("2")
        await tui.sees("◐  Aisle", "45.00 USD", "held", "14:")
        assert "Held for you" not in tui.screen
        await tui.press("z")
        await tui.sees("Held for you; nobody else can take it.")
        await tui.press("escape")
        await tui.sees("1 order · bought")
        await until(lambda: "Held for you" not in tui.screen, "the list is back")


async def test_a_refund_that_is_stuck_is_told_on_the_orders_own_page_too(open_tui: Open) -> None:
    stuck = OrderOut.model_validate({**ORDERS[1], "status": "revoked", "needsReview": True, "version": 9})
    async with ada(open_tui) as tui:
        await tui.app.push_screen(Checkout(stuck))
        await tui.sees("! The refund did not get through; the seller can send it again.")
