"""What changes something is sent once, goes on whatever one looks at, and is known at the end."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import pytest

from client import Tix, Unreachable
from client.errors import TixError
from tests.platform import Platform
from tests.tui.conftest import Open
from tests.tui.driving import Driver, person
from tests.tui.test_account import PASSWORD, account, type_into
from tests.tui.test_checkout import ends_in, enter, held
from tests.tui.test_selling import at, mine
from tests.waiting import until
from tui import app as tui_app


class Line:
    """What is sent that changes something: held up, lost, and counted by its idempotency key."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *clients: Tix) -> None:
        self.keys: list[str | None] = []
        self.may_pass = asyncio.Event()
        self.may_pass.set()
        self.lose: Callable[[httpx.Response], Any] | None = None
        for client in clients:
            monkeypatch.setattr(client, "_send", self._sending(client._send))

    def _sending(self, send: Callable[[httpx.Request], Any]) -> Any:
        async def sent(request: httpx.Request) -> httpx.Response:
            if request.method == "GET":
                return await send(request)  # type: ignore[no-any-return]
            self.keys.append(request.headers.get("idempotency-key"))
            await self.may_pass.wait()
            answer: httpx.Response = await send(request)
            if self.lose is not None:
                lose, self.lose = self.lose, None
                await lose(answer)
                raise Unreachable("It was lost on the way.", may_have_arrived=True)
            return answer

        return sent


def line(tui: Driver, monkeypatch: pytest.MonkeyPatch) -> Line:
    """Of this app."""
    return Line(monkeypatch, tui.app.session.tix, tui.app.session.feed)


