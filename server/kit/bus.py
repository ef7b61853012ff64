"""NATS JetStream: one stream, a durable consumer per service and subject, acknowledged after COMMIT.

A failure that may pass (database or broker away) is tried again for ever, ever more slowly; any other is
tried MAX_FAILURES times by all replicas together (`kit.failures`), then the message is buried in the
service's `dead_letters` and terminated.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import ConsumerInfo

from server.kit import deliveries, telemetry
from server.kit.deadletters import bury
from server.kit.deliveries import Deliveries
from server.kit.dial import INBOX, Refusals, dial
from server.kit.events import Envelope, Event
from server.kit.failures import count_failure
from server.kit.inbox import AlreadyHeard, HeardOnce
from server.kit.keeper import ANSWER_SECONDS, STREAM, Keeper
from server.kit.log import event_id, log, request_id
from server.kit.metrics import HANDLED
from server.kit.transient import is_transient

MAX_FAILURES = 8
EVENT_ID = 36
"""Characters of a Nats-Msg-Id that are the event's id; a copy's (`publish`) has more, a stranger's may."""

E = TypeVar("E", bound=Event)
Handler = Callable[[E, HeardOnce], Awaitable[None]]


def consumes(event: type[E]) -> Callable[[Handler[E]], Handler[E]]:
    """Mark a function of a `consumers` module as the one that hears `event`."""

    def mark(handler: Handler[E]) -> Handler[E]:
        handler.__consumes__ = event  # type: ignore[attr-defined]
        return handler

    return mark


def durable_name(service: str, event: type[Event]) -> str:
    """The JetStream consumer by which all replicas of a service hear an event."""
    return f"{service}-{event.subject().replace('.', '-')}"


@dataclass(frozen=True)
class Listener:
    """A service's handler of one event."""

    service: str
    event: type[Event]
    handler: Handler[Any]

    @property
    def durable(self) -> str:
        """The JetStream consumer all replicas of the service share."""
        return durable_name(self.service, self.event)

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

    def __init__(self, client: Client, refusals: Refusals, keeper: Keeper, *, patience: float = 0.25) -> None:
        """`patience`: seconds before the first retry of a failed message; doubled each time, ≤ 60."""
        self._client = client
        self._refusals = refusals
        self._patience = patience
        self._durables: set[str] = set()
        self.keeper = keeper
        self.jetstream = client.jetstream(timeout=ANSWER_SECONDS)

    @property
    def is_connected(self) -> bool:
        """Whether the broker answers now."""
        return bool(self._client.is_connected)

    def check(self) -> None:
        """Raises ConnectionError while the broker is away, PermissionError while it refuses things."""
        if not self.is_connected:
            raise ConnectionError("the bus does not answer")
        if self._refusals.latest:
            raise PermissionError(self._refusals.latest)

    async def ready(self) -> None:
        """Return once there is a stream; it is made if it can be."""
        while True:
            asked = time.monotonic()
            try:
                await self.jetstream.stream_info(STREAM)
            except nats.js.errors.NotFoundError:
                with suppress(nats.errors.Error, OSError, asyncio.TimeoutError):
                    await self.keeper.make(since=asked)
            except (TimeoutError, nats.errors.Error, OSError) as error:
                log.warning("stream not ready", error=repr(error))
            else:
                return
            await asyncio.sleep(0.25)

    async def publish(
        self, envelope: Envelope, *, request: str, copy: str = "", trace: str | None = None
    ) -> None:
        """Store one event in the stream; raises when JetStream did not acknowledge it in ANSWER_SECONDS.

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

        `buries=False` is for a service without a database: poison is logged and terminated. What no handler
        expects ends all of them, and is raised as a group.
        """
        self._durables.add(listener.durable)
        self.keeper.expect(listener.durable, listener.event.subject())
        wait = self._patience
        ask = f"$JS.API.CONSUMER.MSG.NEXT.{STREAM}.{listener.durable}"
        async with asyncio.TaskGroup() as handlers:

            def begin(message: Msg) -> asyncio.Task[None]:
                return handlers.create_task(self._handle(message, listener, buries=buries))

            messages = Deliveries(self._client, ask, begin)
            while not stopping.is_set():
                asked = time.monotonic()
                try:
                    await self.jetstream.consumer_info(STREAM, listener.durable)
                    wait = self._patience
                    await messages.run(stopping)
                except nats.js.errors.NotFoundError:  # not made yet, or by a broker that lost its disk
                    await self._restore(asked)
                    await pause(wait, stopping)
                    wait = min(wait * 2, 5)
                except (TimeoutError, nats.errors.Error, OSError) as error:
                    log.warning("consumer interrupted", consumer=listener.durable, error=repr(error))
                    await pause(wait, stopping)
                    wait = min(wait * 2, 5)

    async def consumers(self) -> Sequence[ConsumerInfo]:
        """How far behind those are that listen here. Raises nats' errors."""
        asked = (self.jetstream.consumer_info(STREAM, durable) for durable in sorted(self._durables))
        told: list[ConsumerInfo] = await asyncio.gather(*asked)
        return told

    async def _restore(self, since: float) -> None:
        try:
            await self.keeper.make(since=since)
        except (TimeoutError, nats.errors.Error, OSError) as error:
            log.warning("stream not ready", error=repr(error))

    async def _handle(self, message: Msg, listener: Listener, *, buries: bool) -> None:
        end = deliveries.holding(message)
        try:
            await self._hear(message, listener, buries=buries)
        except (TimeoutError, nats.errors.Error, OSError) as error:  # nobody was told: it comes again
            log.warning("consumer interrupted", consumer=listener.durable, error=repr(error))
        finally:
            end()

    async def _hear(self, message: Msg, listener: Listener, *, buries: bool) -> None:
        try:
            await listener.hear(message.headers or {}, message.data)
        except Exception as error:  # noqa: BLE001 - every failure ends in a retry or a dead letter
            await self._failed(message, listener, error, buries=buries)
        else:
            await message.ack()
            HANDLED.labels(listener.durable, "done").inc()

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
        failures = await count_failure(self.jetstream, listener.durable, unique)
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
        with suppress(OSError):  # it was broken just now
            await self._client.close()


async def pause(seconds: float, stopping: asyncio.Event) -> None:
    """Wait, but not longer than until `stopping`."""
    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(stopping.wait(), seconds)


@asynccontextmanager
async def connect(
    url: str, *, name: str, keeper: Keeper, inbox: str = INBOX, patience: float = 0.25
) -> AsyncIterator[Bus]:
    """Connect to NATS, waiting for it and for its stream if need be, which `keeper` makes if it can."""
    refusals = Refusals()
    client = await dial(url, name=name, inbox=inbox, refusals=refusals)
    bus = Bus(client, refusals, keeper, patience=patience)
    try:
        await bus.ready()
        yield bus
    finally:
        await bus.close()
