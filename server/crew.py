"""`--workers N`: as many processes behind one listening socket; who dies or hangs is replaced.

The socket is made once and inherited. With SO_REUSEPORT each worker would have a queue of its own, and take
the connections in it along when it ends or dies; and any program of the same user could join in.

Workers are forks of a process that has imported everything and done nothing (multiprocessing's fork server):
one is there within milliseconds, and they share the memory of what was imported.
"""

import asyncio
import gc
import multiprocessing
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import forkserver, resource_tracker
from typing import Any

from server.kit import log
from server.settings import Settings
from server.stopping import LAST_SECONDS

MOST = 32
"""Each has a port of its own for its metrics, one of `gauges.PROCESSES`."""
MOST_WHOLE = 10
"""Of `up`: with FEWEST_CONNECTIONS to each of four databases, 160 of the embedded PostgreSQL's 200."""
READY = b"+"
BEAT = b"."
BEAT_SECONDS = 1
WELL_SECONDS = 10
"""A worker that lived this long was well: its end is no sign that the next one ends as well."""
FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
"""Seconds before the third of those that end soon after their start, doubled each time."""
FEWEST_CONNECTIONS = 4
"""A service's to its database: one may be held by the relay while the bus is away."""

LATE = ("server.expiration.tasks", "server.payments.stripe_gateway")
"""What is imported only where it is used, which in a fork would be in each anew."""

Work = Callable[..., Coroutine[Any, Any, int]]
"""A module's own function, of a Post, Settings and what the crew was given for it; returns the status."""

_context = multiprocessing.get_context("forkserver")


def prepare() -> None:
    """Have the process made of which workers are forks; it takes a second and is not waited for.

    SIGTERM stays blocked in it: it is in our group, and would die where the whole group is told to end.
    """
    _context.set_forkserver_preload(["server.whole", *LATE])
    resource_tracker.ensure_running()  # which would unblock it again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def looped(main: Coroutine[Any, Any, int]) -> int:
    """Run it on the fastest event loop there is."""
    try:
        import uvloop  # noqa: PLC0415 - has no wheel for Windows
    except ImportError:
        factory = None
    else:
        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)


def share(settings: Settings, count: int) -> Settings:
    """One worker's part of what all of them together may have."""
    connections = max(settings.database_connections // count, FEWEST_CONNECTIONS)
    return settings.model_copy(
        update={"stripe_rate": settings.stripe_rate / count, "database_connections": connections}
    )


@dataclass
class Post:
    """Where a worker stands: its number, from 0, and the line to the process that started it."""

    number: int = 0
    line: socket.socket | None = None
    announce: Callable[[], None] | None = None
    """What a process without workers does instead of `ready`."""

    def ready(self) -> None:
        """It serves now."""
        if self.announce is not None:
            self.announce()
        self._say(READY)
        # What was imported stays. To look at all of it again and again took a tenth of the CPU of a read, and
        # 0.1 s each time, in which nobody was answered.
        gc.freeze()

    async def beat(self) -> None:
        """Say for ever that the event loop turns."""
        while True:
            self._say(BEAT)
            await asyncio.sleep(BEAT_SECONDS)

    def _say(self, word: bytes) -> None:
        # Either the other end is gone, and the stop signal on its way, or it was stopped for minutes.
        if self.line is not None:
            with suppress(OSError):
                self.line.send(word, socket.MSG_DONTWAIT)


def _enter(work: Work, settings: Settings, post: Post, arguments: tuple[Any, ...]) -> None:
    os.setsid()  # Ctrl-C reaches the first process alone, which then tells us
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})  # one that came meanwhile has waited
    log.configure(settings.log_level)
    sys.exit(looped(_beating(post, work(post, settings, *arguments))))


async def _beating(post: Post, main: Coroutine[Any, Any, int]) -> int:
    beat = asyncio.create_task(post.beat())
    try:
        return await main
    finally:
        beat.cancel()


