"""Those who go step by step: buyers that book, and followers of changes, on their own event loop."""

import asyncio
import time
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import uvloop

from bench.stage import Buyer
from bench.wire import Caller, address, encode

RETRY_SECONDS = 0.02
"""Before a ticket or order that is still on its way is asked for again, as clients do."""


@dataclass
class Booked:
    """What a crowd of buyers saw. `took` in seconds, from the reservation to the answer to the payment."""

    seconds: float = 0
    statuses: Counter[str] = field(default_factory=Counter)
    took: "array[float]" = field(default_factory=lambda: array("d"))


def book(
    url: str, buyers: Sequence[Buyer], tickets: Sequence[str], *, at_once: int, pace: float = 0
) -> Booked:
    """Reserve and pay every ticket, each by another buyer, so many at once, or `pace` begun a second."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_book(url, list(zip(buyers, tickets, strict=True)), at_once, pace))


async def _book(url: str, pairs: list[tuple[Buyer, str]], at_once: int, pace: float) -> Booked:
    booked = Booked()
    left = iter(enumerate(pairs))
    began = time.monotonic()

    async def lane() -> None:
        caller = await Caller.connected(url)
        for number, (buyer, ticket) in left:
            if pace:
                await asyncio.sleep(max(began + number / pace - time.monotonic(), 0))
            await _one(caller, buyer, ticket, booked)
        caller.close()

    await asyncio.gather(*(lane() for _ in range(at_once)))
    booked.seconds = time.monotonic() - began
    return booked


async def _one(caller: Caller, buyer: Buyer, ticket: str, booked: Booked) -> None:
    began = time.monotonic()
    status, order = await caller.ask(
        encode("POST", "/api/orders", token=buyer.token, body={"ticketId": ticket})
    )
    booked.statuses[f"reserve {status}"] += 1
    if status != 201:  # noqa: PLR2004 - Created
        return
    body = {"orderId": order["id"], "paymentMethod": "pm_card_visa"}
    while True:
        status, answer = await caller.ask(encode("POST", "/api/payments", token=buyer.token, body=body))
        if status != 503 or answer["code"] != "not_yet_visible":  # noqa: PLR2004 - Unavailable
            break
        await asyncio.sleep(RETRY_SECONDS)
    booked.statuses[f"pay {status}"] += 1
    booked.took.append(time.monotonic() - began)


class _Follower(asyncio.Protocol):
    """Notes when each event came; the first two are the greeting."""

    def __init__(self, request: bytes, crowd: "Crowd") -> None:
        self._request, self._crowd = request, crowd

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        line = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        self._crowd.transports.append(line)
        line.write(self._request)

    def data_received(self, data: bytes) -> None:
        now = time.time()
        if b"event: ready" in data:
            self._crowd.ready += 1
        came = data.count(b"event: ticket")
        if came:
            self._crowd.came.extend([now] * came)
        if data.startswith(b"HTTP/1.1 ") and data[9:12] != b"200":
            self._crowd.refused += 1


@dataclass
class Crowd:
    """Followers of the tickets: how many are ready, and when an event came to one of them."""

    ready: int = 0
    refused: int = 0
    came: "array[float]" = field(default_factory=lambda: array("d"))
    transports: list[asyncio.Transport] = field(default_factory=list)

    def answered(self) -> int:
        """How many were let in or not."""
        return self.ready + self.refused

    def hang_up(self) -> None:
        """All of them."""
        for transport in self.transports:
            transport.close()


async def follow(url: str, count: int, secret: str) -> Crowd:
    """Open that many streams of all tickets, 100 an address, as a proxy that knows `secret` would say."""
    crowd = Crowd()
    host, port = address(url)
    loop = asyncio.get_running_loop()
    for number in range(count):
        told = f"for=10.1.{number // 100}.1;secret={secret}"
        request = encode("GET", "/api/tickets/events", Forwarded=told)
        await loop.create_connection(lambda request=request: _Follower(request, crowd), host, port)  # type: ignore[misc]
    return crowd
