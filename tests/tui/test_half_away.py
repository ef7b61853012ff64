"""A part of Tix is away or broken: nothing is lost by that, and nothing is said that is not so."""

from threading import Thread
from typing import Any
from uuid import UUID

import pytest

from cli.config import Config, Target
from client import BadAnswer, TixError, Unavailable, Unreachable
from server.orders.schemas import OrderOut
from server.tickets.schemas import TicketOut
from tests.cli.running import Stub
from tests.platform import Platform
from tests.tui.canned import ORDERS, TICKETS
from tests.tui.conftest import Open, ada
from tests.tui.driving import person
from tests.waiting import until
from tui import app as tui_app
from tui.messages import LinkChanged
from tui.screens import orders
from tui.screens.checkout import Checkout
from tui.screens.ticket import Ticket
from tui.session import Session

AWAY = "http://127.0.0.1:9"
BROKEN = TixError("It is broken.", code="internal_error", status=500)
ONE_AWAY = Unavailable("Orders do not answer.", code="unavailable", status=503)


class Failing:
    """In place of a call: fails so often with this, and does it then."""

    def __init__(self, call: Any, error: TixError, times: int = 1) -> None:
        self._call, self._error, self.left = call, error, times

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.left:
            self.left -= 1
            raise self._error
        return await self._call(*args, **kwargs)


class TestHold:
    """A hold that was made is known."""

    async def test_that_it_cannot_be_read_again_hides_none(
        self, platform: Platform, open_tui: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tui_app, "PROMPT_SECONDS", 0)
        await platform.user().list_ticket(title="Front row")
        async with open_tui(platform, await person(platform)) as tui:
            await tui.sees("Front row", "Press b to hold it")
            feed = tui.app.session.feed
            monkeypatch.setattr(feed, "show_order", Failing(feed.show_order, BROKEN))
            await tui.press("b")
            await tui.sees("Held for you until")

    async def test_after_an_answer_that_is_none_it_is_looked_for(
        self, platform: Platform, open_tui: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await platform.user().list_ticket(title="Front row")
        async with open_tui(platform, await person(platform)) as tui:
            await tui.sees("Front row", "Press b to hold it")
            reserve = tui.app.session.feed.reserve_ticket

            async def garble(*args: Any, **kwargs: Any) -> OrderOut:
                await reserve(*args, **kwargs)
                raise BadAnswer("That is not Tix's.", code="bad_answer", status=200)

            monkeypatch.setattr(tui.app.session.feed, "reserve_ticket", garble)
            await tui.press("b")
            await tui.hears("Holding “Front row”: That is not Tix's.")
            await tui.sees("yours", "◐ 14:5")


@pytest.mark.parametrize(("status", "is_online"), [(200, True), (503, False)])
async def test_a_part_that_is_away_is_not_tix(tmp_path: Any, status: int, is_online: bool) -> None:  # noqa: FBT001 - a parameter
    with Stub() as stub:
        stub.answer("GET /livez", status, {"status": "ok"})
        Thread(target=stub.handle_request, daemon=True).start()
        config = Config({"HOME": str(tmp_path)}, tmp_path)
        session = Session(config, Target("default", stub.url, "", "", None, None), lambda: None)
        await session._lost(0, ONE_AWAY)
        assert session.is_online is is_online
        await session.close()


class TestOrders:
    """The view of orders, and the page of one."""

    async def test_news_that_could_not_be_read_is_read_later(
        self, open_tui: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(orders, "AGAIN_SECONDS", 0.05)
        async with ada(open_tui) as tui:
            await tui.press("2")
            await tui.sees("2 orders", "Held for you")
            view, tix = tui.app.screen, tui.app.session.tix
            assert isinstance(view, orders.Orders)
            failing = Failing(tix.show_order, ONE_AWAY, times=2)
            monkeypatch.setattr(tix, "show_order", failing)
            heard: list[Any] = []
            monkeypatch.setattr(tui.app, "hear_order", heard.append)
            view._want([UUID(ORDERS[1]["id"])])
            await until(lambda: heard, "it was read")
            assert failing.left == 0

    async def test_a_story_that_could_not_be_read_is_read_later(
        self, open_tui: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with ada(open_tui) as tui:
            tix = tui.app.session.tix
            failing = Failing(tix.show_order, BROKEN)
            monkeypatch.setattr(tix, "show_order", failing)
            await tui.press("2")
            await tui.sees("2 orders")
            await tui.hears("Reading the order: It is broken.")
            assert "Held for you; nobody" not in tui.screen
            tui.app.tell(LinkChanged)
            await tui.sees("Held for you; nobody")

    async def test_what_was_not_read_has_no_age(
        self, open_tui: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with ada(open_tui) as tui:
            tix = tui.app.session.tix
            failing = Failing(tix.show_order, Unreachable("It is away.", may_have_arrived=False))
            monkeypatch.setattr(tix, "show_order", failing)
            view = Checkout(OrderOut.model_validate(ORDERS[1]))
            await tui.app.push_screen(view)
            await until(lambda: not failing.left, "it was asked for")
            assert view.age() is None
            view.read()
            await until(lambda: view.age() is not None, "it was read")

    async def test_what_is_not_to_be_paid_says_so_and_opens_all_the_same(self, open_tui: Open) -> None:
        async with ada(open_tui) as tui:
            await tui.press("2")
            await tui.sees("2 orders", "Held for you")
            await tui.press("j")
            await tui.sees("paid.")
            await tui.press("p")
            await tui.hears("It is yours: there is nothing to pay; enter shows its page.")
            await tui.press("enter")
            await tui.sees("The ticket is yours.")


@pytest.mark.parametrize("is_readonly", [False, True])
async def test_ones_own_hold_is_opened_from_wherever_its_ticket_is(
    open_tui: Open, *, is_readonly: bool
) -> None:
    """The newest of the tickets is held by Ada."""
    async with ada(open_tui, is_readonly=is_readonly) as tui:
        await tui.sees("Night train", "yours", "press enter to pay")
        await tui.press("b")
        await tui.hears("You hold it: enter goes on to payment.")
        await tui.app.push_screen(Ticket(TicketOut.model_validate(TICKETS[0])))
        await tui.misses("5 tickets")
        await tui.sees("◐ yours", "press enter to pay")
        await tui.press("enter")
        await tui.sees("Held for you until")


async def test_who_began_away_learns_where_the_shop_is(
    open_tui: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_tui(AWAY) as tui:
        await tui.sees("! offline")
        session = tui.app.session

        async def find() -> str:
            return "https://shop.example"

        monkeypatch.setattr(session.tix, "find_shop", find)
        session.hear()
        await until(lambda: session.shop, "the shop is known")
