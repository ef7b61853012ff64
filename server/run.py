"""`python -m server run`: some services in this process, and what every long-running command needs."""

import argparse
import asyncio
import socket
import sys
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import AsyncExitStack
from functools import partial
from typing import Literal

from server import crew, worker
from server.app import create_app, create_web, serving
from server.command import Refusal
from server.gauges import scraped
from server.kit import db, log, telemetry
from server.kit.bus import Bus
from server.ports import PORTS, take
from server.settings import Service, Settings
from server.stopping import GRACE_SECONDS, stop_signal


async def run(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Serve until a signal; at the end HTTP goes first, so that the relay publishes what it still wrote."""
    services: list[Service | Literal["web"]] = options.services
    if "web" in services and (services != ["web"] or options.only):
        raise Refusal("web runs by itself: python -m server run web")
    settings = Settings.load(environ, services)
    log.configure(settings.log_level)
    stop = stop_signal(settings)
    sock = None
    if options.only != "worker":
        port = settings.port if settings.port is not None else PORTS[services[0]]
        sock = take(port, f"PORT={port + 1000}", host=str(settings.listen_host))
    announce = partial(_say, services, sock, options.workers)
    if options.workers == 1:
        return await _work(crew.Post(announce=announce), settings, services, options.only, sock, stop=stop)
    arguments = (services, options.only, sock)
    return await crew.Crew(options.workers, _work, settings, arguments).run(stop, announce)


async def _work(  # noqa: PLR0913 - what `run` found out
    post: crew.Post,
    settings: Settings,
    services: list[Service | Literal["web"]],
    only: Literal["api", "worker"] | None,
    sock: socket.socket | None,
    *,
    stop: asyncio.Event | None = None,
) -> int:
    stop = stop or stop_signal(settings, post.line)
    parts = [service for service in services if service != "web"]
    links: list[Bus] = []
    async with AsyncExitStack() as background, AsyncExitStack() as front:
        background.push_async_callback(traced(settings, *services))
        urls = databases(settings, parts)
        if urls:  # web and expiration have none
            await db.connect(urls, size=settings.database_connections)
            background.push_async_callback(db.disconnect)
        checks = {"bus": bus_check(links)} if parts and only != "api" else {}
        host = str(settings.listen_host)
        scraping = scraped(services, settings, links, host=host, checks=checks)
        say_metrics(await background.enter_async_context(scraping))
        if sock is not None:
            app = create_app(parts, settings, checks=checks) if parts else create_web(settings)
            await front.enter_async_context(
                serving(app, sock, notice=settings.drain_seconds, grace=GRACE_SECONDS)
            )
        post.ready()
        if parts and only != "api":
            # The API answers while the broker is still away; the outbox keeps what it would have said.
            joining = asyncio.create_task(background.enter_async_context(worker.running(parts, settings)))
            if not await joined(joining, stop):
                return 0
            links.extend(await joining)
        await stop.wait()
    return 0


def _say(services: Collection[str], sock: socket.socket | None, workers: int) -> None:
    where = f" on {_address(sock)}" if sock else ""
    crowd = f", {workers} workers" if workers > 1 else ""
    if where or crowd:
        print(f"{', '.join(services)}{where}{crowd}", file=sys.stderr, flush=True)


def say_metrics(address: str | None) -> None:
    """Where a process tells its metrics, which only it knows."""
    if address:
        print(f"metrics on {address}", file=sys.stderr, flush=True)


def traced(settings: Settings, *services: str) -> Callable[[], Awaitable[None]]:
    """Send traces where the settings say; returns what sends the last ones, some seconds at most."""
    end = telemetry.configure(settings.otel_exporter_otlp_endpoint, process=f"tix-{'-'.join(services)}")
    return partial(asyncio.to_thread, end)


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
