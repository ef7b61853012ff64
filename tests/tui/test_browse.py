"""Finding one's way among many tickets."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from server.settings import Settings
from tests.platform import Platform, started, wipe
from tests.tui.conftest import Open
from tests.tui.driving import Driver, person
from tests.waiting import until

MANY = 260


@pytest.fixture(scope="module")
async def hall(settings: Settings) -> AsyncIterator[Platform]:
    """A platform with three pages of tickets: Seat 0 to Seat 259, each tenth of them a balcony."""
    await wipe(settings)
    async with started(settings) as platform:
        seller = platform.user()
        for number in range(MANY):
            await seller.list_ticket(title=f"{'Balcony' if number % 10 == 0 else 'Seat'} {number}")
        yield platform


def cursor(tui: Driver) -> str:
    """The title under the cursor."""
    ticket: Any = tui.app.screen.ticket  # type: ignore[attr-defined]
    return ticket.title if ticket else ""


async def at(tui: Driver, title: str) -> None:
    """Wait until the cursor is there."""
    await until(lambda: cursor(tui) == title, f"the cursor is at {title}")


async def test_t06_the_last_row_is_the_last_there_is_and_esc_ends_the_way_there(
    hall: Platform, open_tui: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_tui(hall, await person(hall)) as tui:
        await tui.sees("100+ tickets", "Seat 259")
        tix, may_go = tui.app.session.tix, asyncio.Event()
        ask = tix.list_tickets

        async def slowly(*args: Any) -> Any:
            await may_go.wait()
            return await ask(*args)

        monkeypatch.setattr(tix, "list_tickets", slowly)
        await tui.press("G")
        await tui.sees("Reading to the end: 100 so far; esc stops")
        await tui.press("escape")
        await tui.sees("100+ tickets")
        may_go.set()
        await tui.press("G")
        await at(tui, "Balcony 0")
        await tui.sees(f"{MANY} tickets", "Balcony 0")
        await tui.press("g")
        await at(tui, "Seat 259")


async def test_t06_the_last_hold_is_not_the_last_ticket(
    hall: Platform, open_tui: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G is about the list that has the keys."""
    async with open_tui(hall, await person(hall)) as tui:
        await tui.sees("100+ tickets", "Held by you")

        async def never(*_: Any) -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr(tui.app.session.tix, "list_tickets", never)
        tui.app.screen.query_one("#holds").focus()
        await tui.press("G", "h", "h", "j")
        await at(tui, "Seat 258")
        assert "100+ tickets" in tui.screen


async def test_t06_a_filter_finds_at_once_then_everywhere_and_esc_leads_back(
    hall: Platform, open_tui: Open
) -> None:
    async with open_tui(hall, await person(hall)) as tui:
        await tui.sees("100+ tickets")
        await tui.press(*"jjjjjjjjjjjjjjjjjjjjjjjjj")
        await at(tui, "Seat 234")
        await tui.press("slash", *"balcony")  # in one go: none of the letters does anything else
        await tui.sees("/balcony", "Balcony 250", "Balcony 160")
        await tui.sees("26 tickets")  # the server knows more of them than were read
        await tui.press("enter")
        await until(lambda: tui.app.focused is tui.app.screen.query_one("#tickets"), "keys go to the list")
        await tui.press("G")
        await at(tui, "Balcony 0")
        await tui.press("escape")
        await at(tui, "Seat 234")
        await tui.sees("100+ tickets")
        await tui.misses("/balcony")


async def test_t06_an_inverse_filter_leaves_out_what_it_finds(hall: Platform, open_tui: Open) -> None:
    async with open_tui(hall, await person(hall)) as tui:
        await tui.sees("100+ tickets", "Balcony 250")
        await tui.press("slash")
        await tui.sees("words in title or venue")
        await tui.press(*"!seat")
        await tui.misses("Seat 259")
        await tui.sees("Balcony 250")


async def test_f_shows_one_status_after_the_other(hall: Platform, open_tui: Open) -> None:
    buyer, other = await person(hall), hall.user()
    ticket = await hall.user().list_ticket(title="Taken")
    await other.hold(ticket["id"])
    await hall.ticket_in(ticket["id"], "reserved")
    async with open_tui(hall, buyer) as tui:
        await tui.sees("◐  Taken")
        await tui.press("f")
        await tui.sees("only available", "100+ tickets")
        await tui.press("f")
        await tui.sees("only reserved", "1 ticket ", "◐  Taken", "Somebody holds it")
        await tui.press("f", "f", "f")
        await tui.misses("only ")


async def test_t19_what_comes_in_above_does_not_move_the_row_under_the_cursor(
    hall: Platform, open_tui: Open
) -> None:
    async with open_tui(hall, await person(hall)) as tui:
        await tui.sees("100+ tickets")
        await tui.press("j", "j", "j")
        await until(lambda: tui.app.screen.rows.cursor == 3, "it is down there")  # type: ignore[attr-defined]
        place = cursor(tui)
        depth = tui.app.screen.rows.spot[1]  # type: ignore[attr-defined]
        seller = hall.user()
        for number in range(3):
            await seller.list_ticket(title=f"Newest {number}")
        shown = tui.app.screen.catalogue.shown  # type: ignore[attr-defined]
        await until(lambda: shown()[0].title == "Newest 2", "all of them are there")
        await until(lambda: tui.app.screen.rows.cursor >= 5, "they are above")  # type: ignore[attr-defined]
        assert (cursor(tui), tui.app.screen.rows.spot[1]) == (place, depth)  # type: ignore[attr-defined]
        await tui.press("g")
        await at(tui, "Newest 2")
        await tui.sees("Newest 0", "Newest 1", "Newest 2")
