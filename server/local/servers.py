"""The embedded platform: PostgreSQL, NATS, Redis and the Stripe sandbox as children of this process.

Linux and macOS. No child outlives this process, whatever ends it; how, and how far: `server/launcher.py`.
"""

import contextlib
import functools
import os
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from server.local.datadir import RELEASE_SECONDS, DataDir, unusable
from server.local.embedded import Embedded, Nats, Place, Redis, Stripe
from server.local.postgres import Postgres
from server.supervisor import POLL_SECONDS, STOP_SECONDS, Child, LocalError, Log, stop_all

__all__ = ["LocalError", "LocalServers"]

KINDS: dict[str, type[Embedded]] = {kind.name: kind for kind in (Postgres, Nats, Redis, Stripe)}
STOP_ORDER = ("stripe", "redis", "nats", "postgres")
"""Who is told first: the sandbox, which calls us; last the database, which everything else writes to."""
READY_SECONDS = 60.0
"""PostgreSQL may have that much to replay after a crash; the others need under a second."""
PLATFORM_SECRETS = ("JWT_SECRET", "PASSWORD_PEPPER", "WEB_SECRET", "FORWARDED_SECRET")
STILL_HELD = ("postmaster.pid", "shared memory block")
"""What PostgreSQL says while its killed predecessor is not quite gone."""


