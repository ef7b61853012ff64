"""What tickets hears: who holds each seat, from every order event; and revoked tokens."""

from server import events
from server.kit.bus import consumes
from server.kit.inbox import HeardOnce
from server.tickets import service


@consumes(events.OrderCreated)
async def order_created(event: events.OrderCreated, once: HeardOnce) -> None:
    """The seat is held."""
    await service.seat_moved(seat=event.seat, once=once)


@consumes(events.OrderCancelled)
async def order_cancelled(event: events.OrderCancelled, once: HeardOnce) -> None:
    """The seat is free."""
    await service.seat_moved(seat=event.seat, once=once)


@consumes(events.OrderExpired)
async def order_expired(event: events.OrderExpired, once: HeardOnce) -> None:
    """The seat is free."""
    await service.seat_moved(seat=event.seat, once=once)


@consumes(events.OrderAccepted)
async def order_accepted(event: events.OrderAccepted, once: HeardOnce) -> None:
    """The seat is held, perhaps again after an expiry."""
    await service.seat_moved(seat=event.seat, once=once)


@consumes(events.OrderRejected)
async def order_rejected(event: events.OrderRejected, once: HeardOnce) -> None:
    """The seat is whose it is; a rejection may have freed it."""
    await service.seat_moved(seat=event.seat, once=once)


@consumes(events.OrderCompleted)
async def order_completed(event: events.OrderCompleted, once: HeardOnce) -> None:
    """The seat is sold."""
    await service.seat_moved(seat=event.seat, once=once)


@consumes(events.OrderRevoked)
async def order_revoked(event: events.OrderRevoked, once: HeardOnce) -> None:
    """The seat is free: its buyer got the money back."""
    await service.seat_moved(seat=event.seat, once=once)


@consumes(events.TokenRevoked)
async def token_revoked(event: events.TokenRevoked, once: HeardOnce) -> None:
    """A token stopped working."""
    await service.token_revoked(jti=event.jti, until=event.until, once=once)
