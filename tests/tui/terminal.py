"""The app as a process in a terminal of 100 × 30, which a test reads and types into."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
AWAY = "http://127.0.0.1:9"
"""Nothing listens there."""


@dataclass
class Terminal:
    """The side of it on which a person sits."""

    descriptor: int
    process: "subprocess.Popen[bytes]"
    began: float
    shown: str = ""
    """All that was written to it."""

    def sees(self, text: str, seconds: float = 30) -> float:
        """Wait for this to be written; returns the seconds since the start of the process."""
        deadline = time.monotonic() + seconds
        while text not in self.shown:
            assert time.monotonic() < deadline, f"{text!r} was not shown:\n{self.shown[-3000:]!r}"
            if select.select([self.descriptor], [], [], 0.1)[0]:
                try:
                    self.shown += os.read(self.descriptor, 65536).decode(errors="replace")
                except OSError:  # Linux says EIO when the last process has closed it
                    assert text in self.shown, f"{text!r} was not shown:\n{self.shown[-3000:]!r}"
        return time.monotonic() - self.began

    def forget(self) -> None:
        """What was shown so far."""
        self.shown = ""

    def types(self, text: str) -> None:
        """On its keyboard."""
        os.write(self.descriptor, text.encode())

    def ends(self) -> int:
        """Read to the end; returns the exit code."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                found = select.select([self.descriptor], [], [], 0.1)[0]
                chunk = os.read(self.descriptor, 65536) if found else None
            except OSError:
                break
            if chunk == b"":
                break
            self.shown += (chunk or b"").decode(errors="replace")
            if chunk is None and self.process.poll() is not None:
                break
        return self.process.wait(10)


@contextmanager
def in_terminal(home: Path, *words: str, shell: str = 'exec "$@"', **environment: str) -> Iterator[Terminal]:
    """Run Python with these words in it; `shell` is what calls it, as `"$@"`."""
    screen, keyboard = pty.openpty()
    fcntl.ioctl(keyboard, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    tty = os.ttyname(keyboard)
    given: Mapping[str, Any] = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TIX_", "PYTHONDONT", "XDG_"))
    }
    process = subprocess.Popen(
        # The first terminal that the leader of a new session opens is the one it is controlled by.
        ["sh", "-c", f"exec <{tty} >{tty} 2>&1; {shell}", "sh", sys.executable, *words],
        cwd=home,
        env={**given, "HOME": str(home), "TERM": "xterm-256color", "PYTHONPATH": str(ROOT), **environment},
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    began = time.monotonic()
    try:
        yield Terminal(screen, process, began)
    finally:
        os.close(keyboard)
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(screen)
