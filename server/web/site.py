"""The web shop: pages for people, asked of the services over HTTP with the visitor's own token."""

import gzip
import secrets
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from ssl import SSLContext
from typing import Any
from urllib.parse import urlsplit

import httpx
from sanic import HTTPResponse, Request, Sanic

from client import Tix
from client.http import trusted
from server.kit import limits, telemetry
from server.kit.http import new_app
from server.kit.log import request_id, user_id
from server.web import about, accounts, bff, orders, papers, payments, reference, sell, tickets
from server.web.assets import add_assets, load, takes_gzip
from server.web.failures import SAFE, Failures, StaleForm
from server.web.forms import fields
from server.web.outlook import spelt
from server.web.policy import permissions, policy
from server.web.render import environment
from server.web.visitor import Cookies, Visitor

visitor_address: ContextVar[str] = ContextVar("visitor_address")
"""Whose page is being made."""
SERVICE_SECONDS = 10.0
LONGEST_WAIT = 2.0
"""Seconds that a page waits for news on their way; a limit that lasts longer is told at once."""
PAGES_AT_ONCE = 200
"""Connections to the services."""
WORTH_COMPRESSING = 1000
SAME = frozenset({"same-origin", "none"})
"""Sec-Fetch-Site: from a page of ours, or typed by the person."""
HEADERS: Mapping[str, str] = {
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": permissions(),
}


@dataclass(frozen=True)
class Shop:
    """Where the shop finds the services, and where people find the shop."""

    services: Mapping[str, str]
    """auth, tickets, orders, payments → address."""
    secret: str
    """Seals the cookie, ≥ 32 characters."""
    public_url: str | None
    """As people type it; None on one's own machine, where any name of it will do."""
    stripe_key: str | None
    """The publishable one."""
    stripe_js: str
    stripe_api: str
    hold_seconds: int
    """How long a hold is."""
    extend_seconds: int
    """What adding time to a hold adds."""
    forwarded_secret: str | None
    """By it the services believe whose address a request is from."""
    is_development: bool
    """Show /styleguide."""
    previous_secret: str | None = None
    """Opens the cookie too."""


