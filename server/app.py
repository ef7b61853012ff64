"""Composition root, HTTP: which services answer in this process, and with what."""

import asyncio
import itertools
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any

from sanic import Blueprint, HTTPResponse, Request, Sanic
from sanic.response import json, redirect

from server import events
from server.auth import api as auth_api
from server.auth.service import Hasher
from server.kit import db, guard
from server.kit.auth import Keys, RemoteKeys, Revocations, SigningKey
from server.kit.errors import Unavailable
from server.kit.feed import Feed, Projection
from server.kit.follow import follow
from server.kit.http import new_app
from server.kit.log import log
from server.kit.reference import add_reference
from server.kit.sse import Streams
from server.orders import api as orders_api
from server.orders import changes as order_changes
from server.payments import api as payments_api
from server.payments import till
from server.payments.gateway import Gateway
from server.settings import Service, Settings, SettingsError
from server.tickets import api as tickets_api
from server.tickets import changes as ticket_changes
from server.web import bff, site

Check = Callable[[], Awaitable[None]]
"""Raises while its part is not ready."""

STRIPE_SECONDS = 4
"""A request may need three calls, and Sanic answers for it after 15 s."""

BACKLOG = 1024
"""Connections that wait to be accepted."""
LAME_DUCK_SECONDS = 0.25
"""Longer than a request needs from the kernel's queue to us."""

FOLLOWED: tuple[Service, ...] = ("orders", "tickets")
"""Services whose changes people follow: those read the whole stream."""

_numbers = itertools.count()


def gateway_of(settings: Settings) -> Gateway:
    """Stripe, or whatever STRIPE_API_BASE speaks like it."""
    from server.payments.stripe_gateway import StripeGateway  # noqa: PLC0415 - Stripe's library costs 0.1 s

    return StripeGateway(
        key=settings.stripe_key or "",
        webhook_secret=settings.stripe_webhook_secret or "",
        previous_webhook_secret=settings.stripe_webhook_secret_previous,
        base=settings.stripe_api_base,
        timeout=STRIPE_SECONDS,
        rate=settings.stripe_rate,
    )


def keys_of(services: Collection[Service], settings: Settings) -> Keys:
    """auth's own key where auth runs in this process, its published ones elsewhere."""
    if "auth" in services:
        if settings.jwt_secret is None:
            raise SettingsError("JWT_SECRET is not set, and auth cannot sign without it.")
        return SigningKey(settings.jwt_secret, previous=settings.jwt_secret_previous)
    if settings.jwks_url is None:
        raise SettingsError("JWKS_URL is not set, and tokens cannot be verified without it.")
    return RemoteKeys(settings.jwks_url)


def runner_of(gateway: Gateway, settings: Settings) -> till.Runner:
    """How payments calls Stripe, for a request or in the background."""
    return till.runner(
        gateway,
        capture_deadline=timedelta(seconds=settings.capture_deadline_seconds),
        return_url=f"{shop_url(settings)}/orders/{{order_id}}",
    )


def shop_url(settings: Settings) -> str:
    """Where people find the web shop."""
    return settings.public_url or f"http://127.0.0.1:{settings.tix_web_port}"


def create_app(  # noqa: PLR0913 - what tests replace, and what only `up` knows
    services: Collection[Service],
    settings: Settings,
    *,
    gateway: Gateway | None = None,
    keys: Keys | None = None,
    checks: Mapping[str, Check] | None = None,
    shop: str | None = None,
) -> Sanic[Any, Any]:
    """The HTTP side of `services`; tests pass fakes for what they do not want for real.

    `checks` name further parts that `/readyz` asks (the bus, say). The databases must be connected.
    Whoever opens the API's own address in a browser is led to `shop`, by default PUBLIC_URL.
    """
    revocations: dict[str, Revocations] = {
        name: Revocations(name) for name in services if name != "expiration"
    }
    if keys is None and revocations:  # expiration alone has nobody to recognise
        keys = keys_of(services, settings)
    own_gateway = gateway_of(settings) if "payments" in services and gateway is None else None
    app = new_app(f"tix-{next(_numbers)}", keys=keys, revocations=revocations)
    app.config.FORWARDED_SECRET = settings.forwarded_secret
    app.ctx.streams = Streams(_feed(app, services, settings))
    for blueprint in _blueprints(services, settings, gateway or own_gateway, keys, app.ctx.streams):
        app.blueprint(blueprint)
    add_reference(app)
    if where := shop or settings.public_url:
        app.add_route(partial(_home, shop=where), "/", name="home")
    add_health(app, {**{name: _database_check(name) for name in revocations}, **(checks or {})})

    @app.before_server_start
    async def start(app: Sanic[Any, Any]) -> None:
        await _read(revocations.values())  # before the first request: a restart revives no token
        app.ctx.watches = [asyncio.create_task(_watch(revocations.values()))]
        if isinstance(keys, RemoteKeys):
            app.ctx.watches.append(asyncio.create_task(keys.watch()))

    @app.after_server_stop
    async def stop(app: Sanic[Any, Any]) -> None:
        for watch in app.ctx.watches:
            watch.cancel()
        if own_gateway is not None:
            await own_gateway.close()

    return app


def create_web(settings: Settings, *, api_url: str | None = None) -> Sanic[Any, Any]:
    """The web shop; `api_url`: all services are there, on this machine. Raises SettingsError."""
    if settings.web_secret is None:
        raise SettingsError("WEB_SECRET is not set, and web cannot keep people signed in without it.")
    shop = site.Shop(
        services={name: api_url or str(getattr(settings, f"{name}_url")) for name in bff.NOUNS},
        secret=settings.web_secret,
        previous_secret=settings.web_secret_previous,
        public_url=settings.public_url,
        stripe_key=settings.stripe_publishable_key,
        stripe_js=settings.stripe_js_url,
        stripe_api=settings.stripe_api_base,
        hold_seconds=settings.hold_seconds,
        extend_seconds=settings.extend_seconds,
        forwarded_secret=settings.forwarded_secret,
        is_development=api_url is not None,
    )
    app = site.create_site(f"web-{next(_numbers)}", shop)
    add_health(app, {})
    return app


