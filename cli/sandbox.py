"""A platform of one's own for a few seconds: a temporary directory, a free port, nothing left at the end."""

import asyncio
import contextlib
import json
import os
import random
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cli.platform import server_command, server_environment

READY_SECONDS = 75.0
"""Longer than the platform waits for a server of its own, 60 s: then it ends, and says which."""
STOP_SECONDS = 10.0
LOOK_SECONDS = 0.1
PORTS = range(20_000, 30_000)
"""Below the ephemeral ones (from 32768 on Linux), which any outgoing connection may get."""
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TZ", "USER", "LD_LIBRARY_PATH")
"""All that the child gets of our environment: a DATABASE_URL or a STRIPE_KEY there must not be used."""
LAUNCHER = Path(__file__).parents[1] / "server" / "launcher.py"
"""Ties the platform's life to ours, so that a kill -9 of the demo ends it too."""


class PlatformFailed(Exception):
    """The platform did not start, or did not stop, as it should; a sentence."""


class Sandbox:
    """A running platform, inside `async with`, that calls `hear` for each event of its bus."""

    def __init__(self, hear: Callable[[dict[str, Any]], None], *, hold_seconds: int) -> None:
        """Make the directory and choose the port; nothing runs yet."""
        self._hear = hear
        self._root = Path(tempfile.mkdtemp(prefix="tix-demo-"))
        if os.geteuid() == 0:  # PostgreSQL then runs as nobody, who must get through
            self._root.chmod(0o711)
        port = _free_port()
        self.api_url = f"http://127.0.0.1:{port}"
        self._environment: Mapping[str, str] = {
            **{name: os.environ[name] for name in KEPT if name in os.environ},
            **server_environment(),
            "TIX_DATA_DIR": str(self._root / "data"),
            "TIX_API_PORT": str(port),
            "TIX_WEB_PORT": "0",
            "HOLD_SECONDS": str(hold_seconds),
        }
        self._log = self._root / "platform.log"
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Start it; `wait_ready` says when it is."""
        tie = "tie" if sys.platform == "linux" else "watch"
        launch = [sys.executable, "-I", "-S", str(LAUNCHER), tie, str(os.getpid()), str(int(signal.SIGTERM))]
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *launch,
                *("-1", "-1", "--"),  # as the same user
                *server_command(["up", "--trace-events"]),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=self._environment,
                start_new_session=True,  # Ctrl-C reaches the demo alone, which then stops it in order
            )
        self._reading = asyncio.create_task(self._read(self._process))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it and remove everything. Raises PlatformFailed when it did not end well."""
        try:
            status = await self._stop()
        finally:
            shutil.rmtree(self._root, ignore_errors=True)
        if status != 0 and kind is None:
            raise PlatformFailed(f"The platform ended with status {status} when it was told to stop.")

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        async for line in process.stdout:
            self._hear(json.loads(line))

    async def _stop(self) -> int:
        assert self._process is not None  # noqa: S101 - __aenter__ started it
        assert self._reading is not None  # noqa: S101 - likewise
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            status = await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
        except TimeoutError:
            self._process.kill()
            status = await self._process.wait()
        self._reading.cancel()
        return status

    async def wait_ready(self, is_ready: Callable[[], Awaitable[bool]]) -> None:
        """Until every part answers. Raises PlatformFailed."""
        assert self._process is not None  # noqa: S101 - __aenter__ started it
        end = asyncio.get_running_loop().time() + READY_SECONDS
        while not await is_ready():
            if self._process.returncode is not None:
                raise PlatformFailed(
                    f"The platform ended during its start, with status {self._process.returncode}. "
                    f"Its log ends: {self.tail(1)}"
                )
            if asyncio.get_running_loop().time() > end:
                raise PlatformFailed(
                    f"The platform was not ready after {READY_SECONDS:.0f} s. Its log ends: {self.tail(1)}"
                )
            await asyncio.sleep(LOOK_SECONDS)

    async def examine(self) -> tuple[int, str]:
        """Run doctor against it: the exit status, and what it said."""
        process = await asyncio.create_subprocess_exec(
            *server_command(["doctor"]),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=self._environment,
        )
        said, _ = await process.communicate()
        return process.returncode or 0, said.decode(errors="replace").strip()

    def tail(self, lines: int = 15) -> str:
        """The last lines of the platform's log."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])


def _free_port() -> int:
    """A port that listens nowhere; the kernel's own choice could be given away again before we use it."""
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise PlatformFailed(f"No port is free between {PORTS.start} and {PORTS.stop}.")
