"""How fast Stripe is asked: a share per endpoint, its Retry-After obeyed, and no call while it is away.

Stripe allows 25 calls a second on an endpoint (https://docs.stripe.com/rate-limits). Counted in this process
alone: with three of payments, give each a third. A limiter from a library would wait without end, and could
not be told to hold back by Stripe itself.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from server.payments.gateway import GatewayUnavailable

BURST_SECONDS = 1.0
"""Calls that were not made within the last second may be made now."""
PATIENCE_SECONDS = 2.0
"""A longer wait is refused instead: somebody waits for the answer, and calls owed have a clock."""
FAILURES = 5
"""Calls in a row that went unanswered, after which Stripe counts as away."""
FIRST_REST_SECONDS, LONGEST_REST_SECONDS = 1.0, 30.0


class Pace:
    """When the next call may be made; one for all calls of a process."""

    def __init__(
        self,
        rate: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`rate`: calls a second per endpoint; 0: as many as come."""
        self._interval = 1 / rate if rate else 0.0
        self._clock = clock
        self._sleep = sleep
        self._next: dict[str, float] = {}
        self._failures = 0
        self._away_until = 0.0

    async def turn(self, endpoint: str) -> None:
        """Wait until this endpoint may be called. Raises GatewayUnavailable, with the seconds to wait."""
        now = self._clock()
        if now < self._away_until:
            raise GatewayUnavailable(
                "Stripe does not answer at the moment.", retry_after=self._away_until - now
            )
        if self._failures >= FAILURES:  # this call finds out whether it is back; the others wait for it
            self._away_until = now + FIRST_REST_SECONDS
        due = max(self._next.get(endpoint, 0.0), now - BURST_SECONDS)
        wait = due - now
        if wait > PATIENCE_SECONDS:
            raise GatewayUnavailable("Stripe asks us to slow down.", retry_after=wait)
        self._next[endpoint] = due + self._interval
        if wait > 0:
            await self._sleep(wait)

    def answered(self) -> None:
        """Stripe said something, be it no."""
        self._failures = 0
        self._away_until = 0.0

    def unanswered(self) -> None:
        """No answer, or one that was Stripe's own failure: after several in a row, rest, ever longer."""
        self._failures += 1
        if self._failures >= FAILURES:
            rest = FIRST_REST_SECONDS * 2 ** min(self._failures - FAILURES, 10)
            self._away_until = self._clock() + min(rest, LONGEST_REST_SECONDS)

    def hold_back(self, endpoint: str, seconds: float) -> None:
        """Stripe said 429: leave this endpoint alone for so long."""
        self._failures = 0
        self._next[endpoint] = max(self._next.get(endpoint, 0.0), self._clock() + seconds)
