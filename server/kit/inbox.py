"""The inbox: an event's id commits with its effect, so hearing it again does nothing."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import cache
from typing import ClassVar, TypeVar
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from server.kit.db import rows
from server.kit.errors import Unavailable

T = TypeVar("T")

FRESH_SECONDS = 60
"""An id younger than this may not have reached this service yet; an older one would have."""
PATIENCE_SECONDS = 2
"""How long a reader waits for it; commit to consumer takes about 5 ms."""
MAX_WAITERS = 100
"""More than this at once are refused: anyone can invent a fresh id."""

_waiters = 0


class InboxRow(Model):
    """An event this service has acted on."""

    event_id = fields.UUIDField(primary_key=True)
    received_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        """One concrete class per service."""

        abstract = True

    service: ClassVar[str]


class AlreadyHeard(Exception):
    """This event's effect is committed; acknowledge and go on."""


class HeardOnce:
    """Makes a consumer's transaction happen once per event id."""

    def __init__(self, event_id: UUID) -> None:
        """`event_id` is the envelope's id."""
        self.event_id = event_id

    async def claim(self, service: str) -> None:
        """Raises AlreadyHeard if an earlier delivery committed."""
        if not await rows(
            service,
            "INSERT INTO inbox (event_id, received_at) VALUES ($1, now()) "
            "ON CONFLICT DO NOTHING RETURNING event_id",
            self.event_id,
        ):
            raise AlreadyHeard

    async def keep(self, service: str, result: object) -> None:
        """Nothing: the row is the record."""

    async def write(self, service: str, sql: str, *values: object) -> None:
        """Run a statement and this event's row as one; `{heard}` in it is true the first time only.

        Another delivery at the same moment waits for this row, and then finds it.
        """
        await rows(service, _heard(sql, len(values)), *values, self.event_id)


@cache
def _heard(sql: str, values: int) -> str:
    return f"""
    WITH heard AS (
      INSERT INTO inbox (event_id, received_at) VALUES (${values + 1}, now())
      ON CONFLICT DO NOTHING RETURNING event_id)
    {sql.format(heard="EXISTS (SELECT FROM heard)")}
    """  # noqa: S608 - a number, and statements of ours


class NotYetVisible(Unavailable):
    """The id is fresh, and news of it has not arrived here yet."""

    code = "not_yet_visible"
    title = "This was made a moment ago and is still on its way; try again"


def is_fresh(id_: UUID) -> bool:
    """Whether a UUIDv7 was made within the last FRESH_SECONDS (or the clocks' difference ahead)."""
    if id_.version != 7:  # noqa: PLR2004 - the UUID version that carries its time
        return False
    made = (id_.int >> 80) / 1000  # not a datetime: its 48 bits of milliseconds reach beyond the year 9999
    return abs(time.time() - made) < FRESH_SECONDS


async def arrived(id_: UUID, find: Callable[[], Awaitable[T | None]]) -> T | None:
    """Find a replica's row; wait ≤ PATIENCE_SECONDS if its id is so fresh that news may be on its way.

    None means it does not exist. Raises NotYetVisible.
    """
    global _waiters  # noqa: PLW0603 - one count per process
    found = await find()
    if found is not None or not is_fresh(id_):
        return found
    if _waiters >= MAX_WAITERS:
        raise NotYetVisible
    _waiters += 1
    try:
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            await asyncio.sleep(0.02)
            found = await find()
            if found is not None:
                return found
    finally:
        _waiters -= 1
    raise NotYetVisible
