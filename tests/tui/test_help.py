"""Help and palette: all that can be done is found there, by keys, by mouse and by name."""

from textual.widgets import OptionList

from tests.platform import Platform
from tests.tui.conftest import Open
from tests.tui.driving import Driver, person
from tests.waiting import until
from tui.offers import offers
from tui.screens.help import Help
from tui.screens.view import View
from tui.shell import Shell, kinds

AWAY = "http://127.0.0.1:9"


def test_t02_every_action_has_a_key_a_name_a_sentence_and_code() -> None:
    for part in (Shell, *kinds(View)):
        for _, one in part._merge_bindings():  # type: ignore[attr-defined]  # of every node
            if one.id is not None:
                assert one.description, one
                assert one.tooltip.endswith("."), one
                name = one.action.partition("(")[0].rpartition(".")[2]
                assert hasattr(part, f"action_{name}") or hasattr(Shell, f"action_{name}"), one


async def listed(tui: Driver) -> set[tuple[str, str]]:
    """Keys and names of the help that is open."""
    await tui.sees("What can be done here")
    screen = tui.app.screen
    assert isinstance(screen, Help)
    return {(one.keys, one.label) for one in screen.shown if one.id}


async def test_t02_t04_all_that_is_active_is_in_the_help_and_in_the_palette(
    platform: Platform, open_tui: Open
) -> None:
    seller, buyer = platform.user(), await person(platform)
    await buyer.hold((await seller.list_ticket(title="Front row"))["id"])
    async with open_tui(platform, buyer) as tui:
        await tui.sees("Front row", "press enter to")
        for view in ("browse", "checkout", "account"):
            if view == "checkout":
                await tui.press("enter")
                await tui.sees("Held for you until")
            if view == "account":
                await tui.press("a")
                await tui.sees("Signed in as")
            active = tui.app.screen.active_bindings.values()
            named = {one.binding.action for one in active if one.binding.id}
            offered = {one.action: one for one in offers(tui.app.screen)}
            assert named <= offered.keys()
            await tui.press("question_mark")
            assert {(one.keys, one.label) for one in offered.values() if one.id} == await listed(tui)
            await tui.press("escape")
            await tui.misses("What can be done here")
            await tui.press("ctrl+p")
            await tui.sees("Search for commands")

            wanted = {
                f"{one.label}  {one.keys}"
                for one in offered.values()
                if one.id and one.action != "command_palette"
            }

            def told() -> set[str]:
                found = tui.app.screen.query_one(OptionList)
                lines = [str(found.get_option_at_index(n).prompt) for n in range(found.option_count)]
                return {line.partition("\n")[0] for line in lines}

            await until(lambda wanted=wanted, told=told: wanted <= told(), f"{wanted} in the palette")  # type: ignore[misc]
            await tui.press("escape")
            await tui.misses("Search for commands")


async def test_t04_the_help_is_searched_by_typing_and_runs_what_is_marked(open_tui: Open) -> None:
    async with open_tui(AWAY) as tui:
        await tui.sees("newest first")
        await tui.press("f1")
        await tui.sees("What can be done here", "Here", "In the list or field", "Everywhere")
        await tui.type("cheapest", "search")
        await tui.misses("Filter")
        await tui.sees("Sort")
        await tui.press("enter")
        await tui.sees("oldest first")


async def test_t04_nothing_that_fits_is_said(open_tui: Open) -> None:
    async with open_tui(AWAY) as tui:
        await tui.sees("newest first")
        await tui.press("question_mark")
        await tui.type("zzz", "search")
        await tui.sees("Nothing fits.")
        await tui.press("enter", "escape")
        await tui.misses("Nothing fits.")


async def test_t02_a_line_of_the_help_can_be_clicked(open_tui: Open) -> None:
    async with open_tui(AWAY) as tui:
        await tui.sees("newest first", "? help")
        await tui.click("? help")
        await tui.sees("What can be done here")
        await tui.click("Newest, oldest, cheapest")
        await tui.misses("What can be done here")
        await tui.sees("oldest first")


async def test_t15_what_cannot_be_done_stays_and_says_why(platform: Platform, open_tui: Open) -> None:
    await platform.user().list_ticket(title="Front row")
    async with open_tui(platform) as tui:
        await tui.sees("Front row", "b hold")
        await tui.press("b")
        await tui.hears("Sign in first: press a.")
        await tui.press("question_mark")
        await tui.sees("✗ Sign in first: press a.")
        await tui.type("hold this", "search")
        await tui.misses("Filter")
        await tui.press("enter")
        await tui.misses("What can be done here")
        await until(lambda: tui.toasts.count("Sign in first: press a.") == 2, "it is said once more")
        assert len(tui.app.journal.found("Sign in first")) == 2
        await tui.press("ctrl+p")
        await tui.sees("✗ Sign in first: press a.")


async def test_the_palette_goes_to_a_ticket_and_to_an_order(platform: Platform, open_tui: Open) -> None:
    seller, buyer = platform.user(), await person(platform)
    ticket = await seller.list_ticket(title="Front [row]")
    order = await buyer.hold(ticket["id"])
    async with open_tui(platform, buyer) as tui:
        await tui.sees("Front [row]", "press enter to")
        await tui.press("ctrl+p")
        await tui.type(f"order {order['id']}", None)
        await tui.sees(f"Go to order {order['id']}")
        await tui.press("down", "enter")
        await tui.sees("Held for you until")
        await tui.press("escape")
        await tui.sees("newest first")
        await tui.press("ctrl+p")
        await tui.type(ticket["id"], None)
        await tui.sees(f"Go to ticket {ticket['id']}", "The order of this id.")
        await tui.misses("Zoom")
        await tui.press("enter")
        await tui.sees("Front [row]", ticket["id"])
        await tui.misses("newest first")


async def test_the_palette_copies_the_same_as_a_command(platform: Platform, open_tui: Open) -> None:
    ticket = await platform.user().list_ticket(title="Front row")
    async with open_tui(platform) as tui:
        await tui.sees("Front row", ticket["id"])
        await tui.press("ctrl+p")
        await tui.type("copy as reserve", None)
        command = f"tix reserve {ticket['id']}"
        await tui.sees(f"Copy as `{command}`")
        await tui.misses("Zoom")
        await tui.press("enter")
        await tui.hears(command)
        assert tui.app.clipboard == command
