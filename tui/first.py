"""The first paint: tickets of the last run, at once, while the app itself is still being loaded.

Textual, pydantic and httpx take 0.6 s to import; this needs none of them.
"""

import contextlib
import json
import shutil
import sys
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self, TextIO

from cli.output import harmless

ENTER, LEAVE = "\x1b[?1049h\x1b[H\x1b[2J\x1b[?25l", "\x1b[?25h\x1b[?1049l"
"""Another screen without a cursor, and back."""


class FirstPaint:
    """A picture until the app draws, over which what is typed is not shown."""

    def __init__(self, kept: Path, where: str) -> None:
        """`kept` is the file of the profile, which need not be there; `where` is the address of Tix."""
        self._kept, self._where = kept, where
        self._screen: TextIO = sys.stderr  # where Textual draws
        self._attributes: list[Any] | None = None
        self._is_ours = True

    def __enter__(self) -> Self:
        """Draw it."""
        with contextlib.suppress(termios.error):
            self._attributes = termios.tcgetattr(sys.stdin)
            silent = termios.tcgetattr(sys.stdin)
            silent[3] &= ~(termios.ECHO | termios.ICANON)
            termios.tcsetattr(sys.stdin, termios.TCSANOW, silent)
        width, height = shutil.get_terminal_size()
        lines = [line[:width] for line in self._lines()][:height]
        self._screen.write(ENTER + "\r\n".join(lines))
        self._screen.flush()
        return self

    def _lines(self) -> Iterator[str]:
        yield f" Tix  starting … {harmless(self._where)}"
        yield ""
        tickets = list(_tickets(self._kept))
        if not tickets:
            yield "   No ticket is kept from the last time; looking for some."
        for title, status in tickets:
            yield f"   {harmless(title)}  ({harmless(status)})"

    def hand_over(self) -> None:
        """The app draws now: it notes how the terminal was, and leaves it so."""
        self._restore()
        self._is_ours = False

    def __exit__(self, *_: object) -> None:
        """Back to how it was, if the app did not come so far."""
        if self._is_ours:
            self._restore()
            self._screen.write(LEAVE)
            self._screen.flush()

    def _restore(self) -> None:
        if self._attributes is not None:
            termios.tcsetattr(sys.stdin, termios.TCSANOW, self._attributes)


def _tickets(kept: Path) -> Iterator[tuple[str, str]]:
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        for one in json.loads(kept.read_text(encoding="utf-8"))["tickets"]:
            yield str(one["title"]), str(one["status"])
