"""A terminal of 80 × 24 in which `tix` runs, with somebody typing."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
CTRL_C = "\x03"
AGAIN_SECONDS = 5


@dataclass(frozen=True)
class Screen:
    """What was shown, stdout and stderr together, and the exit code."""

    shown: str
    code: int


def in_terminal(
    *arguments: str, environment: Mapping[str, str] | None = None, typed: Sequence[tuple[str, str]] = ()
) -> Screen:
    """Run it; `typed` are pairs of what is waited for on the screen and what is then typed."""
    screen, keyboard = pty.openpty()
    fcntl.ioctl(keyboard, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    tty = os.ttyname(keyboard)
    # The first terminal that the leader of a new session opens is the one Ctrl-C comes from.
    process = subprocess.Popen(
        ["sh", "-c", f'exec "$@" <{tty} >{tty} 2>&1', "sh", sys.executable, "-m", "cli", *arguments],
        cwd=ROOT,
        env={**os.environ, "TERM": "xterm", **(environment or {})},
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    shown, waiting, last, is_open = b"", list(typed), "", True
    while True:
        # Python's line editor looks for signals only when one interrupts its wait for a key, so one
        # that comes between the question and that wait stays unseen: a person presses again, and so do we.
        while last == CTRL_C and not select.select([screen], [], [], AGAIN_SECONDS)[0]:
            os.write(screen, last.encode())
        if not (chunk := _read(screen)):
            break
        if is_open:  # the child has the terminal now; with ours closed, its end ends the reading
            os.close(keyboard)
            is_open = False
        shown += chunk
        if waiting and waiting[0][0].encode() in shown:
            last = waiting.pop(0)[1]
            os.write(screen, last.encode())
    os.close(screen)
    return Screen(shown.decode(), process.wait())


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # Linux says EIO when the last process has closed it
        return b""
