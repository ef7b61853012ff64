"""Paying against the end of the hold while Stripe takes its time; and what happens without the guards."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from uuid import UUID

import pytest

from server.app import gateway_of
from server.orders.models import Order, OrderStatus
from server.payments.owed import OpKind, PaymentOp
from server.settings import Settings
from tests.concurrency.gateways import slow
from tests.concurrency.paying import Ending, Race, assert_fair, compete
from tests.concurrency.races import ONE_LIVE_ORDER, audit, without_index
from tests.platform import Platform, started

LATENCY = 0.8
"""Seconds: https://docs.stripe.com allows far longer ones, and the prototype sold twice with this one."""


WINDOW = (-LATENCY, LATENCY / 2)
AT_ONCE = 20
"""They wait more than they work."""
LANES = [
    pytest.param(30, marks=pytest.mark.slow),
    pytest.param(80, marks=[pytest.mark.exhaustive, pytest.mark.timeout(240)]),
]


@asynccontextmanager
async def with_slow_stripe(settings: Settings, latency: float = LATENCY) -> AsyncIterator[Platform]:
    """A platform whose every call to Stripe takes that much longer."""
    gateway = slow(gateway_of(settings), latency)
    try:
        async with started(settings, gateway=gateway) as platform:
            yield platform
    finally:
        await gateway.close()


class TestCancelAgainstPay:
    """DELETE /api/orders/:id in the middle of the charge."""

    @pytest.mark.parametrize("count", LANES)
    async def test_p06_nor_when_stripe_takes_long(self, empty: Settings, count: int) -> None:
        """The same while each call to Stripe takes 0.8 s: the cancel falls into the middle of the charge."""
        async with with_slow_stripe(empty) as platform:
            races = await compete(platform, count, "cancel", latency=LATENCY, window=WINDOW, at_once=AT_ONCE)
            await audit(platform)
        assert_fair(races)
        told = {(race.end, race.order) for race in races}
        assert told == {("204", "cancelled"), ("409 order_not_cancellable", "complete")}


@contextmanager
def without_the_claim() -> Iterator[None]:
    """Orders forgets that a hold ended, and payments cancels nothing: a payment is simply believed."""
    locked, owe = Order.locked, PaymentOp.owe

    async def forgetful(id_: UUID) -> Order | None:
        order = await locked(id_)
        if order is not None and order.status in {OrderStatus.CANCELLED, OrderStatus.EXPIRED}:
            order.status = OrderStatus.CREATED
        return order

    async def careless(payment_id: UUID, kind: OpKind, **more: Any) -> UUID | None:
        return None if kind in {OpKind.CANCEL, OpKind.CANCEL_UNPAID} else await owe(payment_id, kind, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Order, "locked", forgetful)
        patch.setattr(PaymentOp, "owe", careless)
        yield


def owned_twice(races: list[Race]) -> bool:
    """Whether the first buyer has a ticket that his rival paid for, too."""
    return any(race.order == "complete" and race.rival == "201" for race in races)


class TestGuards:
    """Negative controls: the same races without the claim and without the index."""

    @pytest.mark.parametrize("ending", ["cancel", "expire"])
    @pytest.mark.slow
    async def test_without_the_claim_a_ticket_is_owned_twice(self, empty: Settings, ending: Ending) -> None:
        """The race is real: a hold that ended is revived by its payment, and its ticket has two owners."""
        async with without_index(empty, ONE_LIVE_ORDER), with_slow_stripe(empty, 0.3) as platform:
            with without_the_claim():
                races = await compete(
                    platform,
                    8,
                    ending,
                    latency=0.3,
                    window=(-0.3, 0.1),
                    at_once=AT_ONCE,
                    until_seen=owned_twice,
                )
            assert owned_twice(races), races
            with pytest.raises(AssertionError, match="one_live_order_per_ticket"):
                await platform.doctor(patience=0)
