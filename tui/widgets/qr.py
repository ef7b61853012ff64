"""A QR code for a telephone to read off the terminal."""

import segno
from textual.content import Content

QUIET_ZONE = 2
"""Modules of white around it; the standard's four make it too wide for many terminals."""
HALVES = {(False, False): "█", (False, True): "▀", (True, False): "▄", (True, True): " "}
"""Upper and lower module, dark or not, in a cell that is drawn in white on black."""


def qr_code(text: str) -> Content:
    """Two modules in a line, dark on light whatever the theme."""
    rows = [
        [bool(module) for module in row] for row in segno.make(text, error="l").matrix_iter(border=QUIET_ZONE)
    ]
    if len(rows) % 2:
        rows.append([False] * len(rows[0]))
    lines = (
        "".join(HALVES[pair] for pair in zip(upper, lower, strict=True))
        for upper, lower in zip(rows[::2], rows[1::2], strict=True)
    )
    return Content.styled("\n".join(lines), "#ffffff on #000000")