def add_health(app: Sanic[Any, Any], checks: Mapping[str, Check]) -> None:
    """The probes, at the paths every service has them."""
    app.ctx.checks = checks
    app.add_route(_livez, "/livez", name="livez")
    app.add_route(_readyz, "/readyz", name="readyz")


def _feed(app: Sanic[Any, Any], services: Collection[Service], settings: Settings) -> Feed:
    """What `services` tell those who follow changes, as long as `app` serves."""
    projections: list[Projection] = []
    if "orders" in services:
        projections.append(order_changes.changes)
    if "tickets" in services:
        projections.append(ticket_changes.Changes())
    reader = next((name for name in FOLLOWED if name in services), None)
    url, inbox = settings.bus(reader) if reader else ("", "")
    feed = Feed(projections, partial(follow, url=url, inbox=inbox, catalogue=events.CATALOGUE))

    @app.before_server_stop
    async def hang_up(_: Sanic[Any, Any]) -> None:
        feed.end()

    @app.after_server_stop
    async def close(_: Sanic[Any, Any]) -> None:
        await feed.close()

    return feed


def _blueprints(
    services: Collection[Service],
    settings: Settings,
    gateway: Gateway | None,
    keys: Keys | None,
    streams: Streams,
) -> list[Blueprint]:
    made: list[Blueprint] = []
    if "auth" in services:
        assert isinstance(keys, SigningKey)  # noqa: S101 - keys_of gives auth its own key
        hasher = Hasher(
            settings.password_pepper or "",
            settings.bcrypt_cost,
            previous_pepper=settings.password_pepper_previous,
        )
        made.append(auth_api.routes(key=keys, hasher=hasher, lifetime=timedelta(hours=settings.token_hours)))
    if "tickets" in services:
        made.append(tickets_api.routes())
        made.append(ticket_changes.routes(streams=streams))
    if "orders" in services:
        made.append(
            orders_api.routes(
                hold_seconds=settings.hold_seconds,
                extend_seconds=settings.extend_seconds,
                max_holds=settings.max_live_holds,
            )
        )
        made.append(order_changes.routes(streams=streams))
    if "payments" in services and gateway is not None:
        made.append(payments_api.routes(gateway=gateway, run=runner_of(gateway, settings)))
    return made


async def _watch(revocations: Collection[Revocations]) -> None:
    while True:
        await asyncio.sleep(1)
        await _read(revocations)


async def _read(revocations: Collection[Revocations]) -> None:
    for list_ in revocations:
        try:
            await list_.refresh()
        except Exception as error:  # noqa: BLE001 - tables not migrated yet, say: never stop watching
            log.error("revocations not read", service=list_.service, exc_info=error)


async def _home(_: Request, *, shop: str) -> HTTPResponse:
    """Whoever opens the API's address in a browser wants the shop."""
    return redirect(shop, status=303)


async def _livez(_: Request) -> HTTPResponse:
    return json({"status": "alive"})


class NotReady(Unavailable):
    """Do not send people here now; `failing` names the parts."""

    code = "not_ready"
    title = "Not ready"


async def _readyz(request: Request) -> HTTPResponse:
    """200 when every part answers. Raises NotReady."""
    failing = ["draining"] if request.app.ctx.draining else []
    for name, check in request.app.ctx.checks.items():
        try:
            await asyncio.wait_for(check(), 2)
        except Exception:  # noqa: BLE001 - whatever is wrong, the part is not ready
            failing.append(name)
    if failing:
        raise NotReady(f"Not ready: {', '.join(failing)}.", failing=failing)
    return json({"status": "ready"})


def _database_check(service: str) -> Check:
    async def check() -> None:
        await db.ping(service)

    return check


@asynccontextmanager
async def serving(
    app: Sanic[Any, Any], sock: socket.socket, *, notice: float = LAME_DUCK_SECONDS, grace: float = 10
) -> AsyncIterator[None]:
    """Serve on `sock`; at the end go on for `notice` seconds, not ready, and then take nothing new.

    Streams are told to come back elsewhere; requests in flight have `grace` seconds more.
    Raises OSError when another program listens there by now: uvloop would say nothing of it.
    """
    sock.listen(BACKLOG)
    server = await app.create_server(
        sock=sock, protocol=guard.BoundedProtocol, return_asyncio_server=True, backlog=BACKLOG
    )
    if server is None:
        raise RuntimeError("Sanic made no server")
    await server.startup()
    await server.before_start()
    await server.start_serving()
    await server.after_start()
    try:
        yield
    finally:
        await _drain(app, server, notice, grace)
        await server.after_stop()


async def _drain(app: Sanic[Any, Any], server: Any, notice: float, grace: float) -> None:  # noqa: ANN401 - Sanic does not type it
    """Answer what has arrived, take nothing new, and end.

    First a moment in which /readyz says no and each answer closes its connection, so that an edge looks
    elsewhere, and connections that the kernel has already accepted for us are served: closing the listener at
    once would reset those. Streams end only then, or their clients would come back to us.
    """
    app.ctx.draining = True
    await asyncio.sleep(notice)
    await server.before_stop()
    server.close()
    end = time.monotonic() + grace
    while server.connections and time.monotonic() < end:
        for connection in tuple(server.connections):
            connection.close_if_idle()
        await asyncio.sleep(0.02)
    for connection in tuple(server.connections):
        connection.abort()
    await server.wait_closed()
