"""Countdowns, lists and logs by themselves: nothing is drawn."""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel, ValidationError

from cli import windows
from cli.clock import SLEEPLESS
from cli.private import write_private
from client import Tix
from client.story import is_buyer
from server.kit.schemas import Page
from server.orders.schemas import OrderOut, OrderWithHistory
from server.tickets.schemas import TicketOut
from tests.cli.running import order as order_json
from tests.cli.running import ticket as ticket_json
from tui.bookings import Bookings
from tui.catalogue import Catalogue
from tui.crash import write_log
from tui.holds import Held
from tui.journal import Journal
from tui.memory import Memory

ID = "0198c6f0-0000-7000-8000-00000000000"


def order(number: int, version: int, *, whole: bool = False) -> OrderOut:
    """One of one's own, with or without its history."""
    found = order_json(id=f"{ID}{number}", version=version)
    kind = OrderWithHistory if whole else OrderOut
    return kind.model_validate({**found, "history": []} if whole else found)


@pytest.mark.skipif(SLEEPLESS is None, reason="this system has no such clock")
def test_t07_a_hold_ends_while_the_machine_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten minutes of suspend, in which the clock of Python stands still."""
    held = Held(order(1, 1))
    before, read = held.left, time.clock_gettime
    monkeypatch.setattr(time, "clock_gettime", lambda clock: read(clock) + 600 * (clock == SLEEPLESS))
    assert before - held.left == pytest.approx(600, abs=1)


class Book(Tix):
    """Answers with a page, before which something happens."""

    def __init__(self, items: list[OrderOut], meanwhile: Any) -> None:
        super().__init__("http://127.0.0.1:9")
        self._items, self._meanwhile = items, meanwhile

    async def list_orders(self, query: Any = None) -> Page[OrderOut]:
        """What was there when it was asked for."""
        assert query.role == "buyer"
        self._meanwhile()
        return Page(items=self._items, next_cursor=None)


async def test_a_page_never_puts_older_over_newer() -> None:
    """Neither over what was told while it was on its way, nor over what was known before."""
    before, fresh = Bookings(), Bookings()
    before.take([order(1, 4), order(2, 2, whole=True)])
    news = [order(3, 7), order(4, 1)]
    assert all(is_buyer(one) for one in news)
    page = [order(3, 5), order(2, 2), order(1, 3)]
    await fresh.begin(Book(page, lambda: fresh.hear(news)), before=before)
    assert [(one.id, one.version) for one in fresh.shown()] == [
        (UUID(f"{ID}{number}"), version) for number, version in ((4, 1), (3, 7), (2, 2), (1, 4))
    ]
    assert isinstance(fresh.shown()[2], OrderWithHistory)
    assert not fresh.hear([order(3, 6)])
    assert fresh.shown()[1].version == 7


class Shop(Tix):
    """Answers with one ticket, as it is now."""

    def __init__(self, ticket: TicketOut) -> None:
        super().__init__("http://127.0.0.1:9")
        self._ticket = ticket

    async def list_tickets(self, query: Any = None) -> Page[TicketOut]:
        """The only page."""
        assert query.limit
        return Page(items=[self._ticket], next_cursor=None)


async def test_what_a_page_says_of_a_seat_goes_before_what_was_known() -> None:
    """Holds do not count in a ticket's version; edits do."""
    known = TicketOut.model_validate({**ticket_json(), "status": "available", "version": 3})
    for version, status in ((2, "available"), (3, "reserved")):
        before, fresh = Catalogue(), Catalogue()
        before.take([known])
        page = known.model_copy(update={"status": "reserved", "version": version})
        await fresh.begin(Shop(page), before=before)
        assert [(one.status, one.version) for one in fresh.shown()] == [(status, 3)]


def test_what_changed_at_once_is_told_once() -> None:
    """A view is drawn anew for a batch, not for a line."""
    told: list[int] = []
    journal = Journal(lambda: told.append(len(journal)))
    journal.add_tickets([TicketOut.model_validate(ticket_json()) for _ in range(3)])
    assert told == [3]


class Signup(BaseModel):
    """Something with something in it that nobody else should read."""

    email: str
    password: int


class TestFiles:
    """What is kept."""

    def test_t23_a_crash_log_has_no_input_no_address_and_no_secret(self, tmp_path: Path) -> None:
        """pydantic's errors quote what they were given, also as the cause of others."""
        password, key, log = "correct horse", "s3cret-key", None
        try:
            try:
                Signup.model_validate({"email": "kim@example.com", "password": password})
            except ValidationError as error:
                raise RuntimeError(f"for kim{'@'}example.com with {key}: {error}") from error
        except RuntimeError as error:
            log = write_log(tmp_path, error, [key])
        assert log is not None
        text = log.read_text()
        assert "in test_t23" in text
        assert "Signup: password: int_parsing" in text
        for said in (password, "kim@", key):
            assert said not in text

    def test_is_never_anybody_elses(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Not for a moment: it is made so, whatever the mask, and not changed to it."""
        monkeypatch.setattr(Path, "write_text", None)
        monkeypatch.setattr(os, "fchmod", None)
        before = os.umask(0)
        try:
            memory = Memory(tmp_path / "tix" / "tui" / "default.json")
            memory.view = "sell"
            memory.save()
        finally:
            os.umask(before)
        [path] = (tmp_path / "tix" / "tui").iterdir()
        assert path.stat().st_mode & 0o777 == 0o600
        assert json.loads(path.read_text()) == {"view": "sell"}

    def test_stays_whole_where_a_new_one_cannot_be_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """And no half of one is left."""
        path = tmp_path / "kept" / "default.json"
        write_private(path, "old")

        def refuse(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "replace", refuse)
        with pytest.raises(OSError, match="No space"):
            write_private(path, "new")
        assert [one.name for one in path.parent.iterdir()] == ["default.json"]
        assert path.read_text() == "old"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a window")
class TestWindows:
    """A page in a browser, while something is drawn on the terminal."""

    @pytest.fixture
    def program(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
        """Makes a browser, which writes down what it was given and whether it sees a terminal."""
        for name in ("DISPLAY", "WAYLAND_DISPLAY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

        def made(name: str) -> Path:
            told = tmp_path / f"{name}.told"
            path = tmp_path / name
            path.write_text(f'#!/bin/sh\ntest -t 0 || test -t 1 || test -t 2 || echo "$1" > {told}\n')
            path.chmod(0o755)
            return told

        return made

    @pytest.mark.parametrize("browser", ["lynx", "/usr/bin/w3m -no-cookie", "", " "])
    def test_one_that_draws_on_it_is_none(
        self, program: Any, monkeypatch: pytest.MonkeyPatch, browser: str
    ) -> None:
        """The address is told instead."""
        told = program("lynx")
        monkeypatch.setenv("BROWSER", browser)
        assert not windows.show("https://tix.example/")
        assert not told.exists()

    def test_another_is_given_the_address_and_no_terminal(
        self, program: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As a script of an editor is, that shows it elsewhere."""
        told = program("helper")
        monkeypatch.setenv("BROWSER", f"lynx{os.pathsep}helper")
        assert windows.show("https://tix.example/?a=b&c=d")
        assert told.read_text() == "https://tix.example/?a=b&c=d\n"
