"""What JetStream keeps for Tix: the stream, a durable consumer for each listener, and the count of failures.

Whoever may makes it: when it starts, and again when a broker has lost it. A service whose own user may not
waits until somebody has.
"""

import asyncio
import time
from collections.abc import Collection, Mapping
from dataclasses import replace

import nats.errors
import nats.js.errors
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DiscardPolicy, KeyValueConfig, StorageType, StreamConfig

from server.kit import deliveries
from server.kit.dial import dial
from server.kit.failures import BUCKET
from server.kit.log import log

STREAM = "TIX"
KEEP_SECONDS = 7 * 24 * 3600
DEDUPLICATE_SECONDS = 600
"""JetStream drops a repeated Nats-Msg-Id within this window; the inboxes catch what comes later."""
ANSWER_SECONDS = 3
MAKE_SECONDS = 4
"""Shorter than a part is given to end in."""
COMPLAIN_SECONDS = 5
AGAIN_SECONDS = 0.25


class Keeper:
    """Makes what is missing, with the user of a URL who may; without one it only says that something is."""

    def __init__(
        self,
        url: str | None,
        subjects: Collection[str],
        *,
        consumers: Mapping[str, str] | None = None,
        replicas: int | None = None,
    ) -> None:
        """The stream holds `subjects`; `consumers` are durable name → subject.

        `replicas`: copies of the stream; without it a new one has one and a present one what it has.
        """
        self._url = url
        self._stream = StreamConfig(
            name=STREAM,
            subjects=sorted(subjects),
            storage=StorageType.FILE,
            discard=DiscardPolicy.NEW,
            max_age=KEEP_SECONDS,
            duplicate_window=DEDUPLICATE_SECONDS,
            allow_direct=True,
            num_replicas=replicas,
        )
        self._consumers = dict(consumers or {})
        self._turn = asyncio.Lock()
        self._tried = self._told = 0.0

    def expect(self, durable: str, subject: str) -> None:
        """There is to be this consumer too."""
        self._consumers[durable] = subject

    async def start(self) -> None:
        """Make everything, waiting for the broker; without a URL nothing is made, nor waited for."""
        while self._url is not None:
            try:
                await self.make()
            except (TimeoutError, nats.errors.Error, OSError) as error:
                log.warning("stream not ready", error=repr(error))
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                return

    async def make(self, *, since: float | None = None) -> None:
        """Make what is missing, unless that was tried after `since` (time.monotonic).

        Raises nats errors, OSError or TimeoutError.
        """
        async with self._turn:
            if since is not None and self._tried > since:
                return
            self._tried = time.monotonic()
            if self._url is None:
                if self._tried - self._told > COMPLAIN_SECONDS:
                    self._told = self._tried
                    log.error(
                        "stream or consumers are missing on the bus; `python -m server migrate` makes them"
                    )
                return
            async with asyncio.timeout(MAKE_SECONDS):
                client = await dial(self._url, name="keeper")
                try:
                    await self._make(client.jetstream(timeout=ANSWER_SECONDS))
                finally:
                    await client.close()

    async def _make(self, jetstream: JetStreamContext) -> None:
        copies = await self._make_stream(jetstream)
        present = {info.name: _essence(info.config) for info in await jetstream.consumers_info(STREAM)}
        wanted = [consumer(*each) for each in self._consumers.items()]
        missing = [one for one in wanted if present.get(one.name or "") != _essence(one)]
        await asyncio.gather(*(jetstream.add_consumer(STREAM, one) for one in missing))
        await _make_bucket(jetstream, copies)

    async def _make_stream(self, jetstream: JetStreamContext) -> int:
        """Make it, or bring it up to date; returns how many copies it has."""
        try:
            made = await jetstream.add_stream(self._stream)
        except nats.js.errors.BadRequestError:  # it exists with other settings
            present = (await jetstream.stream_info(STREAM)).config
            copies = self._stream.num_replicas or present.num_replicas
            made = await jetstream.update_stream(replace(self._stream, num_replicas=copies))
        return made.config.num_replicas or 1


def consumer(durable: str, subject: str) -> ConsumerConfig:
    """How all replicas of a service hear one subject."""
    return ConsumerConfig(
        name=durable,
        durable_name=durable,
        filter_subject=subject,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=deliveries.ACK_SECONDS,
        max_deliver=-1,
        max_ack_pending=256,
    )


def _essence(config: ConsumerConfig) -> tuple[object, ...]:
    """What the broker does not fill in by itself."""
    return config.filter_subject, config.ack_wait, config.max_ack_pending


async def _make_bucket(jetstream: JetStreamContext, copies: int) -> None:
    """In as many copies as the stream."""
    wanted = KeyValueConfig(BUCKET, ttl=KEEP_SECONDS, replicas=copies)
    try:
        await jetstream.create_key_value(wanted)
    except nats.js.errors.BadRequestError:  # it exists in other copies
        present = (await jetstream.stream_info(f"KV_{BUCKET}")).config
        await jetstream.update_stream(replace(present, num_replicas=copies))
