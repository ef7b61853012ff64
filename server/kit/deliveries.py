"""The messages of a durable consumer, one after another until we stop, and none lost on the way then."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import nats.errors
from nats.aio.msg import Msg
from nats.js import JetStreamContext

ACK_SECONDS = 10
"""A delivery we are silent about for this long is sent again, to whoever asks."""
HANDLER_SECONDS = 60
"""A handler that takes longer than this is taken for dead; most take milliseconds, none a minute."""
FETCH_SECONDS = 5
LINGER_SECONDS = 0.1
ROUND_TRIP_SECONDS = 1
"""To the broker, which may be away."""


async def hold(message: Msg) -> None:
    """Tell JetStream that the handler is still at it, for HANDLER_SECONDS; then another may try."""
    for _ in range(int(HANDLER_SECONDS / ACK_SECONDS * 2)):
        await asyncio.sleep(ACK_SECONDS / 2)
        with suppress(nats.errors.Error, OSError):  # away: it comes again, and the inbox sees to that
            await message.in_progress()


async def messages(
    subscription: JetStreamContext.PullSubscription, stopping: asyncio.Event
) -> AsyncIterator[Msg]:
    """Fetch one message after another until `stopping`, which also ends a fetch that waits.

    One at a time: nats-py 2.16 may hold a batch back until its timeout, waiting for the rest of it.
    """
    stop, fetch = asyncio.create_task(stopping.wait()), None
    try:
        while not stopping.is_set():
            fetch = asyncio.create_task(subscription.fetch(1, timeout=FETCH_SECONDS))
            await asyncio.wait((fetch, stop), return_when=asyncio.FIRST_COMPLETED)
            if not fetch.done():
                await _last(fetch, subscription)
            try:
                [message] = await fetch
            except (TimeoutError, asyncio.CancelledError):
                if stopping.is_set():
                    return
            else:
                yield message
    finally:
        stop.cancel()
        if fetch is not None and fetch.cancel():  # we were cancelled ourselves
            await asyncio.wait((fetch,))
        with suppress(nats.errors.Error):
            await subscription.unsubscribe()


async def _last(fetch: "asyncio.Task[list[Msg]]", subscription: JetStreamContext.PullSubscription) -> None:
    """Let what is on its way to us arrive; the broker would wait ACK_SECONDS for a word about it.

    A fetch that is cancelled may lose what it has just got, and the broker may send to who is just gone: so
    first a moment in which a busy consumer's fetch ends by itself, then a round trip.
    """
    await asyncio.wait((fetch,), timeout=LINGER_SECONDS)
    if not fetch.done():
        with suppress(nats.errors.Error, TimeoutError):
            async with asyncio.timeout(ROUND_TRIP_SECONDS):
                # nats-py offers it for the other kind of subscription only, and does not type it.
                await subscription._sub.drain()  # type: ignore[no-untyped-call]  # noqa: SLF001
        fetch.cancel()
