"""The messages of a durable consumer, begun as they arrive until we stop, and none lost on the way then."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js.errors import APIError

ACK_SECONDS = 10
"""A delivery we are silent about for this long is sent again, to whoever asks."""
HANDLER_SECONDS = 60
"""A handler that takes longer than this is taken for dead; most take milliseconds, none a minute."""
LANES = 8
"""Messages of one consumer handled at once in this process, and so asked for: none waits here for its turn.

They are asked for by the request that nats-py's own `fetch` sends, too; but that takes four tasks a message.
"""
FETCH_SECONDS = 5
ROUND_TRIP_SECONDS = 1
"""To the broker, which may be away."""
AGAIN_SECONDS = 0.1
NOT_IN_TIME = "408"
PASSING = frozenset({NOT_IN_TIME, "404", "409"})
"""The broker's words for a request that is over, whatever became of it: it is made again."""


def holding(message: Msg) -> Callable[[], None]:
    """`hold` it, if that becomes necessary; returns what ends it."""
    loop = asyncio.get_running_loop()
    task: asyncio.Task[None] | None = None

    def begin() -> None:
        nonlocal task
        task = loop.create_task(hold(message))

    def end() -> None:
        timer.cancel()
        if task is not None:
            task.cancel()

    timer = loop.call_later(ACK_SECONDS / 2, begin)
    return end


async def hold(message: Msg) -> None:
    """Tell JetStream that the handler is still at it, for HANDLER_SECONDS; then another may try."""
    for _ in range(int(HANDLER_SECONDS / ACK_SECONDS * 2)):
        with suppress(nats.errors.Error, OSError):  # away: it comes again, and the inbox sees to that
            await message.in_progress()
        await asyncio.sleep(ACK_SECONDS / 2)


class Deliveries:
    """The messages of one consumer; `run` anew after an interruption, which ends no handler."""

    def __init__(self, client: Client, ask: str, begin: Callable[[Msg], asyncio.Task[None]]) -> None:
        """`ask` is the subject on which the consumer is asked for messages, `begin` begins to handle one."""
        self._client = client
        self._ask = ask
        self._begin = begin
        self._in_hand: set[asyncio.Task[None]] = set()
        self._arrived: asyncio.Queue[Msg | None] = asyncio.Queue()
        self._inbox, self._number, self._expected = "", 0, 0

    async def run(self, stopping: asyncio.Event) -> None:
        """Begin each message until `stopping`. What arrived and was not begun is another replica's at once.

        Raises APIError when there is no such consumer.
        """
        self._arrived, self._inbox, self._expected = asyncio.Queue(), self._client.new_inbox(), 0
        subscription = await self._client.subscribe(f"{self._inbox}.*", cb=self._arrived.put)
        stop = asyncio.create_task(stopping.wait())
        stop.add_done_callback(self._rouse)
        try:
            while not stopping.is_set():
                if not self._expected and len(self._in_hand) <= LANES // 2:
                    await self._ask_for(LANES - len(self._in_hand))
                try:
                    message = await self._next()
                except TimeoutError:  # the broker was away, and has forgotten what it was asked
                    self._expected = 0
                else:
                    await self._take(message)
        finally:
            stop.cancel()
            await self._give_back(subscription)

    async def _ask_for(self, batch: int) -> None:
        self._number, self._expected = self._number + 1, batch
        request = {"batch": batch, "expires": int(FETCH_SECONDS * 1e9)}
        reply = f"{self._inbox}.{self._number}"
        await self._client.publish(self._ask, json.dumps(request).encode(), reply=reply)

    async def _next(self) -> Msg | None:
        """A message, a word of the broker's, or None when there is something else to look at."""
        if not self._arrived.empty():
            return self._arrived.get_nowait()
        async with asyncio.timeout(FETCH_SECONDS + ROUND_TRIP_SECONDS):
            return await self._arrived.get()

    async def _take(self, message: Msg | None) -> None:
        if message is None:
            return
        if message.reply:
            self._expected = max(self._expected - 1, 0)
            task = self._begin(message)
            self._in_hand.add(task)
            task.add_done_callback(self._done)
        elif message.subject == f"{self._inbox}.{self._number}":  # not the end of an older request
            status = (message.headers or {}).get("Status", "")
            if status not in PASSING:
                raise APIError.from_msg(message)
            if status != NOT_IN_TIME:
                await asyncio.sleep(AGAIN_SECONDS)
            self._expected = 0

    def _done(self, task: asyncio.Task[None]) -> None:
        self._in_hand.discard(task)
        if not self._expected:
            self._rouse(task)

    def _rouse(self, _: asyncio.Task[Any]) -> None:
        self._arrived.put_nowait(None)

    async def _give_back(self, subscription: Subscription) -> None:
        """Let what is on its way to us arrive; the broker would wait ACK_SECONDS for a word about it."""
        with suppress(nats.errors.Error, OSError, TimeoutError):
            async with asyncio.timeout(ROUND_TRIP_SECONDS):
                await subscription.drain()  # type: ignore[no-untyped-call]  # nats-py does not type it
        while not self._arrived.empty():
            message = self._arrived.get_nowait()
            if message is not None and message.reply:
                with suppress(nats.errors.Error, OSError):
                    await message.nak()
