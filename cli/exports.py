"""`tix tickets export` and `template`: files that `tix tickets import` takes."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli.leftovers import unwritable
from cli.listing_files import FIELDS, Writer
from cli.output import harmless
from cli.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cli.listing_files import Format
    from client import Tix
    from server.tickets.schemas import TicketOut

EXAMPLES = (
    "tix tickets export >mine.csv\n"
    "tix tickets export -f mine.ndjson\n"
    "tix tickets export --format json | tix tickets import -"
)
TEMPLATE_EXAMPLES = "tix tickets template >seats.csv\ntix tickets template --format ndjson"
FORMATS: Mapping[str, Format] = {".csv": "csv", ".json": "json", ".ndjson": "ndjson", ".jsonl": "ndjson"}
EXAMPLE = {
    "externalId": "night-train-A1",
    "title": "Night Train, row A, seat 1",
    "price": 4500,
    "currency": "usd",
    "venue": "Town Hall",
    "startsAt": "2030-05-01T20:00:00+02:00",
    "seat": "A 1",
}
As = Annotated[
    Literal["csv", "json", "ndjson"] | None,
    typer.Option("--format", help="csv unless FILE or --json say otherwise."),
]


def export(
    ctx: typer.Context,
    *,
    file: Annotated[
        str | None, typer.Option("--file", "-f", metavar="FILE", help="Write there, not to stdout.")
    ] = None,
    format_: As = None,
) -> None:
    """Write your listings as a file that `import` takes; imported again, it changes nothing.

    Those off sale, and those without an externalId, by which `import` knows them, are left out.
    """
    run = Run(ctx)
    writer = _writer(run, format_, file)
    unnamed = 0

    async def work(tix: Tix) -> int:
        nonlocal unnamed
        count = 0
        write(writer.head())
        async for ticket in _own(run, tix):
            if ticket.external_id is None:
                unnamed += 1
            else:
                count += 1
                write(writer.row(_values(ticket)))
        write(writer.foot())
        return count

    with _to(run, file) as write:
        count = run.ask(work)
    run.out.say(f"{count} listings{f' in {file}' if file else ''}.")
    if unnamed:
        run.out.urge(
            f"{unnamed} have no externalId and are left out. To give one: "
            + run.again("tickets update TICKET --external-id ID"),
            withoutExternalId=unnamed,
        )


def template(ctx: typer.Context, *, format_: As = None) -> None:
    """Print an example of a file that `import` takes."""
    run = Run(ctx)
    writer = _writer(run, format_, None)
    with _to(run, None) as write:
        write(writer.head() + writer.row(EXAMPLE) + writer.foot())


async def _own(run: Run, tix: Tix) -> Any:  # noqa: ANN401 - an async generator of TicketOut, imported late
    from server.tickets.schemas import TicketQuery  # noqa: PLC0415 - pydantic models cost 60 ms

    me = await tix.current_user()
    if me is None:
        raise run.signed_out()
    query = TicketQuery(user_id=me.id, sort="createdAt", limit=100)
    while True:
        page = await tix.list_tickets(query)
        for ticket in page.items:
            yield ticket
        if page.next_cursor is None:
            return
        query = query.model_copy(update={"cursor": page.next_cursor})


def _values(ticket: TicketOut) -> dict[str, Any]:
    members = ticket.model_dump(mode="json", by_alias=True)
    return {name: members[name] for name in FIELDS}


def _writer(run: Run, format_: Format | None, file: str | None) -> Writer:
    named = FORMATS.get(Path(file).suffix.lower()) if file else None
    return Writer(format_ or named or ("json" if run.out.as_json else "csv"))


@contextmanager
def _to(run: Run, file: str | None) -> Iterator[Callable[[str], object]]:
    """Where the text goes: stdout, or a file that is there only when it is whole. Raises Refused."""
    if file is None:
        yield lambda text: run.out.write("".join(map(_shown, text)) if run.out.is_terminal else text, end="")
        return
    aside = Path(f"{file}.{os.getpid()}.part")
    try:
        stream = aside.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise unwritable(Path(file), error) from error
    try:
        with stream:
            yield stream.write
        aside.replace(file)
    finally:
        aside.unlink(missing_ok=True)


def _shown(char: str) -> str:
    return char if char == "\n" else harmless(char)
