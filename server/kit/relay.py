"""The relay: moves committed events from a service's outbox to JetStream, at least once.

Rows are chosen by `published_at IS NULL`, never by a cursor on ids: a transaction that commits late would
be skipped. Woken after a commit in this process, and by its own clock for commits elsewhere.
"""

import asyncio
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from server.kit.bus import Bus, pause
from server.kit.db import on_bell, rows, transaction
from server.kit.events import Envelope
from server.kit.log import log
from server.kit.metrics import PUBLISHED
from server.kit.transient import is_transient

BATCH = 200
POLL_SECONDS = 0.1

PENDING = "SELECT 1 FROM outbox WHERE published_at IS NULL LIMIT 1"
CLAIM = """
SELECT id, type, data, request_id, trace, occurred_at FROM outbox
WHERE published_at IS NULL ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED
"""
# `published_at >= $1` beside the row comparison, which alone would not use the index.
COUNT = "SELECT count(*) AS count FROM outbox WHERE published_at >= $1"
AGAIN = """
SELECT id, type, data, request_id, trace, occurred_at, published_at FROM outbox
WHERE published_at >= $1 AND (published_at, id) > ($1, $2) ORDER BY published_at, id LIMIT $3
"""
MARK = "UPDATE outbox SET published_at = clock_timestamp() WHERE id = ANY($1::uuid[])"


async def run(service: str, bus: Bus, stopping: asyncio.Event) -> None:
    """Relay until `stopping`, then once more, so that a clean stop leaves nothing behind."""
    wake = asyncio.Event()
    forget = on_bell(service, "outbox", wake.set)
    try:
        while not stopping.is_set():
            wake.clear()
            if await _some(service, bus) < BATCH:
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(wake.wait(), POLL_SECONDS)
        await _some(service, bus)
    finally:
        forget()


async def _some(service: str, bus: Bus) -> int:
    try:
        if not await rows(service, PENDING):
            return 0
        return await publish_pending(service, bus)
    except Exception as error:
        if not is_transient(error):
            raise
        log.warning("relay waits", service=service, error=repr(error))
        await pause(POLL_SECONDS * 5, asyncio.Event())
        return 0


async def publish_pending(service: str, bus: Bus) -> int:
    """Publish up to BATCH events and mark the acknowledged ones; returns how many those were."""
    async with transaction(service):
        claimed = await rows(service, CLAIM, BATCH)
        if not claimed:
            return 0
        acknowledged = await bus.publish_all(_envelopes(claimed))
        await rows(service, MARK, [envelope.id for envelope in acknowledged])
    PUBLISHED.labels(service).inc(len(acknowledged))
    if len(acknowledged) < len(claimed):
        await pause(POLL_SECONDS * 5, asyncio.Event())
    return len(acknowledged)


def _envelopes(found: Iterable[Mapping[str, Any]]) -> Iterable[tuple[Envelope, str, str | None]]:
    """Outbox rows as they travel, each with its request id and its trace."""
    for row in found:
        data = json.loads(row["data"])
        envelope = Envelope(id=row["id"], type=row["type"], occurred_at=row["occurred_at"], data=data)
        yield envelope, row["request_id"], row["trace"]


async def ago(service: str, age: timedelta) -> datetime:
    """That long ago, by the clock that writes `published_at`."""
    [now] = await rows(service, "SELECT clock_timestamp() AS at")
    then: datetime = now["at"] - age
    return then


async def published(service: str, since: datetime) -> int:
    """How many events were published since then and are still here; the purge takes them after 7 days."""
    [found] = await rows(service, COUNT, since)
    return int(found["count"])


class BusStopped(Exception):
    """The bus did not acknowledge an event; `count` were published again."""

    def __init__(self, count: int) -> None:
        """`count` of this service."""
        super().__init__("the bus does not answer")
        self.count = count


async def replay(service: str, bus: Bus, since: datetime) -> int:
    """Publish again what was published since then, in that order, to rebuild a stream; returns how many.

    Straight to the stream, as copies: JetStream acknowledges an id of the last ten minutes, not storing it,
    even if it has lost the message, so a relay that found its rows unmarked would mark what is still missing.
    Whoever heard an event before knows its id. Raises BusStopped.
    """
    count, copy = 0, f"/{uuid7()}"
    after, last = since, UUID(int=0)
    while found := await rows(service, AGAIN, after, last, BATCH):
        acknowledged = await bus.publish_all(_envelopes(found), copy=copy)
        count += len(acknowledged)
        if len(acknowledged) < len(found):
            raise BusStopped(count)
        after, last = found[-1]["published_at"], found[-1]["id"]
    return count
