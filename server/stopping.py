"""How a long-running process is told to end, and by when it has ended."""

import asyncio
import os
import signal
import socket

from server.kit.log import log
from server.settings import Settings

SIGNALS = (signal.SIGINT, signal.SIGTERM)
TOGETHER_SECONDS = 1
"""Two Ctrl-C within are one: a terminal sends it to all, and a reloader in that terminal hands it on."""
GRACE_SECONDS = 8
"""For requests in flight; the background then has 5 s more."""
LAST_SECONDS = 14
"""After the notice; a process that has not ended by then is ended. A container is given 30 s in all."""


def stop_signal(settings: Settings, line: socket.socket | None = None) -> asyncio.Event:
    """Set by Ctrl-C or SIGTERM; a second one ends the process at once, and so does not ending by itself.

    The end of `line`, which leads to the process that started this one, is a signal too, and with a line the
    only one that counts as the second: where a whole group is told to end, we are told twice.
    """
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def begin() -> None:
        again = signal.SIG_DFL if line is None else signal.SIG_IGN
        signal.signal(signal.SIGTERM, again)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        loop.call_later(TOGETHER_SECONDS, signal.signal, signal.SIGINT, again)
        loop.call_later(settings.drain_seconds + LAST_SECONDS, _give_up)
        stop.set()

    def hung_up(line: socket.socket) -> None:
        if stop.is_set():  # it did not wait for us: it was told twice
            os._exit(1)
        log.warning("the first process is gone; ending")
        loop.remove_reader(line)
        begin()

    for number in SIGNALS:
        loop.add_signal_handler(number, begin)
    if line is not None:
        loop.add_reader(line, hung_up, line)
    return stop


def _give_up() -> None:
    log.error("did not end by itself; ended now", seconds=LAST_SECONDS)
    os._exit(1)
