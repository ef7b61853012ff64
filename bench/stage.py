"""The platform to measure: embedded servers, one process for HTTP and one for the background."""

import asyncio
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO, Any, TypeVar
from uuid import UUID

import asyncpg
import nats
from uuid_utils.compat import uuid7

from server.grants import nats_users
from server.kit import log, migrate
from server.kit.auth import SigningKey
from server.kit.keeper import STREAM
from server.local import LocalServers
from server.local.datadir import is_free
from server.run import databases
from server.settings import SERVICES, Settings

ROOT = Path(__file__).parents[1]
READY_SECONDS = 30
DRAIN_SECONDS = 180
T = TypeVar("T")


@dataclass(frozen=True)
class Buyer:
    """Somebody with a token of our own minting."""

    id: UUID
    token: str


class Stage:
    """A running platform, the ways to reach it, and its database."""

    def __init__(self, environ: Mapping[str, str], port: int) -> None:
        """Made by `staged`."""
        self.environ = environ
        self.settings = Settings.load(environ, SERVICES)
        self.url = f"http://127.0.0.1:{port}"
        self._key = SigningKey(self.settings.jwt_secret or "")

    def people(self, count: int) -> list[Buyer]:
        """That many, each with a token of an hour."""
        made = []
        for _ in range(count):
            id_ = uuid7()
            token, _ = self._key.mint(user_id=id_, email=f"{id_}@example.com", lifetime=timedelta(hours=1))
            made.append(Buyer(id_, token))
        return made

    def sql(self, service: str, statement: str, *values: object) -> list[Any]:
        """Run one statement as the database's owner, however long it takes; returns the rows."""

        async def run() -> list[Any]:
            session = await asyncpg.connect(
                databases(self.settings, SERVICES)[service], server_settings={"search_path": service}
            )
            try:
                return list(await session.fetch(statement, *values))
            finally:
                await session.close()

        return asyncio.run(run())

    def number(self, service: str, statement: str, *values: object) -> float:
        """The one number that a query answers."""
        return float(self.sql(service, statement, *values)[0][0] or 0)

    def settle(self) -> None:
        """Wait until every event is published and acted on, and nothing is owed to Stripe."""
        until(self._is_settled, "everything is settled", DRAIN_SECONDS)

    def _is_settled(self) -> bool:
        for service in ("tickets", "orders", "payments"):
            if self.number(service, "SELECT count(*) FROM outbox WHERE published_at IS NULL"):
                return False
        if self.number("payments", "SELECT count(*) FROM payment_ops WHERE done_at IS NULL"):
            return False
        return asyncio.run(self._unheard()) == 0

    async def _unheard(self) -> int:
        client = await nats.connect(self.settings.nats_url or "")
        try:
            return sum(
                (one.num_pending or 0) + (one.num_ack_pending or 0)
                for one in await client.jetstream().consumers_info(STREAM)
                if one.name and one.name.startswith(("tickets-", "orders-", "payments-", "expiration-"))
            )
        finally:
            await client.close()

    def doctor(self) -> str:
        """Doctor's report; raises RuntimeError with it unless every promise holds."""
        done = subprocess.run(
            [sys.executable, "-m", "server", "doctor", "--patience", "30"],
            cwd=ROOT,
            env=dict(self.environ),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"doctor found something after the load:\n{done.stdout}{done.stderr}")
        return done.stdout


@contextmanager
def staged(**more: str) -> Iterator[Stage]:
    """The platform in a directory of its own, with `more` in its environment; gone at the end."""
    log.configure("ERROR")
    with ExitStack() as stack:
        directory = Path(tempfile.mkdtemp(prefix="tix-bench-"))
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        directory.chmod(0o711)  # PostgreSQL runs as nobody where we are root
        port, other = free_port(), free_port()
        servers = LocalServers(directory / "data", api_url=f"http://127.0.0.1:{port}", bus_users=nats_users)
        given = servers.start()
        stack.callback(servers.stop)
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "TIX_DATA_DIR": str(directory / "data"),
            "LOG_LEVEL": os.environ.get("LOG_LEVEL", "INFO"),
            "STRIPE_RATE": "0",  # the sandbox does not mind
            **given,
            **more,
        }
        stage = Stage(environ, port)
        asyncio.run(migrate.upgrade(databases(stage.settings, SERVICES)))
        logs = stack.enter_context((directory / "server.log").open("ab"))
        for only, own in (("worker", other), ("api", port)):
            stack.enter_context(
                process(
                    "server", "run", *SERVICES, "--only", only, env={**environ, "PORT": str(own)}, log=logs
                )
            )
        until(lambda: answers(f"{stage.url}/readyz"), "the platform is ready", READY_SECONDS)
        yield stage


@contextmanager
def process(
    *arguments: str, env: Mapping[str, str] | None = None, log: IO[bytes] | int | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    """`python -m …` until the end of the block."""
    running = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env=dict(env) if env is not None else None,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
    )
    try:
        yield running
    finally:
        running.terminate()
        running.wait(30)


@contextmanager
def bare(kind: str) -> Iterator[str]:
    """The address of a server that does nothing: `sanic` or `wire`."""
    port = free_port()
    with process("bench.bare", kind, str(port)):
        url = f"http://127.0.0.1:{port}"
        until(lambda: answers(url), f"the bare {kind} server answers", READY_SECONDS)
        yield url


def answers(url: str) -> bool:
    """Whether it says 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - a loopback address of ours
            return bool(answer.status == 200)  # noqa: PLR2004 - OK
    except (urllib.error.URLError, OSError):
        return False


def until(condition: Callable[[], T], what: str, seconds: float) -> T:
    """Poll until it is true and return what it was; raises TimeoutError with `what`."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        time.sleep(0.05)
    return found


def free_port() -> int:
    """Below those that any client may be given meanwhile."""
    while not is_free(port := random.randrange(10_000, 20_000)):  # noqa: S311 - no secret
        pass
    return port
