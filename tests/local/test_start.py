"""What a start promises: the environment, the data, the secrets, the ports."""

import asyncio
import json
import socket
import stat
import sys
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import nats
import pytest
from redis.asyncio import Redis

from server.local import LocalError, LocalServers, datadir
from server.local.embedded import exchange
from server.ports import listen
from tests.local.conftest import Machine
from tests.waiting import until


def port_of(url: str) -> int:
    """The port in a URL."""
    return urlsplit(url).port or 0


class TestStart:
    """`LocalServers.start`."""

    async def test_every_server_can_be_used_with_the_environment_it_returns(self, machine: Machine) -> None:
        """PostgreSQL, JetStream and Redis accept a client that knows nothing else."""
        _, environment = await machine.start(durable=True)
        database = await asyncpg.connect(environment["DATABASE_URL"])
        assert await database.fetchval("SELECT current_database()") == "tix"
        settings = "SELECT name, setting FROM pg_settings WHERE name = ANY($1)"
        names = ["fsync", "max_connections", "TimeZone", "listen_addresses", "synchronous_commit"]
        assert {row["name"]: row["setting"] for row in await database.fetch(settings, names)} == {
            "fsync": "on",
            "max_connections": "200",
            "TimeZone": "UTC",
            "listen_addresses": "127.0.0.1",
            "synchronous_commit": "on",
        }
        assert await database.fetchval("SELECT 'CAFÉ' ILIKE 'café'")
        await database.close()

        bus = await nats.connect(environment["NATS_URL"])
        await bus.jetstream().add_stream(name="S", subjects=["s"])
        assert (await bus.jetstream().publish("s", b"1")).seq == 1
        await bus.close()

        async with redis(environment) as client:
            assert (await client.config_get("maxmemory-policy")) == {"maxmemory-policy": "noeviction"}
            assert (await client.config_get("appendfsync")) == {"appendfsync": "everysec"}

    async def test_a_second_start_has_the_same_data_ports_and_secrets(self, machine: Machine) -> None:
        """A table, a message and a key survive a stop."""
        servers, first = await machine.start()
        database = await asyncpg.connect(first["DATABASE_URL"])
        await database.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        await database.close()
        bus = await nats.connect(first["NATS_URL"])
        await bus.jetstream().add_stream(name="S", subjects=["s"])
        await bus.jetstream().publish("s", b"kept")
        await bus.close()
        async with redis(first) as client:
            await client.set("kept", "42")
        await asyncio.to_thread(servers.stop)

        _, second = await machine.start()
        assert second == first
        database = await asyncpg.connect(second["DATABASE_URL"])
        assert await database.fetchval("SELECT answer FROM kept") == 42
        await database.close()
        bus = await nats.connect(second["NATS_URL"])
        assert (await bus.jetstream().get_msg("S", 1)).data == b"kept"
        await bus.close()
        async with redis(second) as client:
            assert await client.get("kept") == b"42"

    async def test_it_describes_what_runs_without_passwords(self, machine: Machine) -> None:
        """The banner names version and address."""
        servers, environment = await machine.start()
        postgres, bus, redis_line = servers.describe()
        assert postgres.startswith("PostgreSQL 18.")
        assert f"127.0.0.1:{port_of(environment['DATABASE_URL'])}/tix" in postgres
        assert bus.startswith("NATS 2.")
        assert redis_line.startswith("Redis")
        assert not any(
            secret in line for secret in secrets_of(machine.data_dir) for line in servers.describe()
        )

    @pytest.mark.slow
    async def test_only_what_is_wanted_is_started(self, machine: Machine) -> None:
        """The platform's own secrets come in any case, once."""
        servers, environment = await machine.start("redis")
        assert servers.pids().keys() == {"redis"}
        platform = {"JWT_SECRET", "PASSWORD_PEPPER", "WEB_SECRET", "FORWARDED_SECRET"}
        assert environment.keys() == platform | {"REDIS_HOST", "REDIS_PORT", "REDIS_PASSWORD"}
        await asyncio.to_thread(servers.stop)
        _, again = await machine.start()
        assert {name: again[name] for name in platform} == {name: environment[name] for name in platform}

    def test_an_unknown_server_is_a_programming_error(self, data_dir: Path) -> None:
        """It is refused before anything is touched."""
        with pytest.raises(ValueError, match="unknown servers: mysql"):
            LocalServers(data_dir, wanted=("mysql",))
        assert not data_dir.exists()

    async def test_the_stripe_sandbox_answers(self, machine: Machine) -> None:
        """With the key and the base address it returns."""
        _, environment = await machine.start("stripe")
        assert environment["STRIPE_KEY"].startswith("sk_test_")
        assert environment["STRIPE_WEBHOOK_SECRET"].startswith("whsec_")
        base = urlsplit(environment["STRIPE_API_BASE"])
        _, writer = await asyncio.open_connection(base.hostname, base.port)
        writer.close()
        await writer.wait_closed()


class TestOneAtATime:
    """The data directory belongs to one Tix."""

    async def test_a_second_tix_on_the_directory_is_told_who_has_it(self, machine: Machine) -> None:
        """In one sentence, and the first one goes on."""
        servers, _ = await machine.start("redis")
        with pytest.raises(LocalError, match=r"^Another Tix is running on .*data \(pid \d+\)\.$"):
            await machine.start("redis")
        assert servers.dead() == []

    async def test_it_is_free_after_a_stop(self, machine: Machine) -> None:
        """A second stop does nothing."""
        servers, _ = await machine.start("redis")
        await asyncio.to_thread(servers.stop)
        await asyncio.to_thread(servers.stop)
        await machine.start("redis")


