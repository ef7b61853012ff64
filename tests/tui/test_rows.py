"""The list by itself: what it draws, and where its cursor is."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.events import MouseScrollDown
from textual.pilot import Pilot

from tests.platform import ROOT
from tests.waiting import until
from tui.themes import CURSOR
from tui.widgets.rows import Column, Rows


class Seat(NamedTuple):
    """A row."""

    id: int
    title: str = "Stalls"
    price: str = "45.00 USD"


class Board(App[None]):
    """A list and nothing else."""

    CSS_PATH = ROOT / "tui" / "app.tcss"

    def __init__(self, seats: Sequence[Seat]) -> None:
        super().__init__()
        self.seats = seats
        self.opened: list[int] = []
        self.is_stale = False

    def get_css_variables(self) -> dict[str, str]:
        """The app's own too."""
        return {**CURSOR, **super().get_css_variables()}

    def compose(self) -> ComposeResult:
        """The list."""
        yield Rows(
            [
                Column("seat", lambda one: one.title, 10, grows=1),
                Column("price", lambda one: one.price, 12, is_number=True),
                Column("number", lambda one: str(one.id), 6, needs=60),
            ],
            key=lambda one: one.id,
            is_stale=lambda: self.is_stale,
        )

    def on_mount(self) -> None:
        """Show them."""
        self.rows.focus()
        self.rows.show(self.seats)

    @property
    def rows(self) -> Rows[Seat]:
        """The list."""
        return self.query_one(Rows)

    @property
    def lines(self) -> list[str]:
        """What is drawn."""
        return [strip.text for strip in map(self.rows.render_line, range(self.rows.size.height))]

    def on_rows_chosen(self, message: Rows.Chosen) -> None:
        """Note it."""
        self.opened.append(message.rows.current.id)  # type: ignore[union-attr]


Shown = tuple[Board, Pilot[Any]]


@asynccontextmanager
async def shown(seats: Sequence[Seat], size: tuple[int, int] = (60, 11)) -> AsyncIterator[Shown]:
    """These rows on a screen of eleven lines: the head and ten of them."""
    board = Board(seats)
    async with board.run_test(size=size) as pilot:
        await until(lambda: board.rows.size.width, "it is laid out")
        yield board, pilot


SEATS = [Seat(number) for number in range(100)]


@pytest.mark.parametrize(
    ("keys", "cursor"),
    [
        ("j", 51),
        ("down", 51),
        ("j j j k", 52),
        ("k", 49),
        ("up", 49),
        ("G", 99),
        ("end", 99),
        ("G j", 99),
        ("g", 0),
        ("home", 0),
        ("g k", 0),
        ("ctrl+d", 55),
        ("ctrl+u", 45),
        ("pagedown", 60),
        ("space", 60),
        ("pageup", 40),
    ],
)
async def test_t06_keys_move_the_cursor_and_it_stays_in_sight(keys: str, cursor: int) -> None:
    async with shown(SEATS) as (board, _):
        board.rows.cursor = 50
        for key in keys.split():
            board.simulate_key(key)
        await until(lambda: board.rows.cursor == cursor, f"{keys} leads to row {cursor}")
        top = board.rows.scroll_offset.y
        assert top <= cursor < top + 10
        assert f" {cursor}" in board.lines[cursor - top + 1]


async def test_the_cursor_stays_on_its_row_whatever_comes_in_above() -> None:
    async with shown(SEATS) as (board, _):
        rows = board.rows
        rows.cursor = 50
        line = rows.cursor - rows.scroll_offset.y
        rows.show([*(Seat(number) for number in range(200, 207)), *SEATS])
        assert rows.current == Seat(50)
        assert rows.cursor - rows.scroll_offset.y == line
        rows.show(SEATS[:20])
        assert rows.current == Seat(19), "its row is gone: the nearest"


async def test_a_row_changes_in_its_place_and_one_that_is_not_there_changes_nothing() -> None:
    async with shown(SEATS) as (board, _):
        board.rows.put([Seat(3, price="gone"), Seat(1234, price="never")])
        assert "gone" in board.lines[4]
        assert len(board.rows) == 100


