"""A look at Stripe that is heard late: what it saw of one card is not told of the next, tried meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from server.app import gateway_of
from server.payments import ops, settlement
from server.payments.gateway import Gateway, Intent
from server.payments.owed import LEASE, OpKind, PaymentOp
from server.settings import Settings
from tests.concurrency.gateways import TappedGateway, nothing
from tests.concurrency.races import NO_ALARMS, fetch, settled
from tests.platform import Platform, User, started

FIRST, NEXT = "generic_decline", "insufficient_funds"
TOLD = """
SELECT data->>'declineCode' AS code FROM outbox
WHERE type = 'payment:failed' AND data->'payment'->>'orderId' = $1 ORDER BY id
"""


class Late(TappedGateway):
    """A gateway whose looks are answered, and heard when `meanwhile` is over."""

    def __init__(self, inner: Gateway, meanwhile: Callable[[], Awaitable[object]]) -> None:
        super().__init__(inner, nothing)
        self._meanwhile = meanwhile

    async def get_intent(self, intent_id: str) -> Intent:
        """See `Gateway`."""
        seen = await super().get_intent(intent_id)
        await self._meanwhile()
        return seen


async def declines_told(settings: Settings, *, still_tried: bool) -> list[str]:
    """A card is declined; a look that saw that is heard when the next one is `still_tried`, or declined."""
    plain, at_bank, may_go_on = gateway_of(settings), asyncio.Event(), asyncio.Event()

    async def gate(call: str) -> None:
        if call == "confirm":
            at_bank.set()
            await may_go_on.wait()

    async def try_next(buyer: User, order_id: str) -> None:
        answer = await buyer.pay(order_id, "pm_card_chargeDeclinedInsufficientFunds")
        assert answer.json()["declineCode"] == NEXT

    async def story(platform: Platform) -> list[str]:
        buyer = platform.user()
        order_id = (await buyer.hold((await platform.user().list_ticket())["id"]))["id"]
        may_go_on.set()
        assert (await buyer.pay(order_id, "pm_card_chargeDeclined")).json()["declineCode"] == FIRST
        await settled(platform)
        at_bank.clear()
        trying: list[asyncio.Task[None]] = []

        async def meanwhile() -> None:
            if still_tried:
                may_go_on.clear()
            trying.append(asyncio.create_task(try_next(buyer, order_id)))
            await (at_bank.wait() if still_tried else trying[0])

        [row] = await fetch(platform, "payments", "SELECT id FROM payments WHERE order_id = $1", order_id)
        look = PaymentOp(
            payment_id=row["id"], kind=OpKind.SYNC, key="look", tries=1, due_at=datetime.now(UTC) + LEASE
        )
        late = Late(plain, meanwhile)
        await ops.run(look, late, capture_deadline=timedelta(hours=1), return_url="")
        may_go_on.set()
        await trying[0]
        await settled(platform)
        assert (await buyer.pay(order_id)).status_code in {200, 201}
        await buyer.order_in(order_id, "complete")
        return [told["code"] for told in await fetch(platform, "payments", TOLD, order_id)]

    try:
        async with started(settings, jobs=NO_ALARMS, gateway=TappedGateway(plain, gate)) as platform:
            return await story(platform)
    finally:
        may_go_on.set()
        await plain.close()


@pytest.mark.parametrize("still_tried", [True, pytest.param(False, marks=pytest.mark.slow)])
async def test_each_decline_is_told_once(empty: Settings, *, still_tried: bool) -> None:
    """Whether the next card is with the bank, or was declined, when the old look is heard."""
    assert await declines_told(empty, still_tried=still_tried) == [FIRST, NEXT]


@pytest.mark.parametrize("still_tried", [True, False])
@pytest.mark.slow
async def test_without_the_guard_the_first_is_told_again(
    empty: Settings, monkeypatch: pytest.MonkeyPatch, *, still_tried: bool
) -> None:
    """Negative control: every look is believed, however old."""

    async def never(*_: object) -> bool:
        return False

    monkeypatch.setattr(settlement, "_is_overtaken", never)
    told = await declines_told(empty, still_tried=still_tried)
    assert told.count(FIRST) > 1, told
