"""A tiny edge: leads each request to a replica that calls itself ready, and counts what becomes of them."""

import asyncio
import re
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

LOOK_SECONDS = 0.2
PATIENCE = 5.0
"""Seconds in which a ready replica is looked for."""
SERVICES = {"users": "auth", "tickets": "tickets", "orders": "orders", "payments": "payments"}
AWAY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nRetry-After: 1\r\n"
    b'Connection: close\r\n\r\n{"code": "unavailable", "status": 503}'
)
KEPT = re.compile(rb"^connection: *[^\r]*", re.IGNORECASE | re.MULTILINE)
LENGTH = re.compile(rb"^content-length: *(\d+)", re.IGNORECASE | re.MULTILINE)


def service_of(target: str) -> str:
    """Who answers this address."""
    first, _, rest = target.lstrip("/").partition("/")
    if first == ".well-known":
        return "auth"
    return SERVICES[re.split(r"[/?]", rest)[0]] if first == "api" else "web"


@dataclass
class Edge:
    """Where replicas are, which of them are ready, and how often which answered."""

    replicas: dict[str, list[int]]
    """Service → ports."""
    ready: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    answered: Counter[int] = field(default_factory=Counter)
    cut: Counter[str] = field(default_factory=Counter)
    """Requests that a replica had taken and never answered, by service."""

    async def look(self) -> None:
        """Ask every replica, again and again, whether it is ready."""
        while True:
            for service, ports in self.replicas.items():
                found = await asyncio.gather(*map(is_ready, ports))
                self.ready[service] = [port for port, yes in zip(ports, found, strict=True) if yes]
            await asyncio.sleep(LOOK_SECONDS)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, one answer, and good-bye."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = LENGTH.search(head)
            body = await reader.readexactly(int(length[1])) if length else b""
            writer.write(await self._answer(head, body))
            await writer.drain()
        await _close(writer)

    async def _answer(self, head: bytes, body: bytes) -> bytes:
        line, _, rest = KEPT.sub(b"Connection: close", head).partition(b"\r\n")
        service = service_of(line.split()[1].decode())
        last = asyncio.get_running_loop().time() + PATIENCE
        while asyncio.get_running_loop().time() < last:
            for port in sorted(self.ready[service], key=lambda port: self.answered[port]):
                try:
                    reader, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:  # it took nothing, so another may be asked
                    continue
                answer = await _exchange(reader, writer, line + b"\r\n" + rest + body)
                if not is_whole(answer):
                    self.cut[service] += 1
                    return AWAY
                self.answered[port] += 1
                return answer
            await asyncio.sleep(LOOK_SECONDS / 4)
        return AWAY


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> bytes:
    answer = b""
    try:
        writer.write(request)
        await writer.drain()
        while piece := await reader.read(65536):
            answer += piece
    except ConnectionError:
        pass
    finally:
        await _close(writer)
    return answer


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


def is_whole(answer: bytes) -> bool:
    """Whether an answer came to its end."""
    head, found, body = answer.partition(b"\r\n\r\n")
    length = LENGTH.search(head)
    if not found or b" 204 " in head[:16]:
        return bool(found)
    return len(body) == int(length[1]) if length else body.endswith(b"0\r\n\r\n")


async def is_ready(port: int) -> bool:
    """What /readyz says; no answer is a no."""
    request = b"GET /readyz HTTP/1.1\r\nHost: edge\r\nConnection: close\r\n\r\n"
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(2):
            answer = await _exchange(*await asyncio.open_connection("127.0.0.1", port), request)
            return answer.startswith(b"HTTP/1.1 200 ")
    return False


@asynccontextmanager
async def leading(edge: Edge, port: int) -> AsyncIterator[None]:
    """Serve on `port` for the block."""
    server = await asyncio.start_server(edge.serve, "127.0.0.1", port)
    looking = asyncio.create_task(edge.look())
    try:
        async with server:
            yield
    finally:
        looking.cancel()
        await asyncio.wait({looking})
