"""`--workers N`: processes that share a port, are replaced when they die, and end together."""

import asyncio
import json
import os
import re
import resource
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from server.settings import Settings
from tests.e2e.conftest import Up
from tests.e2e.test_stopping import BODY, under_way
from tests.e2e.test_up import children_of, sign_up
from tests.platform import Process, client, environment, free_port
from tests.telemetry.scraping import scrape, value
from tests.waiting import slowness, until

pytestmark = pytest.mark.slow

COUNT = 2
HANG_SECONDS = 2
BACK_SECONDS = 2
DEATHS = 4
"""After which a worker that does not live long has to wait."""
AT_ONCE = "a worker ended; another takes its place"
LATER = "workers end right after their start; the next one has to wait"


def workers_of(process: Process) -> set[int]:
    """The pids of its workers: children of the one that only forks."""
    return {worker for forker in forkers_of(process) for worker in children_of(forker)}


def forkers_of(process: Process) -> list[int]:
    """The process that only forks, if it is there."""
    return [pid for pid in children_of(process.pid) if b"forkserver" in arguments_of(pid)]


async def is_closed(http: httpx.AsyncClient) -> bool:
    """Whether nobody listens."""
    try:
        await http.get("/livez", timeout=1)
    except httpx.ConnectError:
        return True
    except httpx.HTTPError:
        pass
    return False


def arguments_of(pid: int) -> bytes:
    """A process's command line; empty once it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


async def replaced(process: Process, dead: set[int]) -> float:
    """Kill these and wait for others; the seconds that took."""
    began = time.monotonic()
    for pid in dead:
        os.kill(pid, signal.SIGKILL)
    await until(
        lambda: len(workers_of(process)) == COUNT and not dead & workers_of(process), "there are others", 20
    )
    return time.monotonic() - began


@pytest.fixture
async def auth(settings: Settings, tmp_path: Path) -> AsyncIterator[tuple[Process, httpx.AsyncClient]]:
    """`run auth --workers 2`, ready."""
    port = free_port()
    log, environ = tmp_path / "auth.log", environment(settings, port=port)
    process = Process("run", "auth", "--workers", str(COUNT), env=environ, log=log)
    await process.ready(f"http://127.0.0.1:{port}")
    async with client(f"http://127.0.0.1:{port}") as http:
        yield process, http
    if process.status is None:
        await process.end(signal.SIGKILL)


async def test_who_is_killed_is_replaced(auth: tuple[Process, httpx.AsyncClient]) -> None:
    """In two seconds, unless it goes on; what came while nobody was there has waited for the next."""
    process, http = auth
    await until(lambda: f", {COUNT} workers" in process.log.read_text(), "both serve")
    first = workers_of(process)
    assert await replaced(process, {min(first)}) < BACK_SECONDS * slowness()
    killed = workers_of(process)
    dying = asyncio.create_task(replaced(process, killed))
    await until(lambda: not any(arguments_of(pid) for pid in killed), "nobody is there")
    assert (await http.get("/livez")).status_code == 200
    await dying
    assert AT_ONCE in process.log.read_text()
    for _ in range(DEATHS):
        if LATER not in process.log.read_text():
            await replaced(process, {max(workers_of(process))})
    assert LATER in process.log.read_text()
    os.kill(max(workers_of(process)), signal.SIGKILL)
    await until(lambda: len(workers_of(process)) < COUNT, "one is missing")
    reader, writer = await under_way(int(http.base_url.port or 0))
    ending = asyncio.create_task(process.end())
    await until(lambda: is_closed(http), "no place keeps the port open, neither the one that waits")
    assert not ending.done()
    writer.write(BODY[20:])
    assert (await reader.read()).startswith(b"HTTP/1.1 401 ")
    writer.close()
    assert await ending == 0
    assert workers_of(process) == set()


async def test_who_hangs_is_killed_and_replaced(settings: Settings, tmp_path: Path) -> None:
    """Though it lives."""
    log, port = tmp_path / "auth.log", free_port()
    environ = environment(settings, port=port, hang_seconds=HANG_SECONDS)
    process = Process("run", "auth", "--workers", str(COUNT), env=environ, log=log)
    await process.ready(f"http://127.0.0.1:{port}")
    await until(lambda: f", {COUNT} workers" in process.log.read_text(), "both serve")
    stopped = min(workers_of(process))
    os.kill(stopped, signal.SIGSTOP)
    await until(lambda: len(workers_of(process) - {stopped}) == COUNT, "there is another", 20)
    lines = process.log.read_text().splitlines()
    assert json.loads(next(line for line in lines if "a worker hangs; killed" in line))["pid"] == stopped
    assert not arguments_of(stopped)
    assert await process.end() == 0


async def test_without_the_one_that_forks_all_can_be_ended(auth: tuple[Process, httpx.AsyncClient]) -> None:
    """What tells a group to end does not reach it, though it is in the first process's; SIGKILL does."""
    process, http = auth
    await until(lambda: f", {COUNT} workers" in process.log.read_text(), "both serve")
    [forker] = forkers_of(process)
    os.kill(forker, signal.SIGTERM)
    await replaced(process, {min(workers_of(process))})
    assert forkers_of(process) == [forker]
    workers = workers_of(process)
    os.kill(forker, signal.SIGKILL)
    await until(lambda: not arguments_of(forker), "it is gone")
    assert (await http.get("/livez")).status_code == 200
    assert await process.end() == 0, process.log.read_text()
    assert not any(arguments_of(pid) for pid in workers)


