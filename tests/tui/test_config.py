"""`[tui]` in config.toml, and what is kept from one run to the next."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from textual.color import Color

from cli.errors import Refused
from tests.platform import Platform
from tests.tui.conftest import Open
from tests.tui.driving import person
from tui.app import Tui
from tui.config import check_keys
from tui.screens.browse import Browse
from tui.screens.view import View
from tui.shell import Shell, kinds

AWAY = "http://127.0.0.1:9"
"""Nothing listens there."""


def parts() -> list[Any]:
    """The app and its views."""
    return [Shell, *kinds(View)]


class TestKeys:
    """t20."""

    async def test_t20_the_footer_shows_and_obeys_ones_own_keys(self, open_tui: Open) -> None:
        async with open_tui(AWAY, settings='[tui.keys]\nsort = "o"\nhelp = "ctrl+h,f1"') as tui:
            await tui.sees("o sort", "^h help", "newest first")
            await tui.press("s")
            await tui.press("o")
            await tui.sees("oldest first")

    async def test_t20_so_does_the_top_line(self, open_tui: Open) -> None:
        async with open_tui(AWAY, settings='[tui.keys]\nview_orders = "f6"') as tui:
            await tui.sees("[1 browse]", "f6 orders", "3 sell")
            await tui.press("f6")
            await tui.sees("[f6 orders]")

    async def test_t20_two_keys_may_be_exchanged(self, open_tui: Open) -> None:
        async with open_tui(AWAY, settings='[tui.keys]\nsort = "f"\nstatus = "s"') as tui:
            await tui.sees("f sort", "s status")
            await tui.press("f")
            await tui.sees("oldest first")

    @pytest.mark.parametrize(
        ("settings", "told"),
        [
            ('sort = "b"', "b would be hold (Hold) and sort (Sort)"),
            ('hold = "j"', "j would be down (Down) and hold (Hold"),
            ('zoom = "q"', "q would be zoom (Zoom) and leave (Quit)"),
            ('srt = "b"', "there is no action 'srt'. Did you mean 'sort'?"),
            ('sort = "ctl+b"', "'ctl+b' is no key"),
            ('sort = ""', "sort in config.toml must be keys"),
            ("sort = 1", "sort in config.toml must be keys"),
        ],
    )
    async def test_t20_what_cannot_be_is_told_before_anything_is_drawn(
        self, open_tui: Open, settings: str, told: str
    ) -> None:
        with pytest.raises(Refused) as refused:
            async with open_tui(AWAY, settings=f"[tui.keys]\n{settings}"):
                pass
        assert told in refused.value.detail
        assert refused.value.exit_code == 2

    @pytest.mark.parametrize(
        ("settings", "told"),
        [
            ('theme = "nrod"', "no theme 'nrod'"),
            ("theme = 1", "must be a name"),
            ('readonly = "yes"', "must be true or false"),
            ("keys = 1", "must hold a table [tui.keys]"),
            ("colour = 1", "no setting 'colour'; it has keys, readonly, theme"),
        ],
    )
    async def test_t20_so_is_every_other_setting(self, open_tui: Open, settings: str, told: str) -> None:
        with pytest.raises(Refused, match=told.replace("[", r"\[")):
            async with open_tui(AWAY, settings=f"[tui]\n{settings}"):
                pass

    def test_t20_ones_own_keys_may_be_those_that_are_there(self) -> None:
        keys: dict[str, str] = {}
        for part in parts():
            for key, one in part._merge_bindings():
                if one.id is not None:
                    keys[one.id] = ",".join(filter(None, (keys.get(one.id), key)))
        assert len(keys) > 10
        check_keys(keys, Shell.places())


RESERVED = {
    "ctrl+c",
    "ctrl+s",
    "ctrl+i",
    "ctrl+m",
    "ctrl+left_square_brace",
    "ctrl+backslash",
    "ctrl+h",
    "ctrl+j",
}
"""Flow control, signals, and what a terminal cannot tell from tab, enter, escape or backspace."""


def test_t21_no_key_of_ours_is_the_terminals() -> None:
    bound = {key for part in parts() for key, one in part._merge_bindings() if one.id is not None}
    assert not bound & RESERVED


class TestLiveAndReadOnly:
    """t22."""

    async def test_t22_live_money_is_unmistakable(self, open_tui: Open) -> None:
        settings = f'[profiles.default]\nlive = true\napi_url = "{AWAY}"'
        async with open_tui(AWAY, settings=settings) as tui:
            await tui.sees("LIVE")
            red = Color.parse(tui.app.theme_variables["error"])
            assert tui.app.screen.query_one("#head").styles.background == red
        async with open_tui(AWAY) as tui:
            await tui.sees("Tix")
            await tui.misses("LIVE")

    async def test_t22_live_is_a_word_where_there_are_no_colours(
        self, open_tui: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("NO_COLOR", "1")
        async with open_tui(AWAY, settings="[profiles.default]\nlive = true") as tui:
            assert "LIVE" in (await tui.sees("LIVE")).splitlines()[0]

    @pytest.mark.parametrize("by", ["flag", "config"])
    async def test_t22_read_only_changes_nothing(self, platform: Platform, open_tui: Open, by: str) -> None:
        seller, buyer = platform.user(), await person(platform)
        await seller.list_ticket(title="Front row")
        settings = "[tui]\nreadonly = true" if by == "config" else ""
        async with open_tui(platform, buyer, is_readonly=by == "flag", settings=settings) as tui:
            await tui.sees("Front row", "read only", "This tix was started read only.")
            await tui.press("b")
            await tui.hears("This tix was started read only.")
        assert (await buyer.get("/api/orders")).json()["items"] == []


class TestMemory:
    """t24."""

    async def test_t24_filter_and_sort_are_those_of_the_last_run(
        self, platform: Platform, open_tui: Open, home: Path
    ) -> None:
        seller = platform.user()
        word = uuid4().hex[:8]
        await seller.list_ticket(title=f"Front {word}")
        await seller.list_ticket(title="Balcony")
        async with open_tui(platform) as tui:
            await tui.sees("Front", "Balcony")
            await tui.press("s")
            await tui.sees("oldest first")
            await tui.press("f")
            await tui.sees("only available")
            await tui.press("slash")
            await tui.type(word, "filter")
            await tui.misses("Balcony")
            await tui.sees(f"/{word}")
        async with open_tui(platform) as tui:
            await tui.sees("oldest first", "only available", f"/{word}", "Front")
            assert "Balcony" not in tui.screen

    async def test_t24_so_is_the_view(self, open_tui: Open, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Tui, "MODES", {"browse": Browse, "orders": Browse})
        async with open_tui(AWAY) as tui:
            await tui.sees("[1 browse]")
            tui.app.action_view("orders")
            await tui.sees("[2 orders]")
        async with open_tui(AWAY) as tui:
            await tui.sees("[2 orders]")

    async def test_t24_so_are_the_filters_of_the_other_views(
        self, platform: Platform, open_tui: Open
    ) -> None:
        """Each its own: one's listings are sorted apart, and orders have a role and a status."""
        async with open_tui(platform, await person(platform)) as tui:
            await tui.sees("@example.com", "newest first")
            await tui.press("3")
            await tui.sees("You list nothing yet")
            await tui.press("s", "s")
            await tui.sees("cheapest first")
            await tui.press("2")
            await tui.sees("You have no order yet")
            await tui.press("o", "f")
            await tui.sees("Orders of which status?")
            await tui.press("down", "enter")
            await tui.sees("sold: orders of your listings · only held")
        async with open_tui(platform, await person(platform)) as tui:
            await tui.sees("[2 orders]", "sold: orders of your listings · only held")
            await tui.press("3")
            await tui.sees("cheapest first")
            await tui.press("1")
            await tui.sees("[1 browse]", "newest first")

    async def test_t24_what_is_kept_is_ones_own_and_may_be_broken(self, open_tui: Open, home: Path) -> None:
        async with open_tui(AWAY) as tui:
            await tui.sees("Tix")
        path = home / ".local/state/tix/tui/default.json"
        assert path.stat().st_mode & 0o777 == 0o600
        for broken in (
            "{",
            "[]",
            '{"wishes": 1, "tickets": 2, "seen": [], "orders": 5, "theme": 3, "view": 4}',
        ):
            path.write_text(broken)
            async with open_tui(AWAY) as tui:
                await tui.sees("newest first")
