"""`python -m server up`: the whole platform in one process; `infra`: only the embedded servers.

Most of Tix takes a second to import, so this module does without it, and has it done while the servers start.
"""

import argparse
import asyncio
import re
import shlex
import sys
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType

from server import crew
from server.command import Refusal
from server.kit import log
from server.local import LocalError, LocalServers, fresh_secrets
from server.ports import take
from server.settings import SERVICES, Settings
from server.stopping import stop_signal

NEIGHBOURS = {
    "JWKS_URL": "http://127.0.0.1:3001/.well-known/jwks.json",
    "AUTH_URL": "http://127.0.0.1:3001",
    "TICKETS_URL": "http://127.0.0.1:3002",
    "ORDERS_URL": "http://127.0.0.1:3003",
    "PAYMENTS_URL": "http://127.0.0.1:3004",
    "PUBLIC_URL": "http://127.0.0.1:3000",
}
"""Where services in processes of their own find each other on this machine."""

# Which embedded server stands in for which setting.
TWINS = {"postgres": "DATABASE_URL", "nats": "NATS_URL", "redis": "REDIS_HOST", "stripe": "STRIPE_KEY"}
ADDRESSES = (
    *TWINS.values(),
    *(f"{name.upper()}_NATS_URL" for name in SERVICES),
    *("REDIS_PORT", "REDIS_PASSWORD", "STRIPE_WEBHOOK_SECRET", "STRIPE_API_BASE"),
)
"""Of servers that are not ours: `infra` hands them on with those of its own."""

_reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reader")
"""Imports; the loop meanwhile hears Ctrl-C."""


