"""An entry for the name of a file: the rest of it is offered, and tab takes it."""

import asyncio
import os
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from textual.binding import BindingType
from textual.suggester import Suggester
from textual.widgets import Input

from tui.actions import key

ENDINGS = (".csv", ".tsv", ".json", ".ndjson", ".jsonl")


def candidates(typed: str) -> Iterable[str]:
    """Whole names that begin as typed: directories, and files that may hold listings."""
    folder, start = os.path.split(typed)
    try:
        entries = sorted(os.scandir(Path(folder or ".").expanduser()), key=lambda one: one.name)
    except OSError:
        return
    for entry in entries:
        if not entry.name.startswith(start) or (entry.name.startswith(".") and not start):
            continue
        if entry.is_dir():
            yield os.path.join(folder, entry.name) + os.sep  # noqa: PTH118 - as it was typed, `./` and `~` too
        elif entry.name.endswith(ENDINGS):
            yield os.path.join(folder, entry.name)  # noqa: PTH118 - likewise


class Names(Suggester):
    """Of files."""

    def __init__(self) -> None:
        """Files come and go: nothing is kept."""
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        """The first one; a disk may be slow."""
        return await asyncio.to_thread(lambda: next(iter(candidates(value)), None)) if value else None


class PathEntry(Input):
    """Of a file of listings."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("tab", "complete", "Complete", "Take the name that is offered, or go on to the next part."),
    ]

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        """Nothing is typed yet."""
        super().__init__(
            placeholder="seats.csv: a CSV, JSON or NDJSON file", suggester=Names(), id=id, compact=True
        )

    def action_complete(self) -> None:
        """What is offered stands grey behind what was typed."""
        before = self.value
        self.action_end()
        self.action_cursor_right()
        if self.value == before:
            self.screen.focus_next()
