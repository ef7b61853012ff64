"""Composition root, background: relays, consumers and periodic jobs of the chosen services."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote
from uuid import UUID

from uuid_utils.compat import uuid7

from server import events
from server.app import gateway_of, runner_of
from server.expiration import consumers as expiration_consumers
from server.kit import bus, db, relay
from server.kit.bus import Bus, Listener, durable_name, listeners_of, pause
from server.kit.events import Envelope, Event
from server.kit.keeper import Keeper
from server.kit.log import log, request_id
from server.kit.transient import is_transient
from server.orders import consumers as orders_consumers
from server.orders import service as orders
from server.payments import audit, ops, till
from server.payments import consumers as payments_consumers
from server.payments import service as payments
from server.payments.gateway import Gateway
from server.settings import Service, Settings
from server.tickets import consumers as tickets_consumers

if TYPE_CHECKING:
    from server.expiration.tasks import Alarms

SUBJECTS = frozenset(event.subject().partition(".")[0] + ".>" for event in events.CATALOGUE)
CONSUMERS = {"tickets": tickets_consumers, "orders": orders_consumers, "payments": payments_consumers}
HEARING: Mapping[str, list[Listener]] = {
    name: listeners_of(name, vars(module).values()) for name, module in CONSUMERS.items()
}
HEARD: Mapping[str, tuple[type[Event], ...]] = {
    **{name: tuple(listener.event for listener in listeners) for name, listeners in HEARING.items()},
    "expiration": expiration_consumers.HEARD,
}
"""Service → the events it has a consumer for."""
SWEEP_SECONDS = 1
OPS_POLL_SECONDS = 0.25
END_SECONDS = 5
"""Longer than any part needs that is not stuck: a handler is bounded by the statement timeout, 3 s."""
STOP_SECONDS = 1.5
"""What a call to Stripe gets to finish in when we are asked to stop."""
RECONCILE_SECONDS = 5
AUDIT_SECONDS = 600
"""Between two looks whether today's audit was made."""
RESTART_SECONDS = 0.5
"""Before a part that failed is started again; doubled each time, ≤ 10."""
WELL_SECONDS = 60
"""A part that ran this long was well: its next failure is a new one."""
PURGE_SECONDS = 600
PURGE_ROWS = 5000
"""Deleted at once: some 50 ms, far from the statement timeout."""

PURGE = {
    "outbox": ("published_at", "7 days"),
    "inbox": ("received_at", "14 days"),
    "idempotency_keys": ("created_at", "24 hours"),
    "revocations": ("until", "1 minute"),
    "stripe_events": ("received_at", "30 days"),
    "payment_ops": ("done_at", "30 days"),
    "api_tokens": ("expires_at", "30 days"),
}
"""Rows that have done their work: the moment it was done, null before, and how long they are kept after it.

The stream keeps events for 7 days, so the inbox must outlive that. Stripe repeats a webhook for 3 days. Each
moment has an index.
"""

TABLES = {
    "auth": ("outbox", "revocations", "api_tokens"),
    "tickets": ("outbox", "inbox", "idempotency_keys", "revocations"),
    "orders": ("outbox", "inbox", "idempotency_keys", "revocations"),
    "payments": ("outbox", "inbox", "idempotency_keys", "revocations", "stripe_events", "payment_ops"),
}


@dataclass(frozen=True)
class Jobs:
    """Which background parts run; tests switch one off to show that its twin suffices."""

    sweeper: bool = True
    alarms: bool = True
    relays: bool = True
    payments: bool = True


@asynccontextmanager
async def running(
    services: Collection[Service],
    settings: Settings,
    *,
    gateway: Gateway | None = None,
    jobs: Jobs = Jobs(),
    patience: float = 0.25,
) -> AsyncIterator[list[Bus]]:
    """Run the background side of `services` until the block ends; what is in hand then is finished.

    Each service has a connection to the bus of its own, as its own user. Waits for the broker. `patience`:
    seconds before the first retry of a failed message.
    """
    stopping = asyncio.Event()
    keeper = keeper_of(settings)
    await keeper.start()
    async with AsyncExitStack() as stack:
        links = {
            name: await stack.enter_async_context(_link(name, settings, keeper, patience))
            for name in services
        }
        if "payments" in services and gateway is None:
            gateway = gateway_of(settings)
            stack.push_async_callback(gateway.close)
        alarms = None
        if "expiration" in services and jobs.alarms:
            from server.expiration.tasks import Alarms  # noqa: PLC0415 - taskiq and Redis cost 0.2 s

            alarms = Alarms(redis_url(settings), partial(_ring, links["expiration"]))
            stack.push_async_callback(alarms.close)  # after the consumers, which set alarms
        parts = list(_parts(links, settings, gateway, alarms, jobs, stopping))
        tasks = [asyncio.create_task(_restarting(name, part, stopping), name=name) for name, part in parts]
        try:
            yield list(links.values())
        finally:
            stopping.set()
            await _ended(tasks)


def keeper_of(settings: Settings) -> Keeper:
    """Makes the stream and the consumer of every listener, if NATS_URL names somebody who may."""
    consumers = {
        durable_name(service, event): event.subject() for service, heard in HEARD.items() for event in heard
    }
    return Keeper(settings.nats_url, SUBJECTS, consumers=consumers, replicas=settings.nats_replicas)


def _link(
    service: Service, settings: Settings, keeper: Keeper, patience: float
) -> AbstractAsyncContextManager[Bus]:
    url, inbox = settings.bus(service)
    return bus.connect(url, name=service, inbox=inbox, keeper=keeper, patience=patience)


