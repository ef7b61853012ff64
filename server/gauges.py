"""What /metrics asks for: the databases of this process's services, and JetStream about their consumers.

Every replica sees the same rows and messages, so a sum over replicas counts them again: take the largest.
Each question is a look at an index of what is unfinished or new, and counts no further than MANY.
"""

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, Literal

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from sanic import HTTPResponse, Request, Sanic

from server.app import Check, add_health, serving
from server.kit import db
from server.kit.bus import Bus
from server.kit.http import new_app
from server.kit.log import log
from server.kit.metrics import Family, Gauges, Question, Reading, exposition
from server.kit.pool import busy
from server.orders import service as orders
from server.payments import service as payments
from server.payments.owed import PaymentOp
from server.ports import listen
from server.settings import Service, Settings

MANY = 100_000
PROCESSES = 32
"""Of one machine, or of one `--workers`: each has a port of its own, the first free one."""

POOL = Family("tix_db_connections", "PostgreSQL connections of this process.", ("service", "state"))
POOL_WAITING = Family("tix_db_waiting", "Tasks that wait for a connection.", ("service",))
UNPUBLISHED = Family("tix_outbox_unpublished", "Committed events not on the bus yet.", ("service",))
OUTBOX_AGE = Family("tix_outbox_age_seconds", "Age of the oldest of these; 0 without one.", ("service",))
DEAD_LETTERS = Family("tix_dead_letters", "Messages that no consumer could act on.", ("service",))
HOLDS = Family("tix_holds", "Unpaid holds: active, or overdue and about to be released.", ("state",))
PAYMENTS = Family("tix_payments", "Payments begun in the last 24 hours, by status.", ("status",))
REVIEW = Family("tix_payments_for_review", "Payments flagged for a person.")
CALLS = Family("tix_stripe_calls_owed", "Calls to Stripe that are not done.")
CALLS_AGE = Family("tix_stripe_calls_age_seconds", "Age of the oldest of these; 0 without one.")
PENDING = Family("tix_consumer_pending", "Events that a consumer has not been given yet.", ("consumer",))
UNACKNOWLEDGED = Family("tix_consumer_unacknowledged", "Events given and not acknowledged.", ("consumer",))
REDELIVERED = Family("tix_consumer_redelivered", "Events of these given more than once.", ("consumer",))
BUS = Family("tix_bus_connected", "Whether this process is connected to NATS.")

FAMILIES: Sequence[Family] = (
    *(POOL, POOL_WAITING, UNPUBLISHED, OUTBOX_AGE, DEAD_LETTERS, HOLDS, PAYMENTS, REVIEW, CALLS, CALLS_AGE),
    *(PENDING, UNACKNOWLEDGED, REDELIVERED, BUS),
)

WITHOUT_INBOX: Collection[Service] = ("auth", "expiration")
"""Those that bury nothing."""

OUTBOX = f"""
SELECT count(*) AS count, coalesce(extract(epoch FROM clock_timestamp() - min(occurred_at)), 0) AS age
FROM (SELECT occurred_at FROM outbox WHERE published_at IS NULL ORDER BY id LIMIT {MANY}) waiting
"""  # noqa: S608 - our own constant
LETTERS = f"SELECT count(*) AS count FROM (SELECT FROM dead_letters LIMIT {MANY}) buried"  # noqa: S608 - likewise


_numbers = itertools.count()


@asynccontextmanager
async def scraped(
    services: Collection[Service | Literal["web"]],
    settings: Settings,
    links: Sequence[Bus] = (),
    *,
    host: str = "127.0.0.1",
    checks: Mapping[str, Check] | None = None,
) -> AsyncIterator[str | None]:
    """Serve /metrics and the probes on a port that is nobody else's; gives the address, None without a port.

    The public port has no /metrics, and what goes wrong here stops nobody.
    """
    sock = take_free(settings.metrics_port, host)
    if sock is None:
        log.warning("no metrics: every port for them is taken", first=settings.metrics_port)
        yield None
        return
    asked = questions([name for name in services if name != "web"], links)
    async with serving(create_metrics(asked, checks or {}), sock, notice=0, grace=0):
        try:
            yield "http://{}:{}/metrics".format(*sock.getsockname())
        finally:
            await asked.close()


