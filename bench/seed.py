"""Tickets by the thousand, written straight into the tables of both services that know them."""

from collections.abc import Iterable
from uuid import UUID

from bench.stage import Stage

SELLER = UUID("0190a3c4-0000-7000-8000-000000000001")
RARE, SOME, COMMON, NONE = "No 000777", "Quartet 42", "Concert", "Zzyzx"
"""Words to search for: in one ticket, in one of a hundred, in one of two, in none."""

# The id says 2024, so nobody takes it for one of a moment ago. A few hundred words, as catalogues have them.
ROWS = """
SELECT ('0190a3c4-' || lpad(to_hex(n >> 16), 4, '0') || '-7000-8000-'
        || lpad(to_hex(n & 65535), 12, '0'))::uuid AS id, '{seller}'::uuid AS user_id,
  (ARRAY['Concert', 'Recital'])[1 + n % 2] || ' of the Quartet ' || lpad((n / 2 % 100)::text, 2, '0')
    || ', No ' || lpad(n::text, 6, '0') AS title,
  1000 + n % 9000 * 7919 % 9000 AS price, 'usd' AS currency,
  (ARRAY['Opera', 'Town hall', 'Arena', 'Garden stage'])[1 + n / 7 % 4] AS venue,
  timestamptz '2030-01-01Z' + n % 1000 * interval '1 hour' AS starts_at, 'A ' || n % 500 AS seat,
  timestamptz '2026-01-01Z' + n * interval '1 second' AS at
FROM generate_series($1::int, $2::int) n
"""
TICKETS = f"""
INSERT INTO tickets (id, user_id, title, price, currency, venue, starts_at, seat, withdrawn, version,
                     seat_status, seat_version, created_at, updated_at)
SELECT id, user_id, title, price, currency, venue, starts_at, seat, false, 0, 'available', 0, at, at
FROM ({ROWS.format(seller=SELLER)}) r
"""
LISTINGS = f"""
INSERT INTO tickets (id, user_id, title, price, currency, venue, starts_at, seat, withdrawn, version,
                     seat_status, seat_version)
SELECT id, user_id, title, price, currency, venue, starts_at, seat, false, 0, 'available', 0
FROM ({ROWS.format(seller=SELLER)}) r
"""


def ticket_id(number: int) -> str:
    """The id of the ticket of that number."""
    return f"0190a3c4-{number >> 16:04x}-7000-8000-{number & 65535:012x}"


BULK = 20_000


class Seeder:
    """Counts what it makes, so that each scenario has tickets that nobody has touched."""

    def __init__(self, stage: Stage) -> None:
        """None are made yet."""
        self._stage = stage
        self.made = 0

    def take(self, count: int) -> list[str]:
        """The ids of `count` new tickets."""
        first = self.made + 1
        self._make(count)
        return [ticket_id(n) for n in range(first, self.made + 1)]

    def fill(self, total: int) -> None:
        """Have at least that many, with statistics as they are after a while."""
        if total > self.made:
            self._make(total - self.made)
        for service in ("tickets", "orders"):
            self._stage.sql(service, "VACUUM ANALYZE tickets")

    def _make(self, count: int) -> None:
        if count < BULK:
            self._insert(count)
            return
        # An index of words grows entry by entry; made at the end it is made at once.
        [(definition,)] = self._stage.sql("tickets", "SELECT pg_get_indexdef('tickets_by_words'::regclass)")
        self._stage.sql("tickets", "DROP INDEX tickets_by_words")
        self._insert(count)
        self._stage.sql("tickets", definition)

    def _insert(self, count: int) -> None:
        for first, last in _steps(self.made + 1, self.made + count, 100_000):
            self._stage.sql("tickets", TICKETS, first, last)
            self._stage.sql("orders", LISTINGS, first, last)
        self.made += count


def _steps(first: int, last: int, size: int) -> Iterable[tuple[int, int]]:
    for start in range(first, last + 1, size):
        yield start, min(start + size - 1, last)
