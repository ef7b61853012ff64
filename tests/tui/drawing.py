"""What is drawn, as text: the characters, then the style of each, so that a change is seen in a diff."""

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from string import ascii_letters
from typing import Any

from rich.cells import cell_len
from textual.app import App

SERVER = re.compile(r"127\.0\.0\.1:\d{5}")


def picture(app: App[Any]) -> str:
    """Of the screen as it is; the port of the server is always the same."""
    names: dict[str, str] = {}
    lines, styles = [], []
    for strip in app.screen._compositor.render_strips():
        lines.append(SERVER.sub("127.0.0.1:12345", "".join(segment.text for segment in strip)).rstrip())
        cells = ((str(segment.style), cell_len(segment.text)) for segment in strip if segment.text)
        styles.append(
            " ".join(f"{names.setdefault(style, _name(len(names)))}{width}" for style, width in _runs(cells))
        )
    legend = [f"{name}: {style}" for style, name in names.items()]
    return "\n".join((*lines, "", *_counted(styles), "", *legend)) + "\n"


def _runs(cells: Iterable[tuple[str, int]]) -> Iterator[tuple[str, int]]:
    for style, group in groupby(cells, key=lambda cell: cell[0]):
        yield style, sum(width for _, width in group)


def _name(number: int) -> str:
    times, letter = divmod(number, len(ascii_letters))
    return ascii_letters[letter] * (times + 1)


def _counted(lines: Iterable[str]) -> Iterator[str]:
    """Lines that are alike once, with how often they come."""
    for line, group in groupby(lines):
        times = len(list(group))
        yield f"{times} × {line}" if times > 1 else line