@pytest.mark.parametrize(
    "title",
    [
        "東京ドーム公演のチケット" * 5,  # two cells each, cut in the middle of one
        "👩‍👩‍👧‍👦 family " * 9,
        "e\u0301" * 80,
        "\x1b[2J\x07bell\r\n",
        "[bold red]markup[/]",
        "\u202egnp.exe",
        "",
    ],
)
@pytest.mark.parametrize("width", [20, 40, 60, 131])
async def test_every_line_is_as_wide_as_the_list_whatever_a_title_says(title: str, width: int) -> None:
    async with shown([Seat(1, title), Seat(2)], size=(width, 11)) as (board, _):
        for line in board.lines:
            assert cell_len(line) == board.rows.size.width
            assert not set(line) & set("\x1b\x07\r\n\u202e")
        if title.startswith("[") and width == 60:
            assert "[bold red]markup[/]" in board.lines[1]


async def test_what_does_not_fit_is_cut_with_a_sign_and_narrow_lists_have_fewer_columns() -> None:
    long = Seat(1, "A very long title indeed, which nobody can read")
    async with shown([long]) as (board, pilot):
        assert "A very long" in board.lines[1]
        assert "…" in board.lines[1]
        assert "number" in board.lines[0]
        await pilot.resize_terminal(40, 11)
        await until(lambda: board.rows.size.width == 40, "it is narrower")
        assert "number" not in board.lines[0]
        assert "45.00 USD" in board.lines[1]


async def test_a_resize_keeps_the_cursor_in_sight() -> None:
    async with shown(SEATS, size=(60, 30)) as (board, pilot):
        board.rows.cursor = 28
        await pilot.resize_terminal(60, 6)
        await until(lambda: board.rows.size.height == 6, "it is lower")
        top = board.rows.scroll_offset.y
        assert top <= 28 < top + 5
        await pilot.resize_terminal(60, 130)
        await until(lambda: board.rows.size.height == 130, "it is higher than its rows are many")
        assert board.rows.scroll_offset.y == 0
        assert board.lines[-1].strip() == ""


async def test_an_empty_list_has_no_row_to_open_and_no_key_hurts_it() -> None:
    async with shown([]) as (board, _):
        rows = board.rows
        for act in (rows.action_move, rows.action_page, rows.action_go):
            for number in (-1, 0, 1):
                act(number)
                assert (rows.cursor, rows.current) == (0, None)
        rows.action_choose()
        rows.show([Seat(7)])
        board.simulate_key("enter")
        await until(lambda: board.opened, "the row that came is opened")
        assert board.opened == [7]


async def test_a_click_moves_the_cursor_and_a_double_click_opens() -> None:
    async with shown(SEATS) as (board, pilot):
        board.rows.cursor = 40
        top = board.rows.scroll_offset.y
        await pilot.click(Rows, offset=(5, 3))
        await until(lambda: board.rows.cursor == top + 2, "the row that was clicked")
        assert not board.opened
        await pilot.double_click(Rows, offset=(5, 0))
        assert not board.opened, "the head is no row"
        await pilot.double_click(Rows, offset=(5, 5))
        await until(lambda: board.opened == [top + 4], "the row that was clicked twice")


async def test_the_wheel_scrolls_and_leaves_the_cursor_where_it_is() -> None:
    async with shown(SEATS) as (board, pilot):
        await pilot._post_mouse_events([MouseScrollDown], Rows, offset=(5, 5), button=0)
        await until(lambda: board.rows.scroll_offset.y > 0, "it scrolls")
        assert board.rows.cursor == 0
        board.simulate_key("j")
        await until(
            lambda: board.rows.cursor == 1 and board.rows.scroll_offset.y <= 1, "a key finds it again"
        )


async def test_rows_that_are_stale_are_dimmed() -> None:
    async with shown(SEATS) as (board, _):
        before = board.rows.render_line(5)._segments[0].style
        board.is_stale = True
        after = board.rows.render_line(5)._segments[0].style
        assert before != after
