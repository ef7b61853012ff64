"""One signs out, another in: nothing of the first is shown to the second, or done to them."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from cli.config import Config
from client import Unauthenticated
from server.orders.schemas import OrderOut
from tests.platform import Platform
from tests.tui.conftest import Open
from tests.tui.driving import Driver, person
from tests.tui.test_account import PASSWORD, account, type_into
from tests.tui.test_checkout import enter, held
from tests.tui.test_selling import at
from tests.tui.test_sending import line
from tests.waiting import until
from tui.session import Session


async def sign_out(tui: Driver) -> None:
    """And wait for the form."""
    await tui.press("a")
    await tui.sees("Signed in as")
    await tui.press("o")
    await tui.sees("out?")
    await tui.press("y")
    await tui.sees("signed out", "E-mail")


async def test_what_is_refused_to_who_has_signed_out_ends_nobody_elses_sign_in(
    platform: Platform, open_tui: Open
) -> None:
    kim, lee = await person(platform), await account(platform)
    async with open_tui(platform, kim) as tui:
        session = tui.app.session
        await tui.sees("newest first", "@example.com")
        kims = session.feed.speaking_for(session.token)
        await sign_out(tui)
        await type_into(tui, lee, PASSWORD)
        await tui.hears(f"Signed in as {lee}.")
        refusals: list[Unauthenticated] = []

        async def is_refused() -> bool:
            try:
                await kims.list_orders()
            except Unauthenticated as error:
                refusals.append(error)
            return bool(refusals)

        await until(is_refused, "orders has heard, within a second or so, that Kim's token is revoked")
        tui.app.failed("Reading the order", refusals[0])
        assert session.name == lee
        with pytest.raises(Unauthenticated) as refused:
            await session.feed.speaking_for("nobodys").list_orders()
        tui.app.failed("Reading the order", refused.value)
        assert session.name == lee


async def test_pages_of_who_has_signed_out_are_gone(platform: Platform, open_tui: Open) -> None:
    """Wherever they were left."""
    buyer, _ = await held(platform)
    async with open_tui(platform, buyer) as tui:
        await tui.press("3")
        await tui.sees("You list nothing yet")
        await tui.press("n")
        await at(tui, "title")
        tui.app.action_view("browse")
        await tui.sees("[1 browse]")
        await enter(tui)
        await sign_out(tui)
        await tui.press("escape")
        await tui.sees("Your orders are here once you are signed in.")
        await tui.press("3")
        await tui.sees("You are signed out. Sign in to sell")


async def test_nobody_signs_out_while_an_answer_is_out(
    platform: Platform, open_tui: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    await platform.user().list_ticket(title="Front row")
    async with open_tui(platform, await person(platform)) as tui:
        await tui.sees("Front row", "Press b to hold it")
        wire = line(tui, monkeypatch)
        wire.may_pass.clear()
        await tui.press("b")
        await tui.sees("holding")
        await tui.press("a")
        await tui.sees("Signed in as")
        await tui.press("o")
        await tui.hears("Holding “Front row”: Tix has not answered yet.")
        wire.may_pass.set()


async def test_a_sign_in_that_cannot_be_kept_is_one_for_this_run(
    platform: Platform, open_tui: Open, home: Path
) -> None:
    email = await account(platform)
    async with open_tui(platform) as tui:
        await tui.sees("signed out", "newest first")
        (home / ".config/tix/credentials").write_text("no directory")
        await tui.press("a")
        await type_into(tui, email, PASSWORD)
        await tui.hears("You are signed in for this run only. The sign-in cannot be kept")
        await tui.hears(f"Signed in as {email}.")
        await tui.press("3")
        await tui.sees(email, "You list nothing yet")


async def test_whose_a_token_was_is_not_taken_for_whose_it_is(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that comes after its end names nobody."""
    config = Config({"HOME": str(home), "TIX_TOKEN": "of-kim"}, home)
    target = config.resolve(profile=None, api_url="http://127.0.0.1:9", warn=lambda _: None)
    session, may_answer = Session(config, target, lambda: None), asyncio.Event()

    async def slowly() -> object:
        await may_answer.wait()
        return object()

    monkeypatch.setattr(session.tix, "current_user", slowly)
    asked = asyncio.create_task(session.recognise())
    await asyncio.sleep(0)
    session.expire()
    may_answer.set()
    await asked
    assert session.user is None
    await session.close()


async def test_an_order_of_another_is_not_held(platform: Platform, open_tui: Open) -> None:
    kim, order = await held(platform)
    answer = await kim.get(f"/api/orders/{order['id']}")
    async with open_tui(platform, await person(platform)) as tui:
        await tui.sees("newest first", "@example.com")
        tui.app.take_hold(OrderOut.model_validate_json(answer.content, extra="ignore"))
        assert tui.app.holds.get(UUID(order["id"])) is None


async def test_a_ticket_that_is_found_late_does_not_cover_what_one_went_on_to(
    platform: Platform, open_tui: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = await platform.user().list_ticket(title="Front row")
    async with open_tui(platform) as tui:
        await tui.sees("Front row", "newest first")
        tix, may_answer = tui.app.session.tix, asyncio.Event()
        show = tix.show_ticket

        async def slowly(*args: Any) -> Any:
            await may_answer.wait()
            return await show(*args)

        monkeypatch.setattr(tix, "show_ticket", slowly)
        await tui.sees("newest first")
        tui.app.go_to_ticket(UUID(ticket["id"]))
        await asyncio.sleep(0)
        await tui.press("a")
        await tui.sees("E-mail")
        may_answer.set()
        await tui.hears("“Front row” was found meanwhile")
        assert "E-mail" in tui.screen
