"""The statement that brings ROWS listings of a seller up to date, events included, in one round trip."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal
from uuid import UUID

from uuid_utils.compat import uuid7

from server.kit import telemetry
from server.kit.db import loaded, write
from server.kit.log import request_id
from server.kit.outbox import RFC3339
from server.tickets.models import Ticket

ROWS = 100

# Listings and their events. `on_conflict`: what of one that is there already; `key`: which was given which.
WRITE = f"""
WITH given AS (
  SELECT * FROM jsonb_to_recordset($2::jsonb) AS g(
    number int, id uuid, event_id uuid, external_id text, title text, price bigint, currency text, venue text,
    starts_at timestamptz, seat text)
), written AS (
  INSERT INTO tickets AS t (id, user_id, external_id, title, price, currency, venue, starts_at, seat,
                            withdrawn, version, seat_status, seat_version, created_at, updated_at)
  SELECT g.id, $1, g.external_id, g.title, g.price, g.currency, g.venue, g.starts_at, g.seat,
         false, 0, 'available', 0, clock.now, clock.now
  FROM given g, (SELECT clock_timestamp() AS now) clock ORDER BY g.number
  {{on_conflict}}
  RETURNING t.*
), event AS (
  INSERT INTO outbox (id, type, request_id, trace, occurred_at, data)
  SELECT g.event_id, CASE WHEN w.id = g.id THEN 'ticket:created' ELSE 'ticket:updated' END, $3, $4,
    w.updated_at, jsonb_build_object('ticket', jsonb_build_object(
      'id', w.id, 'userId', w.user_id, 'title', w.title, 'price', w.price, 'currency', w.currency,
      'venue', w.venue, 'startsAt', to_char(w.starts_at AT TIME ZONE 'UTC', {RFC3339}), 'seat', w.seat,
      'withdrawn', w.withdrawn, 'version', w.version))
  FROM written w JOIN given g USING ({{key}})
)
SELECT w.*, w.id = g.id AS made FROM written w JOIN given g USING ({{key}})
"""  # noqa: S608 - our own constant
CREATE = WRITE.format(key="id", on_conflict="")
# The index one_external_id_per_seller decides who makes a listing. The other then waits, finds the row and,
# with its lock, whether there is anything to change; a row that stays as it is, is locked all the same.
UPSERT = WRITE.format(
    key="external_id",
    on_conflict="""
  ON CONFLICT (user_id, external_id) WHERE external_id IS NOT NULL DO UPDATE
  SET title = excluded.title, price = excluded.price, venue = excluded.venue, starts_at = excluded.starts_at,
      seat = excluded.seat, withdrawn = false, version = t.version + 1, updated_at = excluded.updated_at
  WHERE t.seat_status = 'available' AND t.currency = excluded.currency
    AND (t.title, t.price, t.venue, t.starts_at, t.seat, t.withdrawn) IS DISTINCT FROM
        (excluded.title, excluded.price, excluded.venue, excluded.starts_at, excluded.seat, false)
""",
)


async def create(user_id: UUID, listing: Mapping[str, Any]) -> Ticket:
    """Make a listing. Raises IntegrityError for an `external_id` that the seller uses already."""
    [made] = await _write(CREATE, user_id, [listing])
    return loaded(Ticket, made)


async def upsert(
    user_id: UUID, listings: Sequence[Mapping[str, Any]]
) -> dict[str, tuple[Literal["created", "updated"], Ticket]]:
    """Make or change the listings, each with another `external_id`; returns those that were, by it.

    The others are as they should be, held, sold, or in another currency; their rows are locked.
    """
    return {
        row["external_id"]: ("created" if row["made"] else "updated", loaded(Ticket, row))
        for row in await _write(UPSERT, user_id, listings)
    }


async def _write(
    statement: str, user_id: UUID, listings: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    given = [
        {"number": number, "id": uuid7(), "event_id": uuid7(), **listing}
        for number, listing in enumerate(listings)
    ]
    told = (json.dumps(given, default=str), request_id.get(), telemetry.current())
    return await write("tickets", statement, user_id, *told, bell="outbox")
