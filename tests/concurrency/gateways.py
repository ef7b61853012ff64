"""The real gateway with something on the wire before it: latency, or a gate that the test opens."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from server.payments.gateway import Checkout, Gateway, Intent, StripeEvent

Tap = Callable[[str], Awaitable[object]]
"""Awaited before each call, with its name."""
When = Literal["first", "together", "last"]


class TappedGateway:
    """A `Gateway` that passes every call on, after the tap."""

    def __init__(self, inner: Gateway, tap: Tap) -> None:
        self._inner = inner
        self._tap = tap

    async def create_intent(
        self, *, key: str, amount: int, currency: str, order_id: UUID, payment_id: UUID
    ) -> Intent:
        """See `Gateway`."""
        await self._tap("create")
        return await self._inner.create_intent(
            key=key, amount=amount, currency=currency, order_id=order_id, payment_id=payment_id
        )

    async def confirm_intent(
        self, intent_id: str, *, key: str, payment_method: str, return_url: str
    ) -> Intent:
        """See `Gateway`."""
        await self._tap("confirm")
        return await self._inner.confirm_intent(
            intent_id, key=key, payment_method=payment_method, return_url=return_url
        )

    async def get_intent(self, intent_id: str) -> Intent:
        """See `Gateway`."""
        await self._tap("get")
        return await self._inner.get_intent(intent_id)

    async def create_checkout(self, **page: Any) -> Checkout:
        """See `Gateway`."""
        await self._tap("create checkout")
        return await self._inner.create_checkout(**page)

    async def get_checkout(self, checkout_id: str) -> Checkout:
        """See `Gateway`."""
        await self._tap("get checkout")
        return await self._inner.get_checkout(checkout_id)

    async def expire_checkout(self, checkout_id: str, *, key: str) -> Checkout:
        """See `Gateway`."""
        await self._tap("expire checkout")
        return await self._inner.expire_checkout(checkout_id, key=key)

    async def list_intents(self, since: datetime) -> AsyncIterator[Intent]:
        """See `Gateway`."""
        await self._tap("list")
        async for intent in self._inner.list_intents(since):
            yield intent

    async def capture_intent(self, intent_id: str, *, key: str) -> Intent:
        """See `Gateway`."""
        await self._tap("capture")
        return await self._inner.capture_intent(intent_id, key=key)

    async def cancel_intent(self, intent_id: str, *, key: str) -> Intent:
        """See `Gateway`."""
        await self._tap("cancel")
        return await self._inner.cancel_intent(intent_id, key=key)

    async def refund_intent(self, intent_id: str, *, key: str, payment_id: UUID, attempt: int) -> None:
        """See `Gateway`."""
        await self._tap("refund")
        await self._inner.refund_intent(intent_id, key=key, payment_id=payment_id, attempt=attempt)

    def read_event(self, body: bytes, signature: str) -> StripeEvent:
        """See `Gateway`."""
        return self._inner.read_event(body, signature)

    async def close(self) -> None:
        """See `Gateway`."""
        await self._inner.close()


Rival = Callable[[str], Awaitable[object]]
"""Does something to the intent with this id."""


class Crossing(TappedGateway):
    """A gateway whose captures are crossed: somebody else acts `first`, `together` with it, or `last`.

    `last` is after Stripe's answer and before anybody here has heard it. The first capture of an intent only.
    """

    def __init__(self, inner: Gateway, meet: Callable[[str], tuple[When, Rival]]) -> None:
        super().__init__(inner, nothing)
        self._meet = meet
        self._met: set[str] = set()

    async def capture_intent(self, intent_id: str, *, key: str) -> Intent:
        """See `Gateway`."""
        if intent_id in self._met:
            return await super().capture_intent(intent_id, key=key)
        self._met.add(intent_id)
        when, rival = self._meet(intent_id)
        if when == "first":
            await rival(intent_id)
        crossing = asyncio.ensure_future(rival(intent_id)) if when == "together" else None
        try:
            return await super().capture_intent(intent_id, key=key)
        finally:
            if crossing is not None:
                await crossing
            if when == "last":
                await rival(intent_id)


async def nothing(_: str) -> None:
    """A tap that changes nothing."""


def slow(inner: Gateway, seconds: float) -> TappedGateway:
    """Each call that does something takes that much longer; a look does not, or each webhook would."""

    async def latency(call: str) -> None:
        if call != "get":
            await asyncio.sleep(seconds)  # what is being tested, not a wait of the test's

    return TappedGateway(inner, latency)


def blind(inner: Gateway, may_look: asyncio.Event) -> TappedGateway:
    """Nobody learns what became of an intent while `may_look` is not set."""

    async def gate(call: str) -> None:
        if call == "get":
            await may_look.wait()

    return TappedGateway(inner, gate)
