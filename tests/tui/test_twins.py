"""Whatever is done here can be copied as a command, which does it as the same person at the same Tix."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from server.orders.schemas import OrderOut
from server.tickets.schemas import TicketOut
from tests.tui.canned import ORDERS, TICKETS
from tests.tui.conftest import Open, ada
from tests.tui.driving import Driver
from tests.waiting import until
from tui.plain import commands
from tui.screens.checkout import Checkout
from tui.screens.importing import Importing
from tui.screens.listing import Listing
from tui.screens.ticket import Ticket
from tui.twins import TWINS, command

FLAGS = {"--profile": "kim", "--api-url": None}


def test_t17_what_a_shell_would_take_apart_is_quoted_and_the_flags_of_the_run_are_there() -> None:
    flags = {"--profile": None, "--api-url": "https://tix.example/?a=1&b=2"}
    assert command("import", flags, file="my seats.csv") == (
        "tix tickets import 'my seats.csv' --api-url 'https://tix.example/?a=1&b=2'"
    )
    assert command("hold", FLAGS, ticket="one") == "tix reserve one --profile kim"
    assert command("new", {}, fields=("--title", "$(rm)")) == "tix tickets create --title '$(rm)'"
    assert command("hold", FLAGS) is None


def test_t25_so_are_those_that_are_told_where_nothing_is_drawn() -> None:
    told = [line.split(maxsplit=1) for line in commands("it is so", FLAGS) if " tix " in line]
    assert all(line[-1].endswith(" --profile kim") for line in told)
    assert len(told) == len(TWINS)


@pytest.fixture
async def tui(open_tui: Open) -> AsyncIterator[Driver]:
    """As Ada, in a profile that was asked for."""
    async with ada(open_tui, flags=FLAGS) as driver:
        yield driver


async def test_t17_every_twin_can_be_copied_somewhere_and_acts_as_the_same_person(tui: Driver) -> None:
    found = set[str]()

    async def copy() -> None:
        view: Any = tui.app.screen
        await until(lambda: view.is_drawn and view.is_active, "the view is there")
        names = set(view.twins())
        written = view.commands()
        assert all(text.endswith(" --profile kim") for text in written.values())
        assert written.items() <= view.copyable().items()
        found.update(name for name in names if f"command to {name.replace('_', ' ')}" in written)

    await copy()
    for key, text in (("2", "2 orders"), ("3", "An Evening"), ("4", "newest first")):
        await tui.press(key)
        await tui.sees(f"[{key} ", text)
        await copy()
    order, listing = OrderOut.model_validate(ORDERS[0]), TicketOut.model_validate(TICKETS[3])
    sold = order.model_copy(update={"user_id": None})
    for view in (Ticket(listing), Checkout(order), Checkout(sold), Listing(), Listing(listing), Importing()):
        await tui.app.push_screen(view)
        await copy()
        await tui.app.pop_screen()
    await tui.press("a")
    await tui.sees("Signed in as")
    await copy()
    tui.app.session.expire()
    await copy()
    assert found == TWINS.keys() - {"import_rest"}  # which takes a file with faults


async def test_t17_a_form_is_copied_with_what_was_typed(tui: Driver) -> None:
    await tui.press("3")
    await tui.sees("An Evening")
    await tui.press("n")
    await tui.type("Front row", "field-title")
    await tui.press("ctrl+p")
    await tui.type("copy as create", None)
    await tui.sees("Copy as `tix tickets create --title 'Front row' --profile kim`")
