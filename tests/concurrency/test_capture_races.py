"""A capture that somebody crosses: the money is taken and the ticket owned, or neither."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Literal

import pytest

from server.app import gateway_of
from server.payments import ops
from server.payments.gateway import Gateway, IntentStateConflict
from server.payments.owed import PaymentOp
from server.settings import Settings
from tests.concurrency.gateways import Crossing, Rival, When
from tests.concurrency.races import NO_ALARMS, audit, batches, fetch, verdict
from tests.dashboard import Dashboard, dashboard
from tests.platform import Platform, User, started

Who = Literal["dashboard", "bank", "deadline", "buyer"]
MEETINGS: list[tuple[Who, When]] = [
    (who, when)
    for who in ("dashboard", "bank", "deadline", "buyer")
    for when in ("first", "together", "last", "together")
]
AT_ONCE = 6

CAPTURE_OF = """
UPDATE payment_ops o
SET created_at = now() - interval '1 day', due_at = now() + interval '1 minute', tries = tries + 1
FROM payments p
WHERE p.stripe_id = $1 AND o.payment_id = p.id AND o.kind = 'capture' AND o.done_at IS NULL RETURNING o.*
"""


@dataclass
class Ring:
    """Where captures meet those who cross them."""

    stripe: Dashboard
    gateway: Gateway
    platform: Platform | None = None
    buyers: dict[str, User] = field(default_factory=dict)
    """Order → buyer."""
    meetings: dict[str, tuple[Who, When]] = field(default_factory=dict)
    """Intent → who crosses its capture, and when."""
    told: list[str] = field(default_factory=list)
    """What buyers heard who cancelled."""

    def meet(self, intent_id: str) -> tuple[When, Rival]:
        """Who crosses this capture: each in turn."""
        who, when = self.meetings[intent_id] = MEETINGS[len(self.meetings) % len(MEETINGS)]
        rivals: dict[Who, Rival] = {
            "dashboard": lambda id_: self.stripe.act(id_, "cancel"),
            "bank": lambda id_: self.stripe.act(id_, "lapse"),
            "deadline": self._second_worker,
            "buyer": self._cancel,
        }
        return when, rivals[who]

    async def _second_worker(self, intent_id: str) -> None:
        """The lease and the deadline are over, and another replica takes the call up."""
        assert self.platform is not None
        for row in await fetch(self.platform, "payments", CAPTURE_OF, intent_id):
            await ops.run(PaymentOp(**row), self.gateway, capture_deadline=timedelta(hours=1), return_url="")

    async def _cancel(self, intent_id: str) -> None:
        assert self.platform is not None
        sql = "SELECT order_id FROM payments WHERE stripe_id = $1"
        [payment] = await fetch(self.platform, "payments", sql, intent_id)
        order_id = str(payment["order_id"])
        self.told.append(verdict(await self.buyers[order_id].delete(f"/api/orders/{order_id}")))


@asynccontextmanager
async def ring(settings: Settings) -> AsyncIterator[tuple[Ring, Platform]]:
    """A platform whose captures are crossed."""
    plain = gateway_of(settings)
    try:
        async with dashboard(settings) as stripe:
            made = Ring(stripe, plain)
            async with started(settings, jobs=NO_ALARMS, gateway=Crossing(plain, made.meet)) as platform:
                made.platform = platform
                yield made, platform
    finally:
        await plain.close()


async def race(platform: Platform, where: Ring) -> tuple[str, str]:
    """Hold and pay; the order's end, and its intent."""
    buyer = platform.user()
    order = await buyer.hold((await platform.user().list_ticket())["id"])
    where.buyers[order["id"]] = buyer
    paid = await buyer.pay(order["id"])
    assert verdict(paid) == "201"
    ended = await buyer.order_in(order["id"], "complete", "rejected", timeout=20)
    return ended["status"], paid.json()["stripeId"]


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "count", [pytest.param(60, marks=pytest.mark.slow), pytest.param(200, marks=pytest.mark.exhaustive)]
)
async def test_taken_and_owned_or_neither(empty: Settings, count: int) -> None:
    """Who is first at Stripe wins; payments acts on what the intent is, and never on what it asked for."""
    async with ring(empty) as (where, platform):
        races = await batches((race(platform, where) for _ in range(count)), AT_ONCE)
        ends = await audit(platform)
    outcomes = Counter((*where.meetings[intent], end) for end, intent in races)
    for who in ("dashboard", "bank", "deadline"):
        assert not outcomes[who, "first", "complete"], outcomes
        assert not outcomes[who, "last", "rejected"], outcomes
    assert ends["complete"], outcomes
    assert ends["rejected"], outcomes
    assert set(where.told) == {"409 order_not_cancellable"}


async def test_who_believes_his_own_call_is_wrong(empty: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control: a capture that came too late is taken for done, without a look at the intent."""
    outcome = ops._outcome

    async def believing(op: PaymentOp, payment: Any, _: object, gateway: Gateway, **more: Any) -> Any:
        try:
            intent = await ops._call(op, payment, gateway, **more)
        except IntentStateConflict:
            intent = await gateway.get_intent(payment.stripe_id)
            intent = replace(intent, status="succeeded", amount_received=intent.amount)
        return intent, None

    async with ring(empty) as (where, platform):
        monkeypatch.setattr(ops, "_outcome", believing)
        await race(platform, where)
        monkeypatch.setattr(ops, "_outcome", outcome)
        with pytest.raises(AssertionError, match=r"payment .* is captured"):
            await audit(platform)
