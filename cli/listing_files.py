"""Files of listings: CSV, a JSON object a line, or a JSON array; read a row at a time, in bounded memory."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

from cli.wording import wording

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import TextIO

    from server.tickets.schemas import BatchItem

Format = Literal["csv", "json", "ndjson"]
FIELDS = ("externalId", "title", "price", "currency", "venue", "startsAt", "seat")
REQUIRED = FIELDS[:3]
LONGEST = 64 * 1024
"""Characters of a row at most; a real one has some hundreds."""
SOMETHING = re.compile(r"\S")
UNREADABLE = "unreadable"
"""The member under which a row that could not be read is kept."""


class Unreadable(Exception):
    """From this line on the file cannot be read."""

    def __init__(self, line: int, detail: str) -> None:
        """`line` counts from 1."""
        super().__init__(f"line {line}: {detail}")


@dataclass(frozen=True)
class Row:
    """A row as it was written; with a `fault` it is no listing at all."""

    line: int
    values: Mapping[str, Any] = field(default_factory=dict)
    fault: str | None = None


def read(stream: TextIO) -> Iterator[Row]:
    """Rows of a stream opened with `newline=""`; its first character tells the format. Raises Unreadable."""
    line, text = 1, ""
    while not text.strip():
        line += text.count("\n")
        text = stream.readline(LONGEST)
        if not text:
            return
    if text.lstrip().startswith("["):
        yield from _Array(stream, text, line).rows()
    else:
        lines = chain([(line, text)], _lines(stream, line))
        yield from _objects(lines) if text.lstrip().startswith("{") else _cells(lines)


def _lines(stream: TextIO, before: int) -> Iterator[tuple[int, str]]:
    number = before
    while text := stream.readline(LONGEST):
        number += 1
        if len(text) == LONGEST:
            raise Unreadable(number, f"longer than {LONGEST} characters; is this a file of listings?")
        yield number, text


def _objects(lines: Iterator[tuple[int, str]]) -> Iterator[Row]:
    for line, text in lines:
        if text.strip():
            try:
                yield _row(line, json.loads(text))
            except (ValueError, RecursionError):
                yield Row(line, {UNREADABLE: text.strip()}, "this is not JSON")


def _row(line: int, value: object) -> Row:
    if isinstance(value, dict):
        return Row(line, value)
    return Row(line, {UNREADABLE: value}, "this is not a JSON object")


class _Array:
    """An array of any length, of which a little more than one row is in memory."""

    def __init__(self, stream: TextIO, text: str, line: int) -> None:
        self._stream = stream
        self._text = text
        self._line = line
        self._at = text.index("[") + 1

    def rows(self) -> Iterator[Row]:
        decoder = json.JSONDecoder()
        while self._next() != "]":
            line = self._line
            yield _row(line, self._value(decoder))
            if self._next() == ",":
                self._to(self._at + 1)
            elif self._next() != "]":
                raise Unreadable(self._line, "a comma is missing between two rows")

    def _value(self, decoder: json.JSONDecoder) -> object:
        while True:
            try:
                value, end = decoder.raw_decode(self._text, self._at)
            except (ValueError, RecursionError):
                if len(self._text) - self._at > LONGEST or not self._more():
                    raise Unreadable(self._line, "from here on this is not JSON") from None
            else:
                self._to(end)
                return value

    def _next(self) -> str:
        """The next character that is not space."""
        while True:
            if found := SOMETHING.search(self._text, self._at):
                self._to(found.start())
                return found[0]
            self._to(len(self._text))
            if not self._more():
                raise Unreadable(self._line, "the array has no end")

    def _to(self, position: int) -> None:
        self._line += self._text.count("\n", self._at, position)
        self._at = position

    def _more(self) -> bool:
        more = self._stream.read(LONGEST)
        self._text, self._at = self._text[self._at :] + more, 0
        return bool(more)


def _cells(lines: Iterator[tuple[int, str]]) -> Iterator[Row]:
    first, header = next(lines)
    delimiter = max(",;\t", key=header.count)
    names = [name.strip() for name in next(csv.reader([header], delimiter=delimiter))]
    _check_header(first, names)
    taken: list[tuple[int, str]] = []

    def texts() -> Iterator[str]:
        for numbered in lines:
            taken.append(numbered)
            yield numbered[1]

    reader = csv.reader(texts(), delimiter=delimiter, strict=True)
    while True:
        taken.clear()
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raw = "".join(text for _, text in taken).strip()
            yield Row(taken[0][0], {UNREADABLE: raw}, f"this is not CSV: {error}")
            continue
        if cells is None:
            return
        if any(cells):
            yield _named(taken[0][0], names, cells)


def _check_header(line: int, names: Sequence[str]) -> None:
    if unknown := [name for name in names if name not in FIELDS]:
        raise Unreadable(line, f"no such column: {', '.join(unknown)}; there are {', '.join(FIELDS)}")
    if missing := [name for name in REQUIRED if name not in names]:
        raise Unreadable(line, f"a column is missing: {', '.join(missing)}")
    if len(set(names)) < len(names):
        raise Unreadable(line, "a column is there twice")


def _named(line: int, names: Sequence[str], cells: Sequence[str]) -> Row:
    values = {name: cell.strip() for name, cell in zip(names, cells, strict=False) if cell.strip()}
    if len(cells) == len(names):
        return Row(line, values)
    raw = {**values, UNREADABLE: cells[len(names) :]}
    return Row(line, raw, f"it has {len(cells)} cells, the header has {len(names)}")


class Wrong(Exception):
    """A row that is no listing: its problems, each a field and a sentence."""

    def __init__(self, *problems: tuple[str | None, str]) -> None:
        """The field is as in the file."""
        super().__init__()
        self.problems = problems


def as_item(values: Mapping[str, Any]) -> BatchItem:
    """The listing in a row; a price in text is as people write it. Raises Wrong."""
    from pydantic import ValidationError  # noqa: PLC0415 - pydantic models cost 60 ms

    from client.money import to_minor  # noqa: PLC0415 - the package brings httpx
    from server.tickets.schemas import BatchItem  # noqa: PLC0415 - as pydantic

    given = dict(values)
    if isinstance(given.get("currency"), str):
        given["currency"] = given["currency"].lower()
    if isinstance(given.get("price"), str):
        try:
            given["price"] = to_minor(given["price"], str(given.get("currency", "usd")))
        except ValueError as error:
            raise Wrong(("price", str(error))) from error
    try:
        return BatchItem.model_validate(given, by_alias=True, by_name=False)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        raise Wrong(*((str(found["loc"][0]), _told(found, values)) for found in problems)) from error


def _told(problem: Any, values: Mapping[str, Any]) -> str:  # noqa: ANN401 - pydantic's ErrorDetails, imported late
    value = values.get(str(problem["loc"][0]))
    if isinstance(value, str) and re.search("[\udc80-\udcff]", value):
        return "this is not UTF-8; save the file as UTF-8"
    if problem["type"] in {"missing", "extra_forbidden"}:
        return "is missing" if problem["type"] == "missing" else "is no field of a listing"
    return wording(problem)


class Writer:
    """Writes rows in a format; a price is minor units in JSON, in CSV as people write it."""

    def __init__(self, format_: Format) -> None:
        """Nothing is written yet."""
        self._format = format_
        self._count = 0

    def head(self) -> str:
        """What stands before the rows."""
        return {"csv": _line(FIELDS), "json": "[", "ndjson": ""}[self._format]

    def row(self, values: Mapping[str, Any]) -> str:
        """One row: `values` by FIELDS."""
        self._count += 1
        if self._format == "csv":
            from client.money import written  # noqa: PLC0415 - the package brings httpx

            cells = {**values, "price": written(values["price"], values["currency"])}
            return _line([cells.get(name) or "" for name in FIELDS])
        text = json.dumps({name: value for name, value in values.items() if value is not None})
        if self._format == "ndjson":
            return f"{text}\n"
        return f"{',' if self._count > 1 else ''}\n{text}"

    def foot(self) -> str:
        """What stands after them."""
        return "\n]\n" if self._format == "json" else ""


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
