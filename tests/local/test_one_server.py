"""One server dies, is stopped, or comes back, while the others run on."""

import asyncio
import json
import os
import signal
import socket
from pathlib import Path

import asyncpg
import nats
import pytest
from redis.asyncio import Redis

from server import supervisor
from server.local import LocalError
from server.supervisor import Log
from tests.local.conftest import Machine
from tests.waiting import until


async def write(environment: dict[str, str]) -> None:
    """Leave a mark in each server."""
    database = await asyncpg.connect(environment["DATABASE_URL"])
    await database.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    await database.close()
    bus = await nats.connect(environment["NATS_URL"])
    await bus.jetstream().add_stream(name="S", subjects=["s"])
    await bus.jetstream().publish("s", b"kept")
    await bus.close()
    async with client(environment) as redis:
        await redis.set("kept", "42")


async def check(environment: dict[str, str]) -> None:
    """Find the marks."""
    database = await asyncpg.connect(environment["DATABASE_URL"])
    assert await database.fetchval("SELECT answer FROM kept") == 42
    await database.close()
    bus = await nats.connect(environment["NATS_URL"])
    assert (await bus.jetstream().get_msg("S", 1)).data == b"kept"
    await bus.close()
    async with client(environment) as redis:
        assert await redis.get("kept") == b"42"


def client(environment: dict[str, str]) -> Redis:
    """A Redis client."""
    return Redis(port=int(environment["REDIS_PORT"]), password=environment["REDIS_PASSWORD"])


class TestOneServer:
    """`stop_one`, `start_one`, `dead`."""

    @pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
    @pytest.mark.slow
    async def test_it_comes_back_with_its_port_and_data(self, machine: Machine, *, kill: bool) -> None:
        """Each of the three, with the environment handed out at the start."""
        servers, environment = await machine.start()
        await write(environment)
        ports = json.loads((machine.data_dir / "ports.json").read_text())
        for name, port in ports.items():
            others = {n: pid for n, pid in servers.pids().items() if n != name}
            await asyncio.to_thread(servers.stop_one, name, kill=kill)
            assert servers.pids() == others
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", port)
            await asyncio.to_thread(servers.start_one, name)
        assert json.loads((machine.data_dir / "ports.json").read_text()) == ports
        await check(environment)

    @pytest.mark.slow
    async def test_a_server_that_dies_is_named_until_it_is_back(self, machine: Machine) -> None:
        """With its last words; one that was stopped on purpose is not."""
        servers, environment = await machine.start()
        await write(environment)
        await asyncio.to_thread(servers.stop_one, "nats")
        assert servers.dead() == []
        os.kill(servers.pids()["redis"], signal.SIGKILL)
        os.kill(servers.pids()["postgres"], signal.SIGKILL)
        await until(lambda: servers.dead() == ["postgres", "redis"], "both deaths are noticed")
        assert servers.why_dead("redis").startswith("Redis ended: ")
        for name in ("postgres", "redis", "nats"):
            await asyncio.to_thread(servers.start_one, name)
        assert servers.dead() == []
        await check(environment)

    @pytest.mark.slow
    async def test_starting_what_runs_and_stopping_what_does_not_change_nothing(
        self, machine: Machine
    ) -> None:
        """Both may be repeated."""
        servers, _ = await machine.start("redis")
        pids = servers.pids()
        await asyncio.to_thread(servers.start_one, "redis")
        assert servers.pids() == pids
        await asyncio.to_thread(servers.stop_one, "redis")
        await asyncio.to_thread(servers.stop_one, "redis")
        assert servers.pids() == {}

    @pytest.mark.slow
    async def test_it_does_not_come_back_on_another_port(self, machine: Machine) -> None:
        """The environment was handed out already: a taken port is a sentence."""
        servers, environment = await machine.start("redis")
        await asyncio.to_thread(servers.stop_one, "redis")
        port = int(environment["REDIS_PORT"])
        with (
            socket.create_server(("127.0.0.1", port)),
            pytest.raises(LocalError, match=f"Port {port} of redis is taken"),
        ):
            await asyncio.to_thread(servers.start_one, "redis")
        await asyncio.to_thread(servers.start_one, "redis")

    @pytest.mark.slow
    async def test_nothing_starts_after_a_stop(self, machine: Machine) -> None:
        """Nor what was never wanted."""
        servers, _ = await machine.start("redis")
        with pytest.raises(LocalError, match="nats is not one of the embedded servers"):
            await asyncio.to_thread(servers.start_one, "nats")
        await asyncio.to_thread(servers.stop)
        with pytest.raises(LocalError, match="redis is not one of the embedded servers"):
            await asyncio.to_thread(servers.start_one, "redis")

    @pytest.mark.slow
    async def test_a_stop_during_a_start_leaves_nothing(self, machine: Machine) -> None:
        """Whichever comes first: the start fails or its servers are stopped."""
        servers = machine.servers()
        starting = asyncio.create_task(asyncio.to_thread(servers.start))
        log = machine.data_dir / "logs" / "redis.log"
        await until(log.exists, "a server is starting")
        await asyncio.to_thread(servers.stop)
        outcome = await asyncio.gather(starting, return_exceptions=True)
        assert isinstance(outcome[0], (dict, LocalError))
        assert servers.pids() == {}
        await until(machine.all_gone, "all servers are gone")


class TestLog:
    """Logs stay small and say why."""

    def test_a_large_log_is_cut_under_the_running_server(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The old part is kept beside it, once; the open descriptor goes on at the new end."""
        monkeypatch.setattr(supervisor, "LOG_BYTES", 100)
        log = Log(tmp_path / "x.log")
        fd = log.open()
        os.write(fd, b"old\n" * 50)
        log.shrink()
        os.write(fd, b"new\n")
        os.close(fd)
        assert log.path.read_bytes() == b"new\n"
        assert (tmp_path / "x.log.1").read_bytes() == b"old\n" * 25
        assert log.reason() == "new"

    async def test_dead_keeps_the_logs_small(self, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
        """A server that talks for months fills no disk."""
        servers, _ = await machine.start("redis")
        monkeypatch.setattr(supervisor, "LOG_BYTES", 10)
        servers.dead()
        assert (machine.data_dir / "logs" / "redis.log").stat().st_size == 0

    @pytest.mark.parametrize(
        ("written", "reason"),
        [
            ("LOG: hello\nFATAL: no room\nHINT: buy a disk\n", "FATAL: no room"),
            ("first\nlast\n\n", "last"),
            ("", "it wrote nothing"),
        ],
    )
    def test_the_reason_is_the_last_telling_line(self, tmp_path: Path, written: str, reason: str) -> None:
        """Of this run only."""
        log = Log(tmp_path / "x.log")
        log.path.write_text("FATAL: of an earlier run\n")
        fd = log.open()
        os.write(fd, written.encode())
        os.close(fd)
        assert log.reason() == reason
