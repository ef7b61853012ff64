"""Two processes of every service, each `python -m server run …`, behind an edge."""

import asyncio
import multiprocessing
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from server.__main__ import main
from server.kit.auth import SigningKey
from server.settings import SERVICES, Settings
from tests.platform import Platform, client, environment, free_port, pools
from tests.rolling.edge import Edge, is_ready, leading
from tests.waiting import until

SECRET = "of the tests, " * 3
DRAIN_SECONDS = 0.5
"""The edge looks more than twice in it."""

# Forks of a process that has imported the server: twenty-four starts would else take most of the time.
_context = multiprocessing.get_context("forkserver")


def _enter(arguments: Sequence[str], environ: Mapping[str, str], log: Path) -> None:
    os.setsid()
    written = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.dup2(written, 1)
    os.dup2(written, 2)
    os.environ.clear()
    os.environ.update(environ)
    sys.exit(main(arguments))


class Replica:
    """One process of a service, that may be ended and started again."""

    def __init__(self, service: str, port: int, environ: Mapping[str, str], directory: Path) -> None:
        self.service, self.port = service, port
        self._environ = {**environ, "PORT": str(port), "PATH": os.environ["PATH"]}
        self.log = directory / f"{service}-{port}.log"
        self._process: multiprocessing.context.ForkServerProcess | None = None

    async def start(self) -> None:
        """Start it; it becomes ready by itself."""
        arguments = (("run", self.service), self._environ, self.log)
        self._process = _context.Process(target=_enter, args=arguments, daemon=True)
        await asyncio.to_thread(self._process.start)

    async def ready(self) -> None:
        """Wait until it says so."""
        await until(lambda: is_ready(self.port), f"{self.service} on {self.port} is ready", 40)

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Signal it and wait; its exit status, negative for a signal."""
        process = self._process
        assert process is not None
        assert process.pid is not None
        if process.is_alive():
            os.kill(process.pid, number)
        await until(lambda: not process.is_alive(), f"{self.service} on {self.port} ends", 30)
        return process.exitcode or 0


@dataclass
class Fleet:
    """All replicas, the edge before them, and the platform that they are together."""

    replicas: list[Replica]
    edge: Edge
    platform: Platform

    def of(self, service: str) -> list[Replica]:
        """A service's."""
        return [replica for replica in self.replicas if replica.service == service]


@asynccontextmanager
async def fleet(settings: Settings, directory: Path) -> AsyncIterator[Fleet]:
    """Two of each, ready; the edge is where the Stripe sandbox expects the API."""
    _context.set_forkserver_preload(["server.run"])
    url = f"http://127.0.0.1:{settings.tix_api_port}"
    environ = environment(
        settings,
        **{f"{name}_url": url for name in ("auth", "tickets", "orders", "payments", "public")},
        jwks_url=f"{url}/.well-known/jwks.json",
        web_secret=SECRET,
        forwarded_secret=SECRET,
        log_level="WARNING",
        drain_seconds=DRAIN_SECONDS,
    )
    made = [Replica(name, free_port(), environ, directory) for name in (*SERVICES, "web") for _ in range(2)]
    ports = {name: [one.port for one in made if one.service == name] for name in (*SERVICES, "web")}
    edge = Edge(ports)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(leading(edge, settings.tix_api_port))
        for one in made:
            stack.push_async_callback(one.end, signal.SIGKILL)
            await one.start()
        await asyncio.gather(*(one.ready() for one in made))
        http = await stack.enter_async_context(client(url))
        sessions = await stack.enter_async_context(pools(settings))
        key = SigningKey(settings.jwt_secret or "")
        yield Fleet(made, edge, Platform(url, settings, key, http, sessions))
