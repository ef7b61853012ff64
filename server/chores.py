"""Commands on databases: `migrate` on those in the environment, the others also on a running platform's.

A running `up` or `infra` is found unasked, and what keeps a database from answering is a sentence.
"""

import argparse
import asyncio
from collections.abc import Mapping
from pathlib import Path

import asyncpg
from tortoise.exceptions import OperationalError

from server import deadletters, relay, repair
from server.command import Command, Refusal
from server.kit import log
from server.kit import migrate as migrations
from server.kit.pool import DatabaseUnavailable
from server.run import databases
from server.settings import SERVICES, Settings
from server.up import non_empty, read_env
from server.worker import keeper_of

BUS_SECONDS = 60
"""Nodes of a cluster that were started just now may take so long until they agree on a leader."""


async def migrate(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Bring databases and bus up to date, take the newest migrations back, or draft a new one. Exit 0."""
    settings = Settings.load(environ)
    log.configure(settings.log_level)
    urls = databases(settings, SERVICES)
    if options.down and not options.yes:
        raise Refusal(
            "This takes back the newest migration of each service, and with it all data in the tables and "
            "columns it made. If that is what you want: migrate --down --yes"
        )
    try:
        if options.new:
            if not options.service:
                raise Refusal("Name the service too: migrate --new NAME --service orders")
            print(*await migrations.draft(options.service, urls[options.service], options.new))
            return 0
        changed = await (migrations.downgrade if options.down else migrations.upgrade)(urls)
    except (OSError, asyncpg.PostgresError) as error:
        raise Refusal(f"The database cannot be used: {error}") from error
    for service, files in changed.items():
        print(f"{service}: {', '.join(files) if files else 'nothing to do'}")
    if settings.nats_url and not options.down:
        await _make_stream(settings)
    return 0


async def _make_stream(settings: Settings) -> None:
    """What services with users of their own find on the bus, and may not make."""
    try:
        async with asyncio.timeout(BUS_SECONDS):
            await keeper_of(settings).start()
    except TimeoutError as error:
        raise Refusal("The bus does not answer, or not to this user; the lines above say more.") from error
    print("bus: the stream and its consumers are there")


def _on_databases(command: Command) -> Command:
    """The command, on the databases of a running platform, found unasked, or a sentence why not."""

    async def run(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
        log.configure("ERROR")
        try:
            return await command(options, _with_local(environ))
        except (OSError, asyncpg.PostgresError, DatabaseUnavailable, OperationalError) as error:
            reason = error.__cause__ or error
            if isinstance(reason, asyncpg.UndefinedTableError | asyncpg.InvalidSchemaNameError):
                raise Refusal("The database has no tables of Tix yet: python -m server migrate") from error
            raise Refusal(f"The database does not answer ({reason}). Is Tix running?") from error

    return run


def _with_local(environ: Mapping[str, str]) -> dict[str, str]:
    """A running `up` or `infra` leaves its addresses in the data directory, so it is found unasked."""
    given = non_empty(environ)
    path = Path(given.get("TIX_DATA_DIR", ".tix")) / "env"
    if not any(name.endswith("DATABASE_URL") for name in given):
        if not path.exists():
            raise Refusal("There is no platform to look at: start one with `make run`, or set DATABASE_URL.")
        given = {**read_env(path), **given}
    return given


doctor = _on_databases(repair.doctor)
dead_letters = _on_databases(deadletters.show)
replay_letters = _on_databases(deadletters.replay)
replay_events = _on_databases(relay.replay)
trace = _on_databases(relay.trace)