class TestPorts:
    """Ports are kept while they are free."""

    @pytest.mark.slow
    async def test_a_taken_port_is_replaced(self, machine: Machine) -> None:
        """By another free one, for all three, and written down."""
        servers, first = await machine.start()
        await asyncio.to_thread(servers.stop)
        ports = json.loads((machine.data_dir / "ports.json").read_text())
        assert ports.keys() == {"postgres", "nats", "redis"}
        strangers = [socket.create_server(("127.0.0.1", port)) for port in ports.values()]
        try:
            _, second = await machine.start()
        finally:
            for stranger in strangers:
                stranger.close()
        assert port_of(second["DATABASE_URL"]) not in ports.values()
        assert second["NATS_URL"] != first["NATS_URL"]
        assert second["REDIS_PORT"] != first["REDIS_PORT"]
        assert json.loads((machine.data_dir / "ports.json").read_text()).keys() == ports.keys()
        database = await asyncpg.connect(second["DATABASE_URL"])
        await database.close()

    @pytest.mark.parametrize("name", ["postgres", "nats", "redis"])
    @pytest.mark.slow
    async def test_a_port_lost_between_the_look_and_the_start_is_replaced(
        self, machine: Machine, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        """The server's own "address already in use" counts as well."""
        servers, _ = await machine.start(name)
        await asyncio.to_thread(servers.stop)
        port = json.loads((machine.data_dir / "ports.json").read_text())[name]
        really_free = datadir.is_free
        monkeypatch.setattr(datadir, "is_free", lambda asked: asked == port or really_free(asked))
        with socket.create_server(("127.0.0.1", port)):
            await machine.start(name)
        assert json.loads((machine.data_dir / "ports.json").read_text())[name] != port

    @pytest.mark.slow
    async def test_a_damaged_ports_file_is_made_again(self, machine: Machine) -> None:
        """Nothing is lost with it."""
        servers, _ = await machine.start("redis")
        await asyncio.to_thread(servers.stop)
        for damage in ("{", "[1]", '{"redis": "x"}', '{"redis": 80}'):
            (machine.data_dir / "ports.json").write_text(damage)
            servers, environment = await machine.start("redis")
            assert int(environment["REDIS_PORT"]) in datadir.PORTS
            await asyncio.to_thread(servers.stop)


class TestSecrets:
    """Nobody but the owner sees them."""

    async def test_files_with_secrets_are_their_owners_alone(self, machine: Machine) -> None:
        """Mode 0600, restored if a copy changed it."""
        servers, _ = await machine.start("nats", "redis")
        await asyncio.to_thread(servers.stop)
        (machine.data_dir / "secrets.json").chmod(0o644)
        await machine.start("nats", "redis")
        holders = [
            p for p in machine.data_dir.rglob("*") if p.is_file() and holds_a_secret(p, machine.data_dir)
        ]
        assert {p.name for p in holders} == {"secrets.json", "redis.conf"}
        assert {stat.S_IMODE(p.stat().st_mode) for p in holders} == {0o600}

    @pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
    @pytest.mark.slow
    async def test_no_command_line_shows_a_secret(self, machine: Machine) -> None:
        """At no moment of a first start, initdb included."""
        starting = asyncio.create_task(machine.start())
        seen: set[str] = set()

        def look() -> bool:
            for process in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.add(process.read_text(errors="replace"))
                except OSError:
                    continue
            return starting.done()

        await until(look, "the servers start")
        await starting
        assert any("initdb" in line for line in seen)
        assert any("redis-server" in line for line in seen)
        assert not [line for line in seen for secret in secrets_of(machine.data_dir) if secret in line]

    @pytest.mark.slow
    async def test_a_stranger_is_refused_by_each_server(self, machine: Machine) -> None:
        """A neighbour on this machine gets nowhere."""
        _, environment = await machine.start()
        stranger = f"postgres://tix:wrong@127.0.0.1:{port_of(environment['DATABASE_URL'])}/tix"
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(stranger)
        connect = b"CONNECT {}\r\nPING\r\n"
        refusal = exchange(port_of(environment["NATS_URL"]), connect, until=b"-ERR 'Authorization Violation'")
        assert b"-ERR" in refusal
        assert exchange(int(environment["REDIS_PORT"]), b"PING\r\n", until=b"\r\n").startswith(b"-NOAUTH")


def redis(environment: dict[str, str]) -> Redis:
    """A client made from the environment alone."""
    return Redis(
        host=environment["REDIS_HOST"],
        port=int(environment["REDIS_PORT"]),
        password=environment["REDIS_PASSWORD"],
    )


def secrets_of(data_dir: Path) -> list[str]:
    """All secret values of a data directory."""
    return list(json.loads((data_dir / "secrets.json").read_text()).values())


def holds_a_secret(path: Path, data_dir: Path) -> bool:
    """Whether a file contains one of them."""
    text = path.read_bytes()
    return any(secret.encode() in text for secret in secrets_of(data_dir))


async def test_no_server_is_given_a_port_that_is_for_others(tmp_path: Path) -> None:
    """The API's, on which nobody listens yet: Redis would answer for it."""
    ours = listen(0)
    port = ours.getsockname()[1]
    (tmp_path / "ports.json").write_text(json.dumps({"redis": port}))
    try:
        for taken, has_it in ((), True), ([port], False):
            servers = LocalServers(tmp_path, wanted=("redis",), durable=False, taken=taken)
            given = await asyncio.to_thread(servers.start)
            await asyncio.to_thread(servers.stop)
            assert (given["REDIS_PORT"] == str(port)) is has_it
    finally:
        ours.close()
