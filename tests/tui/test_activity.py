"""The log of what was heard and said, toasts, and leaving."""

from tests.concurrency.races import expire_now
from tests.platform import Platform, User
from tests.tui.conftest import Open, ada
from tests.tui.driving import Driver, person
from tests.waiting import until
from tui.journal import KEPT


async def listening(tui: Driver, seller: User, title: str) -> None:
    """Wait until the app hears of tickets."""

    async def hears() -> int:
        await seller.list_ticket(title=title)
        return len(tui.app.journal)

    await until(hears, "the app hears of tickets")


class TestLog:
    """What there is to read in it."""

    async def test_t16_keeps_what_was_heard_and_every_toast(self, platform: Platform, open_tui: Open) -> None:
        """Tickets and orders in words, newest first; toasts of all kinds, also those that are gone."""
        seller, buyer = platform.user(), await person(platform)
        async with open_tui(platform, buyer) as tui:
            await listening(tui, seller, "Front row")
            await tui.sees("Front row", "Press b to hold it")
            await tui.press("b")
            await tui.sees("Held for you until")
            await tui.press("x")
            await tui.sees("Give “Front row” (45.00 USD) up?")
            await tui.press("y")
            await tui.hears("“Front row” was given up; nothing was taken.")
            await tui.press("p")
            await tui.hears("It is given up: there is nothing to pay.")
            await tui.press("4")
            screen = await tui.sees(
                "newest first",
                "ticket  “Front row” is available at 45.00 USD.",
                "ticket  “Front row” is reserved at 45.00 USD.",
                "order   “Front row”: Held for you; nobody else can take it.",
                "order   “Front row”: You gave it up.",
                "✓  ",
                "done    “Front row” was given up; nothing was taken.",
                "!  ",
                "note    It is given up: there is nothing to pay.",
            )
            assert screen.index("is given up: there") < screen.index("Held for you; nobody")

    async def test_t16_errors_stay_until_they_are_dismissed(self, platform: Platform, open_tui: Open) -> None:
        """Others are gone after four seconds; d takes all away, and the log keeps them."""
        buyer, seller = await person(platform), platform.user()
        order = await buyer.hold((await seller.list_ticket(title="Gone"))["id"])
        await expire_now(platform, order["id"])
        await buyer.order_in(order["id"], "expired")
        await platform.user().hold(order["ticket"]["id"])
        async with open_tui(platform, buyer) as tui:
            await tui.press("2")
            await tui.sees("✗  Gone", "b holds it again")
            await tui.press("b")
            await tui.hears("Holding “Gone”: This ticket is reserved")
            lasting = {toast.message: toast.timeout for toast in tui.app._notifications}
            [seconds] = [lasts for text, lasts in lasting.items() if text.startswith("Holding")]
            assert seconds > 3600
            await tui.press("R")
            await tui.hears("Only its seller")
            [seconds] = [
                toast.timeout for toast in tui.app._notifications if "Only its seller" in toast.message
            ]
            assert seconds == 4
            await tui.press("d")
            await until(lambda: not tui.toasts, "no toast is there")
            await tui.press("4")
            await tui.sees("error   Holding “Gone”: This ticket is reserved")

    async def test_is_filtered_as_one_types(self, platform: Platform, open_tui: Open) -> None:
        """All words, anywhere; ! leaves out; escape shows all again. Letters may come with the key."""
        seller = platform.user()
        async with open_tui(platform) as tui:
            await listening(tui, seller, "Opera")
            await seller.list_ticket(title="Ballet")
            await tui.sees("“Ballet” is available")
            await tui.press("4", "slash", *"opera")
            await tui.misses("“Ballet” is available")
            await tui.sees("“Opera” is available", "/opera")
            await tui.press("escape")
            await tui.sees("“Ballet” is available")
            await tui.press("slash")
            await until(lambda: tui.app.focused is tui.app.screen.query_one("#filter"), "one can type")
            await tui.press("!", *"opera")
            await tui.misses("“Opera” is available")
            await tui.sees("“Ballet” is available")

    async def test_does_not_grow_without_end(self, platform: Platform, open_tui: Open) -> None:
        """The oldest lines go; what a terminal would obey is written out."""
        async with open_tui(platform) as tui:
            for number in range(KEPT + 5):
                tui.app.journal.add("ticket", f"line {number} \x1b[2J[b]")
            await tui.press("4")
            await tui.sees(f"{KEPT} lines", "line 1004 \\x1b[2J[b]", f"the last {KEPT} are kept")
            await tui.press("G")
            await tui.sees("line 5 ")


class TestLeaving:
    """q, ctrl+q and escape."""

    async def test_t05_warns_of_a_hold_and_names_the_time(self, platform: Platform, open_tui: Open) -> None:
        """Enter stays; y goes, and the hold goes on."""
        buyer = await person(platform)
        order = await buyer.hold((await platform.user().list_ticket(title="Aisle"))["id"])
        async with open_tui(platform, buyer) as tui:
            await tui.sees("◐ 14:", "Aisle")
            for key in ("q", "ctrl+q"):
                await tui.press(key)
                await tui.sees("You hold “Aisle” for 14 minutes", "goes on until then, unpaid. Quit?")
                await tui.press("enter")
                await tui.misses("Quit?")
                assert not tui.app._exit
            await tui.press("ctrl+q")
            await tui.sees("Quit?")
            await tui.press("y")
            await until(lambda: tui.app._exit, "the app is left")
        assert (await buyer.order(order["id"]))["status"] == "created"

    async def test_t05_leaves_at_once_with_nothing_held(self, platform: Platform, open_tui: Open) -> None:
        """From a view of the bottom."""
        async with open_tui(platform) as tui:
            await tui.sees("signed out", "newest first")
            await tui.press("q")
            await until(lambda: tui.app._exit, "the app is left")

    async def test_keys_that_are_under_way_as_it_closes_do_nothing(self, open_tui: Open) -> None:
        """Neither one that is bound, nor one that is not."""
        for keys in ("jk" * 20, "v" * 40):
            async with ada(open_tui) as tui:
                await tui.press(*keys)

    async def test_t05_escape_goes_one_level_and_never_out(self, platform: Platform, open_tui: Open) -> None:
        """Out of the question, out of the page, and no further; q does the same until the bottom."""
        buyer = await person(platform)
        await buyer.hold((await platform.user().list_ticket(title="Aisle"))["id"])
        async with open_tui(platform, buyer) as tui:
            for key in ("escape", "q"):
                await tui.press("2")
                await tui.sees("1 order · bought", "◐  Aisle")
                await tui.press("enter")
                await tui.sees("Press p to pay")
                await tui.press("x")
                await tui.sees("up? Nothing was taken")
                await tui.press("escape")
                await tui.misses("up? Nothing was taken")
                await tui.press(key)
                await tui.sees("1 order · bought", "◐  Aisle")
            await tui.press("escape")
            await tui.press("1")
            await tui.sees("[1 browse]", "newest first")
            await tui.press("escape")
            await tui.press("2")
            await tui.sees("[2 orders]")
            assert not tui.app._exit
