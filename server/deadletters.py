"""`python -m server dead-letters`: messages no consumer could act on; once one can, they are its again.

A letter that was acted on is deleted, not marked: its effect and its inbox row are the record, and doctor's
promise stays the plain "there are none".
"""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from typing import Any

from server.kit import db
from server.kit.deadletters import discard, letters
from server.run import databases
from server.settings import SERVICES, Service, Settings
from server.worker import CONSUMERS, HEARING

LISTENERS = {listener.durable: listener for listeners in HEARING.values() for listener in listeners}
NOT_FOUND = 5
SOME_FAILED = 10
COLUMNS = ("id", "when", "service", "consumer", "subject", "event id", "error")

Letter = tuple[Service, dict[str, Any]]
"""Whose it is, and the row."""


async def show(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """A table on stdout, or with --json one array of objects with the whole messages. Exit 0."""
    async with AsyncExitStack() as stack:
        found = await _open(stack, options, environ)
    if options.json:
        print(json.dumps([_as_json(letter) for letter in found]))
    else:
        print(_as_text(found) if found else "There are no dead letters.")
    return 0


async def replay(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Hand letters to their consumers, oldest first. Exit 0, 5 (no such letter; nothing is done) or 10.

    10: some failed again. Those stay, and stderr says why.
    """
    async with AsyncExitStack() as stack:
        found = await _open(stack, options, environ)
        if missing := set(options.ids) - {row["id"] for _, row in found}:
            print("There is no such dead letter:", *sorted(missing), file=sys.stderr)
            return NOT_FOUND
        chosen = [letter for letter in found if options.all or letter[1]["id"] in options.ids]
        failed = [letter for letter in chosen if not await _acted_on(*letter)]
    print(f"{len(chosen) - len(failed)} of {len(chosen)} dead letters were acted on.")
    return SOME_FAILED if failed else 0


async def _open(
    stack: AsyncExitStack, options: argparse.Namespace, environ: Mapping[str, str]
) -> list[Letter]:
    """Connect, and read every letter of the chosen services."""
    services = [name for name in SERVICES if name in CONSUMERS and options.service in {None, name}]
    await db.connect(databases(Settings.load(environ), services))
    stack.push_async_callback(db.disconnect)
    found = [(service, row) for service in services for row in await letters(service)]
    return sorted(found, key=lambda letter: letter[1]["id"])


async def _acted_on(service: Service, row: Mapping[str, Any]) -> bool:
    """As if JetStream delivered it: same event id, so an effect that is there already is not made twice."""
    listener = LISTENERS.get(row["consumer"])
    try:
        if listener is None:
            raise LookupError(f"no consumer has the name {row['consumer']}")
        await listener.hear(json.loads(row["headers"]), row["payload"])
        await discard(service, row["id"])
    except Exception as error:  # noqa: BLE001 - the letter stays, whatever it was
        print(f"{row['id']} failed again: {error!r}", file=sys.stderr)
        return False
    print(f"{row['id']} {row['consumer']} {row['event_id']}")
    return True


def _as_json(letter: Letter) -> dict[str, Any]:
    service, row = letter
    return {
        "id": str(row["id"]),
        "createdAt": row["created_at"].isoformat(),
        "service": service,
        "consumer": row["consumer"],
        "subject": row["subject"],
        "eventId": row["event_id"],
        "error": row["error"],
        "headers": json.loads(row["headers"]),
        "payload": row["payload"],
    }


def _as_text(found: Iterable[Letter]) -> str:
    lines = [COLUMNS]
    for service, row in found:
        when = row["created_at"].isoformat(sep=" ", timespec="seconds").replace("+00:00", "Z")
        error = " ".join(row["error"].split())
        names = (row["consumer"], row["subject"], row["event_id"])
        lines.append((str(row["id"]), when, service, *names, error))
    widths = [*[max(map(len, column)) for column in zip(*lines, strict=True)][:-1], 0]
    return "\n".join(
        "  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)) for line in lines
    )
