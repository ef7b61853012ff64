"""Ten thousand tickets, and a server that takes its time."""

import asyncio
import time
import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from server.tickets.schemas import TicketOut
from tests.platform import Platform
from tests.tui.conftest import Open
from tests.tui.driving import person
from tests.waiting import slowness, until
from tui.catalogue import Catalogue
from tui.messages import TicketsChanged

MANY = 10_000
START = datetime(2031, 5, 1, tzinfo=UTC)


def ticket(number: int, version: int = 0) -> TicketOut:
    """One of many, newest first."""
    moment = START - timedelta(seconds=number)
    return TicketOut.model_construct(
        id=UUID(int=number),
        title=f"Row {number // 40}, seat {number}",
        price=4500 + version,
        currency="usd",
        venue="Blue Hall",
        starts_at=START,
        seat=None,
        external_id=None,
        user_id=UUID(int=7),
        order_id=None,
        status="available",
        version=version,
        created_at=moment,
        updated_at=moment,
    )


@pytest.mark.slow  # so that it is alone indeed
@pytest.mark.alone
async def test_t19_ten_thousand_tickets_scroll_at_30_frames_a_second_and_take_no_more_room(
    platform: Platform, open_tui: Open
) -> None:
    async with open_tui(platform, await person(platform)) as tui:
        await tui.sees("0 tickets")
        view: Any = tui.app.screen
        await until(lambda: tui.app.session.streams, "it follows")
        await until(lambda: not (view.is_stale() or view.is_reading), "it was read")
        view.catalogue = Catalogue()
        view.catalogue.take(ticket(number) for number in range(MANY))
        view.catalogue.is_whole = True
        view.show(keep=False)
        await tui.sees("10,000 tickets")
        slow = slowness()

        began = time.perf_counter()
        for _ in range(100):
            view.rows.action_move(7)
            view._compositor.render_strips()
        frame = (time.perf_counter() - began) / 100
        assert frame < slow / 30, f"{frame * 1000:.1f} ms a frame"

        began = time.perf_counter()
        view.filter_by("seat 99")
        found = time.perf_counter() - began
        view.unfilter()
        assert found < 0.05 * slow, f"{found * 1000:.0f} ms to filter"

        tracemalloc.start()
        try:
            sizes = []
            for version in range(1, 41):
                view.on_tickets_changed(TicketsChanged([ticket(number, version) for number in range(100)]))
                sizes.append(tracemalloc.get_traced_memory()[0])
        finally:
            tracemalloc.stop()
        assert sizes[-1] - sizes[len(sizes) // 2] < 300_000
        assert view.catalogue.get(UUID(int=3)).version == 40


async def test_t19_changes_are_shown_ten_times_a_second_at_most_and_never_move_the_row_under_the_cursor(
    platform: Platform, open_tui: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are: new ones come in above, those that are there change."""
    async with open_tui(platform, await person(platform)) as tui:
        await tui.sees("newest first")
        view: Any = tui.app.screen
        tui.app.workers.cancel_group(tui.app, "tickets")
        await until(lambda: not (view.is_stale() or view.is_reading), "it was read")
        view.catalogue = Catalogue()
        view.catalogue.take(ticket(number) for number in range(100, 200))
        view.show(keep=False)
        view.rows.action_move(30)
        place, told = (view.rows.current.id, view.rows.spot[1]), list[int]()
        hear = view.hear

        def spy(changed: Any) -> None:
            told.append(len(changed))
            hear(changed)

        monkeypatch.setattr(view, "hear", spy)
        began, version = time.perf_counter(), 0
        while time.perf_counter() - began < 1:
            version += 1
            tui.app.take_ticket(ticket(99 - version % 50, version))
            tui.app.take_ticket(ticket(100 + version % 100, version))
            await asyncio.sleep(0)
            assert view.rows.current.id == place[0]
        await until(lambda: sum(told) == 2 * version, "all of them are there")
        assert len(told) <= 10 * (time.perf_counter() - began) + 2  # one at each end
        assert len(view.rows) == 100 + min(version, 50)
        assert (view.rows.current.id, view.rows.spot[1]) == place


async def test_t12_every_view_is_there_while_no_answer_comes(
    platform: Platform, open_tui: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is asked for on the way: keys lead from view to view as if Tix had answered."""
    buyer = await person(platform)
    await buyer.hold((await platform.user().list_ticket(title="Held"))["id"])
    async with open_tui(platform, buyer) as tui:
        await tui.sees("◐  Held", "yours", "@example.com")
        waiting: set[object] = set()

        async def never(request: Any) -> Any:
            waiting.add(request)
            try:
                await asyncio.Event().wait()
            finally:
                waiting.discard(request)

        for client in (tui.app.session.tix, tui.app.session.feed):
            monkeypatch.setattr(client, "_send", never)
        for key, text in (
            ("enter", "Held for you until"),
            ("p", "Asking Stripe…"),
            ("escape", "[1 browse]"),
            ("2", "[2 orders]"),
            ("3", "[3 sell]"),
            ("n", "A new listing"),
            ("escape", "newest first"),
            ("4", "[4 activity]"),
            ("a", "Signed in as"),
            ("question_mark", "What can be done here"),
            ("escape", "Signed in as"),
            ("escape", "[4 activity]"),
        ):
            await tui.press(key)
            await tui.sees(text)
        assert waiting


@pytest.mark.slow  # so that it is alone indeed
@pytest.mark.alone
async def test_t12_keys_are_heard_while_the_server_takes_its_time_and_leaving_ends_the_asking(
    platform: Platform, open_tui: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    seller, buyer = platform.user(), await person(platform)
    for number in range(3):
        await seller.list_ticket(title=f"Slow {number}")
    async with open_tui(platform, buyer) as tui:
        await tui.sees("Slow 2", "Press b to hold it")
        tix, asked, ended = tui.app.session.tix, asyncio.Event(), asyncio.Event()

        async def never(*_: Any) -> Any:
            asked.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

        monkeypatch.setattr(tix, "list_tickets", never)
        await tui.press("r")
        await asyncio.wait_for(asked.wait(), 5)
        rows: Any = tui.app.screen.query_one("#tickets")
        slow = slowness()
        for place in (1, 2):
            began = time.perf_counter()
            await tui.press("j")
            await until(lambda place=place: rows.cursor == place, "the key is heard")  # type: ignore[misc]
            assert time.perf_counter() - began < 0.1 * slow
        monkeypatch.setattr(tix, "show_order", never)
        asked.clear()
        await tui.press("b")
        await tui.sees("Held for you until")
        await asyncio.wait_for(asked.wait(), 5)
        ended.clear()
        await tui.press("escape")
        await asyncio.wait_for(ended.wait(), 5)
