"""Whether this machine can show a page, and showing it."""

import os
import sys
from pathlib import PurePath

DRAWING = frozenset({"browsh", "carbonyl", "cha", "elinks", "links", "links2", "lynx", "w3m", "www-browser"})
"""Browsers that draw on the terminal."""
PROGRAM = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.argv[1]))"
PATIENCE_SECONDS = 5
"""A browser that is still there after so long is open."""


def show(url: str) -> bool:
    """In a window of the browser; False where there is none.

    What is on the terminal stays: a browser that draws there is not started, and none gets hold of it.
    """
    import subprocess  # noqa: PLC0415 - rarely needed

    chosen = [
        one for one in os.environ.get("BROWSER", "").split(os.pathsep) if one.strip() and not _draws(one)
    ]
    has_windows = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    if sys.platform == "linux" and not chosen and not has_windows:
        return False
    environ = {name: value for name, value in os.environ.items() if name != "TERM"}  # else it looks for those
    process = subprocess.Popen(  # noqa: S603 - a page's address, as one argument
        [sys.executable, "-I", "-c", PROGRAM, url],
        env={**environ, "BROWSER": os.pathsep.join(chosen)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        return process.wait(PATIENCE_SECONDS) == 0
    except subprocess.TimeoutExpired:
        process.returncode = 0  # it goes on by itself
        return True


def _draws(command: str) -> bool:
    return PurePath(command.split(maxsplit=1)[0]).name in DRAWING
