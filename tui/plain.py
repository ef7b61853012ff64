"""In place of the app, where nothing can be drawn or somebody wants lines instead: the same as commands."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TextIO

from tui.twins import TWINS, command

NO = {"", "0"}


def why_plain(environ: Mapping[str, str], streams: Sequence[TextIO]) -> str | None:
    """Why nothing is drawn; None: it is."""
    if environ.get("TIX_ACCESSIBLE", "") not in NO:
        return "TIX_ACCESSIBLE is set"
    if environ.get("TERM") == "dumb":
        return "this terminal (TERM=dumb) cannot be drawn on"
    if not all(stream.isatty() for stream in streams):
        return "this is no terminal"
    return None


def commands(why: str, flags: Mapping[str, str | None]) -> Iterator[str]:
    """What the app does, a command a line; `flags` are those it was called with."""
    yield f"tix tui draws nothing, since {why}. The same as commands:"
    yield ""
    for name in TWINS:
        written = command(name, flags, ticket="TICKET", order="ORDER", rest="FILE")
        yield f"  {name.replace('_', ' '):<14} {written}"
    yield ""
    yield "Each explains itself with --help; --json makes its output one document."
