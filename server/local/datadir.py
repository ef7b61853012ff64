"""The data directory of the embedded servers: who holds it, its secrets, its ports."""

import contextlib
import json
import os
import random
import secrets
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from server.supervisor import POLL_SECONDS, LocalError

SECRETS: Mapping[str, str] = {
    "POSTGRES_PASSWORD": "",
    "NATS_PASSWORD": "",
    "AUTH_NATS_PASSWORD": "",
    "TICKETS_NATS_PASSWORD": "",
    "ORDERS_NATS_PASSWORD": "",
    "PAYMENTS_NATS_PASSWORD": "",
    "EXPIRATION_NATS_PASSWORD": "",
    "REDIS_PASSWORD": "",
    "JWT_SECRET": "",
    "PASSWORD_PEPPER": "",
    "WEB_SECRET": "",
    "FORWARDED_SECRET": "",
    "STRIPE_KEY": "sk_test_",
    "STRIPE_WEBHOOK_SECRET": "whsec_",
}
"""Every secret made for the embedded platform, and what its value begins with."""

PORTS = range(20_000, 30_000)
"""Below Linux's ephemeral ports (from 32768): a client that retries a port from that range while its server
is down can be given the very same port as its own, connects to itself, and the server cannot come back."""
UNPRIVILEGED = range(1024, 65_536)
HANDOVER_SECONDS = 0.5
"""How long a Tix that was just killed may take to vanish before we say that it is running."""
RELEASE_SECONDS = 10.0
"""How long a killed server's last processes may take to go; 1.5 to 2.2 s were measured for PostgreSQL."""


class DataDir:
    """`.tix`: postgres/, nats/, redis/, stripe/, logs/, locks/, ports.json, secrets.json."""

    def __init__(self, path: Path) -> None:
        """Name the directory; nothing is touched before `claim`."""
        self.path = path.absolute()
        self._held: int | None = None
        self._ports: dict[str, int] = {}
        self._guard = threading.Lock()

    @property
    def claimed(self) -> bool:
        """Whether this object holds the directory."""
        return self._held is not None

    def claim(self, *, others_may_enter: bool) -> None:
        """Make the directory and hold it until `release` or the end of the process, however that comes.

        `others_may_enter`: mode 0711 and not 0700, for a server that runs as another user. Raises LocalError.
        """
        try:
            self.path.mkdir(mode=0o711 if others_may_enter else 0o700, parents=True, exist_ok=True)
            for name in ("locks", "logs"):
                (self.path / name).mkdir(mode=0o700, exist_ok=True)
            deadline = time.monotonic() + HANDOVER_SECONDS
            while (held := self._try_lock("tix")) is None and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)
            if held is None:
                holder = (self.path / "locks" / "tix.lock").read_text() or "unknown"
                raise LocalError(f"Another Tix is running on {self.path} (pid {holder}).")
            os.ftruncate(held, 0)
            os.pwrite(held, str(os.getpid()).encode(), 0)
        except OSError as error:
            raise LocalError(unusable(error, self.path)) from error
        self._held = held
        self._ports = self._read_ports()

    def release(self) -> None:
        """Let another Tix have the directory; harmless when it is not held."""
        if self._held is not None:
            os.close(self._held)
            self._held = None

    @contextlib.contextmanager
    def server_lock(self, name: str, cancelled: threading.Event) -> Iterator[int]:
        """A locked descriptor for a server to inherit: it proves that no process of an earlier run is left.

        Waits for them up to RELEASE_SECONDS. Raises LocalError after that.
        """
        deadline = time.monotonic() + RELEASE_SECONDS
        while (fd := self._try_lock(name)) is None:
            if cancelled.is_set():
                raise LocalError(f"The start of {name} was called off.")
            if time.monotonic() > deadline:
                raise LocalError(
                    f"The previous {name} of {self.path} still runs after {RELEASE_SECONDS:.0f} s; end it."
                )
            time.sleep(POLL_SECONDS)
        try:
            yield fd
        finally:
            os.close(fd)

    def _try_lock(self, name: str) -> int | None:
        import fcntl  # noqa: PLC0415 - absent on Windows, where LocalServers refuses with a sentence

        fd = os.open(self.path / "locks" / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return None
        return fd

    def secrets(self) -> dict[str, str]:
        """The secrets, made at the directory's first use. Raises LocalError when they cannot be read."""
        path = self.path / "secrets.json"
        known: dict[str, str] = {}
        if path.exists():
            try:
                path.chmod(0o600)  # whatever a backup or a copy made of it
                known = json.loads(path.read_text())
            except (OSError, ValueError) as error:
                raise LocalError(_lost(path, "cannot be read")) from error
            if not isinstance(known, dict) or not all(isinstance(v, str) and v for v in known.values()):
                raise LocalError(_lost(path, "does not hold the secrets of Tix"))
        elif (self.path / "postgres").exists():
            # New secrets would not open the database, whose password was in the lost file.
            raise LocalError(_lost(path, "is missing"))
        made = fresh_secrets()
        if made.keys() - known.keys():
            known = {**made, **known}
            _write(path, known, mode=0o600)
        return known

    def port(self, name: str, *, fixed: bool = False, avoid: frozenset[int] = frozenset()) -> int:
        """A server's port: the one it had if that is free, else a new one, which is written down.

        `fixed` insists on the one it had. Raises LocalError.
        """
        with self._guard:
            port = self._ports.get(name)
            if port is not None and port not in avoid and is_free(port):
                return port
            if fixed:
                raise LocalError(
                    f"Port {port} of {name} is taken by another program; end it and start {name} again."
                )
            taken = avoid | set(self._ports.values())
            candidates = (p for p in random.sample(PORTS, len(PORTS)) if p not in taken and is_free(p))
            port = next(candidates, None)
            if port is None:
                raise LocalError(f"No free port for {name} between {PORTS.start} and {PORTS.stop}.")
            self._ports[name] = port
            _write(self.path / "ports.json", self._ports, mode=0o644)
            return port

    def _read_ports(self) -> dict[str, int]:
        # Ports can be chosen anew, so a damaged file is no reason to stop.
        with contextlib.suppress(OSError, ValueError, AttributeError):
            known = json.loads((self.path / "ports.json").read_text())
            return {n: p for n, p in known.items() if isinstance(p, int) and p in UNPRIVILEGED}
        return {}


def fresh_secrets() -> dict[str, str]:
    """A new value for each of SECRETS."""
    return {name: start + secrets.token_hex(32) for name, start in SECRETS.items()}


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        # As the servers do, or connections in TIME_WAIT would count as taken for a minute.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def unusable(error: OSError, path: Path) -> str:
    """One sentence for a failed file operation."""
    return f"Cannot use {error.filename or path}: {error.strerror or error}; choose another TIX_DATA_DIR."


def _lost(path: Path, what: str) -> str:
    return f"{path} {what}: restore it, or delete {path.parent} to begin again without its data."


def _write(path: Path, value: Mapping[str, object], *, mode: int) -> None:
    """Replace a small JSON file so that a kill -9 or a power cut leaves the old one or the new one."""
    temporary = path.with_suffix(".new")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    with os.fdopen(fd, "w") as file:
        json.dump(value, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