def take_free(first: int, host: str) -> socket.socket | None:
    """The first free port from `first` on, of PROCESSES; 0 is any."""
    for port in range(first, first + PROCESSES):
        with suppress(OSError):
            sock = listen(port, host)
            try:
                sock.listen()  # only then it is ours: two processes may be bound to a port
            except OSError:
                sock.close()
                raise
            return sock
    return None


def create_metrics(gauges: Gauges, checks: Mapping[str, Check]) -> Sanic[Any, Any]:
    """What Prometheus reads."""
    app = new_app(f"metrics-{next(_numbers)}", keys=None, revocations={})
    app.ctx.only_looks_on = True
    app.config.TOUCHUP = False  # it works once per process, and the public application is the one to be fast

    async def show_metrics(_: Request) -> HTTPResponse:
        return HTTPResponse(await exposition(gauges), content_type=CONTENT_TYPE_PLAIN_0_0_4)

    app.add_route(show_metrics, "/metrics")
    add_health(app, checks)
    return app


def questions(services: Collection[Service], links: Sequence[Bus]) -> Gauges:
    """What a process with these services asks; `links` is empty until the bus was found, or for good."""
    stored = [name for name in services if name != "expiration"]
    asked: dict[str, Question] = {name: partial(_of_service, name) for name in stored}
    if stored:
        asked["pool"] = partial(_of_pools, stored)
    if services:
        asked |= {"bus": partial(_of_bus, links), "consumers": partial(_of_consumers, links)}
    if "orders" in services:
        asked["holds"] = _of_holds
    if "payments" in services:
        asked["money"] = _of_payments
    return Gauges(asked)


async def _of_service(service: Service) -> Iterable[Reading]:
    [outbox] = await db.rows(service, OUTBOX)
    found = [UNPUBLISHED.reads(outbox["count"], service), OUTBOX_AGE.reads(outbox["age"], service)]
    if service not in WITHOUT_INBOX:
        [letters] = await db.rows(service, LETTERS)
        found.append(DEAD_LETTERS.reads(letters["count"], service))
    return found


async def _of_pools(services: Collection[Service]) -> Iterable[Reading]:
    found = []
    for service in services:
        pool = busy(service)
        found += [POOL.reads(pool.in_use, service, "in_use"), POOL.reads(pool.idle, service, "idle")]
        found.append(POOL_WAITING.reads(pool.waiting, service))
    return found


async def _of_bus(links: Sequence[Bus]) -> Iterable[Reading]:
    return [BUS.reads(bool(links) and all(link.is_connected for link in links))]


async def _of_consumers(links: Sequence[Bus]) -> Iterable[Reading]:
    found = []
    asked = [link.consumers() for link in links if link.is_connected]
    for consumer in itertools.chain.from_iterable(await asyncio.gather(*asked)):
        found += [
            PENDING.reads(consumer.num_pending or 0, consumer.name),
            UNACKNOWLEDGED.reads(consumer.num_ack_pending or 0, consumer.name),
            REDELIVERED.reads(consumer.num_redelivered or 0, consumer.name),
        ]
    return found


async def _of_holds() -> Iterable[Reading]:
    counted = await orders.count_holds(most=MANY)
    return [HOLDS.reads(count, state) for state, count in counted.items()]


async def _of_payments() -> Iterable[Reading]:
    by_status, review = await payments.count_payments(most=MANY)
    calls, age = await PaymentOp.backlog(most=MANY)
    found = [PAYMENTS.reads(count, status) for status, count in by_status.items()]
    return [*found, REVIEW.reads(review), CALLS.reads(calls), CALLS_AGE.reads(age)]
