"""What payments hears: orders from beginning to end, its verdict on each payment, and revoked tokens."""

from server import events
from server.kit.bus import consumes
from server.kit.inbox import HeardOnce
from server.payments import service


@consumes(events.OrderCreated)
async def order_created(event: events.OrderCreated, once: HeardOnce) -> None:
    """It can be paid from now on."""
    await service.order_changed(order=event.order, once=once)


@consumes(events.OrderExtended)
async def order_extended(event: events.OrderExtended, once: HeardOnce) -> None:
    """It can be paid for longer."""
    await service.order_changed(order=event.order, once=once)


@consumes(events.OrderCancelled)
async def order_cancelled(event: events.OrderCancelled, once: HeardOnce) -> None:
    """Nothing will be paid for it."""
    await service.order_changed(order=event.order, once=once)


@consumes(events.OrderExpired)
async def order_expired(event: events.OrderExpired, once: HeardOnce) -> None:
    """Nothing unauthorised will be paid for it."""
    await service.order_changed(order=event.order, once=once)


@consumes(events.OrderAccepted)
async def order_accepted(event: events.OrderAccepted, once: HeardOnce) -> None:
    """Capture."""
    await service.order_accepted(order=event.order, payment_id=event.payment_id, once=once)


@consumes(events.OrderRejected)
async def order_rejected(event: events.OrderRejected, once: HeardOnce) -> None:
    """Void."""
    await service.order_rejected(order=event.order, payment_id=event.payment_id, once=once)


@consumes(events.OrderRevoked)
async def order_revoked(event: events.OrderRevoked, once: HeardOnce) -> None:
    """Give the money back, if that is why."""
    await service.order_revoked(order=event.order, reason=event.reason, once=once)


@consumes(events.TokenRevoked)
async def token_revoked(event: events.TokenRevoked, once: HeardOnce) -> None:
    """A token stopped working."""
    await service.token_revoked(jti=event.jti, until=event.until, once=once)
