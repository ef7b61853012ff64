"""A durable consumer's deliveries: fetched one by one, and kept as long as they are being handled."""

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


async def keep(message: Msg) -> None:
    """Tell JetStream that the handler is still at it, for HANDLER_SECONDS; then another may try."""
    for _ in range(int(HANDLER_SECONDS / ACK_SECONDS * 2)):
        await asyncio.sleep(ACK_SECONDS / 2)
        with suppress(nats.errors.Error):  # away: the message comes again, and the inbox sees to that
            await message.in_progress()


async def fetched(
    subscription: JetStreamContext.PullSubscription, stopping: asyncio.Event
) -> AsyncIterator[Msg]:
    """Fetch one message after another until `stopping`, which also ends a fetch that waits.

    One at a time: nats-py 2.16 may hold a batch back until its timeout, waiting for the rest of it.
    """
    stop = asyncio.create_task(stopping.wait())
    try:
        while not stopping.is_set():
            fetch = asyncio.create_task(subscription.fetch(1, timeout=FETCH_SECONDS))
            await asyncio.wait((fetch, stop), return_when=asyncio.FIRST_COMPLETED)
            if not fetch.done():
                fetch.cancel()
            try:
                [message] = await fetch
            except (TimeoutError, asyncio.CancelledError):
                if stopping.is_set():
                    return
            else:
                yield message
    finally:
        stop.cancel()
        with suppress(nats.errors.Error):
            await subscription.unsubscribe()
