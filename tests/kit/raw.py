"""Bytes sent to a server as they are: what no HTTP client would send."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    """All that came back."""

    text: bytes
    is_closed: bool
    """Whether the server ended the connection."""

    @property
    def statuses(self) -> list[int]:
        """The status of each response, in order."""
        lines = [line for line in self.text.split(b"\r\n") if b"HTTP/1.1 " in line]
        return [int(line.split(b"HTTP/1.1 ")[1][:3]) for line in lines]


async def send(api_url: str, *parts: bytes, patience: float = 1.0) -> Answer:
    """Send the parts, then read until the server closes or says nothing for `patience` seconds."""
    where = urlsplit(api_url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    text, is_closed = b"", False
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        while True:
            more = await asyncio.wait_for(reader.read(65536), patience)
            if not more:
                is_closed = True
                break
            text += more
    except TimeoutError:
        pass
    except ConnectionError:
        is_closed = True
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    return Answer(text, is_closed)
