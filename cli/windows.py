"""Whether this machine can show a page, and showing it."""

import os
import sys

WINDOWS = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
"""By these a program on Linux knows that something can be shown; elsewhere it always can."""


def show(url: str) -> bool:
    """In the browser; False where there is none. One that would take over the terminal is not wanted."""
    import webbrowser  # noqa: PLC0415 - rarely needed

    can_show = sys.platform != "linux" or any(os.environ.get(name) for name in WINDOWS)
    return can_show and webbrowser.open(url)
