"""What orders hears: listings, what became of payments, alarms, and revoked tokens."""

from server import events
from server.kit.bus import consumes
from server.kit.inbox import HeardOnce
from server.orders import service, verdict


@consumes(events.TicketCreated)
async def ticket_created(event: events.TicketCreated, once: HeardOnce) -> None:
    """A ticket can be reserved from now on."""
    await service.listing_changed(ticket=event.ticket, once=once)


@consumes(events.TicketUpdated)
async def ticket_updated(event: events.TicketUpdated, once: HeardOnce) -> None:
    """A listing changed."""
    await service.listing_changed(ticket=event.ticket, once=once)


@consumes(events.PaymentAuthorized)
async def payment_authorized(event: events.PaymentAuthorized, once: HeardOnce) -> None:
    """Claim the seat for this payment, or turn it down."""
    await verdict.payment_authorized(payment=event.payment, once=once)


@consumes(events.PaymentCaptured)
async def payment_captured(event: events.PaymentCaptured, once: HeardOnce) -> None:
    """The money is there."""
    await verdict.payment_changed(payment=event.payment, once=once)


@consumes(events.PaymentRefunded)
async def payment_refunded(event: events.PaymentRefunded, once: HeardOnce) -> None:
    """Money was given back, or could not be."""
    await verdict.payment_changed(payment=event.payment, once=once)


@consumes(events.PaymentDisputed)
async def payment_disputed(event: events.PaymentDisputed, once: HeardOnce) -> None:
    """The buyer's bank took the money back, or gave it to us again, or kept it."""
    await verdict.payment_changed(payment=event.payment, once=once)


@consumes(events.PaymentVoided)
async def payment_voided(event: events.PaymentVoided, once: HeardOnce) -> None:
    """There will be no money."""
    await verdict.payment_voided(payment=event.payment, once=once)


@consumes(events.ExpirationComplete)
async def expiration_complete(event: events.ExpirationComplete, once: HeardOnce) -> None:
    """A hint to look at the clock now."""
    await service.expire_holds(order_id=event.order_id, once=once)


@consumes(events.TokenRevoked)
async def token_revoked(event: events.TokenRevoked, once: HeardOnce) -> None:
    """A token stopped working."""
    await service.token_revoked(jti=event.jti, until=event.until, once=once)
