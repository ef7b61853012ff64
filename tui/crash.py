"""What is written down when the app itself fails: where and what, and nothing secret."""

import os
import platform
import re
import traceback
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

TOKENS = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*|(?<=Bearer )\S+")


def write_log(folder: Path, error: BaseException, secrets: Iterable[str]) -> Path | None:
    """In place of the one before; None where it cannot be written. `secrets` are left out of it."""
    lines = traceback.format_exception(error)  # without the values of variables
    head = (
        f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        f"Python {platform.python_version()}, Textual {version('textual')}, {platform.system()}",
    )
    text = "\n".join((*head, "", "".join(lines)))
    for secret in filter(None, secrets):
        text = text.replace(secret, "…")
    path = folder / "crash.log"
    with suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:  # noqa: PTH123 - as 0600
            file.write(TOKENS.sub("…", text))
        return path
    return None


def told(error: BaseException, log: Path | None) -> str:
    """A sentence for who sees it."""
    where = (
        f"What happened is in {log}; no password and no token is in it."
        if log
        else "No log could be written."
    )
    return f"tix tui itself failed ({type(error).__name__}). {where}"
