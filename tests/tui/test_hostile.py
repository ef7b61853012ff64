"""What others write, and what an older version left, never ends the app."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.platform import Platform
from tests.tui.conftest import Open
from tui.catalogue import Wish
from tui.memory import Memory


async def test_a_search_of_any_length_and_a_title_of_any_kind_leave_the_app_running(
    platform: Platform, open_tui: Open
) -> None:
    seller = platform.user()
    await seller.list_ticket(title="a [/ b \\[/c] [@click=app.quit]d")
    async with open_tui(platform) as tui:
        await tui.sees("a [/ b")
        await tui.press("ctrl+p")
        await tui.type("json", None)
        await tui.sees("a \uff3b/ b")
        await tui.press("escape")
        await tui.misses("\uff3b/ b")
        await tui.press("slash")
        await tui.sees("words in title or venue")
        await tui.type("x" * 201, "filter")
        await tui.sees("No ticket fits")
        await tui.press("escape")
        await tui.sees("a [/ b")


@pytest.mark.parametrize(
    "kept",
    [7, {"browse": 7}, {"browse": {"status": "gone"}}, {"browse": {"sort": []}}, {"browse": {"text": 7}}],
)
def test_a_wish_of_another_version_is_forgotten(tmp_path: Path, kept: Any) -> None:
    (tmp_path / "kept.json").write_text(json.dumps({"wishes": kept}), encoding="utf-8")
    assert Memory(tmp_path / "kept.json").wished("browse") == Wish()
