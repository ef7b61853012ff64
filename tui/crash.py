"""What is written down when the app itself fails: where and what, and nothing secret."""

import platform
import re
import traceback
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from pydantic import ValidationError

from cli.private import write_private

TOKENS = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*|(?<=Bearer )\S+")
ADDRESSES = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


def write_log(folder: Path, error: BaseException, secrets: Iterable[str]) -> Path | None:
    """In place of the one before; None where it cannot be written. `secrets` are left out of it."""
    text = "".join(traceback.format_exception(error))  # without the values of variables
    for one in _chain(error):
        if isinstance(one, ValidationError):  # it says what it was given
            text = text.replace(str(one), _blank(one))
    for secret in filter(None, secrets):
        text = text.replace(secret, "…")
    text = ADDRESSES.sub("…", TOKENS.sub("…", text))
    head = (
        f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        f"Python {platform.python_version()}, Textual {version('textual')}, {platform.system()}",
    )
    path = folder / "crash.log"
    with suppress(OSError):
        write_private(path, "\n".join((*head, "", text)))
        return path
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """It, and what it came of."""
    found: list[BaseException] = [error]
    for one in found:
        yield one
        found += [it for it in (one.__cause__, one.__context__) if it is not None and it not in found]


def _blank(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    places = (f"{'.'.join(map(str, one['loc']))}: {one['type']}" for one in problems)
    return f"{error.title}: {', '.join(places)}"


def told(error: BaseException, log: Path | None) -> str:
    """A sentence for who sees it."""
    where = (
        f"What happened is in {log}; no password and no token is in it."
        if log
        else "No log could be written."
    )
    return f"tix tui itself failed ({type(error).__name__}). {where}"
