"""Which part of the data is wanted: `--fields`, and `--jq` on the JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cli.errors import UNEXPECTED, USAGE, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pydantic import BaseModel

HELP = "help"


@dataclass(frozen=True)
class Wanted:
    """What was asked for; checked before anything is sent, so that a typo changes nothing."""

    command: str
    fields: Sequence[str] = ()
    program: Any = None
    """A compiled jq program."""

    def of(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """The members that are wanted, in the order they were asked for; None if only others have it."""
        return {name: members.get(name) for name in self.fields or members}

    @cached_property
    def names(self) -> Sequence[str]:
        """The members of every document that is printed, whichever it is."""
        return self.fields or known_fields(self.command)

    def filtered(self, document: Any) -> Iterator[Any]:  # noqa: ANN401 - any JSON
        """What the jq program makes of it. Raises Refused."""
        try:
            yield from self.program.input_text(json.dumps(document))
        except ValueError as error:
            raise Refused(
                f"--jq failed on what came back; the command itself was done: {error}",
                code="jq_failed",
                exit_code=UNEXPECTED,
                hint="tix help formatting",
            ) from error


def wanted(fields: str | None, program: str | None, command: str) -> Wanted:
    """What `--fields` and `--jq` ask of `command`. Raises Refused."""
    return Wanted(command, _known(fields, command) if fields else (), _compiled(program) if program else None)


def known_fields(command: str) -> list[str]:
    """The fields of what the command prints, of a list those of its items; none if it prints no document."""
    from cli.schemas import PRINTS  # noqa: PLC0415 - pydantic models cost 60 ms

    return _names(PRINTS[command]) if command in PRINTS else []


def _names(model: type[BaseModel]) -> list[str]:
    schema = model.model_json_schema(mode="serialization")
    if kinds := schema.get("anyOf"):
        return list(dict.fromkeys(name for kind in kinds for name in _there(schema, kind)["properties"]))
    items = schema["properties"].get("items")
    if items and "nextCursor" in schema["properties"]:
        schema = _there(schema, items["items"])
    return list(schema["properties"])


def _there(schema: Mapping[str, Any], reference: Mapping[str, str]) -> Any:  # noqa: ANN401 - a JSON schema
    return schema["$defs"][reference["$ref"].rpartition("/")[2]]


def _known(asked: str, command: str) -> list[str]:
    known = known_fields(command)
    if not known:
        raise Refused(f"`tix {command}` has no fields to choose from.", code="usage", exit_code=USAGE)
    chosen = list(dict.fromkeys(name.strip() for name in asked.split(",")))
    for name in chosen:
        if name not in known:
            near = get_close_matches(name, known, 1, 0.4)
            meant = f" Did you mean {near[0]!r}?" if near else ""
            raise Refused(
                f"There is no field {name!r}.{meant} The fields are: {', '.join(known)}.",
                code="unknown_field",
                exit_code=USAGE,
                hint=f"tix {command} --fields {HELP}",
            )
    return chosen


def _compiled(program: str) -> Any:  # noqa: ANN401 - jq has no types
    try:
        import jq  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415 - an extra, untyped
    except ImportError as error:
        raise Refused(
            "--jq needs the jq package, which is not installed here.",
            code="not_installed",
            exit_code=USAGE,
            hint='pip install "tix[jq]"',
        ) from error
    try:
        return jq.compile(program)
    except ValueError as error:
        raise Refused(
            f"--jq does not understand {program!r}: {' '.join(str(error).split())}",
            code="usage",
            exit_code=USAGE,
            hint="tix help formatting",
        ) from error
