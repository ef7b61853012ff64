"""The statements of orders that decide by the clock: reserve a ticket, extend a hold, release what ran out.

Each is one round trip that checks and writes at once, so there is no moment between looking and taking.
"""

from functools import cache
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from server import events
from server.kit import telemetry
from server.kit.db import loaded, rows, write
from server.kit.inbox import HeardOnce
from server.kit.log import request_id
from server.kit.outbox import RFC3339
from server.orders.models import Order

# Guard one: the seat is taken only where `holder IS NULL`; of two writers the second waits for the first's
# row lock and then no longer matches. Guard two is the index one_live_order_per_ticket. Either suffices
# (tests/concurrency/test_one_ticket.py removes them in turn).
SEAT_IS_FREE = "t.holder IS NULL"

RESERVE = """
WITH slot AS (
  SELECT s FROM generate_series(1, $6::int) s
  WHERE NOT EXISTS (SELECT FROM orders WHERE user_id = $3 AND status = 'created' AND hold_slot = s)
  ORDER BY s LIMIT 1
), seat AS (
  UPDATE tickets t SET holder = $1, seat_status = 'reserved', seat_version = t.seat_version + 1
  FROM slot
  WHERE t.id = $2 AND {seat_is_free} AND NOT t.withdrawn AND t.user_id <> $3
    AND t.price <= coalesce($4, t.price)
  RETURNING t.*, slot.s, clock_timestamp() AS at
), made AS (
  INSERT INTO orders (id, user_id, seller_id, ticket_id, status, price, currency, ticket, hold_slot,
                      expires_at, extended, version, payment_version, needs_review, created_at, updated_at)
  SELECT $1, $3, seat.user_id, seat.id, 'created', seat.price, seat.currency,
         jsonb_build_object('id', seat.id, 'title', seat.title, 'price', seat.price,
                            'currency', seat.currency, 'venue', seat.venue, 'seat', seat.seat,
                            'startsAt', to_char(seat.starts_at AT TIME ZONE 'UTC', {rfc3339})),
         seat.s, seat.at + make_interval(secs => $5), false, 1, 0, false, seat.at, seat.at
  FROM seat RETURNING *
), history AS (
  INSERT INTO order_history (order_id, version, status, cause, request_id, ticket_id, seat_version, at)
  SELECT made.id, 1, 'created', 'reserved', $8, seat.id, seat.seat_version, seat.at FROM made, seat
), event AS (
  INSERT INTO outbox (id, type, request_id, trace, occurred_at, data)
  SELECT $7, 'order:created', $8, $9, seat.at, jsonb_build_object(
    'order', jsonb_build_object('id', made.id, 'userId', made.user_id, 'sellerId', made.seller_id,
      'ticketId', made.ticket_id, 'status', made.status, 'price', made.price, 'currency', made.currency,
      'expiresAt', to_char(made.expires_at AT TIME ZONE 'UTC', {rfc3339}), 'version', made.version,
      'needsReview', made.needs_review),
    'seat', jsonb_build_object('ticketId', seat.id, 'holder', made.id, 'status', 'reserved',
      'seatVersion', seat.seat_version))
  FROM made, seat
)
SELECT * FROM made
"""

COPY_LISTING = """
INSERT INTO tickets AS t (id, user_id, title, price, currency, venue, starts_at, seat, withdrawn, version,
                          seat_status, seat_version)
SELECT $1::uuid, $2::uuid, $3::text, $4::bigint, $5::text, $6::text, $7::timestamptz, $8::text, $9::bool,
       $10::int, 'available', 0 WHERE {heard}
ON CONFLICT (id) DO UPDATE SET title = $3, price = $4, currency = $5, venue = $6, starts_at = $7, seat = $8,
  withdrawn = $9, version = $10 WHERE t.version < $10
"""

EXTEND = """
WITH longer AS (
  UPDATE orders SET expires_at = expires_at + make_interval(secs => $3), extended = true,
                    version = version + 1, updated_at = clock_timestamp()
  WHERE id = $1 AND user_id = $2 AND status = 'created' AND NOT extended AND expires_at > clock_timestamp()
  RETURNING *
), history AS (
  INSERT INTO order_history (order_id, version, status, cause, request_id, ticket_id, seat_version, at)
  SELECT longer.id, longer.version, 'created', 'extended', $4, t.id, t.seat_version, longer.updated_at
  FROM longer JOIN tickets t ON t.id = longer.ticket_id
)
SELECT * FROM longer
"""

EXPIRE = """
WITH due AS (
  SELECT id FROM orders WHERE status = 'created' AND expires_at <= now() AND ($1::uuid IS NULL OR id = $1)
  ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED
), over AS (
  UPDATE orders o SET status = 'expired', version = o.version + 1, updated_at = clock_timestamp()
  FROM due WHERE o.id = due.id RETURNING o.*
), freed AS (
  UPDATE tickets t SET holder = NULL, seat_status = 'available', seat_version = t.seat_version + 1
  FROM over WHERE t.id = over.ticket_id AND t.holder = over.id RETURNING t.id, t.seat_version
), history AS (
  INSERT INTO order_history (order_id, version, status, cause, request_id, ticket_id, seat_version, at)
  SELECT over.id, over.version, over.status, 'hold ended', $3, freed.id, freed.seat_version, clock_timestamp()
  FROM over JOIN freed ON freed.id = over.ticket_id
)
SELECT over.*, freed.seat_version FROM over JOIN freed ON freed.id = over.ticket_id
"""


@cache
def _guarded(statement: str, seat_is_free: str) -> str:
    return statement.format(seat_is_free=seat_is_free, rfc3339=RFC3339)


async def reserve(  # noqa: PLR0913 - the parts of a hold
    *,
    order_id: UUID,
    ticket_id: UUID,
    user_id: UUID,
    max_price: int | None,
    hold_seconds: int,
    max_holds: int,
) -> Order | None:
    """Hold the ticket in one statement, its history and event included; None if anything forbids it."""
    made = await write(
        "orders",
        _guarded(RESERVE, SEAT_IS_FREE),
        order_id,
        ticket_id,
        user_id,
        max_price,
        hold_seconds,
        max_holds,
        uuid7(),
        request_id.get(),
        telemetry.current(),
        bell="outbox",
    )
    return loaded(Order, made[0]) if made else None


async def copy_listing(listing: events.Listing, once: HeardOnce) -> None:
    """Have the listing here, unless what is here is newer."""
    await once.write(
        "orders",
        COPY_LISTING,
        listing.id,
        listing.user_id,
        listing.title,
        listing.price,
        listing.currency,
        listing.venue,
        listing.starts_at,
        listing.seat,
        listing.withdrawn,
        listing.version,
    )


async def extend(*, order_id: UUID, user_id: UUID, seconds: int) -> Order | None:
    """Lengthen the buyer's hold once, in one statement; None if anything forbids it."""
    longer = await rows("orders", EXTEND, order_id, user_id, seconds, request_id.get())
    return loaded(Order, longer[0]) if longer else None


async def expire(*, limit: int, order_id: UUID | None = None) -> list[tuple[Order, int]]:
    """Release up to `limit` holds that are over by the database's clock; each with its new seat version."""
    ended: list[dict[str, Any]] = await rows("orders", EXPIRE, order_id, limit, request_id.get())
    return [(loaded(Order, row), row["seat_version"]) for row in ended]
