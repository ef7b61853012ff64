"""The real platform, started for tests, and the people who use it over HTTP."""

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import nats
import redis.asyncio
from uuid_utils.compat import uuid7

from server import doctor, worker
from server.app import create_app, serving, shop_url
from server.kit import bus
from server.kit.auth import SIGN_IN_SCOPES, SigningKey
from server.kit.bus import Bus
from server.kit.keeper import STREAM
from server.kit.sse import Streams
from server.local.datadir import is_free
from server.payments.gateway import Gateway
from server.ports import listen
from server.settings import SERVICES, Service, Settings
from server.worker import TABLES, Jobs, redis_url
from tests.waiting import until

ROOT = Path(__file__).parents[1]
DATA_TABLES: Mapping[str, tuple[str, ...]] = {
    "auth": ("users",),
    "tickets": ("tickets", "dead_letters"),
    "orders": ("orders", "order_history", "tickets", "dead_letters"),
    "payments": ("orders", "payments", "ledger", "dead_letters"),
}


def databases(settings: Settings) -> dict[str, str]:
    """Service → URL, for those that have one."""
    return {service: settings.database(service) for service in SERVICES if service != "expiration"}


@asynccontextmanager
async def database(settings: Settings, service: str) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """A connection of the URL's own role, in the service's schema."""
    session = await asyncpg.connect(settings.database(service), server_settings={"search_path": service})  # type: ignore[arg-type]
    try:
        yield session
    finally:
        await session.close()


@asynccontextmanager
async def pools(settings: Settings) -> AsyncIterator[Mapping[str, "asyncpg.Pool[Any]"]]:
    """The same for many short looks, each of which would cost less than its connection; by service."""
    async with AsyncExitStack() as stack:
        yield {
            service: await stack.enter_async_context(
                asyncpg.create_pool(url, min_size=0, max_size=30, server_settings={"search_path": service})
            )
            for service, url in databases(settings).items()
        }


async def wipe(settings: Settings) -> None:
    """An empty platform: no rows, no messages, no alarms."""
    for service, tables in DATA_TABLES.items():
        async with database(settings, service) as session:
            await session.execute(f"TRUNCATE {', '.join((*tables, *TABLES[service]))}")
    client = await nats.connect(settings.nats_url or "")
    with contextlib.suppress(nats.js.errors.NotFoundError):
        # Emptied first: one deleted and made again at once was seen to come back with its last message.
        await client.jetstream().purge_stream(STREAM)
        await client.jetstream().delete_stream(STREAM)
    await client.close()
    async with redis.asyncio.Redis.from_url(redis_url(settings)) as alarms:
        await alarms.flushall()


@asynccontextmanager
async def keeping(settings: Settings, *, patience: float = 0.25) -> AsyncIterator[Bus]:
    """The bus with its stream, for somebody who may do everything there."""
    keeper = worker.keeper_of(settings)
    await keeper.start()
    url = settings.nats_url or ""
    async with bus.connect(url, name="probe", keeper=keeper, patience=patience) as link:
        yield link


