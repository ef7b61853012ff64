"""What expiration hears: when to ring for each order. One alarm per end of a hold: hearing twice is harmless.

After an extension, or heard out of order, one rings for nothing: it is a hint, and orders looks at the clock.
"""

from typing import Any

from server import events
from server.expiration.tasks import Alarms
from server.kit.bus import Handler, consumes
from server.kit.inbox import HeardOnce


def handlers(alarms: Alarms) -> list[Handler[Any]]:
    """Each event is acknowledged only after Redis has the alarm."""

    @consumes(events.OrderCreated)
    async def order_created(event: events.OrderCreated, _: HeardOnce) -> None:
        await alarms.set(event.order.id, event.order.expires_at)

    @consumes(events.OrderExtended)
    async def order_extended(event: events.OrderExtended, _: HeardOnce) -> None:
        await alarms.set(event.order.id, event.order.expires_at)

    @consumes(events.OrderCancelled)
    async def order_cancelled(event: events.OrderCancelled, _: HeardOnce) -> None:
        await alarms.unset(event.order.id, event.order.expires_at)

    return [order_created, order_extended, order_cancelled]
