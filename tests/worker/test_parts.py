"""A background part that fails is started again: ever later while it keeps failing, soon after a good run."""

import asyncio
from typing import Any

import pytest

from server import worker


async def pauses_after(monkeypatch: pytest.MonkeyPatch, *runs: float) -> list[float]:
    """How long it is left alone after each failure of a part that ran for so many seconds before."""
    paused: list[float] = []
    now = 0.0

    async def part() -> None:
        nonlocal now
        now += runs[len(paused)]
        raise RuntimeError("again")

    async def pause(seconds: float, stopping: asyncio.Event) -> None:
        paused.append(seconds)
        if len(paused) == len(runs):
            stopping.set()

    with monkeypatch.context() as clock:
        clock.setattr(worker, "pause", pause)
        clock.setattr(worker, "time", Clock(lambda: now))
        await worker._restarting("a part", part, asyncio.Event())
    return paused


class Clock:
    """The part of `time` that is asked."""

    def __init__(self, monotonic: Any) -> None:
        self.monotonic = monotonic


async def test_a_part_that_fails_at_once_is_left_alone_ever_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """But never longer than ten seconds."""
    assert await pauses_after(monkeypatch, *[0.1] * 7) == [0.5, 1, 2, 4, 8, 10, 10]


async def test_after_a_good_run_it_is_started_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five failures last week say nothing about today's."""
    assert await pauses_after(monkeypatch, 0, 0, 0, 0, 0, 3600, 0) == [0.5, 1, 2, 4, 8, 0.5, 1]
