"""Real servers for all tests: PostgreSQL migrated by aerich, NATS, Redis and the Stripe sandbox."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest

from server.app import create_web, serving
from server.grants import nats_users
from server.kit import db, log, migrate
from server.local import LocalServers
from server.ports import listen
from server.settings import SERVICES, Settings
from tests.logged import Logged
from tests.platform import Platform, databases, free_port, started, wipe

# Sanic rewrites its own methods at start, which works once per process; tests start many applications.
os.environ["SANIC_TOUCHUP"] = "false"

# Neither a keyring of this desktop, nor one of those that tests define, which would be found as well.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"

# Started in the background by a shell we would ignore Ctrl-C, and so would every process that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def open_dir() -> Iterator[Path]:
    """A directory that user nobody can reach, since PostgreSQL runs as nobody where we are root."""
    path = Path(tempfile.mkdtemp(prefix="tix-tests-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
async def servers(open_dir: Path) -> AsyncIterator[tuple[LocalServers, Settings]]:
    """The embedded servers, for the whole run, and the settings that lead to them."""
    log.configure("WARNING")
    port = free_port()
    made = LocalServers(
        open_dir / "shared", durable=False, api_url=f"http://127.0.0.1:{port}", bus_users=nats_users
    )
    environ = await asyncio.to_thread(made.start)
    # Stripe sends people back to the shop, so its place is known before it runs.
    ports = {"TIX_API_PORT": str(port), "TIX_WEB_PORT": str(free_port())}
    more = {"BCRYPT_COST": "4", "WEB_SECRET": "of the tests, " * 3}
    settings = Settings.load({**environ, **ports, **more}, SERVICES)
    await migrate.upgrade(databases(settings))
    await db.connect(databases(settings))
    yield made, settings
    await db.disconnect()
    await asyncio.to_thread(made.stop)


@pytest.fixture(scope="session")
def settings(servers: tuple[LocalServers, Settings]) -> Settings:
    """What leads to the embedded servers; bcrypt's cost is a test's."""
    return servers[1]


@pytest.fixture(scope="session")
def local(servers: tuple[LocalServers, Settings]) -> LocalServers:
    """The embedded servers, to stop and start them."""
    return servers[0]


@pytest.fixture(scope="module")
async def platform(settings: Settings) -> AsyncIterator[Platform]:
    """The whole platform, empty at the start of each module."""
    await wipe(settings)
    async with started(settings) as running:
        yield running


@pytest.fixture(scope="module")
async def shop(platform: Platform, settings: Settings) -> AsyncIterator[str]:
    """The address of the web shop beside it."""
    app = create_web(settings, api_url=platform.api_url)
    async with serving(app, listen(settings.tix_web_port), grace=2):
        yield f"http://127.0.0.1:{settings.tix_web_port}"


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Logged:
    """What is logged meanwhile, instead of being written."""
    ours: list[MutableMapping[str, Any]] = []
    monkeypatch.setattr(log.log, "sink", ours.append)
    return Logged(ours, caplog)


@pytest.fixture
async def empty(settings: Settings) -> Settings:
    """Nothing runs and nothing is stored: for tests that start a platform of their own."""
    await wipe(settings)
    return settings
