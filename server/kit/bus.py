"""NATS JetStream: one stream, a durable consumer per service and subject, acknowledged after COMMIT.

A failure that may pass (database or broker away) is tried again for ever, ever more slowly; any other is
tried MAX_FAILURES times by all replicas together (`kit.failures`), then the message is buried in the
service's `dead_letters` and terminated.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import nats
import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, ConsumerInfo, DiscardPolicy, StorageType, StreamConfig

from server.kit import deliveries, telemetry
from server.kit.deadletters import bury
from server.kit.events import Envelope, Event
from server.kit.failures import count_failure
from server.kit.inbox import AlreadyHeard, HeardOnce
from server.kit.log import event_id, log, request_id
from server.kit.metrics import HANDLED
from server.kit.transient import is_transient

STREAM = "TIX"
KEEP_SECONDS = 7 * 24 * 3600
DEDUPLICATE_SECONDS = 600
"""JetStream drops a repeated Nats-Msg-Id within this window; the inboxes catch what comes later."""
MAX_FAILURES = 8
EVENT_ID = 36
"""Characters of a Nats-Msg-Id that are the event's id; a copy's (`publish`) has more, a stranger's may."""
LANES = 4
"""Messages of one consumer handled at once in this process."""
PUBLISH_SECONDS = 3
COMPLAIN_SECONDS = 5

E = TypeVar("E", bound=Event)
Handler = Callable[[E, HeardOnce], Awaitable[None]]


def consumes(event: type[E]) -> Callable[[Handler[E]], Handler[E]]:
    """Mark a function of a `consumers` module as the one that hears `event`."""

    def mark(handler: Handler[E]) -> Handler[E]:
        handler.__consumes__ = event  # type: ignore[attr-defined]
        return handler

    return mark


@dataclass(frozen=True)
class Listener:
    """A service's handler of one event."""

    service: str
    event: type[Event]
    handler: Handler[Any]

    @property
    def durable(self) -> str:
        """The JetStream consumer all replicas of the service share."""
        return f"{self.service}-{self.event.subject().replace('.', '-')}"

    async def hear(self, headers: Mapping[str, str], payload: str | bytes) -> None:
        """Act on a message, unless its event was acted on before. Raises what the handler raises."""
        request_id.set(headers.get("X-Request-Id", "-"))
        envelope = Envelope.model_validate_json(payload)
        event_id.set(str(envelope.id))
        with (
            telemetry.door(f"hear {self.durable}", headers.get(telemetry.HEADER), "CONSUMER"),
            suppress(AlreadyHeard),
        ):
            await self.handler(self.event.hear(envelope.data), HeardOnce(envelope.id))


def listeners_of(service: str, handlers: Iterable[Any]) -> list[Listener]:
    """Those of `handlers` (a module's names, say) that `consumes` marked."""
    return [
        Listener(service, handler.__consumes__, handler)
        for handler in handlers
        if hasattr(handler, "__consumes__")
    ]