class LocalServers:
    """The embedded servers of one data directory, which this object holds between `start` and `stop`.

    Blocking: call it before the event loop runs, or in a thread. Every failure is a LocalError.
    """

    def __init__(  # noqa: PLR0913 - all but the first have a good default
        self,
        data_dir: Path,
        *,
        wanted: Collection[str] = ("postgres", "nats", "redis", "stripe"),
        durable: bool = True,
        api_url: str = "http://127.0.0.1:8080",
        bus_users: Callable[[], str] | None = None,
        taken: Collection[int] = (),
    ) -> None:
        """Name the servers; nothing is touched before `start`.

        `durable=False` is for tests: a power cut may lose data, a kill -9 does not. `bus_users` tells a part
        of NATS' configuration, with a user per service; without it there is one, who may do everything.
        `taken`: ports that are for others, though nobody listens there yet.
        """
        if unknown := set(wanted) - KINDS.keys():
            raise ValueError(f"unknown servers: {', '.join(sorted(unknown))}")
        self._directory = DataDir(data_dir)
        self._wanted = [name for name in KINDS if name in wanted]
        self._durable = durable
        self._api_url = api_url
        self._bus_users = bus_users
        self._taken = frozenset(taken)
        self._servers: dict[str, Embedded] = {}
        self._children: dict[str, Child] = {}
        self._ports: dict[str, int] = {}
        self._logs: dict[str, Log] = {}
        self._cancelled = threading.Event()
        self._turn = threading.RLock()
        """Held by whoever starts or stops: a stop must not miss the child of a start under way."""

    def start(self) -> dict[str, str]:
        """Start all of them in parallel; return their environment values once every one answers.

        If one fails, the others are stopped and the LocalError says which and why.
        """
        if os.name != "posix":
            raise LocalError(
                "Embedded servers need Linux or macOS: "
                "use WSL, or set DATABASE_URL, NATS_URL, REDIS_HOST and STRIPE_KEY."
            )
        with self._turn:
            return self._start()

    def _start(self) -> dict[str, str]:
        self._directory.claim(others_may_enter=os.geteuid() == 0)
        self._cancelled.clear()
        try:
            secrets = self._directory.secrets()
            place = Place(
                self._directory.path,
                secrets,
                durable=self._durable,
                api_url=self._api_url,
                bus_users=self._bus_users,
            )
            self._servers = {name: KINDS[name](place) for name in self._wanted}
            self._logs = {name: Log(self._directory.path / "logs" / f"{name}.log") for name in self._wanted}
            self._start_each()
        except OSError as error:
            self.stop()
            raise LocalError(unusable(error, self._directory.path)) from error
        except BaseException:  # Ctrl-C too leaves no child
            self.stop()
            raise
        environment = {name: secrets[name] for name in PLATFORM_SECRETS}
        for name, server in self._servers.items():
            environment |= server.environment(self._ports[name])
        return environment

    def _start_each(self) -> None:
        with ThreadPoolExecutor(max_workers=len(KINDS), thread_name_prefix="local") as pool:
            try:
                for started in as_completed([pool.submit(self._bring_up, name) for name in self._servers]):
                    started.result()
            except BaseException:
                self._cancelled.set()  # before the pool waits for its threads
                raise

    def _bring_up(self, name: str, *, same_port: bool = False) -> None:
        """Start one server; once more while its predecessor fades or when a stranger takes its port."""
        server, log = self._servers[name], self._logs[name]
        patience = time.monotonic() + RELEASE_SECONDS
        refused = self._taken
        while True:
            with self._directory.server_lock(name, self._cancelled) as lock:
                if isinstance(server, Postgres):
                    server.make(log, lock)
                    server.clear_stale_pid()
                port = self._directory.port(name, fixed=same_port, avoid=refused)
                command = server.command(port)  # NATS' takes a second
                if self._cancelled.is_set():
                    raise LocalError(f"The start of {server.title} was called off.")
                child = Child(command, log, lock=lock)
            self._children[name], self._ports[name] = child, port
            ready = functools.partial(server.ready, port)
            if child.wait_ready(ready, seconds=READY_SECONDS, cancelled=self._cancelled):
                return
            died = child.exit_code() is not None
            child.kill()
            del self._children[name]
            if self._cancelled.is_set():
                raise LocalError(f"The start of {server.title} was called off.")
            said = log.text().lower()
            if died and time.monotonic() < patience:
                if any(words in said for words in STILL_HELD):
                    time.sleep(POLL_SECONDS)
                    continue
                if "address already in use" in said and not same_port:
                    refused |= {port}
                    continue
            what = (
                f"did not start: {log.reason()}" if died else f"did not answer within {READY_SECONDS:.0f} s"
            )
            raise LocalError(f"{server.title} {what} (log: {log.path})")

    def stop(self) -> None:
        """Stop everything within 5 s and let go of the data directory; harmless when nothing runs."""
        self._cancelled.set()
        with self._turn:
            names = [name for name in STOP_ORDER if name in self._children]
            stop_all([self._children.pop(name) for name in names], seconds=STOP_SECONDS)
            self._directory.release()

    def stop_one(self, name: str, *, kill: bool = False) -> None:
        """Stop one server (`kill`: by SIGKILL, as a crash); `start_one` brings it back as it was."""
        with self._turn:
            child = self._children.pop(name, None)
            if child is None:
                return
            if kill:
                child.kill()
            else:
                stop_all([child])

    def start_one(self, name: str) -> None:
        """Start a server that was stopped or has died, on its port and data; harmless while it runs.

        Raises LocalError, also when another program took the port meanwhile.
        """
        with self._turn:
            if name not in self._servers or not self._directory.claimed:
                raise LocalError(f"{name} is not one of the embedded servers that run here.")
            child = self._children.get(name)
            if child is not None and child.exit_code() is None:
                return
            self._children.pop(name, None)
            try:
                self._bring_up(name, same_port=True)
            except OSError as error:
                raise LocalError(unusable(error, self._directory.path)) from error

    def dead(self) -> list[str]:
        """The servers that ended by themselves and were not restarted; also keeps the logs from growing.

        Cheap (four waitpid and stat calls): `up` asks every second.
        """
        for log in self._logs.values():
            with contextlib.suppress(OSError):
                log.shrink()
        return [name for name, child in self._present() if child.exit_code() is not None]

    def why_dead(self, name: str) -> str:
        """A sentence for a server that `dead` named."""
        log = self._logs[name]
        return f"{self._servers[name].title} ended: {log.reason()} (log: {log.path})"

    def describe(self) -> list[str]:
        """One line for each server: name, version, address, no password."""
        return [server.describe(self._ports[name]) for name, server in self._servers.items()]

    def pids(self) -> dict[str, int]:
        """The process ids of the servers that run, for tests and operations."""
        return {name: child.pid for name, child in self._present()}

    def _present(self) -> list[tuple[str, Child]]:
        """The children in a fixed order, also while another thread starts one."""
        children = self._children.copy()
        return [(name, children[name]) for name in KINDS if name in children]
