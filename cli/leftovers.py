"""The rows an import could not bring in, kept in a file that completes it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from cli.errors import USAGE, Refused

if TYPE_CHECKING:
    from cli.listing_files import Row

SUFFIX = ".resume.ndjson"


def beside(source: str) -> Path:
    """Where the rows of a source are left unless told otherwise; those of `-` in this directory."""
    if source.endswith(SUFFIX):
        return Path(source)
    return Path("tickets" if source == "-" else source).with_suffix(SUFFIX)


def _free(path: Path) -> Path:
    """This one, or `seats.2.resume.ndjson` if it is there already."""
    name = path.name.removesuffix(SUFFIX)
    names = (path, *(path.with_name(f"{name}.{number}{SUFFIX}") for number in range(2, 1000)))
    return next((each for each in names if not each.exists()), path)


def unwritable(path: Path, error: OSError) -> Refused:
    """There is no way to write this file."""
    return Refused(f"{path}: {error.strerror}", code="unwritable_file", exit_code=USAGE)


class Leftovers:
    """Written aside and put in place at the end, so that a killed import loses none of an earlier one's."""

    def __init__(self, path: Path, *, source: str) -> None:
        """Nothing is written yet; rows that another import left at `path` are not touched."""
        self._is_source = str(path) == source
        self.path = path if self._is_source else _free(path)
        self.count = 0
        self._aside = path.with_name(f"{path.name}.{os.getpid()}.part")
        self._stream: TextIO | None = None

    def add(self, row: Row) -> None:
        """Keep a row, as it was written. Raises Refused."""
        if self._stream is None:
            try:
                self._stream = self._aside.open("w", encoding="ascii")
            except OSError as error:
                raise unwritable(self.path, error) from error
        self._stream.write(json.dumps(row.values) + "\n")
        self.count += 1

    def keep(self) -> None:
        """That was all: they replace those that were tried again; without any, that file is done with."""
        if self._stream is not None:
            self._stream.close()
            self._aside.replace(self.path)
        elif self._is_source:
            self.path.unlink(missing_ok=True)

    def drop(self) -> None:
        """Forget what was not kept."""
        if self._stream is not None:
            self._stream.close()
            self._aside.unlink(missing_ok=True)