class Bus:
    """A connection to JetStream that comes back by itself, for ever."""

    def __init__(
        self, client: Client, stream: StreamConfig, *, replicas: int | None = None, patience: float = 0.25
    ) -> None:
        """`patience`: seconds before the first retry of a failed message; doubled each time, ≤ 60.

        `replicas`: copies of the stream; without it a new one has one and a present one what it has.
        """
        self._client = client
        self._stream = replace(stream, num_replicas=replicas) if replicas else stream
        self._patience = patience
        self._durables: set[str] = set()
        self.jetstream = client.jetstream(timeout=PUBLISH_SECONDS)

    @property
    def is_connected(self) -> bool:
        """Whether the broker answers right now."""
        return self._client.is_connected

    async def ensure_stream(self) -> None:
        """Make the stream, or bring it up to date."""
        try:
            await self.jetstream.add_stream(self._stream)
        except nats.js.errors.BadRequestError:  # it exists with other settings
            present = (await self.jetstream.stream_info(STREAM)).config
            copies = self._stream.num_replicas or present.num_replicas
            await self.jetstream.update_stream(replace(self._stream, num_replicas=copies))

    async def publish(
        self, envelope: Envelope, *, request: str, copy: str = "", trace: str | None = None
    ) -> None:
        """Store one event in the stream; raises when JetStream did not acknowledge it in PUBLISH_SECONDS.

        Within DEDUPLICATE_SECONDS JetStream acknowledges a repeat without storing it, even if it has lost the
        first; under another `copy` it stores it again, and the inboxes see to the rest.
        """
        with telemetry.step(f"publish {envelope.type}", otherwise=trace, kind="PRODUCER"):
            own = {"Nats-Msg-Id": f"{envelope.id}{copy}", "X-Request-Id": request}
            await self.jetstream.publish(
                envelope.type.replace(":", "."),
                envelope.model_dump_json(by_alias=True).encode(),
                headers=own | telemetry.carried(),
            )

    async def publish_all(
        self, batch: Iterable[tuple[Envelope, str, str | None]], *, copy: str = ""
    ) -> Collection[Envelope]:
        """Store many (envelope, request id, trace) at once; returns those that were acknowledged."""
        waiting: list[tuple[Envelope, asyncio.Task[None]]] = [
            (envelope, asyncio.create_task(self.publish(envelope, request=request, copy=copy, trace=trace)))
            for envelope, request, trace in batch
        ]
        await asyncio.wait([task for _, task in waiting])
        failed = [error for _, task in waiting if (error := task.exception())]
        if failed:
            log.warning(
                "events not published; they stay in the outbox", count=len(failed), error=repr(failed[0])
            )
        return [envelope for envelope, task in waiting if not task.exception()]

    async def listen(self, listener: Listener, stopping: asyncio.Event, *, buries: bool = True) -> None:
        """Deliver `listener`'s events to it until `stopping`; what is being handled then is finished.

        `buries=False` is for a service without a database: poison is logged and terminated. What no lane
        expects ends all of them, and is raised as a group.
        """
        self._durables.add(listener.durable)
        async with asyncio.TaskGroup() as lanes:
            for _ in range(LANES):
                lanes.create_task(self._lane(listener, stopping, buries=buries))

    async def consumers(self) -> Sequence[ConsumerInfo]:
        """How far behind those are that listen here. Raises nats' errors."""
        asked = (self.jetstream.consumer_info(STREAM, durable) for durable in sorted(self._durables))
        told: list[ConsumerInfo] = await asyncio.gather(*asked)
        return told

    async def _lane(self, listener: Listener, stopping: asyncio.Event, *, buries: bool) -> None:
        wait = self._patience
        while not stopping.is_set():
            try:
                subscription = await self.jetstream.pull_subscribe(
                    listener.event.subject(),
                    durable=listener.durable,
                    stream=STREAM,
                    config=ConsumerConfig(
                        ack_policy=AckPolicy.EXPLICIT,
                        ack_wait=deliveries.ACK_SECONDS,
                        max_deliver=-1,
                        max_ack_pending=256,
                    ),
                )
                wait = self._patience
                async for message in deliveries.messages(subscription, stopping):
                    await self._handle(message, listener, buries=buries)
            except (TimeoutError, nats.errors.Error, OSError) as error:
                log.warning("consumer interrupted", consumer=listener.durable, error=repr(error))
                await pause(wait, stopping)
                with suppress(nats.errors.Error, OSError, asyncio.TimeoutError):
                    await self.ensure_stream()  # a broker that lost its disk comes back without it
                wait = min(wait * 2, 5)

    async def _handle(self, message: Msg, listener: Listener, *, buries: bool) -> None:
        keeping = asyncio.create_task(deliveries.keep(message))
        try:
            await listener.hear(message.headers or {}, message.data)
        except Exception as error:  # noqa: BLE001 - every failure ends in a retry or a dead letter
            await self._failed(message, listener, error, buries=buries)
        else:
            await message.ack()
            HANDLED.labels(listener.durable, "done").inc()
        finally:
            keeping.cancel()

    async def _failed(self, message: Msg, listener: Listener, error: Exception, *, buries: bool) -> None:
        headers, about = message.headers or {}, message.metadata
        id_ = headers.get("Nats-Msg-Id", "-")[:EVENT_ID]
        told = {"consumer": listener.durable, "event_id": id_}
        delay = min(self._patience * 2 ** min(about.num_delivered or 1, 10), 60)
        if is_transient(error):
            log.warning("event not handled yet", **told, error=repr(error))
            HANDLED.labels(listener.durable, "later").inc()
            await message.nak(delay=delay)
            return
        unique = id_ if id_ != "-" else f"{about.sequence.stream} {about.timestamp}"
        failures = await count_failure(
            self.jetstream, listener.durable, unique, stream=STREAM, keep=KEEP_SECONDS
        )
        log.error("event handler failed", **told, attempt=failures, exc_info=error)
        HANDLED.labels(listener.durable, "failed").inc()
        if failures < MAX_FAILURES:
            await message.nak(delay=delay)
            return
        if buries:
            try:
                await bury(
                    listener.service,
                    consumer=listener.durable,
                    subject=message.subject,
                    event_id=id_,
                    headers=headers,
                    payload=message.data,
                    error=repr(error),
                )
            except Exception as unburied:  # noqa: BLE001 - keep the message until it can be buried
                log.exception("dead letter not stored", **told, error=repr(unburied))
                await message.nak(delay=delay)
                return
        log.error("event given up", **told)
        HANDLED.labels(listener.durable, "given_up").inc()
        await message.term()

    async def close(self) -> None:
        """Close the connection; what was published is acknowledged already."""
        await self._client.close()


async def pause(seconds: float, stopping: asyncio.Event) -> None:
    """Wait, but not longer than until `stopping`."""
    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(stopping.wait(), seconds)


async def dial(url: str, *, name: str) -> Client:
    """A connection to NATS that comes back by itself, for ever; waits for the first one."""
    told = 0.0

    async def complain(error: Exception) -> None:
        nonlocal told
        if time.monotonic() - told > COMPLAIN_SECONDS:  # it tries four times a second
            told = time.monotonic()
            log.warning("the bus does not answer; trying on", error=repr(error))

    return await nats.connect(
        servers=url.split(","),
        name=name,
        max_reconnect_attempts=-1,  # the default closes the client for good after 60 tries
        reconnect_time_wait=0.25,
        ping_interval=10,
        pending_size=-1,  # a publish while disconnected fails at once, not sent behind our back later
        error_cb=complain,
    )


@asynccontextmanager
async def connect(
    url: str,
    *,
    name: str,
    subjects: Collection[str],
    replicas: int | None = None,
    patience: float = 0.25,
) -> AsyncIterator[Bus]:
    """Connect to NATS, waiting for it if need be, and make the stream for `subjects` in so many copies."""
    client = await dial(url, name=name)
    stream = StreamConfig(
        name=STREAM,
        subjects=sorted(subjects),
        storage=StorageType.FILE,
        discard=DiscardPolicy.NEW,
        max_age=KEEP_SECONDS,
        duplicate_window=DEDUPLICATE_SECONDS,
        allow_direct=True,
    )
    bus = Bus(client, stream, replicas=replicas, patience=patience)
    try:
        while True:
            try:
                await bus.ensure_stream()
                break
            except (TimeoutError, nats.errors.Error, OSError) as error:
                log.warning("stream not ready", error=repr(error))
                await asyncio.sleep(0.25)
        yield bus
    finally:
        await bus.close()
