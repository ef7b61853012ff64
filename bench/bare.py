"""What the platform is measured against: servers that do nothing.

    python -m bench.bare sanic|wire PORT

`sanic` answers from a bare Sanic handler. `wire` answers without reading: how fast the load generator can be.
"""

import asyncio
import json
import sys
from typing import Any, cast

import uvloop
from sanic import HTTPResponse, Request, Sanic

from server.ports import listen

BODY = json.dumps(
    {
        "id": "0190a3c4-7b1e-7c5f-8a3d-2f1e4c6b8d90",
        "title": "Front row, the closing night of the season",
        "price": 4500,
        "currency": "usd",
        "venue": "Opera",
        "startsAt": "2030-05-01T20:00:00.000000Z",
        "seat": "A 12",
        "externalId": None,
        "userId": "0190a3c4-7b1e-7c5f-8a3d-2f1e4c6b8d91",
        "orderId": None,
        "status": "available",
        "version": 0,
        "createdAt": "2026-11-20T12:00:00.000000Z",
        "updatedAt": "2026-11-20T12:00:00.000000Z",
    }
)
"""As large as a ticket."""
ANSWER = f"HTTP/1.1 200 OK\r\ncontent-length: {len(BODY)}\r\nconnection: keep-alive\r\n\r\n{BODY}".encode()


class Wire(asyncio.Protocol):
    """An answer for each piece of data: the load generator sends a request in one."""

    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready to answer."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass

    def data_received(self, _: bytes) -> None:
        """Whatever it was."""
        self.transport.write(ANSWER)


async def _sanic(port: int) -> None:
    app: Sanic[Any, Any] = Sanic("bare", configure_logging=False)
    app.config.update({"ACCESS_LOG": False, "MOTD": False})

    @app.get("/")
    async def bare(_: Request) -> HTTPResponse:
        return HTTPResponse(BODY, content_type="application/json")

    server = await app.create_server(sock=listen(port), return_asyncio_server=True, backlog=1024)
    if server is None:
        raise RuntimeError("Sanic made no server")
    await server.startup()
    await server.serve_forever()


async def _wire(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Wire, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run({"sanic": _sanic, "wire": _wire}[sys.argv[1]](int(sys.argv[2])))
