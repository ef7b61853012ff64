"""Bases of every public body: camelCase on the wire, unknown fields refused coming in."""

import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Generic, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, PlainSerializer, StringConstraints
from pydantic.alias_generators import to_camel


def rfc3339(moment: datetime) -> str:
    """UTC with microseconds and `Z`, the only form in which Tix writes a time."""
    if moment.tzinfo is not UTC:  # PostgreSQL's are, and a list has a hundred of them
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="microseconds")[: -len("+00:00")] + "Z"


Moment = Annotated[AwareDatetime, PlainSerializer(rfc3339, return_type=str, when_used="json")]
"""A point in time: offset required coming in, RFC 3339 UTC with `Z` going out."""


def _printable(text: str) -> str:
    if any(unicodedata.category(char) in {"Cc", "Cs"} for char in text):
        raise ValueError("control characters are not allowed")
    return text


Text = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_printable)]
"""A line of text: trimmed, without control characters (NUL cannot be stored, ESC can hurt a terminal)."""


class Body(BaseModel):
    """What a client sends: frozen, strict about types, unknown fields are errors."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        strict=True,
        hide_input_in_errors=True,  # a traceback must not show a password
    )


class Answer(BaseModel):
    """What a service answers; clients ignore fields they do not know."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="ignore",
        frozen=True,
        from_attributes=True,
        hide_input_in_errors=True,  # nor a token
    )


T = TypeVar("T")


class Page(Answer, Generic[T]):
    """One page of a list; `nextCursor` is null on the last."""

    items: list[T]
    next_cursor: str | None