class TestHold:
    """From the wish to the hold."""

    async def test_one_that_was_left_is_offered_and_never_stands_in_the_way(
        self, platform: Platform, open_tui: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Two quick keys ask once; whoever types meanwhile goes on typing."""
        buyer = await person(platform)
        await platform.user().list_ticket(title="Front row")
        async with open_tui(platform, buyer) as tui:
            await tui.sees("Front row", "Press b to hold it")
            wire = line(tui, monkeypatch)
            wire.may_pass.clear()
            await tui.press("b", "b")
            await tui.sees("holding", "It was asked for; the answer is on its way.")
            await tui.press("escape", "3")
            await tui.sees("[3 sell]")
            await tui.press("n")
            await at(tui, "title")
            await tui.press(*"Mine")
            wire.may_pass.set()
            await tui.hears("“Front row” is held for you: press 2 to pay it.")
            await tui.sees("A new listing", "Mine", "◐ 14:5")
            await tui.press("escape")
            await tui.sees("What you typed is not saved.")
            await tui.press("y")
            await tui.misses("A new listing")
            await tui.press("2")
            await tui.sees("1 order · bought", "◐  Front row")
        assert len(wire.keys) == 1

    async def test_a_filter_that_is_typed_is_no_place_for_it_either(
        self, platform: Platform, open_tui: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        buyer = await person(platform)
        await platform.user().list_ticket(title="Front row")
        async with open_tui(platform, buyer) as tui:
            await tui.sees("Front row", "Press b to hold it")
            wire = line(tui, monkeypatch)
            wire.may_pass.clear()
            await tui.press("b")
            await tui.sees("holding")
            await tui.press("slash")
            await tui.type("fro", "filter")
            wire.may_pass.set()
            await tui.hears("“Front row” is held for you")
            await tui.sees("/fro", "◐  Front row", "yours")

    async def test_a_lost_answer_is_asked_for_again_and_tells_the_time_that_is_left(
        self, platform: Platform, open_tui: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """By the same key, so there is one order; its first answer would tell fifteen minutes."""
        monkeypatch.setattr(tui_app, "PROMPT_SECONDS", 0)
        buyer = await person(platform)
        await platform.user().list_ticket(title="Front row")
        async with open_tui(platform, buyer) as tui:
            await tui.sees("Front row", "Press b to hold it")
            wire = line(tui, monkeypatch)

            async def lose(answer: httpx.Response) -> None:
                assert answer.status_code == 201
                await ends_in(platform, answer.json(), 300)

            wire.lose = lose
            await tui.press("b")
            await tui.sees("Held for you until", "◐ 04:5")
        assert len(wire.keys) == 2
        assert wire.keys[0]
        assert wire.keys[0] == wire.keys[1]
        assert len((await buyer.get("/api/orders")).json()["items"]) == 1

    async def test_quitting_names_one_that_is_out(
        self, platform: Platform, open_tui: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """No stays, and the hold comes."""
        buyer = await person(platform)
        await platform.user().list_ticket(title="Front row")
        async with open_tui(platform, buyer) as tui:
            await tui.sees("Front row", "Press b to hold it")
            wire = line(tui, monkeypatch)
            wire.may_pass.clear()
            await tui.press("b")
            await tui.sees("holding")
            await tui.press("q")
            await tui.sees("Holding “Front row”: Tix has not answered yet", "Quit?")
            await tui.press("enter")
            await tui.misses("Quit?")
            wire.may_pass.set()
            await tui.sees("Held for you until")


class TestPayment:
    """Paying."""

    async def test_two_quick_keys_ask_once_and_leaving_does_not_end_it(
        self, platform: Platform, open_tui: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        buyer, order = await held(platform)
        async with open_tui(platform, buyer) as tui:
            await enter(tui)
            wire = line(tui, monkeypatch)
            wire.may_pass.clear()
            await tui.press("p", "p")
            await tui.sees("Asking Stripe…")
            await tui.press("escape")
            await tui.sees("1 order · bought")
            await tui.press("enter")
            await tui.sees("Asking Stripe…")
            wire.may_pass.set()
            await tui.misses("Asking Stripe…")
            await tui.sees("To pay 45.00 USD, open")
        assert len(wire.keys) == 1
        assert len((await buyer.get(f"/api/payments?orderId={order['id']}")).json()["items"]) == 1

    async def test_one_that_nobody_looks_at_any_more_is_told(
        self, platform: Platform, open_tui: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        buyer, _ = await held(platform)
        async with open_tui(platform, buyer) as tui:
            await enter(tui)
            wire = line(tui, monkeypatch)
            wire.may_pass.clear()
            await tui.press("p")
            await tui.sees("Asking Stripe…")
            await tui.press("escape")
            await tui.sees("1 order · bought")
            wire.may_pass.set()
            await tui.hears("“Front row” can be paid: press 2 for the link.")

    async def test_two_quick_keys_ask_one_question(self, platform: Platform, open_tui: Open) -> None:
        """A second one under the first would be left when that is answered."""
        buyer, order = await held(platform)
        async with open_tui(platform, buyer) as tui:
            await enter(tui)
            await tui.press("x", "x")
            await tui.sees("Give “Front row” (45.00 USD) up?")
            await tui.press("n")
            await tui.misses("up?")
            assert len(tui.app.screen_stack) == 2
            assert tui.app.holds.get(UUID(order["id"])) is not None


class TestListing:
    """Saving a form."""

    async def _fill(self, tui: Driver) -> None:
        await tui.sees("@example.com")
        await tui.press("3")
        await tui.sees("You list nothing yet")
        await tui.press("n")
        await at(tui, "title")
        await tui.press(*"Night", "enter")
        await at(tui, "price")
        await tui.press(*"45")

    async def test_two_quick_keys_save_once_and_leave_one_view(
        self, platform: Platform, open_tui: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seller = await person(platform)
        async with open_tui(platform, seller) as tui:
            await self._fill(tui)
            wire = line(tui, monkeypatch)
            await tui.press("f2", "f2", "f2")
            await tui.hears("Listed “Night” for 45.00 USD.")
            await tui.sees("1 ticket", "● available")
        assert len(wire.keys) == 1
        assert len(await mine(seller)) == 1

    async def test_leaving_while_it_is_saved_says_that_it_may_be(
        self, platform: Platform, open_tui: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An answer that comes during the question ends both; one that comes afterwards is told."""
        seller = await person(platform)
        async with open_tui(platform, seller) as tui:
            await self._fill(tui)
            wire = line(tui, monkeypatch)
            wire.may_pass.clear()
            await tui.press("f2")
            await tui.sees("Saving…")
            await tui.press("escape")
            await tui.sees("Tix has not answered yet: what you typed may be", "saved or not")
            wire.may_pass.set()
            await tui.hears("Listed “Night” for 45.00 USD.")
            await tui.press("n")
            await tui.sees("1 ticket", "● available")

            wire.may_pass.clear()
            await tui.press("e")
            await at(tui, "title")
            await tui.press(*"Day", "f2")
            await tui.sees("Saving…")
            await tui.press("escape")
            await tui.sees("saved or not")
            await tui.press("y")
            await tui.sees("1 ticket")
            await tui.press("w")
            await tui.hears("It was asked for; the answer is on its way.")
            await tui.press("q")
            await tui.sees("Changing “Night”: Tix has not answered yet")
            await tui.press("n")
            await tui.misses("Quit?")
            wire.may_pass.set()
            await tui.hears("“Day” is changed.")

    async def test_a_refusal_after_it_was_left_is_told(
        self, platform: Platform, open_tui: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seller = await person(platform)
        async with open_tui(platform, seller) as tui:
            await self._fill(tui)
            wire = line(tui, monkeypatch)
            wire.may_pass.clear()
            await tui.press("f2")
            await tui.sees("Saving…")
            await tui.press("escape")
            await tui.sees("saved or not")
            await tui.press("y")
            await tui.sees("You list nothing yet")

            async def refuse(_: httpx.Response) -> None:
                raise TixError("No more than that.", code="too_much", status=409)

            wire.lose = refuse
            wire.may_pass.set()
            await tui.hears("Listing “Night”: No more than that.")


async def test_a_sign_in_that_was_left_is_told(
    platform: Platform, open_tui: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    email = await account(platform)
    async with open_tui(platform) as tui:
        await tui.sees("newest first")
        await tui.press("a")
        wire = line(tui, monkeypatch)
        wire.may_pass.clear()
        await type_into(tui, email, PASSWORD)
        await until(lambda: wire.keys, "it is asked")
        await tui.press("enter")
        await tui.hears("It was asked for")
        await tui.press("escape")
        await tui.hears("you are told whether you are signed in")
        await tui.sees("newest first")
        await tui.press("q")
        await tui.sees("Signing in: Tix has not answered yet")
        await tui.press("n")
        wire.may_pass.set()
        await tui.hears(f"Signed in as {email}.")
        await tui.sees(email, "newest first")
    assert len(wire.keys) == 1
