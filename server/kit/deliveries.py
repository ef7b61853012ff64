"""The messages of a durable consumer as they arrive until we stop, and none lost on the way then."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js.errors import APIError

ACK_SECONDS = 10
"""A delivery we are silent about for this long is sent again, to whoever asks."""
HANDLER_SECONDS = 60
"""A handler that takes longer than this is taken for dead; most take milliseconds, none a minute."""
AHEAD = 16
"""Messages asked for at once. nats-py's own `fetch` takes a request and four tasks for each of them."""
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


async def messages(client: Client, ask: str, stopping: asyncio.Event) -> AsyncGenerator[Msg, None]:
    """Every message until `stopping`; `ask` is the subject on which the consumer is asked for more.

    To be closed (`contextlib.aclosing`): what has arrived and was not taken is given back, so that another
    replica has it at once. Raises APIError when there is no such consumer.
    """
    arrived: asyncio.Queue[Msg | None] = asyncio.Queue()
    stop = asyncio.create_task(stopping.wait())
    stop.add_done_callback(lambda _: arrived.put_nowait(None))
    subscription = await client.subscribe(client.new_inbox(), cb=arrived.put)
    request = json.dumps({"batch": AHEAD, "expires": int(FETCH_SECONDS * 1e9)}).encode()
    expected = 0
    try:
        while not stopping.is_set():
            if not expected:
                await client.publish(ask, request, reply=subscription.subject)
                expected = AHEAD
            try:
                message = await _next(arrived)
            except TimeoutError:  # the broker was away, and has forgotten what it was asked
                expected = 0
                continue
            if message is not None and message.reply:
                expected -= 1
                yield message
            elif message is not None:
                await _over(message)
                expected = 0
    finally:
        stop.cancel()
        await _give_back(subscription, arrived)


async def _next(arrived: "asyncio.Queue[Msg | None]") -> Msg | None:
    if not arrived.empty():
        return arrived.get_nowait()
    async with asyncio.timeout(FETCH_SECONDS + ROUND_TRIP_SECONDS):
        return await arrived.get()


async def _over(message: Msg) -> None:
    """The request is over. Raises APIError unless another may be made."""
    status = (message.headers or {}).get("Status", "")
    if status not in PASSING:
        raise APIError.from_msg(message)
    if status != NOT_IN_TIME:
        await asyncio.sleep(AGAIN_SECONDS)


async def _give_back(subscription: Subscription, arrived: asyncio.Queue[Msg | None]) -> None:
    """Let what is on its way to us arrive; the broker would wait ACK_SECONDS for a word about it."""
    with suppress(nats.errors.Error, OSError, TimeoutError):
        async with asyncio.timeout(ROUND_TRIP_SECONDS):
            await subscription.drain()  # type: ignore[no-untyped-call]  # nats-py does not type it
    while not arrived.empty():
        message = arrived.get_nowait()
        if message is not None and message.reply:
            with suppress(nats.errors.Error, OSError):
                await message.nak()