async def _ended(tasks: Collection[asyncio.Task[None]]) -> None:
    """Let every part end by itself; one that does not is named and cancelled."""
    _, left = await asyncio.wait(tasks, timeout=END_SECONDS)
    for task in left:
        log.error("background part did not end by itself", part=task.get_name())
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=bool(left))


Part = Callable[[], Coroutine[Any, Any, None]]


def _parts(  # noqa: PLR0913, PLR0917 - all that the parts are made of
    links: Mapping[Service, Bus],
    settings: Settings,
    gateway: Gateway | None,
    alarms: "Alarms | None",
    jobs: Jobs,
    stopping: asyncio.Event,
) -> list[tuple[str, Part]]:
    parts: list[tuple[str, Part]] = []
    listeners: list[Listener] = []
    for service, link in links.items():
        if service != "expiration":
            if jobs.relays:
                parts.append((f"{service} relay", partial(relay.run, service, link, stopping)))
            purge = partial(_purge, service, stopping)
            parts.append((f"{service} purge", partial(_later, PURGE_SECONDS, purge, stopping)))
        listeners += HEARING.get(service, [])
    if "orders" in links and jobs.sweeper:
        parts.append(("sweeper", partial(_later, SWEEP_SECONDS, orders.expire_holds, stopping)))
    if "payments" in links and gateway is not None and jobs.payments:
        caller = gateway
        parts.append(("payment ops", lambda: _payment_ops(runner_of(caller, settings), stopping)))
        parts.append(("reconciler", partial(_later, RECONCILE_SECONDS, payments.reconcile, stopping)))
        check = partial(audit.run_daily, caller)
        parts.append(("audit", partial(_later, AUDIT_SECONDS, check, stopping)))
    if alarms is not None:
        listeners += expiration_consumers.listeners(alarms)
        parts.append(("alarms", lambda: alarms.run(stopping)))
    for listener in listeners:
        buries = listener.service != "expiration"
        listen = links[cast("Service", listener.service)].listen
        parts.append((listener.durable, partial(listen, listener, stopping, buries=buries)))
    return parts


async def _restarting(name: str, part: Part, stopping: asyncio.Event) -> None:
    """Run a part; if it fails, say so and start it again: one broken part must not stop the others."""
    wait = RESTART_SECONDS
    while not stopping.is_set():
        began = time.monotonic()
        try:
            await part()
        except Exception as error:  # noqa: BLE001 - logged, and tried again
            if time.monotonic() - began > WELL_SECONDS:
                wait = RESTART_SECONDS
            report = log.warning if is_transient(error) else log.exception
            report("background part failed", part=name, error=repr(error))
            await pause(wait, stopping)
            wait = min(wait * 2, 10)


async def _every(seconds: float, job: Callable[[], Awaitable[object]], stopping: asyncio.Event) -> None:
    """A failure waits for the next turn and no longer: a sweeper must be on time after an outage."""
    while not stopping.is_set():
        request_id.set(str(uuid7()))
        try:
            await job()
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("periodic job waits", error=repr(error))
        await pause(seconds, stopping)


async def _later(seconds: float, job: Callable[[], Awaitable[object]], stopping: asyncio.Event) -> None:
    """`_every`, but not in the rush of a start."""
    await pause(seconds, stopping)
    await _every(seconds, job, stopping)


async def _payment_ops(run: till.Runner, stopping: asyncio.Event) -> None:
    wake = asyncio.Event()
    forget = db.on_bell("payments", "ops", wake.set)
    calls: set[asyncio.Task[None]] = set()

    def over(call: asyncio.Task[None]) -> None:
        calls.discard(call)
        wake.set()

    try:
        while not stopping.is_set():
            wake.clear()
            free = ops.AT_ONCE - len(calls)
            started = await ops.start_due(run, free) if free else []
            for call in started:
                calls.add(call)
                call.add_done_callback(over)
            if len(started) < free or not free:
                await _first(wake, stopping, OPS_POLL_SECONDS)
    finally:
        forget()
        if calls:  # Stripe hangs: whoever finds the lease over makes the calls again
            await asyncio.wait(calls, timeout=STOP_SECONDS)
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)


async def _first(wake: asyncio.Event, stopping: asyncio.Event, seconds: float) -> None:
    waiting = [asyncio.create_task(event.wait()) for event in (wake, stopping)]
    await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()


async def _purge(service: str, stopping: asyncio.Event) -> None:
    """Delete old rows, PURGE_ROWS at a time; those that another replica is deleting are left to it."""
    for table in TABLES[service]:
        moment, age = PURGE[table]
        # A row's ctid stays while it is locked; no key is needed, and there is nothing to join.
        sql = f"""
        WITH gone AS (
          DELETE FROM {table} WHERE ctid = ANY(ARRAY(
            SELECT ctid FROM {table} WHERE {moment} < now() - interval '{age}'
            ORDER BY {moment} LIMIT {PURGE_ROWS} FOR UPDATE SKIP LOCKED))
          RETURNING 1)
        SELECT count(*) AS count FROM gone
        """  # noqa: S608 - made of the constants above
        while not stopping.is_set() and (await db.rows(service, sql))[0]["count"] == PURGE_ROWS:
            pass


async def _ring(link: Bus, order_id: UUID) -> None:
    """Publish the hint; expiration has no database, so it goes straight to the stream."""
    event = events.ExpirationComplete(order_id=order_id)
    data = event.model_dump(mode="json", by_alias=True)
    envelope = Envelope(id=uuid7(), type=event.type, occurred_at=datetime.now(UTC), data=data)
    await link.publish(envelope, request=str(uuid7()))


def redis_url(settings: Settings) -> str:
    """Where the alarms are kept."""
    secret = f":{quote(settings.redis_password, safe='')}@" if settings.redis_password else ""
    return f"redis://{secret}{settings.redis_host}:{settings.redis_port}/0"
