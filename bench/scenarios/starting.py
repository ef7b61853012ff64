"""`python -m server up`: until it is ready, and what it holds in memory."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from subprocess import DEVNULL

from bench.figures import Case, Sample
from bench.processes import memory
from bench.stage import answers, free_port, process, until

SETTLES_SECONDS = 3


def start_up(directory: Path) -> dict[str, Case]:
    """On an empty directory, and again on what is there then."""
    number = 0

    def cold() -> Sample:
        nonlocal number
        number += 1
        return _start(directory / str(number))

    return {"cold start": cold, "warm start": lambda: _start(directory / str(number))}


def _start(data: Path) -> Sample:
    """`p50` is what it took; memory is looked at when it has settled."""
    port = free_port()
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "TIX_DATA_DIR": str(data),
        "TIX_API_PORT": str(port),
        "TIX_WEB_PORT": str(free_port()),
    }
    began = time.monotonic()
    with process("server", "up", env=environ, log=DEVNULL):
        until(partial(answers, f"http://127.0.0.1:{port}/readyz"), "the platform is ready", 60)
        took = time.monotonic() - began
        time.sleep(SETTLES_SECONDS)
        held = memory()
    return Sample(
        rate=1 / took,
        p50=took * 1000,
        more={**{f"MB {part}": size for part, size in held.items()}, "MB": sum(held.values())},
    )


@contextmanager
def directory() -> Iterator[Path]:
    """Where it keeps its data; gone at the end."""
    path = Path(tempfile.mkdtemp(prefix="tix-bench-"))
    path.chmod(0o711)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
