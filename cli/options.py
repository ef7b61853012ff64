"""The global options, and command classes that take them before the noun, before the verb and after it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:  # Typer vendors Click and exports none of these names
    from collections.abc import Sequence

    from typer._click.core import Command, Context, Parameter
    from typer._click.formatting import HelpFormatter


Form = Literal["table", "json", "csv", "tsv", "name"]
"""How data is written: for people, for programs, for spreadsheets, for `cut`, ids only."""


@dataclass(frozen=True)
class Options:
    """What was asked for on the command line, wherever it stood."""

    json: bool
    fields: str | None
    jq: str | None
    output: Form | None
    profile: str | None
    api_url: str | None
    no_input: bool
    yes: bool
    retries: int
    timeout: float | None
    idempotency_key: str | None
    quiet: bool
    verbose: int
    no_color: bool


Json = Annotated[
    bool, typer.Option("--json", help="One JSON document on stdout; a failure as one on stderr.")
]
Fields = Annotated[
    str | None,
    typer.Option("--fields", metavar="A,B", help="Only these fields; `help` lists them."),
]
Jq = Annotated[str | None, typer.Option("--jq", metavar="EXPR", help="Filter the JSON with a jq program.")]
Written = Annotated[
    Form | None,
    typer.Option(
        "--output", "-o", help="How data is written (table on a terminal, tsv in a pipe; name: ids)."
    ),
]
Profile = Annotated[
    str | None, typer.Option("--profile", metavar="NAME", help="Whose sign-in to use (TIX_PROFILE).")
]
ApiUrl = Annotated[str | None, typer.Option("--api-url", metavar="URL", help="Where Tix is (TIX_API_URL).")]
NoInput = Annotated[bool, typer.Option("--no-input", help="Never ask; fail instead.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Answer yes to every question.")]
Retries = Annotated[
    int, typer.Option("--retries", min=0, max=20, metavar="N", help="Tries after the first one.")
]
Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        min=0.1,
        metavar="SECONDS",
        help="For an answer (default 10); `pay` and `buy`: for the outcome (60); `watch`: how long.",
    ),
]
IdempotencyKey = Annotated[
    str | None,
    typer.Option("--idempotency-key", metavar="KEY", help="Make a repeated create or pay the same one."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Nothing on stderr but errors.")]
Verbose = Annotated[
    int,
    typer.Option(
        "--verbose",
        "-v",
        count=True,
        show_default=False,
        help="Say what is decided and why, on stderr; -vv: HTTP too.",
    ),
]
NoColor = Annotated[bool, typer.Option("--no-color", help="No colours (NO_COLOR).")]


def asked(ctx: typer.Context) -> Options:
    """The global options of this invocation."""
    given = ctx.find_root().params
    return Options(**{option.name: given[option.name] for option in fields(Options)})


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether JSON is asked for; by eye, since the parser may fail before it gets there."""
    return any(
        word in {"--json", "--jq", "-ojson", "--output=json"}
        or word.startswith("--jq=")
        or (word == "json" and before in {"-o", "--output"})
        for before, word in zip(["", *arguments], arguments, strict=False)
    )


def form(options: Options) -> Form | None:
    """The form that was asked for; None: what suits the stream. Raises ValueError if two were."""
    asked_for = {"json"} if options.json or options.jq else set()
    if options.output:
        asked_for.add(options.output)
    if len(asked_for) > 1:
        raise ValueError(
            f"--{'jq' if options.jq else 'json'} and --output {options.output} exclude each other."
        )
    return "json" if "json" in asked_for else options.output


def _globals(ctx: Context) -> list[Parameter]:
    names = {option.name for option in fields(Options)}
    return [param for param in ctx.find_root().command.params if param.name in names]


def _hand_up(ctx: Context) -> None:
    """Move what was given here to the root, where `asked` reads it."""
    for param in _globals(ctx):
        value = ctx.params.pop(param.name)
        source = ctx.get_parameter_source(param.name)
        if source is not None and source.name == "COMMANDLINE":
            ctx.find_root().params[param.name] = value


def _write_help(command: Command, ctx: Context, formatter: HelpFormatter) -> None:
    """The command's own arguments and options, then the global ones."""
    common = {param.name for param in _globals(ctx)} if ctx.parent else set()
    sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": [], "Global options": []}
    for param in command.get_params(ctx):
        record = param.get_help_record(ctx)
        kind = "Arguments" if param.param_type_name == "argument" else "Options"
        if record is not None:
            sections["Global options" if param.name in common else kind].append(record)
    for title, records in sections.items():
        if records:
            with formatter.section(title):
                formatter.write_dl(records)


def _write_examples(examples: str | None, formatter: HelpFormatter) -> None:
    if examples:
        with formatter.section("Examples"):
            formatter.write("".join(f"  {line}\n" for line in examples.splitlines()))


class Verb(TyperCommand):
    """A command; its epilog is examples, one a line."""

    def get_params(self, ctx: Context) -> list[Parameter]:
        """Its own and the global ones."""
        return [*super().get_params(ctx), *_globals(ctx)]

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Take the global options too."""
        rest = super().parse_args(ctx, args)
        _hand_up(ctx)
        return rest

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Global options in a section of their own."""
        _write_help(self, ctx, formatter)

    def format_epilog(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Examples as they are typed, not wrapped."""
        del ctx
        _write_examples(self.epilog, formatter)


class Noun(TyperGroup):
    """A group of verbs; without one it shows its help and that is no error."""

    def get_params(self, ctx: Context) -> list[Parameter]:
        """Its own and, below the root, the global ones."""
        own = super().get_params(ctx)
        return [*own, *_globals(ctx)] if ctx.parent else own

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Take the global options too."""
        if not args and not ctx.resilient_parsing:
            typer.echo(ctx.get_help())
            ctx.exit()
        rest = super().parse_args(ctx, args)
        if ctx.parent:
            _hand_up(ctx)
        return rest

    def list_commands(self, ctx: Context) -> list[str]:
        """Nouns first: they are what Tix is about."""
        return sorted(super().list_commands(ctx), key=lambda name: not isinstance(self.commands[name], Noun))

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Commands first: they are what the reader looks for."""
        self.format_commands(ctx, formatter)
        _write_help(self, ctx, formatter)

    def format_epilog(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Examples as they are typed, not wrapped."""
        del ctx
        _write_examples(self.epilog, formatter)


def noun(summary: str, **settings: Any) -> typer.Typer:  # noqa: ANN401 - Typer's own settings
    """An empty group in the house style."""
    # Rich would draw boxes into pipes and double the start-up time; completion would edit ~/.bashrc unasked.
    return typer.Typer(
        help=summary,
        cls=Noun,
        rich_markup_mode=None,
        add_completion=False,
        context_settings={"help_option_names": ["--help", "-h"]},
        **settings,
    )
