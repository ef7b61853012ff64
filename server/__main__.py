"""`python -m server`: everything in one process, or one service, or a chore; reads the settings once."""

import argparse
import os
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from uuid import UUID

from server.command import Command, Refusal
from server.crew import MOST, MOST_WHOLE, looped
from server.settings import SERVICES, SettingsError
from server.supervisor import LocalError

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


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
    whole.set_defaults(run=partial(_late, "up", "up"))
    some = commands.add_parser("run", help="some services, against servers named in the environment")
    faces = (*SERVICES, "web")
    some.add_argument("services", nargs="+", choices=faces, metavar="service", help=", ".join(faces))
    some.add_argument(
        "--only", choices=("api", "worker"), help="just the HTTP side or just the background side"
    )
    _add_workers(some, MOST)
    some.set_defaults(run=partial(_late, "run", "run"))
    upgrade = commands.add_parser("migrate", help="bring databases and bus up to date")
    upgrade.add_argument("--down", action="store_true", help="take back the newest migration of each service")
    upgrade.add_argument("--yes", action="store_true", help="with --down: yes, with the data in what it made")
    upgrade.add_argument("--new", metavar="NAME", help="draft a migration from the models (with --service)")
    upgrade.add_argument("--service", choices=[s for s in SERVICES if s != "expiration"])
    upgrade.set_defaults(run=partial(_late, "chores", "migrate"))
    servers = commands.add_parser(
        "infra", help="only the embedded servers, for what has no URL; writes all addresses to <data>/env"
    )
    servers.set_defaults(run=partial(_late, "up", "infra"))
    fresh = commands.add_parser(
        "secrets", help="print new secrets for servers elsewhere, as NAME=value lines, and keep none of them"
    )
    fresh.add_argument(
        "--missing", type=Path, metavar="FILE", help="only those that FILE, made by an older release, lacks"
    )
    fresh.set_defaults(run=partial(_late, "up", "secrets"))
    allowed = commands.add_parser(
        "nats-users", help="print the users of NATS and what each may do, as a part of its configuration"
    )
    allowed.set_defaults(run=partial(_late, "up", "users"))
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
    check.set_defaults(run=partial(_late, "chores", "doctor"))
    letters = commands.add_parser("dead-letters", help="messages no consumer could act on")
    verbs = letters.add_subparsers(required=True, metavar="verb")
    show = verbs.add_parser("list", help="all of them, oldest first")
    show.add_argument("--json", action="store_true", help="one JSON array on stdout, whole messages")
    show.set_defaults(run=partial(_late, "chores", "dead_letters"))
    again = verbs.add_parser("replay", help="hand them to their consumers again; exit 0, 5 or 10")
    which = again.add_mutually_exclusive_group(required=True)
    which.add_argument("ids", nargs="*", default=[], type=UUID, metavar="ID")
    which.add_argument("--all", action="store_true")
    again.set_defaults(run=partial(_late, "chores", "replay_letters"))
    for verb in (show, again):
        verb.add_argument(
            "--service",
            choices=("tickets", "orders", "payments"),
            help="only this one's",
        )
    rebuild = commands.add_parser("relay", help="publish again, from the outboxes, what the stream has lost")
    rebuild.add_argument(
        "--replay-since", type=moment, required=True, metavar="WHEN", help="2h, or 2026-11-24T12:00:00Z"
    )
    rebuild.add_argument("--service", choices=[s for s in SERVICES if s != "expiration"], help="only its own")
    rebuild.add_argument("--dry-run", action="store_true", help="only say how many")
    rebuild.set_defaults(run=partial(_late, "chores", "replay_events"))
    watch = commands.add_parser("trace", help="print every event of a running platform, as JSON lines")
    watch.set_defaults(run=partial(_late, "chores", "trace"))


def moment(text: str) -> datetime | timedelta:
    """`2h` (s, m, h, d) ago, or an RFC 3339 time with its offset. Raises argparse's error: exit 2."""
    if match := re.fullmatch(r"(\d{1,5})([smhd])", text):
        return timedelta(**{UNITS[match[2]]: int(match[1])})
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        when = None
    if when is None or when.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} is neither like 2h nor like 2026-11-24T12:00:00Z")
    return when


async def _late(module: str, name: str, options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """A command of that module, imported now: most take a second, in which `up` has servers start."""
    command: Command = getattr(import_module(f"server.{module}"), name)
    return await command(options, environ)


if __name__ == "__main__":
    sys.exit(main())
