"""One's own listings: listed, changed, taken off sale and put back."""

from tests.platform import Platform, User
from tests.tui.conftest import Open
from tests.tui.driving import Driver, person
from tests.waiting import until


async def at(tui: Driver, field: str) -> None:
    """Wait until this field hears the keys."""

    def is_there() -> bool:
        focused = tui.app.focused
        return focused is not None and focused.id == f"field-{field}"

    await until(is_there, f"{field} has the focus")


async def mine(user: User) -> list[dict[str, object]]:
    """Their listings, as everyone sees them."""
    answer = await user.get("/api/tickets", params={"userId": str(user.id)})
    found: list[dict[str, object]] = answer.json()["items"]
    return found


async def test_who_is_signed_out_is_told_how_to_sell(platform: Platform, open_tui: Open) -> None:
    async with open_tui(platform) as tui:
        await tui.sees("signed out")
        await tui.press("3")
        await tui.sees("[3 sell]", "You are signed out. Sign in to sell")
        await tui.press("n")
        await tui.hears("Sign in first")
        await until(lambda: tui.app.session.streams, "it follows")
        await platform.user().list_ticket(title="Somebody's")
        await until(lambda: len(tui.app.journal) > 1, "it was heard of")
        await tui.press("1")
        await tui.sees("[1 browse]", "Somebody's")
        await tui.press("3")
        await tui.sees("[3 sell]", "You are signed out")
        assert "Somebody's" not in tui.screen


async def test_a_ticket_is_listed_by_a_form_that_says_what_is_wrong_beside_its_field(
    platform: Platform, open_tui: Open
) -> None:
    seller = await person(platform)
    async with open_tui(platform, seller) as tui:
        await tui.sees("@example.com")
        await tui.press("3")
        await tui.sees("You list nothing yet")
        await tui.press("n")
        await tui.sees("A new listing", "f2 save")
        await at(tui, "title")
        await tui.press("f2")
        await tui.sees("must not be empty", "write it as 45.00")
        await tui.press(*"night train")
        await tui.press("enter")
        await at(tui, "price")
        await tui.press(*"45.5", "tab", "tab", "tab")
        await at(tui, "starts_at")
        await tui.press(*"tomorrow", "f2")
        await tui.sees("write it as 2027-05-01 20:00 in your time")
        await tui.press("ctrl+u", "f2")
        await tui.misses("must not be empty")
        await tui.hears("Listed “night train” for 45.50 USD.")
        await tui.sees("1 ticket", "night train", "45.50 USD")
    [listing] = await mine(seller)
    assert (listing["title"], listing["price"], listing["currency"]) == ("night train", 4550, "usd")


async def test_what_the_server_refuses_stands_beside_its_field(platform: Platform, open_tui: Open) -> None:
    seller = await person(platform)
    await seller.list_ticket(title="First", externalId="seat-1")
    await seller.list_ticket(title="Second")
    async with open_tui(platform, seller) as tui:
        await tui.sees("@example.com")
        await tui.press("3")
        await tui.sees("2 tickets", "Press e to change it")
        await tui.press("e")
        await at(tui, "title")
        await tui.press("up")  # round to the last field
        await at(tui, "external_id")
        await tui.press(*"seat-1")
        await tui.press("enter")
        screen = await tui.sees("already have a listing with this externalId")
        lines = [line.strip(" ┃") for line in screen.splitlines()]
        [place] = [number for number, line in enumerate(lines) if line.startswith("You already have")]
        assert lines[place - 1].startswith("your id"), screen
        await tui.press("backspace")
        await tui.sees("seat- ")
        await tui.press("2", "enter")
        await tui.hears("“Second” is changed.")
    assert {one["externalId"] for one in await mine(seller)} == {"seat-1", "seat-2"}


async def test_esc_asks_before_what_was_typed_is_lost(platform: Platform, open_tui: Open) -> None:
    seller = await person(platform)
    await seller.list_ticket(title="Front")
    async with open_tui(platform, seller) as tui:
        await tui.sees("@example.com")
        await tui.press("3")
        await tui.sees("Press e to change it")
        await tui.press("enter")
        await tui.sees("“Front”", "your id", "45.00")
        await at(tui, "title")
        await tui.press("escape")
        await tui.sees("[3 sell]", "1 ticket")
        await tui.press("enter")
        await tui.sees("“Front”", "your id", "45.00")
        await at(tui, "title")
        await tui.press(*"Fronts", "escape")
        await tui.sees("What you typed is not saved.")
        await tui.press("enter")
        await tui.misses("What you typed is not saved.")
        await tui.sees("Fronts")
        await tui.press("escape")
        await tui.sees("What you typed is not saved.")
        await tui.press("y")
        await tui.sees("1 ticket", "Press e to change it")
    assert [one["title"] for one in await mine(seller)] == ["Front"]


