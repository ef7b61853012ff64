"""`python -m server`: everything in one process, or one service, or a chore; reads the settings once."""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
from tortoise.exceptions import OperationalError

from server import deadletters, relay, repair
from server.crew import MOST, MOST_WHOLE, looped
from server.kit import log, migrate
from server.kit.pool import DatabaseUnavailable
from server.local import LocalError
from server.run import Refusal, databases, run
from server.settings import SERVICES, Settings, SettingsError
from server.up import infra, non_empty, read_env, secrets, up, users
from server.worker import CONSUMERS, keeper_of

BUS_SECONDS = 60
"""Nodes of a cluster that were started just now may take so long until they agree on a leader."""

# httpcore looks for it at each request; where it is not installed, each look would search the whole path.
sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]

Command = Callable[[argparse.Namespace, Mapping[str, str]], Coroutine[Any, Any, int]]
"""Takes what was typed and the environment; gives the exit status."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; exit 0, 1 (a sentence on stderr), 2 (usage or settings), or its own: 5, 6, 9, 10."""
    options = _parser().parse_args(argv)
    try:
        return looped(options.run(options, os.environ))
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    except (Refusal, LocalError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m server", description="The server side of Tix.")
    commands = parser.add_subparsers(required=True, metavar="command")
    whole = commands.add_parser(
        "up", help="the whole platform in one process, with embedded servers for what has no URL"
    )
    whole.add_argument(
        "--trace-events", action="store_true", help="print every bus event as a JSON line on stdout"
    )
    _add_workers(whole, MOST_WHOLE)
    whole.set_defaults(run=up)
    some = commands.add_parser("run", help="some services, against servers named in the environment")
    faces = (*SERVICES, "web")
    some.add_argument("services", nargs="+", choices=faces, metavar="service", help=", ".join(faces))
    some.add_argument(
        "--only", choices=("api", "worker"), help="just the HTTP side or just the background side"
    )
    _add_workers(some, MOST)
    some.set_defaults(run=run)
    upgrade = commands.add_parser("migrate", help="bring databases and bus up to date")
    upgrade.add_argument("--down", action="store_true", help="take back the newest migration of each service")
    upgrade.add_argument("--yes", action="store_true", help="with --down: yes, with the data in what it made")
    upgrade.add_argument("--new", metavar="NAME", help="draft a migration from the models (with --service)")
    upgrade.add_argument("--service", choices=[s for s in SERVICES if s != "expiration"])
    upgrade.set_defaults(run=_migrate)
    servers = commands.add_parser(
        "infra", help="only the embedded servers, for what has no URL; writes all addresses to <data>/env"
    )
    servers.set_defaults(run=infra)
    fresh = commands.add_parser(
        "secrets", help="print new secrets for servers elsewhere, as NAME=value lines, and keep none of them"
    )
    fresh.add_argument(
        "--missing", type=Path, metavar="FILE", help="only those that FILE, made by an older release, lacks"
    )
    fresh.set_defaults(run=secrets)
    allowed = commands.add_parser(
        "nats-users", help="print the users of NATS and what each may do, as a part of its configuration"
    )
    allowed.set_defaults(run=users)
    _add_repairs(commands)
    return parser


def _add_workers(parser: argparse.ArgumentParser, most: int) -> None:
    parser.add_argument(
        "--workers",
        type=int,
        choices=range(1, most + 1),
        default=1,
        metavar="N",
        help=f"so many processes on the same port, at most {most} (default 1); one that dies is replaced",
    )


def _add_repairs(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    check = commands.add_parser(
        "doctor", help="check every promise, in the databases and at Stripe; exit 0, 6 or 9"
    )
    check.add_argument("--json", action="store_true", help="one JSON object on stdout")
    check.add_argument(
        "--patience", type=float, default=10, help="seconds in which a finding may still settle (default 10)"
    )
    check.add_argument(
        "--repair", action="store_true", help="repair what can be repaired safely, and check again"
    )
    check.add_argument("--no-stripe", action="store_true", help="do not compare the ledger with Stripe")
    check.add_argument(
        "--fresh", action="store_true", help="compare also what changed at Stripe in the last 5 minutes"
    )
    check.add_argument(
        "--restored", action="store_true", help="after a restore: also money at Stripe whose order is gone"
    )
    check.set_defaults(run=_on_databases(repair.doctor))
    letters = commands.add_parser("dead-letters", help="messages no consumer could act on")
    verbs = letters.add_subparsers(required=True, metavar="verb")
    show = verbs.add_parser("list", help="all of them, oldest first")
    show.add_argument("--json", action="store_true", help="one JSON array on stdout, whole messages")
    show.set_defaults(run=_on_databases(deadletters.show))
    again = verbs.add_parser("replay", help="hand them to their consumers again; exit 0, 5 or 10")
    which = again.add_mutually_exclusive_group(required=True)
    which.add_argument("ids", nargs="*", default=[], type=UUID, metavar="ID")
    which.add_argument("--all", action="store_true")
    again.set_defaults(run=_on_databases(deadletters.replay))
    for verb in (show, again):
        verb.add_argument("--service", choices=list(CONSUMERS), help="only this one's")
    rebuild = commands.add_parser("relay", help="publish again, from the outboxes, what the stream has lost")
    rebuild.add_argument(
        "--replay-since", type=relay.moment, required=True, metavar="WHEN", help="2h, or 2026-11-24T12:00:00Z"
    )
    rebuild.add_argument("--service", choices=[s for s in SERVICES if s != "expiration"], help="only its own")
    rebuild.add_argument("--dry-run", action="store_true", help="only say how many")
    rebuild.set_defaults(run=_on_databases(relay.replay))
    watch = commands.add_parser("trace", help="print every event of a running platform, as JSON lines")
    watch.set_defaults(run=_on_databases(relay.trace))


async def _migrate(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
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
            print(*await migrate.draft(options.service, urls[options.service], options.new))
            return 0
        changed = await (migrate.downgrade if options.down else migrate.upgrade)(urls)
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


if __name__ == "__main__":
    sys.exit(main())
