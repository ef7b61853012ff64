"""A file of listings, checked and brought in."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from server.tickets.schemas import BatchOut
from tests.platform import Platform, User
from tests.tui.conftest import Open
from tests.tui.driving import Driver, person
from tests.waiting import until
from tui.widgets.paths import PathEntry


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the app runs."""
    place = tmp_path / "seats"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


def names(folder: Path) -> list[str]:
    """Of the files there."""
    return [path.name for path in folder.iterdir()]


async def arrive(tui: Driver) -> None:
    """At the choice of a file."""
    await tui.sees("@example.com")
    await tui.press("3")
    await tui.sees("[3 sell]")
    await tui.press("i")
    await tui.sees("Enter has the file checked")


async def titles(user: User) -> set[str]:
    """Of their listings."""
    answer = await user.get("/api/tickets", params={"userId": str(user.id), "limit": "100"})
    return {one["title"] for one in answer.json()["items"]}


async def test_a_file_is_completed_checked_and_brought_in(
    platform: Platform, open_tui: Open, folder: Path
) -> None:
    seller = await person(platform)
    await seller.list_ticket(title="Front", externalId="a", price=4500)
    await seller.list_ticket(title="Same", externalId="b", price=100)
    (folder / "list.txt").write_text("no file of listings")
    (folder / "list.csv").write_text(
        "externalId,title,price\na,Front,40.00\nb,Same,1.00\nc,New,2\nd,Wrong,much\n"
    )
    async with open_tui(platform, seller) as tui:
        await arrive(tui)
        await tui.press("l", "i")
        await tui.sees("list.csv")
        await tui.press("tab", "enter")
        screen = await tui.sees(
            "2 would be changed (1 created, 1 updated, 1 unchanged, 1 failed). Press i to import.",
            "~ updated",
            "price 45.00 USD → 40.00 USD",
            "= unchanged",
            "+ created",
            "✗ wrong",
            "write it as 45.00",
        )
        rows = [line.strip(" ┃│").split() for line in screen.splitlines()]
        assert [row[0] for row in rows if len(row) > 2 and row[1] in "+~=✗"] == ["2", "3", "4", "5"]
        assert await titles(seller) == {"Front", "Same"}  # so far it was looked at only
        await tui.pilot.resize_terminal(80, 24)
        await tui.misses("separators of thousands")
        await tui.press("G")
        await tui.sees("separators of thousands")  # the whole of it, below the rows
        await tui.pilot.resize_terminal(180, 40)
        await tui.press("i")
        await tui.sees("Import list.csv? 1 to list, 1 to update, 1 to leave", "a file: 1 row.")
        await tui.press("enter")
        await tui.misses("Import list.csv?")
        assert await titles(seller) == {"Front", "Same"}
        await tui.press("i")
        await tui.sees("Import list.csv?")
        await tui.press("y")
        await tui.sees(
            "2 changed (1 created, 1 updated, 1 unchanged, 1 failed).", "Left in list.resume.ndjson: 1 row"
        )
    assert await titles(seller) == {"Front", "Same", "New"}
    left = (folder / "list.resume.ndjson").read_text()
    assert json.loads(left) == {"externalId": "d", "title": "Wrong", "price": "much"}


async def test_the_rest_is_brought_in_once_it_is_corrected(
    platform: Platform, open_tui: Open, folder: Path
) -> None:
    seller = await person(platform)
    rest = folder / "r.resume.ndjson"
    rest.write_text(json.dumps({"externalId": "d", "title": "Right", "price": "3.00"}) + "\n")
    async with open_tui(platform, seller) as tui:
        await arrive(tui)
        await tui.press("r")
        await tui.sees("r.resume.ndjson")
        await tui.press("tab", "enter")
        await tui.sees("1 would be changed", "Press i to import.")
        await tui.press("i")
        await tui.sees("Import r.resume.ndjson?")
        await tui.press("y")
        await tui.sees("1 changed (1 created, 0 updated, 0 unchanged).")
        await tui.press("i")
        await tui.hears("Name a file and press enter first")
        await tui.press("escape")
        await tui.sees("1 ticket", "Right")
    assert not rest.exists()