class TestConflict:
    """Somebody changed the listing after it was read."""

    async def _collide(self, tui: Driver, seller: User, ticket: dict[str, object]) -> None:
        await tui.sees("@example.com")
        await tui.press("3")
        await tui.sees("Press e to change it")
        await tui.press("e")
        await tui.sees("“Front”", "your id", "45.00")
        await at(tui, "title")
        await at(tui, "title")
        await tui.press(*"Back")  # the whole title is chosen on focus
        theirs = {"version": ticket["version"], "title": "Middle", "venue": "Hall A"}
        answer = await seller.put(f"/api/tickets/{ticket['id']}", theirs)
        assert answer.status_code == 200, answer.text
        await tui.press("f2")
        await tui.sees(
            "Somebody changed this listing",
            "you read   “Front”",
            "it is now  “Middle”",
            "you want   “Back”",
            "it is now  “Hall A”",
            "you want   it as it is",
        )

    async def test_mine_is_put_over_theirs(self, platform: Platform, open_tui: Open) -> None:
        seller = await person(platform)
        ticket = await seller.list_ticket(title="Front")
        async with open_tui(platform, seller) as tui:
            await self._collide(tui, seller, ticket)
            await tui.press("m")
            await tui.hears("“Back” is changed.")
        [listing] = await mine(seller)
        assert (listing["title"], listing["venue"], listing["version"]) == ("Back", "Hall A", 2)

    async def test_theirs_is_taken_or_one_goes_on_editing(self, platform: Platform, open_tui: Open) -> None:
        seller = await person(platform)
        ticket = await seller.list_ticket(title="Front")
        async with open_tui(platform, seller) as tui:
            await self._collide(tui, seller, ticket)
            await tui.press("enter")
            await tui.misses("Somebody changed this listing")
            await tui.sees("Back")
            await tui.press("f2")
            await tui.sees("it is now  “Middle”")
            await tui.press("t")
            await tui.misses("Somebody changed this listing")
            await tui.sees("Middle", "Hall A")
            await tui.press("f2")
            await tui.hears("Nothing was changed.")
        [listing] = await mine(seller)
        assert (listing["title"], listing["version"]) == ("Middle", 1)


async def test_t14_withdrawing_names_title_and_price_and_does_nothing_unless_told(
    platform: Platform, open_tui: Open
) -> None:
    seller = await person(platform)
    ticket = await seller.list_ticket(title="Front")
    async with open_tui(platform, seller) as tui:
        await tui.sees("@example.com")
        await tui.press("3")
        await tui.sees("Press e to change it, w")
        await tui.press("w")
        await tui.sees("Take “Front” (45.00 USD) off sale?")
        await tui.press("enter")
        await tui.misses("off sale?")
        assert [one["status"] for one in await mine(seller)] == ["available"]
        await tui.press("w")
        await tui.sees("Take “Front” (45.00 USD) off sale?")
        await tui.press("y")
        await tui.sees("✗ withdrawn", "Press W to put it back")
        assert (await seller.get(f"/api/tickets/{ticket['id']}")).json()["status"] == "withdrawn"
        await tui.press("w")
        await tui.hears("It is off sale already.")
        await tui.press("W")
        await tui.sees("● available")
    assert [one["status"] for one in await mine(seller)] == ["available"]


async def test_only_ones_own_are_there_and_they_are_live(platform: Platform, open_tui: Open) -> None:
    seller, other, buyer = await person(platform), platform.user(), platform.user()
    ticket = await seller.list_ticket(title="Ours")
    await other.list_ticket(title="Theirs")
    async with open_tui(platform, seller, size=(100, 30)) as tui:
        await tui.sees("@example.com")
        await tui.press("3")
        await tui.sees("1 ticket", "Ours", "Press e to change it")
        await until(lambda: tui.app.session.is_online, "the stream is there")
        await buyer.hold(ticket["id"])
        await tui.sees("◐ reserved", "Somebody holds it")
        await other.list_ticket(title="Theirs too")
        await seller.list_ticket(title="Ours too")
        await tui.sees("2 tickets", "Ours too")
        await tui.press("G", "e")
        await tui.hears("Somebody holds it")
        assert "Theirs" not in tui.screen


async def test_t13_the_form_can_be_filled_on_a_small_terminal(platform: Platform, open_tui: Open) -> None:
    seller = await person(platform)
    async with open_tui(platform, seller, size=(60, 20)) as tui:
        await tui.sees("1 browse")
        await until(lambda: tui.app.session.user, "somebody is signed in")
        await tui.press("3")
        await tui.sees("[3 sell]")
        await tui.press("n")
        await at(tui, "title")
        await tui.press("f2")
        await tui.sees("must not be empty", "write it as 45.00", "your id", "f2 save")
        await tui.press("up")
        await at(tui, "external_id")
        await tui.press("enter")  # the last field
        await at(tui, "title")
    assert await mine(seller) == []


async def test_t15_read_only_nothing_is_sold(platform: Platform, open_tui: Open) -> None:
    seller = await person(platform)
    await seller.list_ticket(title="Front")
    async with open_tui(platform, seller, is_readonly=True) as tui:
        await tui.sees("@example.com")
        await tui.press("3")
        await tui.sees("Front", "w withdraw", "This tix was started read only.")
        for key in "newi":
            await tui.press(key)
        await until(lambda: len(tui.toasts) == 4, "each key explains itself")
        assert set(tui.toasts) == {"This tix was started read only."}
