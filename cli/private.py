"""A file that nobody else can read, whole or not there at all."""

import os
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """A 0600 file in a 0700 directory, replaced in one step. Raises OSError."""
    import tempfile  # noqa: PLC0415 - 10 ms, and rarely needed

    for folder in (path.parent.parent, path.parent):  # `parents` alone would make the first one 0755
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".")  # mkstemp makes it 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise
