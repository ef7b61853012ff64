"""`python -m server up`: one command, real servers, nothing left behind."""

import asyncio
import os
import signal
import socket
import time
from pathlib import Path

import httpx
import pytest

from server.settings import Settings
from server.up import read_env
from tests.e2e.conftest import Up
from tests.platform import Process, client, database, environment, free_port
from tests.waiting import slowness, until


async def sign_up(http: httpx.AsyncClient, email: str) -> dict[str, str]:
    """A new account; returns its Authorization header."""
    answer = await http.post("/api/users/signup", json={"email": email, "password": "correct horse"})
    assert answer.status_code == 201, answer.text
    return {"Authorization": f"Bearer {answer.json()['token']}"}


class TestStart:
    """From nothing to ready."""

    async def test_p01_fresh_start_serves_sign_up_and_the_main_job(
        self, up: Up, http: httpx.AsyncClient
    ) -> None:
        """On an empty directory the documented start migrates and the first user can sign up and list."""
        await up.start()
        seller = await sign_up(http, "first@example.com")
        listed = await http.post("/api/tickets", json={"title": "First", "price": 100}, headers=seller)
        assert listed.status_code == 201

    @pytest.mark.slow
    async def test_second_start_keeps_data_and_tokens(self, up: Up, http: httpx.AsyncClient) -> None:
        """What was listed is there again, and a token from before still works."""
        process = await up.start()
        seller = await sign_up(http, "keeper@example.com")
        ticket = (
            await http.post("/api/tickets", json={"title": "Kept", "price": 100}, headers=seller)
        ).json()
        assert await process.end() == 0
        await up.start()
        async with client(up.api_url) as again:
            assert (await again.get(f"/api/tickets/{ticket['id']}")).json()["title"] == "Kept"
            me = (await again.get("/api/users/currentuser", headers=seller)).json()
            assert me["currentUser"]["email"] == "keeper@example.com"

    async def test_taken_port_is_a_sentence(self, up: Up) -> None:
        """It says which port and how to choose another, and starts no server."""
        with socket.create_server(("127.0.0.1", up.port)):
            process = Process("up", env=up.environ, log=up.log)
            await until(lambda: process.status is not None, "it gives up", 30)
        assert process.status == 1
        said = up.log.read_text()
        assert f"Port {up.port} is taken" in said
        assert "TIX_API_PORT" in said
        assert "Traceback" not in said
        assert not up.data.exists()

    @pytest.mark.slow
    async def test_broken_data_dir_is_a_sentence(self, up: Up) -> None:
        """A file where the directory should be: one sentence that names it."""
        up.data.write_text("not a directory")
        process = Process("up", env=up.environ, log=up.log)
        await until(lambda: process.status is not None, "it gives up", 30)
        assert process.status == 1
        said = up.log.read_text()
        assert str(up.data) in said
        assert "Traceback" not in said

    @pytest.mark.slow
    async def test_p03_p04_bad_settings_are_named_all_at_once(self, up: Up) -> None:
        """Three wrong values: one message, exit 2."""
        wrong = {**up.environ, "HOLD_SECONDS": "soon", "BCRYPT_COST": "99", "REDIS_PORT": "x"}
        process = Process("up", env=wrong, log=up.log)
        await until(lambda: process.status is not None, "it gives up", 30)
        assert process.status == 2
        said = up.log.read_text()
        assert all(name in said for name in ("HOLD_SECONDS", "BCRYPT_COST", "REDIS_PORT"))
        assert "Traceback" not in said

    @pytest.mark.slow
    async def test_named_servers_replace_their_embedded_twins(
        self, up: Up, http: httpx.AsyncClient, empty: Settings
    ) -> None:
        """With all four in the environment nothing embedded starts; what was named is used."""
        prefixes = ("DATABASE_URL", "NATS_URL", "REDIS_", "STRIPE_")
        named = {name: value for name, value in environment(empty).items() if name.startswith(prefixes)}
        up.environ.update(named)
        await up.start()
        assert up.running() == {"tix"}  # its own lock, and no server
        seller = await sign_up(http, "named@example.com")
        listed = await http.post("/api/tickets", json={"title": "Seat", "price": 100}, headers=seller)
        assert listed.status_code == 201
        async with database(empty, "tickets") as session:
            assert await session.fetchval("SELECT count(*) FROM tickets") == 1

    @pytest.mark.slow
    async def test_p23_services_have_ports_of_their_own(self, up: Up, directory: Path) -> None:
        """Two services started with nothing but their settings serve side by side; PORT moves one."""
        await up.start()
        leads = {**environ_of(up), "JWKS_URL": f"{up.api_url}/.well-known/jwks.json"}
        ports = [free_port(), free_port()]
        made = [
            Process(
                "run", name, "--only", "api", env={**leads, "PORT": str(port)}, log=directory / f"{name}.log"
            )
            for name, port in zip(("tickets", "orders"), ports, strict=True)
        ]
        for process, port in zip(made, ports, strict=True):
            await process.ready(f"http://127.0.0.1:{port}")
        async with (
            client(f"http://127.0.0.1:{ports[0]}") as tickets,
            client(f"http://127.0.0.1:{ports[1]}") as orders,
        ):
            assert (await tickets.get("/api/tickets")).status_code == 200
            assert (await orders.get("/api/orders")).status_code == 401
            assert (await orders.get("/api/tickets")).status_code == 404
        for process in made:
            assert await process.end() == 0