async def test_one_that_cannot_be_started_is_tried_again(auth: tuple[Process, httpx.AsyncClient]) -> None:
    """Where there is no room for one more, say, of which the one that forks ends; the others stay."""
    process, http = auth
    await until(lambda: f", {COUNT} workers" in process.log.read_text(), "both serve")
    [forker] = forkers_of(process)
    first, second = workers_of(process)
    resource.prlimit(forker, resource.RLIMIT_NOFILE, (1, 1))
    os.kill(first, signal.SIGKILL)
    await until(lambda: "a worker cannot be started" in process.log.read_text(), "it was tried")
    await until(lambda: workers_of(process) not in ({second}, set()), "there is another", 20)
    assert arguments_of(second)
    assert (await http.get("/livez")).status_code == 200
    assert await process.end() == 0


async def test_no_worker_outlives_the_first_process(auth: tuple[Process, httpx.AsyncClient]) -> None:
    """Killed, it cannot tell them; they notice, and give the port back."""
    process, http = auth
    workers = workers_of(process)
    await process.end(signal.SIGKILL)
    await until(lambda: not any(arguments_of(pid) for pid in workers), "they are gone", 15)
    with pytest.raises(httpx.ConnectError):
        await http.get("/livez")


async def each_tells_its_own(addresses: list[str], orders: int) -> None:
    """Metrics are of one process, by an address of its own: what was done is their sum."""
    assert len(set(addresses)) == COUNT
    told = [await scrape(address) for address in addresses]
    held = {"service": "orders", "method": "POST", "route": "/api/orders", "status": "201", "code": ""}
    assert sum(value(one, "tix_http_requests_total", **held) for one in told) == orders
    # What lies in the database is the same for all.
    assert [value(one, "tix_payments", status="captured") for one in told] == [orders] * COUNT


async def test_the_whole_platform_in_two_processes(up: Up, http: httpx.AsyncClient) -> None:
    """What is written by one is heard by the other, each thing once; Ctrl-C ends all of them in 5 seconds."""
    process = await up.start("--workers", str(COUNT))
    await until(lambda: "Tix is up" in up.log.read_text(), "both serve", 20)
    assert len(workers_of(process)) == COUNT
    seller, buyer = [await sign_up(http, f"{name}@example.com") for name in ("seller", "buyer")]

    async def book(number: int) -> str:
        async with client(up.api_url) as own:  # a connection of its own, taken by either
            listing = {"title": f"Seat {number}", "price": 100}
            ticket = (await own.post("/api/tickets", json=listing, headers=seller)).json()
            body = {"ticketId": ticket["id"]}
            held = await own.post("/api/orders", json=body, headers=buyer)
            while held.status_code == 503 and held.json()["code"] == "not_yet_visible":
                held = await own.post("/api/orders", json=body, headers=buyer)
            assert held.status_code == 201, held.text
            order = held.json()["id"]
            body = {"orderId": order, "paymentMethod": "pm_card_visa"}
            paid = await own.post("/api/payments", json=body, headers=buyer)
            while paid.status_code == 503 and paid.json()["code"] == "not_yet_visible":
                paid = await own.post("/api/payments", json=body, headers=buyer)
            assert paid.is_success, paid.text
            return str(order)

    orders = await asyncio.gather(*map(book, range(6)))

    async def all_are_paid() -> bool:
        found = [(await http.get(f"/api/orders/{order}", headers=buyer)).json() for order in orders]
        return all(one["status"] == "complete" for one in found)

    await until(all_are_paid, "all are paid")
    await each_tells_its_own(re.findall(r"^metrics on (\S+)$", up.log.read_text(), re.MULTILINE), len(orders))
    began = time.monotonic()
    assert await process.end(signal.SIGINT) == 0
    await up.none_left(10)
    assert time.monotonic() - began < 5 * slowness()
    assert workers_of(process) == set()
