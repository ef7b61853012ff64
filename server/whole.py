"""The whole platform in one process, on servers that are there."""

import asyncio
import json
import socket
from contextlib import AsyncExitStack

import asyncpg

from server import crew, worker
from server.app import LAME_DUCK_SECONDS, create_app, create_web, serving, shop_url
from server.command import Refusal
from server.gauges import scraped
from server.kit import bus, db, migrate, tap
from server.run import bus_check, databases, joined, say_metrics, traced
from server.settings import SERVICES, Settings
from server.stopping import stop_signal

GRACE_SECONDS = 2
"""For requests in flight: everything is gone within 5 s of Ctrl-C."""


async def prepare(settings: Settings) -> None:
    """Bring the databases up to date. Raises Refusal."""
    try:
        await migrate.upgrade(databases(settings, SERVICES))
    except (OSError, asyncpg.PostgresError) as error:
        raise Refusal(f"The database cannot be used: {error}") from error


async def work(  # noqa: PLR0913 - what `up` found out
    post: crew.Post,
    settings: Settings,
    sock: socket.socket,
    web_sock: socket.socket,
    trace_events: bool,  # noqa: FBT001 - of a process, which takes no names
    *,
    stop: asyncio.Event | None = None,
) -> int:
    """The platform itself, on servers that are there."""
    stop = stop or stop_signal(settings, post.line)
    notice = settings.drain_seconds
    async with AsyncExitStack() as stack:
        stack.push_async_callback(traced(settings, "up"))
        await db.connect(databases(settings, SERVICES), size=settings.database_connections)
        stack.push_async_callback(db.disconnect)
        joining = asyncio.create_task(stack.enter_async_context(worker.running(SERVICES, settings)))
        if not await joined(joining, stop):
            return 0
        links = await joining
        app = create_app(SERVICES, settings, checks={"bus": bus_check(links)}, shop=shop_url(settings))
        # It ends after the shop, which needs it, and has not been ready since the signal: few still come.
        last = min(notice, LAME_DUCK_SECONDS)
        await stack.enter_async_context(serving(app, sock, notice=last, grace=GRACE_SECONDS))
        web = create_web(settings, api_url=f"http://127.0.0.1:{settings.tix_api_port}")
        await stack.enter_async_context(serving(web, web_sock, notice=notice, grace=GRACE_SECONDS))
        scraping = scraped([*SERVICES, "web"], settings, links, checks=app.ctx.checks)
        say_metrics(await stack.enter_async_context(scraping))
        post.ready()
        if trace_events and post.number == 0:
            tracing = asyncio.create_task(_trace(settings, stop))
            stack.callback(tracing.cancel)
        await stop.wait()
        app.ctx.draining = True  # the shop goes first, and needs it; but nobody else shall come any more
    return 0


async def _trace(settings: Settings, stop: asyncio.Event) -> None:
    """As the one user who may read everything."""
    keeper = worker.keeper_of(settings)
    async with bus.connect(settings.nats_url or "", name="trace", keeper=keeper) as link:
        async for event in tap.events(link, stop):
            print(json.dumps(event), flush=True)