async def test_files_that_are_none_are_said_so(platform: Platform, open_tui: Open, folder: Path) -> None:
    seller = await person(platform)
    (folder / "d.csv").mkdir()
    (folder / "x.csv").write_text("name,price\nFront,1\n")
    async with open_tui(platform, seller) as tui:
        await arrive(tui)
        await tui.press("i", "enter")
        await tui.hears("i: No such file or directory")
        await tui.press("slash")
        await until(lambda: isinstance(tui.app.focused, PathEntry), "a file can be chosen")
        await tui.press("ctrl+u")
        await tui.sees("seats.csv: a CSV")
        await tui.press("d")
        await tui.sees("d.csv")
        await tui.press("tab")
        await tui.sees("d.csv/")
        await tui.press("enter")
        await tui.hears("d.csv: this is no file.")
        await until(lambda: isinstance(tui.app.focused, PathEntry), "a file can be chosen")
        await tui.press("ctrl+u")
        await tui.sees("seats.csv: a CSV")
        await tui.press(*"x.csv", "enter")
        await tui.hears("x.csv, line 1: no such column: name")
    assert await titles(seller) == set()


async def test_many_rows_travel_in_batches_and_the_wrong_ones_can_be_shown_alone(
    platform: Platform, open_tui: Open, folder: Path
) -> None:
    seller = await person(platform)
    rows = [{"externalId": f"s{n}", "title": f"Seat {n}", "price": n} for n in range(450)]
    (folder / "m.json").write_text(json.dumps(rows))
    async with open_tui(platform, seller) as tui:
        await arrive(tui)
        await tui.press("m")
        await tui.sees("m.json")
        await tui.press("tab", "enter")
        await tui.sees("449 would be changed (449 created, 0 updated, 0 unchanged, 1 failed)", timeout=20)
        await tui.sees("Seat 3")
        await tui.press("f")
        await tui.misses("Seat 3")
        await tui.sees("✗ wrong", "price")
    assert await titles(seller) == set()


async def test_a_file_that_breaks_off_is_not_brought_in(
    platform: Platform, open_tui: Open, folder: Path
) -> None:
    seller = await person(platform)
    (folder / "m.json").write_text('[{"externalId": "a", "title": "A", "price": 1}')
    async with open_tui(platform, seller, size=(80, 24)) as tui:
        await arrive(tui)
        await tui.press(*"m.json", "enter")
        await tui.hears("m.json, line 1: the array has no end")
        await tui.press("i")
        await until(lambda: "the array has no end" in tui.toasts[-1], "it is said again")
    assert await titles(seller) == set()


async def test_esc_asks_before_an_import_is_stopped(
    platform: Platform, open_tui: Open, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seller = await person(platform)
    rows = [{"externalId": f"s{n}", "title": f"Seat {n}", "price": 100} for n in range(201)]
    (folder / "m.ndjson").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    async with open_tui(platform, seller) as tui:
        await arrive(tui)
        await tui.press(*"m.ndjson", "enter")
        await tui.sees("201 would be changed", "Press i to import.", timeout=20)
        upsert, sent = tui.app.session.tix.upsert_tickets, 0

        async def once(*args: Any, **kwargs: Any) -> BatchOut:
            nonlocal sent
            sent += 1
            if sent > 1:
                await asyncio.Event().wait()
            return await upsert(*args, **kwargs)

        monkeypatch.setattr(tui.app.session.tix, "upsert_tickets", once)
        await tui.press("i")
        await tui.sees("Import m.ndjson? 201 to list")
        await tui.press("y")
        await tui.sees("Importing [###", "200 rows", timeout=20)
        await tui.press("escape")
        await tui.sees("Stop the import? What is done stays")
        await tui.press("n")
        await tui.misses("Stop the import?")
        await tui.sees("Importing [###")
        await tui.press("escape")
        await tui.sees("Stop the import?")
        await tui.press("y")
        await tui.sees("[3 sell]", "200 tickets")
    assert len(await titles(seller)) == 100  # a page of them
    assert names(folder) == ["m.ndjson"]
