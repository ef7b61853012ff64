"""stdout is data: a table for people, TSV for pipes, JSON on request. stderr is talk."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from cli.table import fitted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from pydantic import BaseModel

    from cli.fields import Wanted
    from cli.options import Form
    from server.kit.schemas import Page

T = TypeVar("T")

# C0, DEL, C1, line and paragraph separators, direction overrides, surrogates: what can hurt or deceive.
HARMFUL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
COLOURS = {"green": 32, "yellow": 33, "red": 31, "cyan": 36, "dim": 2, "bold": 1}
STATUS_COLOURS = {
    "available": "green",
    "reserved": "yellow",
    "created": "yellow",
    "accepted": "yellow",
    "complete": "green",
    "captured": "green",
    "expired": "red",
    "rejected": "red",
    "revoked": "yellow",
    "disputed": "red",
    "charged_back": "red",
}
SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization", "set-cookie"})


def harmless(text: str) -> str:
    """Text from anywhere, with what a terminal would obey written out as an escape."""
    return HARMFUL.sub(lambda found: found[0].encode("unicode_escape", "surrogatepass").decode(), text)


@dataclass(frozen=True)
class Column(Generic[T]):
    """One column: `human` for the table (None: only in TSV), `raw` for TSV."""

    name: str
    raw: Callable[[T], object]
    human: Callable[[T], str] | None
    shrinks: bool = False


class Output:
    """Where results and talk go, in the form that was asked for."""

    def __init__(
        self, *, form: Form | None, wanted: Wanted, quiet: bool, verbose: int, no_color: bool
    ) -> None:
        """Look at the streams and at NO_COLOR, TERM and FORCE_COLOR; without a `form` they decide."""
        self.is_terminal = sys.stdout.isatty()
        self.form: Form = form or ("table" if self.is_terminal else "tsv")
        self.as_json = self.form == "json"
        self.is_chosen = form not in {None, "table"} or bool(wanted.fields)
        """Whether somebody asked for data, who would otherwise be told."""
        self._stream_form: Form = form or ("table" if self.is_terminal else "json")
        self._has_head = False
        self._wanted = wanted
        self._silent = quiet
        # With --json, stderr is for programs: the one problem line, and what `urge` says.
        self._quiet = quiet or self.as_json
        self._verbose = 0 if self._quiet else verbose
        forbidden = no_color or bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
        forced = bool(os.environ.get("FORCE_COLOR"))
        self._colours = {
            stream: not forbidden and (forced or stream.isatty()) for stream in (sys.stdout, sys.stderr)
        }

    def paint(self, text: str, colour: str | None) -> str:
        """Coloured for stdout, where that is wanted."""
        if colour is None or not self._colours[sys.stdout]:
            return text
        return f"\x1b[{COLOURS[colour]}m{text}\x1b[0m"

    @property
    def talks(self) -> bool:
        """Whether `say` says anything."""
        return not self._quiet

    def tell(self, *cells: object) -> None:
        """A line of data for pipes: cells, tab-separated."""
        self.write("\t".join(_cell(cell) for cell in cells))

    def say(self, text: str) -> None:
        """Talk to the person: not data, silenced by --quiet and --json."""
        if not self._quiet:
            sys.stderr.write(harmless(text) + "\n")
            sys.stderr.flush()

    def urge(self, text: str, **members: object) -> None:
        """Talk that a script needs, too: with --json its members, a line of JSON on stderr."""
        if not self.as_json:
            self.say(text)
        elif not self._silent:
            sys.stderr.write(json.dumps(members) + "\n")
            sys.stderr.flush()

    def explain(self, text: str) -> None:
        """Talk only with --verbose."""
        if self._verbose:
            self.say(f"  {text}")

    def trace(self, line: str, headers: Mapping[str, str]) -> None:
        """HTTP, with -vv only; bodies are never told, and of headers not those that let one in."""
        if self._verbose > 1:
            self.say(line)
            for name, value in headers.items():
                self.say(f"{line[0]} {name}: {'***' if name.lower() in SECRET_HEADERS else value}")

    def write(self, text: str = "", *, end: str = "\n") -> None:
        """A line of data."""
        with _closed_pipe_ends_it():
            sys.stdout.write(text + end)
            sys.stdout.flush()

    def record(self, value: BaseModel, people: Callable[[], str]) -> None:
        """One of a stream: `people()` on a terminal, else a line of JSON, unless a form was asked for."""
        whole = value.model_dump(mode="json", by_alias=True)
        members = self._wanted.of(whole)
        match self._stream_form:
            case "json":
                self._filtered(members, indent=None)
            case "name":
                self.write(_cell(_name(whole)))
            case "table" if not self._wanted.fields:
                if text := people():
                    self.write(text)
            case form:
                cells = [_cell(members.get(name)) for name in self._wanted.names]
                if form == "csv":
                    self._csv(self._wanted.names, [cells])
                else:
                    self.write("\t".join(cells) if form == "tsv" else _row(cells))

    def document(self, value: Any) -> None:  # noqa: ANN401 - any JSON
        """A JSON document, or what `--jq` makes of it; indented for a person, one line for a pipe."""
        self._filtered(value, indent=2 if self.is_terminal else None)

    def _filtered(self, value: Any, *, indent: int | None) -> None:  # noqa: ANN401 - any JSON
        if self._wanted.program is None:
            self._json(value, indent)
            return
        for result in self._wanted.filtered(value):
            if not isinstance(result, str):
                self._json(result, indent)
            elif self.is_terminal:
                self.write("\n".join(map(harmless, result.split("\n"))))
            else:
                self.write(result)  # as the program says: it may be @csv or @tsv

    def _json(self, value: Any, indent: int | None) -> None:  # noqa: ANN401 - any JSON
        text = json.dumps(value, ensure_ascii=False, indent=indent)
        # Beyond what JSON escapes by itself: these are only ever inside strings, where \uXXXX means the same.
        self.write("\n".join(HARMFUL.sub(lambda c: f"\\u{ord(c[0]):04x}", line) for line in text.split("\n")))

    def one(
        self, value: BaseModel, people: Callable[[], str], *, hidden: frozenset[str] = frozenset()
    ) -> None:
        """One object: `people()` as a table, as TSV lines of field, tab, value; without `hidden` fields."""
        self._remember([value])
        whole = value.model_dump(mode="json", by_alias=True, exclude=set(hidden))
        members = self._wanted.of(whole)
        cells = {name: _cell(member) for name, member in members.items()}
        match self.form:
            case "json":
                self.document(members)
            case "name":
                self.write(_cell(_name(whole)))
            case "csv":
                self._csv(cells, [cells.values()])
            case "table":
                chosen = [(name, cell or "-") for name, cell in cells.items()]
                self.write(facts(*chosen) if self._wanted.fields else people())
            case "tsv":
                for name, cell in cells.items():
                    self.write(f"{name}\t{cell}")

    def page(self, page: Page[T], columns: Sequence[Column[T]], *, none: str, more: str) -> None:
        """A list; `none` is said when it is empty, `more` when there is a next page (with its cursor)."""
        self._remember(page.items)
        document = page.model_dump(mode="json", by_alias=True)
        if self.as_json:
            document["items"] = [self._wanted.of(item) for item in document["items"]]
            self.document(document)
            return
        if self.form == "name":
            for item in document["items"]:
                self.write(_cell(_name(item)))
        else:
            self._columns(page.items, self._chosen(columns))
        if not page.items:
            self.say(none)
        if page.next_cursor:
            self.say(f"There are more: {more} --cursor {page.next_cursor}")

    def _remember(self, items: Sequence[Any]) -> None:
        if self.is_terminal:  # a person may want to type their ids
            from cli.completion import remember  # noqa: PLC0415 - for a person only

            remember(items)

    def _chosen(self, columns: Sequence[Column[T]]) -> Sequence[Column[T]]:
        """The columns for `--fields`: a verb's own where it has one of that name."""
        own = {column.name: column for column in columns}
        return [own.get(name) or _plain(name) for name in self._wanted.fields] or columns

    def _columns(self, items: Sequence[T], columns: Sequence[Column[T]]) -> None:
        if self.form == "table":
            if items:
                self._table(items, columns)
            return
        rows = [[_cell(column.raw(item)) for column in columns] for item in items]
        if self.form == "csv":
            self._csv([column.name for column in columns], rows)
        else:
            for row in rows:
                self.write("\t".join(row))

    def _csv(self, head: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
        """Rows under a head, which a stream has once."""
        import csv  # noqa: PLC0415 - 5 ms, and rarely needed
        import io  # noqa: PLC0415 - likewise

        for row in rows if self._has_head else [head, *rows]:
            line = io.StringIO()
            csv.writer(line, lineterminator="").writerow(row)
            self.write(line.getvalue())
        self._has_head = True

    def _table(self, items: Sequence[T], columns: Sequence[Column[T]]) -> None:
        shown = [column for column in columns if column.human is not None or self._wanted.fields]
        rows = [
            [harmless(column.human(item)) if column.human else _cell(column.raw(item)) for column in shown]
            for item in items
        ]
        heads = [column.name.upper() for column in shown]
        heads, *rows = fitted(
            [heads, *rows],
            shrinks=[column.shrinks or column.human is None for column in shown],
            room=shutil.get_terminal_size().columns,
        )
        self.write(self.paint(_row(heads), "dim"))
        for row in rows:
            self.write(
                _row(
                    [
                        self.paint(cell, STATUS_COLOURS.get(cell.strip()))
                        if column.name == "status"
                        else cell
                        for column, cell in zip(shown, row, strict=True)
                    ]
                )
            )


def _plain(name: str) -> Column[Any]:
    """A column for a field that the verb's own columns do not have."""
    return Column(name, lambda item: item.model_dump(mode="json", by_alias=True)[name], None)


def _name(members: Mapping[str, Any]) -> object:
    """What an object is called: its id, or the first thing said of it."""
    return members.get("id") or next(iter(members.values()))


def _row(cells: Sequence[str]) -> str:
    return "  ".join(cells).rstrip()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return harmless(value)
    return harmless(json.dumps(value, ensure_ascii=False))


def facts(*pairs: tuple[str, str | None]) -> str:
    """Label and value under each other; those without a value are left out."""
    present = [(label, value) for label, value in pairs if value]
    room = max(len(label) for label, _ in present)
    return "\n".join(f"{label:<{room}}  {harmless(value)}" for label, value in present)


def local_time(moment: datetime) -> str:
    """For people, in their own time zone."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")


@contextmanager
def _closed_pipe_ends_it() -> Iterator[None]:
    """`tix … | head -1`: the reader has what it wanted, so end in silence."""
    try:
        yield
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
