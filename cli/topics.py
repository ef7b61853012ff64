"""`tix help`: what is true of all commands, said once."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.errors import MEANINGS, USAGE, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EXAMPLES = "tix help exit-codes\ntix help formatting\ntix help tickets create"

EXIT_CODES = "\n".join(
    (
        *(f"{code:>3}  {meaning}" for code, meaning in MEANINGS.items()),
        "",
        "With --json a failure is one line of JSON on stderr: code (stable), detail, hint, exitCode, and of",
        "the server's answer status, errors, requestId. TIX_ERROR_FORMAT=json asks for it without --json.",
    )
)
ENVIRONMENT = """\
TIX_API_URL        where Tix is; --api-url goes before it
TIX_TOKEN          whose sign-in to use, instead of a stored one
TIX_PROFILE        which stored sign-in to use; --profile goes before it
TIX_ERROR_FORMAT   json: failures are a line of JSON, whatever stdout is
NO_COLOR           no colours, like --no-color and TERM=dumb
FORCE_COLOR        colours in pipes, too
XDG_CONFIG_HOME    where config.toml and the sign-ins are, in tix/ (~/.config)
XDG_CACHE_HOME     where the ids for completion are, in tix/ (~/.cache)
XDG_STATE_HOME     where purchases under way are, in tix/ (~/.local/state)
TIX_ACCESSIBLE     1: `tix tui` draws nothing and tells the same as commands

What decides, first to last: option, environment, .tix.toml here or above, profile, default.
`tix config explain api_url` says what decided and what else was looked at."""
FORMATTING = """\
stdout is data and stderr is talk. On a terminal a list is a table that fits; in a pipe it is TSV: no header,
times in RFC 3339, money in minor units (45.00 USD is 4500), nothing cut off.

-o table|tsv|csv|name   the same elsewhere; csv has a header, name is ids only
-o json, --json         one document, described in docs/schemas
--fields id,title       only these, in this order, in every form; `--fields help` lists them
--jq '.items[].id'      a jq program on the JSON; text comes out bare

tix tickets list -o name | head -1
tix tickets list --json --fields id,price
tix tickets list --jq '.items[] | [.id, .price] | @csv'"""
TOPICS: Mapping[str, str] = {
    "exit-codes": EXIT_CODES,
    "environment": ENVIRONMENT,
    "formatting": FORMATTING,
}


def explain(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TOPIC | COMMAND]", show_default=False, help=f"{', '.join(TOPICS)}, or a command."
        ),
    ] = None,
) -> None:
    """Explain a command, or a topic: exit-codes, environment, formatting."""
    if words and words[0] in TOPICS:
        typer.echo(TOPICS[words[0]])
    else:
        typer.echo(_command(ctx.find_root(), words or ()).get_help())


def _command(ctx: Any, words: Sequence[str]) -> Any:  # noqa: ANN401 - Typer exports no name for its contexts
    for word in words:
        known = getattr(ctx.command, "commands", {})
        if word not in known:
            choice = [*known, *([] if ctx.parent else TOPICS)]
            near = get_close_matches(word, choice, 1)
            meant = f" Did you mean {near[0]!r}?" if near else ""
            raise Refused(
                f"There is no topic or command {word!r}.{meant}",
                code="usage",
                exit_code=USAGE,
                hint="tix help",
            )
        ctx = type(ctx)(known[word], info_name=word, parent=ctx)
    return ctx
