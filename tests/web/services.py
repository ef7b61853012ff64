"""Services that are not Tix's: one says the same to everybody, one says nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def answering(
    status: int, body: bytes = b"hello", head: bytes = b""
) -> AsyncIterator[tuple[str, list[bytes]]]:
    """The address of something that answers the same to all; what it was asked."""
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        line = b"HTTP/1.1 %d .\r\nConnection: close\r\nContent-Length: %d\r\n" % (status, len(body))
        writer.write(line + head + b"\r\n" + body)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1") as server:
        yield _address(server), asked


@asynccontextmanager
async def hanging() -> AsyncIterator[str]:
    """The address of something that takes calls and answers none."""
    done = asyncio.Event()

    async def hang(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await done.wait()
        writer.close()

    async with await asyncio.start_server(hang, "127.0.0.1") as server:
        yield _address(server)
        done.set()


def _address(server: asyncio.Server) -> str:
    return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
