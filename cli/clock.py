"""A clock that nobody sets, and that goes on while the machine sleeps: holds end meanwhile, too."""

import time

SLEEPLESS: int | None = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))
"""Linux's `time.monotonic` stands still during suspend, as macOS's does, whose CLOCK_MONOTONIC does not."""


def steady() -> float:
    """Seconds since some moment in the past."""
    return time.monotonic() if SLEEPLESS is None else time.clock_gettime(SLEEPLESS)
