"""The bus → the feed: every message of the stream, in order, by one short-lived consumer a process."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress

import nats.errors
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, StreamInfo
from pydantic import ValidationError

from server.kit.dial import INBOX, dial
from server.kit.events import Envelope, Event
from server.kit.feed import Feed, Heard
from server.kit.keeper import STREAM
from server.kit.log import log
from server.kit.transient import is_transient

TAIL = 5_000
"""Messages that are read again at the start, so that who was connected before a restart misses nothing."""
BATCH = 200
IDLE_SECONDS = 2
"""Without a message, before we look whether one was lost on the way and the stream is still the same."""
AGAIN_SECONDS = 0.5
FORGOTTEN_SECONDS = 60
"""After which the broker drops a consumer that nobody asks."""


async def follow(feed: Feed, *, url: str, catalogue: Iterable[type[Event]], inbox: str = INBOX) -> None:
    """Fill `feed` until cancelled; a broker or a database that is away is waited for."""
    kinds = {event.type: event for event in catalogue}
    client = await dial(url, name="feed", inbox=inbox)
    try:
        while True:
            try:
                await _read(client.jetstream(), feed, kinds)
            except Exception as error:  # noqa: BLE001 - logged, and tried again from where it was
                passes = isinstance(error, nats.errors.Error) or is_transient(error)
                (log.warning if passes else log.exception)("feed interrupted", error=repr(error))
                await asyncio.sleep(AGAIN_SECONDS)
    finally:
        await client.close()


async def _read(jetstream: JetStreamContext, feed: Feed, kinds: Mapping[str, type[Event]]) -> None:
    """Go on where the feed is; return when something was lost on the way, so that it is asked for again.

    The broker waits for no acknowledgement, so a message that a broken connection swallowed leaves a gap in
    the consumer's own count.
    """
    info = await jetstream.stream_info(STREAM)
    first, last = info.state.first_seq, info.state.last_seq
    if _name(info) != feed.stream or not first - 1 <= feed.seq <= last:
        feed.begin(_name(info), max(first - 1, last - TAIL, 0))
    subscription = await jetstream.pull_subscribe(
        ">",
        stream=STREAM,
        config=ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=feed.seq + 1,
            ack_policy=AckPolicy.NONE,
            inactive_threshold=FORGOTTEN_SECONDS,
            mem_storage=True,
            num_replicas=1,
        ),
    )
    try:
        pending, count = (await subscription.consumer_info()).num_pending or 0, 0
        while True:
            if pending == 0:
                feed.caught_up()
            try:
                # As many as are surely there: nats-py 2.16 waits for the rest of a batch until its timeout.
                messages = await subscription.fetch(min(max(pending, 1), BATCH), timeout=IDLE_SECONDS)
            except TimeoutError:
                info = await jetstream.stream_info(STREAM)
                if _name(info) != feed.stream or info.state.last_seq != feed.seq:
                    return
                continue
            about = messages[-1].metadata
            count += len(messages)
            if about.sequence.consumer != count:
                return
            await feed.hear(list(_events(messages, kinds)), about.sequence.stream)
            pending = about.num_pending
    finally:
        with suppress(nats.errors.Error):
            await subscription.unsubscribe()


def _name(info: StreamInfo) -> str:
    """Which stream it is: one that is made anew counts from 1 again, but has another birthday."""
    assert info.created is not None  # noqa: S101 - nats-py types it for streams that are yet to be made
    return f"{int(info.created.timestamp() * 1000):x}"


def _events(messages: Iterable[Msg], kinds: Mapping[str, type[Event]]) -> Iterable[Heard]:
    for message in messages:
        try:
            envelope = Envelope.model_validate_json(message.data)
            if kind := kinds.get(envelope.type):
                event = kind.hear(envelope.data)
                yield Heard(message.metadata.sequence.stream, envelope.occurred_at, event)
        except ValidationError as error:  # its consumers bury it; here nobody can do anything about it
            log.warning("message is no event", subject=message.subject, error=str(error))