async def up(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Start what has no URL, migrate, serve until a signal, stop everything."""
    started = time.perf_counter()
    settings = Settings.load(environ)
    log.configure(settings.log_level)
    stop = stop_signal(settings)
    sock = take(settings.tix_api_port, "TIX_API_PORT=8090 make run")
    port = sock.getsockname()[1]
    web_sock = take(settings.tix_web_port, "TIX_WEB_PORT=3010 make run")
    web_port = web_sock.getsockname()[1]
    if options.workers > 1:
        crew.prepare()
    reading = _reader.submit(import_module, "server.whole")
    at = f"http://127.0.0.1:{port}"
    servers = _servers(settings, environ, at, partial(_users, reading), taken=(port, web_port))
    try:
        given = await _start(servers, stop)
        if given is None:
            return 0
        ports = {"TIX_API_PORT": str(port), "TIX_WEB_PORT": str(web_port)}
        settings = Settings.load({**given, **non_empty(environ), **ports}, SERVICES)
        _write_env(settings.tix_data_dir / "env", given)
        await asyncio.wrap_future(reading)
        from server import whole  # noqa: PLC0415 - see above

        await whole.prepare(settings)
        watching = asyncio.create_task(_watch(servers, stop))
        arguments = (sock, web_sock, options.trace_events)
        try:
            announce = partial(_banner, settings, servers, started)
            if options.workers == 1:
                return await whole.work(crew.Post(announce=announce), settings, *arguments, stop=stop)
            return await crew.Crew(options.workers, whole.work, settings, arguments).run(stop, announce)
        finally:
            stop.set()
            await watching
    finally:
        await asyncio.to_thread(servers.stop)


def _servers(
    settings: Settings,
    environ: Mapping[str, str],
    api_url: str,
    users: Callable[[], str],
    *,
    taken: Collection[int] = (),
) -> LocalServers:
    """The embedded servers that have no twin in the environment."""
    wanted = [name for name, variable in TWINS.items() if not environ.get(variable)]
    return LocalServers(settings.tix_data_dir, wanted=wanted, api_url=api_url, bus_users=users, taken=taken)


def _users(reading: Future[ModuleType]) -> str:
    """NATS' users, which follow from what every service says and hears: it starts when that was read."""
    reading.result()
    from server.grants import nats_users  # noqa: PLC0415 - see above

    return nats_users()


async def _start(servers: LocalServers, stop: asyncio.Event) -> dict[str, str] | None:
    """The servers' environment, or None if somebody asked us to stop before they were up."""
    starting = asyncio.create_task(asyncio.to_thread(servers.start))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if stopping.done() and not starting.done():
        await asyncio.to_thread(servers.stop)  # which ends a start under way
        await asyncio.wait({starting})
        starting.exception()
        return None
    stopping.cancel()
    return await starting


async def infra(_: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Run what has no URL until a signal, for services in processes of their own."""
    settings = Settings.load(environ)
    log.configure(settings.log_level)
    stop = stop_signal(settings)
    reading = _reader.submit(import_module, "server.whole")
    servers = _servers(settings, environ, "http://127.0.0.1:3004", partial(_users, reading))
    try:
        given = await _start(servers, stop)
        if given is None:
            return 0
        elsewhere = {name: value for name, value in non_empty(environ).items() if name in ADDRESSES}
        _write_env(settings.tix_data_dir / "env", {**given, **elsewhere, **NEIGHBOURS})
        await asyncio.wrap_future(reading)
        from server import whole  # noqa: PLC0415 - see above

        await whole.prepare(Settings.load({**given, **non_empty(environ)}))
        print(
            *servers.describe(),
            f"addresses   {settings.tix_data_dir / 'env'}",
            sep="\n",
            file=sys.stderr,
            flush=True,
        )
        await _watch(servers, stop)
    finally:
        await asyncio.to_thread(servers.stop)
    return 0


async def secrets(options: argparse.Namespace, _: Mapping[str, str]) -> int:
    """Print a new value for each secret that the file of `--missing` has not; Compose and kubectl take it."""
    try:
        there = (
            re.findall(r"^\s*(\w+)\s*=", options.missing.read_text(), re.MULTILINE) if options.missing else ()
        )
    except OSError as error:
        raise Refusal(f"{options.missing} cannot be read: {error.strerror}") from error
    for name, value in fresh_secrets().items():
        if name not in there:
            print(f"{name}={value}")
    return 0


async def users(_: argparse.Namespace, __: Mapping[str, str]) -> int:
    """Print NATS' users and what each may do, as a part of its configuration."""
    from server.grants import nats_users  # noqa: PLC0415 - see above

    print(nats_users(), end="")
    return 0


def _banner(settings: Settings, servers: LocalServers, started: float) -> None:
    seconds = time.perf_counter() - started
    port = settings.tix_api_port
    lines = [
        f"Tix is up, after {seconds:.1f} s.",
        "",
        f"  Web shop    http://127.0.0.1:{settings.tix_web_port}",
        f"  API         http://127.0.0.1:{port}",
        *(f"  {line}" for line in servers.describe()),
        f"  data        {settings.tix_data_dir} (kept; delete it to start afresh)",
        "",
        "Try, in another terminal:",
        f"  curl http://127.0.0.1:{port}/readyz",
        "  .venv/bin/tix auth signup --email you@example.com",
        "  .venv/bin/tix tickets create --title 'Front row' --price 45.00",
        "  make demo",
        "",
        "Ctrl-C stops everything.",
    ]
    print("\n".join(lines), file=sys.stderr, flush=True)


async def _watch(servers: LocalServers, stop: asyncio.Event) -> None:
    """Start an embedded server again that died, until `stop`."""
    while not stop.is_set():
        for name in await asyncio.to_thread(servers.dead):
            log.log.error("embedded server died; starting it again", server=name)
            try:
                await asyncio.to_thread(servers.start_one, name)
            except LocalError as error:
                log.log.error("embedded server does not start", server=name, error=str(error))
        try:
            await asyncio.wait_for(stop.wait(), 1)
        except TimeoutError:
            continue


def non_empty(environ: Mapping[str, str]) -> dict[str, str]:
    """An empty variable is an absent one."""
    return {name: value for name, value in environ.items() if value}


def _write_env(path: Path, values: Mapping[str, str]) -> None:
    """Leave the addresses, secrets among them, as lines a shell can read too; for the owner's eyes only."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in sorted(values.items())))


def read_env(path: Path) -> dict[str, str]:
    """What `up` or `infra` left there."""
    pairs = (word.partition("=") for line in path.read_text().splitlines() for word in shlex.split(line))
    return {name: value for name, _, value in pairs}