@dataclass
class User:
    """Somebody with a token."""

    id: UUID
    http: httpx.AsyncClient
    headers: dict[str, str]

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Any request, with the token."""
        headers = {**self.headers, **more.pop("headers", {})}
        return await self.http.request(method, path, headers=headers, **more)

    async def get(self, path: str, **more: Any) -> httpx.Response:
        """GET."""
        return await self.ask("GET", path, **more)

    async def post(self, path: str, json: Any, **more: Any) -> httpx.Response:
        """POST a JSON body."""
        return await self.ask("POST", path, json=json, **more)

    async def put(self, path: str, json: Any, **more: Any) -> httpx.Response:
        """PUT a JSON body."""
        return await self.ask("PUT", path, json=json, **more)

    async def delete(self, path: str, **more: Any) -> httpx.Response:
        """DELETE."""
        return await self.ask("DELETE", path, **more)

    async def list_ticket(self, **fields: Any) -> dict[str, Any]:
        """A new listing, as answered."""
        answer = await self.post("/api/tickets", {"title": "Front row", "price": 4500, **fields})
        assert answer.status_code == 201, answer.text
        return answer.json()  # type: ignore[no-any-return]

    async def reserve(self, ticket_id: str, **fields: Any) -> httpx.Response:
        """Try to hold a ticket."""
        return await self._once_visible("/api/orders", {"ticketId": ticket_id, **fields})

    async def hold(self, ticket_id: str) -> dict[str, Any]:
        """Hold a ticket; it must work."""
        answer = await self.reserve(ticket_id)
        assert answer.status_code == 201, answer.text
        return answer.json()  # type: ignore[no-any-return]

    async def pay(self, order_id: str, method: str | None = "pm_card_visa", **more: Any) -> httpx.Response:
        """Try to pay an order."""
        body = {"orderId": order_id, **({"paymentMethod": method} if method else {})}
        return await self._once_visible("/api/payments", body, **more)

    async def _once_visible(self, path: str, body: Any, **more: Any) -> httpx.Response:
        """POST; again while it is told that news of a moment ago is on its way, as a client would."""
        answers: list[httpx.Response] = []

        async def visible() -> bool:
            answers.append(await self.post(path, body, **more))
            return answers[-1].status_code != 503 or answers[-1].json()["code"] != "not_yet_visible"

        await until(visible, f"what {path} is about is visible")
        return answers[-1]

    async def open_page(self, order_id: str, **more: Any) -> httpx.Response:
        """Ask for a hosted page to pay an order on."""
        return await self.post("/api/payments", {"orderId": order_id, "mode": "checkout"}, **more)

    async def order(self, order_id: str) -> dict[str, Any]:
        """The order as it is."""
        answer = await self.get(f"/api/orders/{order_id}")
        assert answer.status_code == 200, answer.text
        return answer.json()  # type: ignore[no-any-return]

    async def order_in(self, order_id: str, *statuses: str, timeout: float = 10) -> dict[str, Any]:
        """The order once it is in one of these states."""
        seen: dict[str, Any] = {}

        async def arrived() -> bool:
            seen.update(await self.order(order_id))
            return seen["status"] in statuses

        await until(arrived, f"order {order_id} is {' or '.join(statuses)}", timeout)
        return seen


@dataclass
class Platform:
    """A running platform and how to reach its parts."""

    api_url: str
    settings: Settings
    key: SigningKey
    http: httpx.AsyncClient
    pools: Mapping[str, "asyncpg.Pool[Any]"]
    bus: Bus | None = None
    streams: Streams | None = None
    links: Sequence[Bus] = ()
    """Those of the services; `bus` is the keeper's."""

    def user(self, *scopes: str, lifetime: timedelta = timedelta(hours=1)) -> User:
        """A fresh user with a token of our own minting; without scopes: all of them."""
        id_ = uuid7()
        token, _ = self.key.mint(
            user_id=id_, email=f"{id_}@example.com", lifetime=lifetime, scopes=scopes or SIGN_IN_SCOPES
        )
        return User(id_, self.http, {"Authorization": f"Bearer {token}"})

    @asynccontextmanager
    async def database(self, service: str) -> AsyncIterator["asyncpg.pool.PoolConnectionProxy[Any]"]:
        """A connection to a service's schema that may do everything."""
        async with self.pools[service].acquire() as session:
            yield session

    async def count(self, service: str, sql: str, *values: object) -> int:
        """The one number a query answers."""
        async with self.database(service) as session:
            return int(await session.fetchval(sql, *values))

    async def ticket_in(self, ticket_id: str, *statuses: str, timeout: float = 10) -> dict[str, Any]:
        """The ticket once it shows one of these."""
        seen: dict[str, Any] = {}

        async def arrived() -> bool:
            seen.update((await self.http.get(f"/api/tickets/{ticket_id}")).json())
            return seen["status"] in statuses

        await until(arrived, f"ticket {ticket_id} is {' or '.join(statuses)}", timeout)
        return seen

    async def doctor(self, *, patience: float = 10) -> None:
        """Every promise holds."""
        report = await doctor.examine(databases(self.settings), patience=patience)
        assert report.is_clean, report.as_text()


