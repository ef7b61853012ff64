"""HTTP/1.1 as cheap as Python can: requests encoded once, answers read no further than they must be."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.parse import urlsplit

LENGTH = b"content-length: "
NO_BODY = (204, 304)


def encode(method: str, path: str, *, token: str = "", body: object = None, **headers: str) -> bytes:
    """A whole request; underscores in the names of `headers` are hyphens."""
    lines = [f"{method} {path} HTTP/1.1", "Host: bench"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    content = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join([*lines, "", ""]).encode() + content


class Connection(asyncio.Protocol):
    """A kept-alive connection with one request on its way at a time.

    `on_answer(connection, status, body)` is called for each whole answer, with status 0 when the server hung
    up instead. An answer must give its Content-Length, as Tix's do.
    """

    def __init__(self, on_answer: Callable[["Connection", int, bytes], None]) -> None:
        """The callback may send the next request."""
        self._on_answer = on_answer
        self._read = b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready to send."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        """Almost always the whole answer."""
        if self._read:
            data = self._read + data
        head = data.find(b"\r\n\r\n")
        if head >= 0:
            status = int(data[9:12])
            if status in NO_BODY:
                length = 0
            else:
                at = data.find(LENGTH, 0, head)
                if at < 0:
                    at = data.lower().find(LENGTH, 0, head)
                length = int(data[at + len(LENGTH) : data.find(b"\r", at)])
            if len(data) >= head + 4 + length:
                self._read = b""
                self._on_answer(self, status, data[head + 4 :])
                return
        self._read = data

    def connection_lost(self, _: Exception | None) -> None:
        """Whoever waits for an answer gets none."""
        self._on_answer(self, 0, b"")


class Caller:
    """One connection for those who go step by step: ask, look at the answer, ask again."""

    def __init__(self, connection: Connection, answers: "asyncio.Queue[tuple[int, bytes]]") -> None:
        """Made by `connected`."""
        self._connection, self._answers = connection, answers

    @classmethod
    async def connected(cls, url: str) -> "Caller":
        """Connect to `http://host:port`."""
        answers: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue()
        host, port = address(url)
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: Connection(lambda _, status, body: answers.put_nowait((status, body))), host, port
        )
        return cls(connection, answers)

    async def ask(self, request: bytes) -> tuple[int, Any]:
        """Status and JSON (None without a body)."""
        self._connection.transport.write(request)
        status, body = await self._answers.get()
        return status, json.loads(body) if body else None

    def close(self) -> None:
        """Hang up."""
        self._connection.transport.close()


def address(url: str) -> tuple[str, int]:
    """Host and port of `http://host:port`."""
    parts = urlsplit(url)
    return parts.hostname or "127.0.0.1", parts.port or 80


def counts(statuses: Mapping[int, int]) -> str:
    """`201×950 409×50`, for people."""
    return " ".join(f"{status}×{count}" for status, count in sorted(statuses.items()))
