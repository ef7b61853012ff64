"""What happens by itself after a while: refunds settle, authorisations lapse, pages expire."""

import asyncio
import sqlite3
from collections.abc import Callable

from server.kit.log import log
from server.stripe_sandbox.checkout import expire_session
from server.stripe_sandbox.intents import PaymentIntent
from server.stripe_sandbox.objects import Params, read
from server.stripe_sandbox.payments import lapse
from server.stripe_sandbox.refunds import Refund, settle
from server.stripe_sandbox.sessions import Session
from server.stripe_sandbox.state import Books, State

POLL = 1.0
"""Seconds between looks at the file, if nothing is due before that."""


def _settle_refund(books: Books, refund_id: str) -> None:
    refund = read(books, Refund, refund_id)
    if refund.status == "pending":
        settle(books, refund, "succeeded")


def _fail_refund(books: Books, refund_id: str) -> None:
    refund = read(books, Refund, refund_id)
    if refund.status == "succeeded":
        settle(books, refund, "failed", failure_reason="expired_or_canceled_card")


def _lapse(books: Books, intent_id: str) -> None:
    intent = read(books, PaymentIntent, intent_id)
    if intent.status == "requires_capture":
        lapse(books, intent)


def _expire_session(books: Books, session_id: str) -> None:
    if read(books, Session, session_id).status == "open":
        expire_session(books, session_id, Params())


DEEDS: dict[str, Callable[[Books, str], None]] = {
    "settle_refund": _settle_refund,
    "fail_refund": _fail_refund,
    "lapse": _lapse,
    "expire_session": _expire_session,
}
"""By the word under which `Books.after` keeps them; each looks first whether it still applies."""


class Later:
    """The background job that does what is due."""

    def __init__(self, state: State, ring: Callable[[], None]) -> None:
        """`ring` is called when there may be a new event."""
        self._state = state
        self._ring = ring
        self._bell = asyncio.Event()

    def ring(self) -> None:
        """There may be something to do soon."""
        self._bell.set()

    async def run(self) -> None:
        """Do what is due until cancelled."""
        try:
            while True:
                self._bell.clear()
                pause = await self._do_due()
                try:
                    async with asyncio.timeout(pause):
                        await self._bell.wait()
                except TimeoutError:
                    continue
        except Exception:
            log.exception("stripe_sandbox.later_stopped")
            raise

    async def _do_due(self) -> float:
        def work(books: Books) -> tuple[int, float | None]:
            due = books.take_due()
            for what, object_id in due:
                DEEDS[what](books, object_id)
            return len(due), books.next_due()

        try:
            done, pause = await self._state.within(work)
        except sqlite3.OperationalError as error:
            log.warning("stripe_sandbox.file_is_busy", error=str(error))
            return POLL
        if done:
            self._ring()
        return POLL if pause is None else min(POLL, pause)