def client(api_url: str, *, connections: int = 250) -> httpx.AsyncClient:
    """HTTP with room for a crowd."""
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    return httpx.AsyncClient(base_url=api_url, timeout=30, limits=limits, trust_env=False)


@asynccontextmanager
async def started(
    settings: Settings,
    *,
    services: tuple[Service, ...] = SERVICES,
    jobs: Jobs = Jobs(),
    gateway: Gateway | None = None,
    background: bool = True,
) -> AsyncIterator[Platform]:
    """The platform in this process, on the port its Stripe sandbox knows; databases must be connected."""
    async with AsyncExitStack() as stack:
        link, links = None, list[Bus]()
        if background:
            running = worker.running(services, settings, jobs=jobs, gateway=gateway, patience=0.05)
            links = await stack.enter_async_context(running)
            link = await stack.enter_async_context(keeping(settings))
        app = create_app(services, settings, gateway=gateway, shop=shop_url(settings))
        sock = listen(settings.tix_api_port)
        await stack.enter_async_context(serving(app, sock, grace=2))
        api_url = f"http://127.0.0.1:{settings.tix_api_port}"
        http = await stack.enter_async_context(client(api_url))
        sessions = await stack.enter_async_context(pools(settings))
        key = SigningKey(settings.jwt_secret or "")
        yield Platform(api_url, settings, key, http, sessions, link, app.ctx.streams, links)


def free_port() -> int:
    """A port nobody has right now, below those (32,768 and up) that any client may be given meanwhile."""
    while not is_free(port := random.randrange(10_000, 20_000)):  # noqa: S311 - no secret
        pass
    return port


class Process:
    """`python -m server …` as a process of its own."""

    def __init__(self, *arguments: str, env: Mapping[str, str], log: Path) -> None:
        self.log = log
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "server", *arguments],
                cwd=ROOT,
                env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **env},
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """Its exit status, once it has one."""
        return self._process.poll()

    async def end(self, number: int = signal.SIGTERM, *, timeout: float = 20) -> int:
        """Signal it and wait; returns its exit status."""
        if self.status is None:
            self._process.send_signal(number)
        return await until(self._ended, f"process {self.pid} ends", timeout) - 1000

    def _ended(self) -> int:
        status = self.status
        return 0 if status is None else status + 1000  # never 0, so that `until` sees it

    async def ready(self, api_url: str, *, timeout: float = 30) -> None:
        """Wait until /readyz says so."""
        async with httpx.AsyncClient(trust_env=False) as http:  # one: to make it takes 25 ms of a core

            async def is_ready() -> bool:
                if self.status is not None:
                    raise AssertionError(f"exit {self.status}: {self.log.read_text()[-2000:]}")
                with contextlib.suppress(httpx.HTTPError):
                    return (await http.get(f"{api_url}/readyz", timeout=2)).status_code == 200
                return False

            await until(is_ready, f"{api_url} is ready", timeout)


async def command(*arguments: str, env: Mapping[str, str]) -> tuple[int, str, str]:
    """Run `python -m server …` to its end; returns exit status, stdout and stderr."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "server", *arguments),
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, errors = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, out.decode(), errors.decode()


def environment(settings: Settings, **more: object) -> dict[str, str]:
    """These settings as environment variables of a process."""
    values = {name.upper(): value for name, value in settings.model_dump().items() if value is not None}
    return {name: str(value) for name, value in {**values, **{k.upper(): v for k, v in more.items()}}.items()}


async def gather_outcomes(*calls: Callable[[], Any]) -> list[Any]:
    """Make the calls at the same moment; an exception is an outcome too."""
    return await asyncio.gather(*(call() for call in calls), return_exceptions=True)