class _Worker:
    """One process and the line to it."""

    def __init__(self, number: int, work: Work, settings: Settings, arguments: tuple[Any, ...]) -> None:
        self._line, self._theirs = socket.socketpair()
        self._line.setblocking(False)  # noqa: FBT003 - as Python has it
        self._number, self._silent = number, 0
        self._process = _context.Process(
            target=_enter, args=(work, settings, Post(number, self._theirs), arguments), daemon=True
        )

    async def start(self) -> None:
        """One that cannot be started is like one that ended at once."""
        try:
            await asyncio.to_thread(self._fork)
        except (OSError, EOFError) as error:  # no memory for one more, say: the fork server ends of it
            log.log.error("a worker cannot be started", error=repr(error))
            self._line.close()  # if it was forked all the same we shall never know its pid: this ends it
        finally:
            self._theirs.close()

    def _fork(self) -> None:
        prepare()
        self._process.start()

    @property
    def pid(self) -> int | None:
        return self._process.pid

    async def is_ready(self) -> bool:
        """True when it serves, False when it has ended before."""
        said = await self._hear()
        while said and READY not in said:
            said = await self._hear()
        return bool(said)

    async def _hear(self) -> bytes:
        """What it says next; nothing when it has ended."""
        said = b""
        if self.pid is not None:
            with suppress(OSError):
                said = await asyncio.get_running_loop().sock_recv(self._line, 64)
        self._silent = 0
        return said

    async def ended(self) -> int:
        """Its exit status, negative for a signal, once it has ended."""
        if self.pid is None:
            return 1
        while await self._hear():
            pass
        self._line.close()
        await asyncio.to_thread(self._process.join)
        return self._process.exitcode or 0

    async def watch(self, patience: float) -> None:
        """Kill it once it was silent for so many seconds.

        They are counted by turns of our own loop: while the machine or we are stopped nobody is waited for.
        """
        while self._silent <= patience / BEAT_SECONDS:
            await asyncio.sleep(BEAT_SECONDS)
            self._silent += 1
        log.log.error("a worker hangs; killed", worker=self._number, pid=self.pid, seconds=patience)
        self.end(signal.SIGKILL)

    def end(self, number: signal.Signals) -> None:
        """For who has not `ended` yet; the process object does not know, once the fork server is dead."""
        if self.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


@dataclass
class Crew:
    """`count` workers, each of which does `work` with its part of `settings` and with `arguments`."""

    count: int
    work: Work
    settings: Settings
    arguments: tuple[Any, ...]
    _unready: set[int] = field(default_factory=set)
    _was_ready: bool = False
    _leaving: int = 0
    _status: int = 0

    async def run(self, stop: asyncio.Event, announce: Callable[[], None]) -> int:
        """Keep all of them at work until `stop`; the exit status. `announce` when all are ready at first.

        One that ends before any was ready ends all: what it could not do, its successor could not either.
        """
        prepare()
        self._unready = set(range(self.count))
        places = [asyncio.create_task(self._man(number, stop, announce)) for number in range(self.count)]
        await asyncio.gather(*places)
        return self._status

    async def _man(self, number: int, stop: asyncio.Event, announce: Callable[[], None]) -> None:
        try:
            last = await self._fill(number, stop, announce)
        finally:
            self._let_go()
        if last is not None:
            await self._end(*last, number)

    async def _fill(
        self, number: int, stop: asyncio.Event, announce: Callable[[], None]
    ) -> tuple[_Worker, asyncio.Task[int]] | None:
        """One worker after another; who is there at the stop."""
        soon, loop = 0, asyncio.get_running_loop()
        while not stop.is_set():
            began = loop.time()
            worker = _Worker(number, self.work, share(self.settings, self.count), self.arguments)
            await worker.start()
            living = asyncio.create_task(self._live(worker, number, announce))
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait({living, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if stop.is_set():
                return worker, living
            status = await living
            if not self._was_ready:
                self._status = status if status > 0 else 1
                stop.set()
                return None
            soon = soon + 1 if loop.time() - began < WELL_SECONDS else 0
            wait = min(FIRST_WAIT * 2 ** (soon - 2), LONGEST_WAIT) if soon > 1 else 0
            log.log.warning(
                "a worker ended; another takes its place"
                if not wait
                else "workers end right after their start; the next one has to wait",
                worker=number,
                pid=worker.pid,
                how=_how(status),
                wait=wait,
            )
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), wait)
        return None

    def _let_go(self) -> None:
        """Close the sockets once no place starts another: nobody would take what waits in their queue."""
        self._leaving += 1
        if self._leaving == self.count:
            for each in self.arguments:
                if isinstance(each, socket.socket):
                    each.close()

    async def _live(self, worker: _Worker, number: int, announce: Callable[[], None]) -> int:
        watching = asyncio.create_task(worker.watch(self.settings.hang_seconds))
        try:
            if await worker.is_ready():
                self._was_ready = True
                if number in self._unready:
                    self._unready.discard(number)
                    if not self._unready:
                        announce()
            return await worker.ended()
        finally:
            watching.cancel()

    async def _end(self, worker: _Worker, living: asyncio.Task[int], number: int) -> None:
        if not living.done():
            worker.end(signal.SIGTERM)
        patience = self.settings.drain_seconds + LAST_SECONDS - 1  # before we are out of time ourselves
        ended, _ = await asyncio.wait({living}, timeout=patience)
        if not ended:
            log.log.error("a worker did not end by itself; killed", worker=number, pid=worker.pid)
            worker.end(signal.SIGKILL)
            self._status = 1
            await living


def _how(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"exit {status}"
