"""The only way a test waits: for a described condition, never for a duration; and a yardstick for limits."""

import asyncio
import inspect
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

T = TypeVar("T")

PYTHON_SECONDS = 0.075
"""What a Python that imports asyncio takes on an idle machine of the kind on which the limits were set."""


def slowness() -> float:
    """How many times as long as there things take here and now, at least 1: to be multiplied with a limit."""

    def seconds() -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import asyncio"], check=True)
        return time.perf_counter() - began

    return max(1, statistics.median(seconds() for _ in range(5)) / PYTHON_SECONDS)


@overload
async def until(condition: Callable[[], Awaitable[T]], what: str, timeout: float = 10) -> T: ...
@overload
async def until(condition: Callable[[], T], what: str, timeout: float = 10) -> T: ...
async def until(condition: Callable[[], Awaitable[T] | T], what: str, timeout: float = 10) -> T:
    """Poll every 20 ms; return the first true value, or fail after `timeout` seconds with `what`."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if inspect.isawaitable(value):
            value = await value
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what}")
        await asyncio.sleep(0.02)
