"""`tix`: assembles the commands, runs one, and turns whatever went wrong into an exit code."""

import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Annotated, Literal, TextIO

import typer
from typer.main import get_command

from cli import (
    __version__,
    api,
    auth,
    browse,
    buying,
    completion,
    exports,
    imports,
    orders,
    payments,
    platform,
    settings,
    tickets,
    topics,
    watch,
)
from cli.errors import MEANINGS, OK, explain, misused
from cli.options import (
    ApiUrl,
    Fields,
    IdempotencyKey,
    Jq,
    Json,
    NoColor,
    NoInput,
    Profile,
    Quiet,
    Retries,
    Timeout,
    Verb,
    Verbose,
    Written,
    Yes,
    noun,
    wants_json,
)

EXIT_CODES = ", ".join(f"{code} {meaning}" for code, meaning in MEANINGS.items())

app = noun(
    f"Book and sell tickets from the terminal.\n\nGlobal options may also stand after the command.\n\n"
    f"Exit codes: {EXIT_CODES}.\n\nMore: tix help {' | '.join(topics.TOPICS)}",
    epilog="tix auth signup --email you@example.com\n"
    "tix tickets list --status available\n"
    "tix reserve TICKET\n"
    "tix pay ORDER --method pm_card_visa\n"
    "tix buy TICKET --max-price 50.00",
)


def _tell_version(wanted: bool) -> None:  # noqa: FBT001 - Typer calls it so
    if wanted:
        typer.echo(f"tix {__version__}")
        raise typer.Exit


@app.callback()
def root(  # noqa: PLR0913 - one per global option; `cli.options.asked` reads them
    *,
    json: Json = False,
    fields: Fields = None,
    jq: Jq = None,
    output: Written = None,
    profile: Profile = None,
    api_url: ApiUrl = None,
    no_input: NoInput = False,
    yes: Yes = False,
    retries: Retries = 3,
    timeout: Timeout = None,
    idempotency_key: IdempotencyKey = None,
    quiet: Quiet = False,
    verbose: Verbose = 0,
    no_color: NoColor = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Declare the global options."""


app.command(cls=Verb, epilog=platform.UP_EXAMPLES, **platform.PASSED_ON)(platform.up)
app.add_typer(auth.app, name="auth")
tickets.app.command(name="watch", cls=Verb, epilog=watch.TICKETS_EXAMPLES)(watch.watch_tickets)
app.add_typer(tickets.app, name="tickets")
tickets.app.command(name="import", cls=Verb, epilog=imports.EXAMPLES)(imports.import_tickets)
tickets.app.command(cls=Verb, epilog=exports.EXAMPLES)(exports.export)
tickets.app.command(cls=Verb, epilog=exports.TEMPLATE_EXAMPLES)(exports.template)
orders.app.command(name="watch", cls=Verb, epilog=watch.ORDER_EXAMPLES)(watch.watch_order)
app.add_typer(orders.app, name="orders")
app.command(cls=Verb, epilog=orders.RESERVE_EXAMPLES)(orders.reserve)
app.command(cls=Verb, epilog=payments.EXAMPLES)(payments.pay)
app.command(cls=Verb, epilog=buying.BUY_EXAMPLES)(buying.buy)
app.command(cls=Verb, epilog=buying.RESUME_EXAMPLES)(buying.resume)
app.command(name="open", cls=Verb, epilog=browse.EXAMPLES)(browse.open_page)
app.command(cls=Verb, epilog=platform.TUI_EXAMPLES)(platform.tui)
app.command(cls=Verb, epilog=platform.DEMO_EXAMPLES)(platform.demo)
app.command(cls=Verb, epilog=platform.DOCTOR_EXAMPLES)(platform.doctor)
app.add_typer(settings.app, name="config")
app.command(cls=Verb, epilog=api.EXAMPLES)(api.api)
app.command(cls=Verb, epilog=completion.EXAMPLES)(completion.completion)
app.command(name="help", cls=Verb, epilog=topics.EXAMPLES)(topics.explain)


def run() -> None:
    """Run this process's own command line and end with its exit code."""
    sys.stdin = sys.stdin or _nowhere("r")
    sys.stdout = sys.stdout or _nowhere("w")
    sys.stderr = sys.stderr or _nowhere("w")
    for stream in (sys.stdout, sys.stderr):
        _never_fail(stream)
    sys.exit(main(sys.argv[1:]))


def main(arguments: Sequence[str]) -> int:
    """Run one command line; returns the exit code."""
    own = arguments[: arguments.index("--")] if "--" in arguments else arguments
    as_json = wants_json(own) or os.environ.get("TIX_ERROR_FORMAT") == "json"
    subject: dict[str, str] = {}
    completion.prepare()
    try:
        command = get_command(app)
        with _traced(command, own):
            code: int = (
                command.main(list(arguments), prog_name="tix", standalone_mode=False, obj=subject) or OK
            )
    except typer.TyperException as error:
        problem = misused(error)
    except Exception as error:  # noqa: BLE001 - nobody should see a traceback unasked
        problem = explain(error, subject)
        if problem.code == "unexpected" and any(word in own for word in ("--verbose", "-v", "-vv")):
            import traceback  # noqa: PLC0415 - only now

            traceback.print_exc()
    else:
        return code
    problem.show(as_json=as_json)
    return problem.exit_code


def _traced(command: object, arguments: Sequence[str]) -> AbstractContextManager[None]:
    """One trace of all that the command asks, named by its verb: what else was typed is nobody's business."""
    if not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        return nullcontext()
    from cli.tracing import traced  # noqa: PLC0415 - only who wants traces pays for them

    words = ["tix"]
    for word in arguments:
        if word in (below := getattr(command, "commands", {})):
            command = below[word]
            words.append(word)
    return traced(" ".join(words), os.environ)


def _nowhere(mode: Literal["r", "w"]) -> TextIO:
    """In place of a stream that was closed (`tix … >&-`); Python has None there."""
    return open(os.devnull, mode, encoding="utf-8")  # noqa: PTH123 - for the rest of the process


def _never_fail(stream: TextIO) -> None:
    """A terminal that lacks a character shows its escape; it does not end the command."""
    stream.reconfigure(errors="backslashreplace")  # type: ignore[attr-defined]  # both are TextIOWrapper
