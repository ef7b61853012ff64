"""Clients that hang up: requests cut off in the middle, and what they leave behind."""

import asyncio
import json
import random
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tortoise.backends.asyncpg.client import AsyncpgDBClient
from tortoise.connection import get_connection

from server.kit.db import rows, transaction
from tests.concurrency.races import batches
from tests.platform import Platform, User

if TYPE_CHECKING:
    import asyncpg

LONGEST = 5
"""Uncontended listings after which the last client has hung up; by then, among others, some are made."""
AT_ONCE = 10
"""Clients at a time."""


@dataclass(frozen=True)
class Request:
    """What a client sends before it hangs up."""

    user: User
    method: str
    path: str
    body: object = None
    key: str | None = None
    """With an Idempotency-Key it is a transaction, otherwise often a statement alone."""

    def encoded(self, host: str) -> bytes:
        """As it goes over the wire."""
        body = b"" if self.body is None else json.dumps(self.body).encode()
        headers = {
            "Host": host,
            "Content-Length": len(body),
            "Content-Type": "application/json",
            **self.user.headers,
            **({"Idempotency-Key": self.key} if self.key else {}),
        }
        lines = [
            f"{self.method} {self.path} HTTP/1.1",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        return "\r\n".join([*lines, "", ""]).encode() + body


async def abort(platform: Platform, request: Request, after: float) -> None:
    """Send it, and cut the connection `after` seconds, whatever has come back by then."""
    address = urlsplit(platform.api_url)
    _, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(request.encoded(address.netloc))
    await writer.drain()
    await asyncio.sleep(after)  # the moment of hanging up is what is being raced
    writer.transport.abort()


async def one_listing(seller: User) -> float:
    """Seconds that one takes when nobody else wants anything."""
    began = time.perf_counter()
    await seller.list_ticket()
    return time.perf_counter() - began


async def hang_up_storm(platform: Platform, count: int, *, seed: int = 1, longest: float = LONGEST) -> None:
    """Reservations, listings and reads, each cut off at a random moment."""
    rng = random.Random(seed)  # noqa: S311
    seller = platform.user()
    tickets = [
        ticket["id"] for ticket in await batches((seller.list_ticket() for _ in range(count // 2)), 10)
    ]
    seconds = longest * statistics.median([await one_listing(seller) for _ in range(9)])
    requests = []
    for number in range(count):
        user, key = platform.user(), None if number % 12 < 4 else f"storm:{seed}:{number}"
        match number % 4:
            case 0 | 1:
                body = {"ticketId": tickets[number // 2 % len(tickets)]}
                requests.append(Request(user, "POST", "/api/orders", body, key))
            case 2:
                listing = {"title": "Cut off", "price": 100}
                requests.append(Request(user, "POST", "/api/tickets", listing, key))
            case _:
                path = rng.choice(["/api/orders", "/api/tickets", f"/api/tickets/{rng.choice(tickets)}"])
                requests.append(Request(user, "GET", path))
    rng.shuffle(requests)
    await batches((abort(platform, request, rng.uniform(0, seconds)) for request in requests), AT_ONCE)


def pool_of(service: str) -> "asyncpg.Pool[Any]":
    """The service's pool in this process."""
    client = get_connection(service)
    assert isinstance(client, AsyncpgDBClient)
    assert client._pool is not None
    return client._pool


@asynccontextmanager
async def borrowed(service: str, count: int) -> AsyncIterator[None]:
    """`count` of the service's connections are busy with something else."""
    pool = pool_of(service)
    busy = [await pool.acquire() for _ in range(count)]
    try:
        yield
    finally:
        for connection in busy:
            await pool.release(connection)


def abandon_pool(service: str) -> None:
    """Cut the pool's connections, leaked ones too; the next use makes a new one."""
    client = get_connection(service)
    assert isinstance(client, AsyncpgDBClient)
    pool_of(service).terminate()
    client._pool = None


async def parallel_transactions(service: str, count: int) -> None:
    """That many transactions at the same time, each of which does something."""

    async def one() -> None:
        async with transaction(service):
            await rows(service, "SELECT pg_sleep(0.01)")

    await asyncio.gather(*(one() for _ in range(count)))
