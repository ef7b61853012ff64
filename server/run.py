"""`python -m server run`: some services in this process, and what every long-running command needs."""

import argparse
import asyncio
import errno
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import AsyncExitStack

from server import worker
from server.app import create_app, create_web, listen, serving
from server.kit import db, log
from server.kit.bus import Bus
from server.settings import Service, Settings

PORTS: Mapping[Service, int] = {
    "auth": 3001,
    "tickets": 3002,
    "orders": 3003,
    "payments": 3004,
    "expiration": 3005,
}
WEB_PORT = 3000
GRACE_SECONDS = 12
"""For requests in flight; the background then has 8 s more. A container is given 30 s in all."""


class Refusal(Exception):
    """A sentence for a person; exit 1."""


async def run(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Serve until a signal; at the end HTTP goes first, so that the relay publishes what it still wrote."""
    if "web" in options.services:
        return await _run_web(options, environ)
    services: list[Service] = options.services
    settings = Settings.load(environ, services)
    log.configure(settings.log_level)
    stop = stop_signal()
    links: list[Bus] = []
    async with AsyncExitStack() as background, AsyncExitStack() as front:
        urls = databases(settings, services)
        if urls:  # expiration alone has none
            await db.connect(urls)
            background.push_async_callback(db.disconnect)
        if options.only != "worker":
            port = settings.port if settings.port is not None else PORTS[services[0]]
            app = create_app(services, settings, checks={} if options.only else {"bus": bus_check(links)})
            sock = take(port, f"PORT={port + 1000}", host=str(settings.listen_host))
            await front.enter_async_context(serving(app, sock, grace=GRACE_SECONDS))
            print(f"{', '.join(services)} on {_address(sock)}", file=sys.stderr, flush=True)
        if options.only != "api":
            # The API answers while the broker is still away; the outbox keeps what it would have said.
            joining = asyncio.create_task(background.enter_async_context(worker.running(services, settings)))
            if not await joined(joining, stop):
                return 0
            links.extend(await joining)
        await stop.wait()
    return 0


async def _run_web(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """The web shop: it has no database and hears no bus, so it is a process of its own."""
    if options.services != ["web"] or options.only:
        raise Refusal("web runs by itself: python -m server run web")
    settings = Settings.load(environ, ["web"])
    log.configure(settings.log_level)
    stop = stop_signal()
    app = create_web(settings)
    port = settings.port if settings.port is not None else WEB_PORT
    sock = take(port, f"PORT={port + 1000}", host=str(settings.listen_host))
    async with serving(app, sock, grace=GRACE_SECONDS):
        print(f"web on {_address(sock)}", file=sys.stderr, flush=True)
        await stop.wait()
    return 0


async def joined(joining: asyncio.Task[list[Bus]], stop: asyncio.Event) -> bool:
    """Whether the broker was found before somebody asked us to stop."""
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({joining, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if stopping.done():
        joining.cancel()
        await asyncio.wait({joining})
        return False
    stopping.cancel()
    return True


def databases(settings: Settings, services: Collection[Service]) -> dict[str, str]:
    """Service → URL, for those that have a database."""
    return {name: settings.database(name) for name in services if name != "expiration"}


def stop_signal() -> asyncio.Event:
    """Set by Ctrl-C or SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def take(port: int, otherwise: str, *, host: str = "127.0.0.1") -> socket.socket:
    """Listen on a port. Raises Refusal, with another way to go."""
    try:
        return listen(port, host)
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            raise Refusal(f"{host} is no address of this machine: choose another LISTEN_HOST.") from error
        reason = f"Port {port} is taken ({error.strerror})."
        raise Refusal(f"{reason} Stop what uses it, or choose another: {otherwise}") from error


def _address(sock: socket.socket) -> str:
    host, port = sock.getsockname()
    return f"http://{host}:{port}"


def bus_check(links: list[Bus]) -> Callable[[], Awaitable[None]]:
    """What /readyz asks about the bus; `links` is empty until it was found."""

    async def check() -> None:
        if not links:
            raise ConnectionError("the bus does not answer")
        for link in links:
            link.check()

    return check
