"""How often and how many at once."""

import asyncio

import pytest

from server.kit import limits
from server.kit.errors import TooMany
from server.kit.limits import Queue, Rate


class Clock:
    """`time.monotonic`, set by hand."""

    now = 1000.0

    def monotonic(self) -> float:
        """The time it was set to."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock the limits read."""
    made = Clock()
    monkeypatch.setattr(limits, "time", made)
    return made


class TestRate:
    """A sliding minute."""

    def test_the_limit_is_allowed_and_the_next_is_not(self, clock: Clock) -> None:
        """With the seconds until it is."""
        rate = Rate(3)
        for _ in range(3):
            rate.take("a")
            clock.now += 10
        with pytest.raises(TooMany) as refused:
            rate.take("a")
        assert refused.value.retry_after == pytest.approx(30)
        assert refused.value.code == "rate_limited"

    def test_it_is_allowed_again_when_the_first_is_a_minute_old(self, clock: Clock) -> None:
        """One slot comes free, not all."""
        rate = Rate(2)
        rate.take("a")
        clock.now += 30
        rate.take("a")
        clock.now += 30
        rate.take("a")
        with pytest.raises(TooMany):
            rate.take("a")

    def test_a_refused_try_does_not_prolong_the_wait(self, clock: Clock) -> None:
        """Hammering costs nothing more."""
        rate = Rate(1)
        rate.take("a")
        for _ in range(50):
            clock.now += 1
            with pytest.raises(TooMany):
                rate.take("a")
        clock.now += 10
        rate.take("a")

    def test_keys_do_not_share(self, clock: Clock) -> None:
        """One address at its limit leaves the others alone."""
        rate = Rate(1)
        rate.take("a")
        rate.take("b")
        with pytest.raises(TooMany):
            rate.take("a")

    def test_memory_is_bounded(self, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
        """The least recent keys are forgotten; one that is used stays."""
        monkeypatch.setattr(Rate, "MAX_KEYS", 100)
        rate = Rate(1000)
        rate.take("kept")
        for n in range(500):
            rate.take(f"key-{n}")
            rate.take("kept")
        assert len(rate._seen) == 100
        assert len(rate._seen["kept"]) == 501


class TestQueue:
    """Some run, some wait, the rest is refused."""

    async def test_the_queue_has_an_end(self) -> None:
        """One runs, two wait, the fourth is told to come back."""
        queue, done, gate = Queue(1, 2), [], asyncio.Event()

        async def work(n: int) -> None:
            async with queue.turn():
                await gate.wait()
                done.append(n)

        tasks = [asyncio.create_task(work(n)) for n in range(4)]
        finished, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        [refused] = finished
        error = refused.exception()
        assert isinstance(error, TooMany)
        assert error.retry_after == 2
        gate.set()
        await asyncio.gather(*tasks[:3])
        assert done == [0, 1, 2]

    async def test_who_gives_up_or_fails_leaves_the_queue(self) -> None:
        """Cancelled while waiting, cancelled while running, failed: the place is free again."""
        queue = Queue(1, 1)

        async def work(gate: asyncio.Event) -> None:
            async with queue.turn():
                await gate.wait()
                raise ValueError

        for _ in range(5):
            gate = asyncio.Event()
            running, waiting = asyncio.create_task(work(gate)), asyncio.create_task(work(gate))
            await asyncio.wait({running}, timeout=0.01)
            waiting.cancel()
            gate.set()
            outcomes = await asyncio.gather(running, waiting, return_exceptions=True)
            assert [type(outcome) for outcome in outcomes] == [ValueError, asyncio.CancelledError]
        async with queue.turn():
            pass