class ByService(httpx.AsyncBaseTransport):
    """Sends each call to the service whose path it has."""

    def __init__(self, services: Mapping[str, str], *, verify: SSLContext, connections: int) -> None:
        """Address by service; `connections` at once."""
        self._homes = {noun: httpx.URL(services[name]) for name, noun in bff.NOUNS.items()}
        self._inner = httpx.AsyncHTTPTransport(
            verify=verify, limits=httpx.Limits(max_connections=connections)
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Readdress it."""
        if not request.url.path.startswith("/api/"):  # one service's own, asked for by its address
            return await self._inner.handle_async_request(request)
        home = self._homes[request.url.path.split("/")[2]]
        request.url = request.url.copy_with(scheme=home.scheme, host=home.host, port=home.port)
        request.headers["Host"] = home.netloc.decode()
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


def create_site(name: str, shop: Shop) -> Sanic[Any, Any]:
    """The shop as an application of its own."""
    app = new_app(name, keys=None, revocations={}, errors=Failures())
    assets = load()
    app.config.FORWARDED_SECRET = shop.forwarded_secret
    app.config.TOUCHUP = False  # Sanic rewrites its own classes, once a process; under `up` the API is first
    app.ctx.shop = shop
    app.ctx.templates = environment(assets, reload=shop.is_development)
    app.ctx.templates.globals.update(
        hold=spelt(shop.hold_seconds), longest_hold=spelt(shop.hold_seconds + shop.extend_seconds)
    )
    is_https = (shop.public_url or "").startswith("https://")
    app.ctx.cookies = Cookies(shop.secret, secure=is_https, previous=shop.previous_secret)
    app.on_request(_meet, priority=1)  # before what may refuse the request, so that the refusal is a page
    app.on_request(_check_form)
    app.on_response(_part)
    add_assets(app, assets)
    for part in (accounts, tickets, orders, papers, payments, sell, bff, about, reference):
        app.blueprint(part.pages())
    bff.add_streams(app)
    _add_client(app, shop)
    return app


def _add_client(app: Sanic[Any, Any], shop: Shop) -> None:
    @app.before_server_start
    async def start(app: Sanic[Any, Any]) -> None:
        at = partial(ByService, shop.services, verify=trusted(*shop.services.values()))
        hooks: Any = {"request": [partial(_pass_on, secret=shop.forwarded_secret)]}
        app.ctx.tix = Tix(
            shop.services["tickets"],
            timeout=SERVICE_SECONDS,
            retries=1,
            longest_wait=LONGEST_WAIT,
            transport=at(connections=PAGES_AT_ONCE),
            hooks=hooks,
        )
        app.ctx.services = httpx.AsyncClient(
            base_url=shop.services["tickets"],
            timeout=httpx.Timeout(SERVICE_SECONDS, read=bff.SILENCE_SECONDS),
            transport=at(connections=limits.STREAMS + PAGES_AT_ONCE),
            event_hooks=hooks,
        )

    @app.after_server_stop
    async def stop(app: Sanic[Any, Any]) -> None:
        await app.ctx.tix.__aexit__(None, None, None)
        await app.ctx.services.aclose()


async def _pass_on(request: httpx.Request, *, secret: str | None) -> None:
    """A page and what it asks have one request id, and one address that limits count."""
    request.headers["X-Request-Id"] = request_id.get()
    request.headers.update(telemetry.carried())
    if secret:
        request.headers["Forwarded"] = f'for="{visitor_address.get()}";secret="{secret}"'


async def _meet(request: Request) -> None:
    """See who it is."""
    if request.raw_url.startswith(b"/static/"):
        return
    visitor_address.set(request.client_ip)
    known = request.app.ctx.cookies.read(request)
    request.ctx.nonce = secrets.token_urlsafe(16)
    request.ctx.visitor = known or Visitor.stranger()
    user_id.set(request.ctx.visitor.user_id)
    request.ctx.is_new = known is None
    request.ctx.forget = False


async def _check_form(request: Request) -> None:
    """Whoever sends a form must send it from a page of ours. Raises StaleForm."""
    if request.method in SAFE or not request.head or not hasattr(request.ctx, "visitor"):
        return  # what could not be read, or is below /static/, is refused all the same
    _check_origin(request)
    if not request.ctx.visitor.knows(request.headers.get("x-csrf") or fields(request).get("csrf", "")):
        raise StaleForm("It was made before you signed in or out, or not by this site.")


def _check_origin(request: Request) -> None:
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    shop: Shop = request.app.ctx.shop
    own = urlsplit(shop.public_url).netloc if shop.public_url else request.headers.get("host", "").lower()
    if (site is not None and site not in SAME) or (origin is not None and urlsplit(origin).netloc != own):
        raise StaleForm("This form was sent from another site.")


async def _part(request: Request, response: HTTPResponse) -> None:
    """What every answer carries."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    shop: Shop = request.app.ctx.shop
    if (shop.public_url or "").startswith("https://"):
        response.headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    if not hasattr(request.ctx, "visitor"):
        return
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.setdefault("Content-Security-Policy", policy(request.ctx.nonce))
    if request.ctx.forget:
        request.app.ctx.cookies.write(response, Visitor.stranger())
    elif request.ctx.is_new and response.content_type and response.content_type.startswith("text/html"):
        request.app.ctx.cookies.write(response, request.ctx.visitor)
    _compress(request, response)


def _compress(request: Request, response: HTTPResponse) -> None:
    body = response.body
    is_text = (response.content_type or "").startswith("text/html")
    if is_text and body and len(body) > WORTH_COMPRESSING and takes_gzip(request):
        response.body = gzip.compress(body, compresslevel=5, mtime=0)
        response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding, Cookie"
