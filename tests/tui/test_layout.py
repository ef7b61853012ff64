"""The same on every size of terminal."""

import pytest

from tests.platform import Platform
from tests.tui.conftest import Open
from tests.tui.driving import person

SIZES = ((60, 20), (80, 24), (120, 40), (200, 60))


@pytest.mark.parametrize("size", SIZES)
async def test_t13_what_matters_is_there_at_every_size(
    platform: Platform, open_tui: Open, size: tuple[int, int]
) -> None:
    await platform.user().list_ticket(title="Night train jazz", venue="Blue Hall")
    async with open_tui(platform, await person(platform), size=size) as tui:
        screen = await tui.sees("Night train jazz", "45.00 USD", "available", "b hold", "newest first")
        assert all(len(line) == size[0] for line in screen.split("\n") if line.isascii())
        if size[0] >= 80:
            await tui.sees("Press b to hold it")
        else:
            assert "Press b to hold it" not in screen
            await tui.press("z")
            await tui.sees("Press b to hold it", "Blue Hall")
        await tui.press("b")
        await tui.sees("Held for you until", "45.00 USD")


async def test_t13_a_question_outlives_every_resize(platform: Platform, open_tui: Open) -> None:
    await platform.user().list_ticket(title="Resized")
    async with open_tui(platform, await person(platform)) as tui:
        await tui.sees("Resized", "Press b to hold it")
        await tui.press("b")
        await tui.sees("Held for you until")
        await tui.press("x")
        await tui.sees("Give “Resized” (45.00 USD) up?", "No (n)")
        for size in (*SIZES, (40, 12), (120, 40)):
            await tui.pilot.resize_terminal(*size)
            await tui.sees("Give “Resized” (45.00 USD) up?", "No (n)")
        await tui.press("n")
        await tui.misses("Give “Resized” (45.00 USD) up?")
        await tui.sees("Held for you until")