def environ_of(up: Up) -> dict[str, str]:
    """The environment that leads another process to this platform's servers."""
    return read_env(up.data / "env")


def children_of(pid: int) -> list[int]:
    """The processes this one started."""
    return [
        int(child)
        for path in Path(f"/proc/{pid}/task").glob("*/children")
        for child in path.read_text().split()
    ]


class TestStop:
    """And back to nothing."""

    @pytest.mark.slow
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    async def test_signal_stops_everything_within_5_seconds(self, up: Up, number: signal.Signals) -> None:
        """Exit 0, no child left."""
        process = await up.start()
        assert up.running() >= {"postgres", "nats", "redis", "stripe"}
        began = time.monotonic()
        assert await process.end(number) == 0
        await up.none_left(10)
        assert time.monotonic() - began < 5 * slowness()

    @pytest.mark.slow
    @pytest.mark.slow
    async def test_the_notice_is_given_once(self, up: Up) -> None:
        """Not by the shop, and then by the API again: a long one would outlast what it has in all."""
        notice = 5
        up.environ["DRAIN_SECONDS"] = str(notice)
        process = await up.start()
        began = time.monotonic()
        assert await process.end() == 0
        assert notice < time.monotonic() - began < 2 * notice

    async def test_a_bus_that_never_answers_does_not_hold_it(self, up: Up) -> None:
        """Waiting for NATS it still stops within 5 seconds of a signal, and leaves no child."""
        up.environ["NATS_URL"] = "nats://127.0.0.1:1"
        process = Process("up", env=up.environ, log=up.log)
        await until(lambda: "the bus does not answer" in up.log.read_text(), "it waits for the bus", 20)
        began = time.monotonic()
        assert await process.end() == 0
        await up.none_left(10)
        assert time.monotonic() - began < 5 * slowness()

    @pytest.mark.slow
    async def test_p18_requests_in_flight_are_answered(self, up: Up, http: httpx.AsyncClient) -> None:
        """SIGTERM while 16 requests run: each is answered, none cut."""
        process = await up.start()
        seller = await sign_up(http, "flight@example.com")
        listings = [
            http.post("/api/tickets", json={"title": f"Seat {n}", "price": 100}, headers=seller)
            for n in range(16)  # few enough for the 2 s that `up` gives them, also on a busy machine
        ]
        tasks = [asyncio.ensure_future(listing) for listing in listings]
        await until(lambda: any(task.done() for task in tasks), "the first is answered")
        assert await process.end() == 0
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        answered = [o.status_code for o in outcomes if isinstance(o, httpx.Response)]
        # A connection that had not been accepted yet may be refused; one that was is answered in full.
        cut = [o for o in outcomes if isinstance(o, Exception) and not isinstance(o, httpx.ConnectError)]
        assert not cut, cut
        assert set(answered) == {201}

    @pytest.mark.slow
    async def test_kill_9_leaves_no_child_and_the_next_start_recovers(
        self, up: Up, http: httpx.AsyncClient
    ) -> None:
        """The kernel ends the children; data and tokens survive."""
        process = await up.start()
        seller = await sign_up(http, "killed@example.com")
        ticket = (
            await http.post("/api/tickets", json={"title": "Kept", "price": 100}, headers=seller)
        ).json()
        await process.end(signal.SIGKILL)
        await up.none_left(10)
        await up.start()
        async with client(up.api_url) as again:
            assert (await again.get(f"/api/tickets/{ticket['id']}")).status_code == 200

    @pytest.mark.slow
    async def test_kill_9_of_everything_at_once_recovers(self, up: Up) -> None:
        """Parent and children die together, as in a power cut without the disk."""
        process = await up.start()
        family = [process.pid, *children_of(process.pid)]
        assert len(family) >= 5
        for pid in family:
            os.kill(pid, signal.SIGKILL)
        await process.end(signal.SIGKILL)
        await up.start()

    @pytest.mark.slow
    async def test_embedded_server_that_dies_is_started_again(self, up: Up, http: httpx.AsyncClient) -> None:
        """Kill PostgreSQL under a running platform: it is back by itself and readyz says so."""
        await up.start()
        postmaster = int((up.data / "postgres" / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGKILL)

        async def answers_again() -> bool:
            path = up.data / "postgres" / "postmaster.pid"
            written = path.read_text().split() if path.exists() else []  # which is empty at first
            return (
                bool(written)
                and int(written[0]) != postmaster
                and (await http.get("/readyz")).status_code == 200
            )

        await until(answers_again, "PostgreSQL is back", 30)
