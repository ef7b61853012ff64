"""A consumer's effect and its inbox row as one statement: once, whatever comes twice, late or at once."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from server import events
from server.kit.inbox import HeardOnce
from server.tickets import service
from tests.platform import Platform
from tests.waiting import until


@pytest.fixture
async def ticket(platform: Platform) -> UUID:
    return UUID((await platform.user().list_ticket())["id"])


def news(ticket: UUID, version: int) -> events.Seat:
    """The seat is held since that version."""
    return events.Seat(ticket_id=ticket, holder=uuid7(), status="reserved", seat_version=version)


async def seat(platform: Platform, ticket: UUID) -> Any:
    """What tickets knows of it."""
    async with platform.database("tickets") as session:
        return await session.fetchrow("SELECT order_id, seat_version FROM tickets WHERE id = $1", ticket)


async def heard(platform: Platform, once: HeardOnce) -> int:
    """How often it is in the inbox."""
    return await platform.count("tickets", "SELECT count(*) FROM inbox WHERE event_id = $1", once.event_id)


async def test_it_has_its_effect_once(platform: Platform, ticket: UUID) -> None:
    """Whatever the second one says."""
    first, once = news(ticket, 1), HeardOnce(uuid7())
    await service.seat_moved(seat=first, once=once)
    await service.seat_moved(seat=news(ticket, 2), once=once)
    assert tuple(await seat(platform, ticket)) == (first.holder, 1)
    assert await heard(platform, once) == 1


async def test_what_is_old_is_heard_without_effect(platform: Platform, ticket: UUID) -> None:
    newer, once = news(ticket, 5), HeardOnce(uuid7())
    await service.seat_moved(seat=newer, once=HeardOnce(uuid7()))
    await service.seat_moved(seat=news(ticket, 4), once=once)
    assert tuple(await seat(platform, ticket)) == (newer.holder, 5)
    assert await heard(platform, once) == 1


async def test_what_nobody_knows_is_heard(platform: Platform) -> None:
    """A ticket that was lost is no reason to be told of it for ever."""
    once = HeardOnce(uuid7())
    await service.seat_moved(seat=news(uuid7(), 1), once=once)
    assert await heard(platform, once) == 1


async def test_a_row_that_is_being_changed_is_waited_for(platform: Platform, ticket: UUID) -> None:
    """And looked at anew: the news is applied to what it has become."""
    once, later = HeardOnce(uuid7()), news(ticket, 3)
    async with platform.database("tickets") as session:
        async with session.transaction():
            await session.execute("UPDATE tickets SET version = version + 1 WHERE id = $1", ticket)
            hearing = asyncio.ensure_future(service.seat_moved(seat=later, once=once))
            waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            await until(lambda: platform.count("tickets", waits), "it waits for the row")
        await hearing
    assert tuple(await seat(platform, ticket)) == (later.holder, 3)
    assert await heard(platform, once) == 1


async def test_two_deliveries_at_once_have_one_effect(platform: Platform, ticket: UUID) -> None:
    once = HeardOnce(uuid7())
    told = [news(ticket, version) for version in range(1, 9)]
    await asyncio.gather(*(service.seat_moved(seat=one, once=once) for one in told))
    assert await heard(platform, once) == 1
    assert (await seat(platform, ticket))["order_id"] in {one.holder for one in told}
