"""Child processes that cannot outlive Tix: how to run one, tell whether it is well, and end it."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

LAUNCHER = Path(__file__).with_name("launcher.py")
TIE = "tie" if sys.platform == "linux" else "watch"
"""How a child is bound to this process; see `server/launcher.py`."""
POLL_SECONDS = 0.01
STOP_SECONDS = 4.0
"""Grace before SIGKILL; leaves 1 s of the 5 s in which everything must be gone."""
LOG_BYTES = 5_000_000
"""A log is moved to `<name>.log.1` beyond this, so one server keeps at most twice as much."""
GRUMBLES = ("fatal", "panic", "[ftl]", "error", "cannot", "can't", "failed", "in use")
"""Words that mark the line of a log which says why a server ended."""

# The kernel ties a child to the *thread* that forked it (prctl(2)): a child started by a short-lived worker
# thread would be told to stop when that thread ends. This one lives as long as the process.
_forker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="forker")


class LocalError(Exception):
    """One sentence for a person about an embedded server or its data directory."""


@dataclass(frozen=True)
class Account:
    """A system user a child runs as."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class Command:
    """What to run. Nothing secret belongs in `argv`: every user of the machine can read it."""

    argv: Sequence[str]
    stop_signal: signal.Signals = signal.SIGTERM
    account: Account | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    """Added to the few variables every child gets; the parent's (PGDATA, LD_PRELOAD) are not inherited."""
    stdin: bytes = b""


class Log:
    """One server's log file, bounded in size."""

    def __init__(self, path: Path) -> None:
        """Name the file; it is made by `open`."""
        self.path = path
        self._mark = 0

    def open(self) -> int:
        """A descriptor to append to, and the mark from which `reason` reads. Raises OSError."""
        self.shrink()
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._mark = os.fstat(fd).st_size
        return fd

    def shrink(self) -> None:
        """Keep the last part under another name and go on empty, if the file became too large.

        Emptied in place, not renamed: the server keeps its descriptor, and O_APPEND writes at the new end.
        """
        if self.path.exists() and self.path.stat().st_size > LOG_BYTES:
            self.path.with_suffix(".log.1").write_bytes(self._tail(LOG_BYTES))
            os.truncate(self.path, 0)
            self._mark = 0

    def text(self) -> str:
        """What was written since `open`, at most the last 20 kB."""
        try:
            return self._tail(20_000, self._mark).decode(errors="replace")
        except OSError as error:
            return f"its log cannot be read: {error.strerror}"

    def reason(self) -> str:
        """The line since `open` that best says what went wrong."""
        lines = [line.strip() for line in self.text().splitlines() if line.strip()]
        telling = [line for line in lines if any(word in line.lower() for word in GRUMBLES)]
        return (telling or lines or ["it wrote nothing"])[-1][-300:]

    def _tail(self, size: int, mark: int = 0) -> bytes:
        with self.path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(mark, end - size))
            return file.read()


class Child:
    """One running process with its log."""

    def __init__(self, command: Command, log: Log, *, lock: int) -> None:
        """Start it; `lock` is a descriptor it inherits, so that the flock on it lasts as long as the process.

        Raises OSError when the log cannot be written.
        """
        self.command = command
        self.log = log
        self._process = _forker.submit(self._spawn, lock).result()

    def _spawn(self, lock: int) -> subprocess.Popen[bytes]:
        account = self.command.account
        ids = (str(account.uid), str(account.gid)) if account else ("-1", "-1")
        tie = [TIE, str(os.getpid()), str(int(self.command.stop_signal))]
        launch = [sys.executable, "-I", "-S", str(LAUNCHER), *tie]
        output = self.log.open()
        try:
            process = subprocess.Popen(  # noqa: S603 - our own programs, no shell
                [*launch, *ids, "--", *self.command.argv],
                stdin=subprocess.PIPE if self.command.stdin else subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", **self.command.environment},
                pass_fds=(lock,),
                start_new_session=True,  # Ctrl-C reaches Tix alone, which then stops them in order
            )
        finally:
            os.close(output)
        if process.stdin:
            # A child that ended at once reads nothing; its exit code says so better than a broken pipe.
            with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
                pipe.write(self.command.stdin)
        return process

    @property
    def pid(self) -> int:
        """The server's process id (the launcher's where it stays)."""
        return self._process.pid

    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def wait(self, seconds: float) -> int | None:
        """The exit code, or None if it still runs after this long."""
        try:
            return self._process.wait(max(seconds, 0))
        except subprocess.TimeoutExpired:
            return None

    def wait_ready(self, ready: Callable[[], bool], *, seconds: float, cancelled: threading.Event) -> bool:
        """True once `ready` says so; False if the process ends, time is up, or the start is cancelled."""
        deadline = time.monotonic() + seconds
        while self.exit_code() is None and time.monotonic() < deadline and not cancelled.is_set():
            if ready():
                # A stranger may answer on this port while ours fails to bind it: only a live child counts.
                return self.exit_code() is None
            time.sleep(POLL_SECONDS)
        return False

    def ask_to_stop(self) -> None:
        """Send the server's own signal for an orderly end."""
        if self.exit_code() is None:
            self._process.send_signal(self.command.stop_signal)

    def kill(self) -> None:
        """SIGKILL the process and its group, and reap it."""
        if self.exit_code() is None:
            with contextlib.suppress(PermissionError):  # macOS, if it became a zombie since we looked
                os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()


def stop_all(children: Sequence[Child], *, seconds: float = STOP_SECONDS) -> None:
    """End all of them at once, in the order given; whatever remains after this long is killed."""
    deadline = time.monotonic() + seconds
    for child in children:
        child.ask_to_stop()
    for child in children:
        if child.wait(deadline - time.monotonic()) is None:
            child.kill()
