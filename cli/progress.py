"""How far a long command is: a bar on a terminal, elsewhere a line each tenth; always on stderr."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli.output import Output

WIDTH = 30
EVERY = 10_000
"""Rows between two lines where nobody knows how many there will be."""


class Progress:
    """Told of each step, it shows some; `size` is what `done` will be in the end, None if unknown."""

    def __init__(self, out: Output, size: int | None) -> None:
        """Look at stderr."""
        self._out = out
        self._size = size
        self._bar = out.talks and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._shown = ""
        self._told = 0

    def step(self, done: int, rows: int) -> None:
        """`done` of the size; `rows` so far."""
        tenth = 10 * done // self._size if self._size else rows // EVERY
        if self._bar:
            self._draw(f"{self._filled(done)}{rows:,} rows")
        elif tenth > self._told and (self._told or done != self._size):  # at one go it is no progress
            self._told = tenth
            self._out.say(f"{10 * tenth} %: {rows:,} rows" if self._size else f"{rows:,} rows")

    def clear(self) -> None:
        """Make room for a line of talk."""
        self._draw("")

    def _filled(self, done: int) -> str:
        if not self._size:
            return ""
        full = WIDTH * done // self._size
        return f"[{'#' * full}{'.' * (WIDTH - full)}] {100 * done // self._size:3} %  "

    def _draw(self, text: str) -> None:
        if self._bar:
            sys.stderr.write(f"\r{' ' * len(self._shown)}\r{text}")
            sys.stderr.flush()
            self._shown = text
