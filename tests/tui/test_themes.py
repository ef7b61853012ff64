"""Colours: chosen, kept, and such that every word can be read."""

import pytest
from textual.color import Color

from tests.platform import Platform
from tests.tui.conftest import Open
from tests.tui.driving import Driver, person
from tests.waiting import until
from tui.themes import ratio
from tui.words import ORDER, TICKET

AWAY = "http://127.0.0.1:9"
"""Nothing listens there."""


class TestThemes:
    """t18."""

    async def test_t18_a_theme_is_taken_by_the_palette_and_kept(self, open_tui: Open) -> None:
        async with open_tui(AWAY) as tui:
            await tui.sees("Tix")
            await tui.press("ctrl+p")
            await tui.sees("Search for commands")
            for name in ("high-contrast", "high-contrast-light", "ansi-dark", "ansi-light"):
                assert name in tui.app.available_themes
            await tui.type("high-contrast-light", None)
            await tui.sees("Theme high-contrast-light")
            await tui.misses("Zoom")
            await tui.press("enter")
            await until(lambda: tui.app.theme == "high-contrast-light", "it is taken")
        async with open_tui(AWAY) as tui:
            assert tui.app.theme == "high-contrast-light"

    async def test_t18_config_has_the_last_word_on_the_theme(self, open_tui: Open) -> None:
        async with open_tui(AWAY) as tui:
            tui.app.take_theme("nord")
        async with open_tui(AWAY, settings='[tui]\ntheme = "dracula"') as tui:
            assert tui.app.theme == "dracula"
            tui.app.take_theme("nord")
            await tui.hears("config.toml asks for dracula")

    @pytest.mark.parametrize(
        "theme", ["textual-dark", "textual-light", "high-contrast", "high-contrast-light"]
    )
    async def test_t18_text_can_be_read(self, platform: Platform, open_tui: Open, theme: str) -> None:
        seller, buyer = platform.user(), await person(platform)
        for number in range(4):
            await seller.list_ticket(title=f"Row {number}")
        held = await seller.list_ticket(title="Held")
        await buyer.hold(held["id"])
        async with open_tui(platform, buyer, settings=f'[tui]\ntheme = "{theme}"') as tui:
            await tui.sees("Row 3", "yours", "? help")
            faint = unreadable(tui, 7 if theme.startswith("high") else 4.5)
            await tui.press("question_mark")
            await tui.sees("What can be done here")
            faint |= unreadable(tui, 4.5)
            await tui.press("escape")
            await tui.misses("What can be done here")
            await tui.press("a")
            await tui.sees("Signed in as")
            faint |= unreadable(tui, 4.5)
        assert not faint

    async def test_t18_without_colours_every_state_is_told_apart(
        self, platform: Platform, open_tui: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("NO_COLOR", "1")
        seller, buyer = platform.user(), await person(platform)
        await seller.list_ticket(title="Free")
        held = await seller.list_ticket(title="Held")
        await buyer.hold(held["id"])
        async with open_tui(platform, buyer) as tui:
            screen = await tui.sees("● ", "available", "◐ ", "yours")
            assert all(red == green == blue for red, green, blue in colours(tui))
            assert "Free" in screen
        for states in (TICKET, ORDER):
            signs = [f"{mark.sign} {mark.word}" for mark in states.values()]
            assert len(set(signs)) == len(signs)


def unreadable(tui: Driver, least: float) -> set[tuple[str, str, str, float]]:
    """Texts whose contrast with what is behind them is less, by WCAG 2."""
    found = set()
    screen = tui.app.screen
    # What a question stands over is faint, as it should be.
    place = screen.query_one("#dialog").region if screen.is_modal else screen.region
    lines = screen._compositor.render_strips()[place.y : place.bottom]
    for strip in lines:
        for segment in strip.crop(place.x, place.right):
            style, text = segment.style, segment.text.strip(" ▔▁▊▎│┃╸━╺█▀▄╭╮╰╯─▅▂▃▆▇▌▐▍▋")
            if text and style and style.color and style.bgcolor and not style.dim:
                front, behind = (Color.from_rich_color(one) for one in (style.color, style.bgcolor))
                contrast = ratio(front, behind)
                if contrast < least:
                    found.add((text, front.hex, behind.hex, round(contrast, 1)))
    return found


def colours(tui: Driver) -> set[tuple[int, int, int]]:
    """All that the terminal is given: after the filters."""
    found = set()
    for strip in tui.app.screen._compositor.render_strips():
        for segment in strip.apply_filter(tui.app._filters[-1], Color(0, 0, 0)):
            for one in (segment.style.color, segment.style.bgcolor) if segment.style else ():
                if one is not None:
                    red, green, blue = one.get_truecolor()
                    found.add((red, green, blue))
    return found
