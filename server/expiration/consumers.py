"""What expiration hears: when to ring for each order. One alarm per end of a hold: hearing twice is harmless.

After an extension, or heard out of order, one rings for nothing: it is a hint, and orders looks at the clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from server import events
from server.kit.bus import Listener

if TYPE_CHECKING:
    from server.expiration.tasks import Alarms
    from server.kit.inbox import HeardOnce

Heard = events.OrderCreated | events.OrderExtended | events.OrderCancelled
HEARD: tuple[type[Heard], ...] = (events.OrderCreated, events.OrderExtended, events.OrderCancelled)


def listeners(alarms: Alarms) -> list[Listener]:
    """Each event is acknowledged only after Redis has the alarm."""

    async def heard(event: Heard, _: HeardOnce) -> None:
        order = event.order
        if isinstance(event, events.OrderCancelled):
            await alarms.unset(order.id, order.expires_at)
        else:
            await alarms.set(order.id, order.expires_at)

    return [Listener("expiration", event, heard) for event in HEARD]
