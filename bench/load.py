"""The load generator: closed loops on kept-alive connections, in processes of their own."""

import asyncio
import multiprocessing
import time
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, cycle

import uvloop

from bench.wire import Connection, address


@dataclass(frozen=True)
class Job:
    """What one process sends: `requests` over and over, or each `once`, until `seconds` are over."""

    url: str
    requests: Sequence[bytes]
    connections: int
    seconds: float
    once: bool = False


@dataclass
class Outcome:
    """What came of it. `took` in seconds, an entry an answer; `cpu` is the generator's own, in seconds."""

    began: float
    ended: float
    statuses: Counter[int] = field(default_factory=Counter)
    took: "array[float]" = field(default_factory=lambda: array("d"))
    last: dict[int, float] = field(default_factory=dict)
    """Status → when the last answer with it came, seconds after the beginning."""
    cpu: float = 0

    @property
    def answers(self) -> int:
        """How many, of every kind."""
        return self.statuses.total()

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answers / (self.ended - self.began)

    def percentile(self, share: float) -> float:
        """Milliseconds within which this share of answers came."""
        ordered = sorted(self.took)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000 if ordered else 0.0


class _Run:
    def __init__(self, job: Job) -> None:
        self._job = job
        self._left: Iterator[bytes] = iter(job.requests) if job.once else cycle(job.requests)
        self._sent: dict[Connection, float] = {}
        self._open = 0
        self._done = asyncio.Event()
        self._end = 0.0
        self.outcome = Outcome(0, 0)

    async def run(self) -> Outcome:
        loop = asyncio.get_running_loop()
        host, port = address(self._job.url)
        lines = [
            (await loop.create_connection(lambda: Connection(self._answered), host, port))[1]
            for _ in range(self._job.connections)
        ]
        cpu = time.process_time()
        self.outcome.began = time.monotonic()
        self._end = self.outcome.began + self._job.seconds
        self._open = len(lines)
        for line in lines:
            self._next(line, time.monotonic())
        await self._done.wait()
        self.outcome.ended = time.monotonic()
        self.outcome.cpu = time.process_time() - cpu
        return self.outcome

    def _answered(self, line: Connection, status: int, _: bytes) -> None:
        now = time.monotonic()
        sent = self._sent.pop(line, None)
        if sent is None:  # we closed it
            return
        self.outcome.took.append(now - sent)
        self.outcome.statuses[status] += 1
        self.outcome.last[status] = now - self.outcome.began
        if status:
            self._next(line, now)
        else:
            self._over()

    def _next(self, line: Connection, now: float) -> None:
        request = next(self._left, None) if now < self._end else None
        if request is None:
            line.transport.close()
            self._over()
            return
        self._sent[line] = now
        line.transport.write(request)

    def _over(self) -> None:
        self._open -= 1
        if not self._open:
            self._done.set()


def _work(job: Job) -> Outcome:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_Run(job).run())


class Loader:
    """One process or several; they share the connections and the requests."""

    def __init__(self, pool: ProcessPoolExecutor, processes: int) -> None:
        """Made by `loading`."""
        self._pool, self._processes = pool, processes

    def run(
        self, url: str, requests: Sequence[bytes], *, connections: int, seconds: float, once: bool = False
    ) -> Outcome:
        """Send and wait for the answers; blocks."""
        count = min(self._processes, connections)
        jobs = [
            Job(
                url,
                requests[n::count] if once else requests,
                connections // count + (n < connections % count),
                seconds,
                once,
            )
            for n in range(count)
        ]
        return _together(list(self._pool.map(_work, jobs)))


def _together(parts: Sequence[Outcome]) -> Outcome:
    whole = Outcome(min(part.began for part in parts), max(part.ended for part in parts))
    for part in parts:
        whole.statuses += part.statuses
        whole.took.extend(part.took)
        whole.cpu += part.cpu
        shift = part.began - whole.began
        for status, at in part.last.items():
            whole.last[status] = max(whole.last.get(status, 0), at + shift)
    return whole


@contextmanager
def loading(processes: int = 1) -> Iterator[Loader]:
    """A loader whose processes are up."""
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(_warm, range(processes)))
        yield Loader(pool, processes)


def _warm(number: int) -> int:
    return number


def spread(groups: Sequence[Sequence[bytes]]) -> list[bytes]:
    """Take in turn from each group, so that whoever has several requests does not send them together."""
    longest = max(map(len, groups))
    return list(chain.from_iterable(group[n : n + 1] for n in range(longest) for group in groups))
