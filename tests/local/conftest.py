"""Real servers in a directory of their own, and a process to end them with."""

import asyncio
import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from server.local import LocalServers
from tests.waiting import until

ROOT = Path(__file__).parents[2]


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data directory that user nobody can reach: pytest's own tmp_path is closed to it."""
    outer = Path(tempfile.mkdtemp(prefix="tix-local-"))
    outer.chmod(0o711)
    yield outer / "data"
    shutil.rmtree(outer)


class Machine:
    """Makes LocalServers on one data directory and stops them at the end of the test."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.made: list[LocalServers] = []

    def servers(self, *wanted: str, durable: bool = False) -> LocalServers:
        """Not yet started; without names: PostgreSQL, NATS and Redis."""
        wanted = wanted or ("postgres", "nats", "redis")
        self.made.append(LocalServers(self.data_dir, wanted=wanted, durable=durable))
        return self.made[-1]

    async def start(self, *wanted: str, durable: bool = False) -> tuple[LocalServers, dict[str, str]]:
        """Started, with the environment."""
        servers = self.servers(*wanted, durable=durable)
        return servers, await asyncio.to_thread(servers.start)

    def all_gone(self) -> bool:
        """Whether no process of any of the servers is left: each inherits the lock of its server."""
        for path in (self.data_dir / "locks").glob("*.lock"):
            with path.open() as file, contextlib.suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                continue
            return False
        return True


@pytest.fixture
async def machine(data_dir: Path) -> AsyncIterator[Machine]:
    """A data directory on which to start servers."""
    machine = Machine(data_dir)
    yield machine
    for servers in machine.made:
        await asyncio.to_thread(servers.stop)
    await until(machine.all_gone, "the servers of the test are gone")


class Parent:
    """A running `parent.py`."""

    def __init__(self, data_dir: Path, *flags: str) -> None:
        script = ROOT / "tests" / "local" / "parent.py"
        self.process = subprocess.Popen(
            [sys.executable, str(script), str(data_dir), *flags],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        self.pids: dict[str, int] = {}
        self.environment: dict[str, str] = {}

    async def started(self) -> "Parent":
        """Itself, once its servers run."""
        assert self.process.stdout
        told = json.loads(await asyncio.to_thread(self.process.stdout.readline))
        self.pids, self.environment = told["pids"], told["environment"]
        return self

    def close(self) -> None:
        """End it, whatever the test did."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        assert self.process.stdout
        self.process.stdout.close()


@pytest.fixture
async def parent(machine: Machine) -> AsyncIterator[Callable[..., Parent]]:
    """Starts `parent.py` on the machine's data directory."""
    made: list[Parent] = []

    def start(*flags: str) -> Parent:
        made.append(Parent(machine.data_dir, *flags))
        return made[-1]

    yield start
    for each in made:
        each.close()


def runs(pid: int) -> bool:
    """Whether this process still does something: a zombie does not."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def kill_all(pids: dict[str, int]) -> None:
    """SIGKILL, where still needed."""
    for pid in pids.values():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
