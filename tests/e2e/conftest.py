"""A platform as a process of its own, as `make run` starts it."""

import fcntl
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from server.settings import SERVICES, Settings
from server.up import read_env
from tests.platform import Process, client, free_port
from tests.waiting import until


class Up:
    """`python -m server up` on a data directory; start it again as often as a test likes."""

    def __init__(self, directory: Path, **environ: str) -> None:
        self.data = directory / "data"
        self.log = directory / "up.log"
        self.port = free_port()
        self.environ = {
            "TIX_DATA_DIR": str(self.data),
            "TIX_API_PORT": str(self.port),
            "TIX_WEB_PORT": "0",
            "BCRYPT_COST": "4",
            "LOG_LEVEL": "WARNING",
            **environ,
        }
        self.process: Process | None = None

    @property
    def api_url(self) -> str:
        """Where its API is."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self, *options: str) -> Process:
        """Start it and wait until it is ready."""
        self.process = Process("up", *options, env=self.environ, log=self.log)
        await self.process.ready(self.api_url)
        return self.process

    def settings(self) -> Settings:
        """What it wrote about its servers."""
        return Settings.load({**read_env(self.data / "env"), **self.environ}, SERVICES)

    def running(self) -> set[str]:
        """Which embedded servers have a process left: each process of one holds its lock."""
        held = set()
        for path in (self.data / "locks").glob("*.lock"):
            with path.open() as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    held.add(path.stem)
        return held

    async def none_left(self, timeout: float) -> None:
        """No child is left."""
        await until(lambda: not self.running(), "every embedded server is gone", timeout)

    async def end(self) -> None:
        """Whatever state it is in, end it."""
        if self.process is not None and self.process.status is None:
            await self.process.end(signal.SIGKILL)
        await self.none_left(10)


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory that user nobody can reach."""
    path = Path(tempfile.mkdtemp(prefix="tix-up-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
async def up(directory: Path) -> AsyncIterator[Up]:
    """Not started yet."""
    made = Up(directory)
    yield made
    await made.end()


@pytest.fixture
async def http(up: Up) -> AsyncIterator[httpx.AsyncClient]:
    """HTTP to it."""
    async with client(up.api_url) as made:
        yield made
