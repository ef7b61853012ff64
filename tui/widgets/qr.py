"""A QR code for a telephone to read off the terminal."""

import segno
from textual.content import Content
from textual.geometry import Size
from textual.reactive import reactive
from textual.widgets import Static

from tui.keys import key_of

QUIET_ZONE = 2
"""Modules of white around it; the standard's four make it too wide for many terminals."""
FRAME = Size(2, 2)
"""Cells around a zoomed one: the lines of the view above and below, and a margin at its sides."""
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


def room_for(text: str) -> Size:
    """Cells that its code takes."""
    side = int(segno.make(text, error="l").symbol_size(border=QUIET_ZONE)[0])
    return Size(side, (side + 1) // 2)


class QrCode(Static):
    """The code of a link where it fits, else a sentence on how to see it."""

    link: reactive[str | None] = reactive(None)

    def watch_link(self) -> None:
        """Another link."""
        self._fit()

    def on_mount(self) -> None:
        """What is free changes with the window, and with what stands above."""
        self._fit()

    def on_resize(self) -> None:
        """Look again."""
        self._fit()

    def _fit(self) -> None:
        self.display = self.link is not None
        if self.link is None:
            return
        needed, free = room_for(self.link), self.size
        if needed.width <= free.width and needed.height <= free.height:
            self.update(qr_code(self.link))
            return
        whole = self.app.size
        if needed.width <= whole.width - FRAME.width and needed.height <= whole.height - FRAME.height:
            self.update(Content(f"{key_of(self.screen, 'zoom')} shows its QR code."))
        else:
            self.update(
                Content(f"Its QR code needs {needed.width}×{needed.height} cells and has no room here.")
            )
