"""`python -m server relay --replay-since`: builds a lost stream anew from the outboxes; `trace`: looks on."""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import datetime

from server.command import Refusal
from server.kit import bus, db, relay, tap
from server.kit.dial import INBOX
from server.run import databases
from server.settings import SERVICES, Service, Settings
from server.stopping import stop_signal
from server.worker import keeper_of

BUS_SECONDS = 10


async def replay(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Publish again what the chosen services published since then, and say how many that was. Exit 0."""
    settings = Settings.load(environ)
    every: list[Service] = [name for name in SERVICES if name != "expiration"]
    chosen = [options.service] if options.service else every
    # All of them before the first event is published, rather than half a stream.
    users = {} if options.dry_run else {name: _user(settings, name) for name in chosen}
    async with AsyncExitStack() as stack:
        await db.connect(databases(settings, chosen))
        stack.push_async_callback(db.disconnect)
        links = {
            name: await _bus(stack, settings, url, name=f"replay {name}", inbox=inbox)
            for name, (url, inbox) in users.items()
        }
        for service in chosen:
            when = options.replay_since
            since = when if isinstance(when, datetime) else await relay.ago(service, when)
            if service not in links:
                print(f"{service}: {await relay.published(service, since)} events would be published again")
            else:
                count = await _replay(service, links[service], since)
                print(f"{service}: {count} events were published again")
    return 0


async def trace(_: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Print every event from now on as a JSON line, until Ctrl-C. Exit 0."""
    settings = Settings.load(environ)
    if not settings.nats_url:
        raise Refusal("NATS_URL is not set: where is the bus?")
    stop = stop_signal(settings)
    async with AsyncExitStack() as stack:
        # As the one user who may read everything.
        link = await _bus(stack, settings, settings.nats_url, name="trace")
        print("Listening; Ctrl-C ends it.", file=sys.stderr, flush=True)
        async for event in tap.events(link, stop):
            print(json.dumps(event), flush=True)
    return 0


def _user(settings: Settings, service: Service) -> tuple[str, str]:
    """The address with the service's own user, for nobody else may say what it says, and its inbox."""
    url, inbox = settings.bus(service)
    if not url:
        raise Refusal(
            f"{service.upper()}_NATS_URL is not set, nor NATS_URL; only {service} may say its events again. "
            "Set it for each service, or run this in each one's own container, with --service."
        )
    return url, inbox


async def _bus(
    stack: AsyncExitStack, settings: Settings, url: str, *, name: str, inbox: str = INBOX
) -> bus.Bus:
    joining = bus.connect(url, name=name, keeper=keeper_of(settings), inbox=inbox)
    try:
        async with asyncio.timeout(BUS_SECONDS):
            return await stack.enter_async_context(joining)
    except TimeoutError as error:
        raise Refusal("The bus does not answer. Is Tix running?") from error


async def _replay(service: str, link: bus.Bus, since: datetime) -> int:
    try:
        return await relay.replay(service, link, since)
    except relay.BusStopped as error:
        raise Refusal(
            f"The bus stopped answering after {error.count} events of {service}. "
            "Run this again from the start: events that arrive twice do nothing twice."
        ) from error
