"""Text in columns of a terminal: how wide it is, and what is cut off where it does not fit."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

NARROWEST = 12
"""Columns that a shortened cell keeps at least."""


def width(text: str) -> int:
    """Columns it takes on a terminal."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def shorten(text: str, room: int) -> str:
    """At most `room` columns, with an ellipsis for what is left out."""
    if width(text) <= room:
        return text
    while text and width(text) > room - 1:
        text = text[:-1]
    return text + "…"


def fitted(rows: Sequence[Sequence[str]], *, shrinks: Sequence[bool], room: int) -> list[list[str]]:
    """The rows in cells of equal width, two apart; columns that may are shortened until `room` is enough."""
    widths = [max(map(width, cells)) for cells in zip(*rows, strict=True)]
    excess = sum(widths) + 2 * (len(widths) - 1) - room
    for number, may_shrink in enumerate(shrinks):
        if may_shrink and excess > 0:
            kept = max(min(widths[number], NARROWEST), widths[number] - excess)
            excess -= widths[number] - kept
            widths[number] = kept
    return [_padded(row, widths) for row in rows]


def _padded(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    short = [shorten(cell, room) for cell, room in zip(cells, widths, strict=True)]
    return [cell + " " * (room - width(cell)) for cell, room in zip(short, widths, strict=True)]
