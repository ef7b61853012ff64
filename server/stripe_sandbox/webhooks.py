"""Signed events, delivered until the receiver takes them, in no particular order, as Stripe does."""

import asyncio
import hashlib
import hmac
import sqlite3
import time
from functools import partial

import aiohttp

from server.kit.log import log
from server.stripe_sandbox.state import Event, State

SUCCESS = range(200, 300)
TIMEOUT = 10.0
"""Seconds the receiver has to answer."""

AT_ONCE = 16
"""Deliveries under way at the same time."""

BACKOFF = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds between the first attempts; then one a minute."""
LONGEST_BACKOFF = 60.0
ATTEMPTS = 400
"""After some six hours the sandbox gives up; not counted in hours, so that being off is not giving up."""

POLL = 1.0
"""Seconds between looks at the file: a request whose caller hung up commits its event but rings no bell."""


def sign(body: str, secret: str, timestamp: int) -> str:
    """The `Stripe-Signature` header of a body sent at `timestamp` (seconds since the epoch)."""
    digest = hmac.new(secret.encode(), f"{timestamp}.{body}".encode(), hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


def backoff(attempts: int) -> float | None:
    """Seconds to wait after so many failed attempts; None: give up."""
    if attempts >= ATTEMPTS:
        return None
    return BACKOFF[attempts - 1] if attempts <= len(BACKOFF) else LONGEST_BACKOFF


class Deliveries:
    """The background job that empties the list of waiting events."""

    def __init__(self, state: State, *, url: str, secret: str) -> None:
        """Deliver to `url`, signed with `secret`."""
        self._state = state
        self._url = url
        self._secret = secret
        self._bell = asyncio.Event()
        self._under_way: dict[str, asyncio.Task[None]] = {}

    def ring(self) -> None:
        """There may be something to deliver."""
        self._bell.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        # By no proxy: one that is meant for the internet cannot reach a receiver on this machine.
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(TIMEOUT)) as client:
            try:
                while True:
                    self._bell.clear()
                    await self._wait(await self._start_due(client))
            except Exception:
                log.exception("stripe_sandbox.deliveries_stopped")
                raise
            finally:
                for task in self._under_way.values():
                    task.cancel()
                await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    async def _start_due(self, client: aiohttp.ClientSession) -> float:
        try:
            due, pause = await self._state.within(lambda books: (books.due(AT_ONCE), books.next_due()))
        except sqlite3.OperationalError as error:
            log.warning("stripe_sandbox.file_is_busy", error=str(error))
            return POLL
        for event in due:
            if event.id not in self._under_way:
                task = asyncio.create_task(self._deliver(client, event))
                self._under_way[event.id] = task
                task.add_done_callback(partial(self._finished, event.id))
        return POLL if pause is None else min(POLL, pause)

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._bell.wait()
        except TimeoutError:
            return

    async def _deliver(self, client: aiohttp.ClientSession, event: Event) -> None:
        now = int(time.time())
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": sign(event.body, self._secret, now),
        }
        try:
            body = event.body.encode()
            async with client.post(self._url, data=body, headers=headers, allow_redirects=False) as response:
                status = response.status
        except (aiohttp.ClientError, TimeoutError) as error:
            outcome = type(error).__name__
        else:
            if status in SUCCESS:
                await self._state.within(lambda books: books.delivered(event.id))
                return
            outcome = str(status)
        pause = backoff(event.attempts + 1)
        log.info("stripe_sandbox.undelivered", event_id=event.id, outcome=outcome, retry_after=pause)
        await self._state.within(lambda books: books.undelivered(event.id, retry_after=pause))

    def _finished(self, event_id: str, task: asyncio.Task[None]) -> None:
        del self._under_way[event_id]
        # Failed only if the file could not be written: the event is still due, and the next poll takes it up.
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("stripe_sandbox.delivery_not_recorded", event_id=event_id, error=str(error))
            return
        self.ring()
