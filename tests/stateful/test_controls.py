"""Negative controls: with one rule of the product taken away, the machine finds where that shows."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import hypothesis
import pytest

from server.orders import api, service, statements
from server.orders.models import Order
from server.settings import Settings
from server.tickets import service as tickets
from tests.concurrency.races import ONE_LIVE_ORDER, without_index, without_seat_check
from tests.stateful.machine import Marketplace
from tests.stateful.stage import stage

Breaks = Callable[[pytest.MonkeyPatch], None]


def anyone_may_cancel(patch: pytest.MonkeyPatch) -> None:
    cancel = service.cancel_order

    async def broken(*, order_id: UUID, user_id: UUID) -> None:
        await cancel(order_id=order_id, user_id=(await Order.get(id=order_id)).user_id)

    patch.setattr(service, "cancel_order", broken)


def any_version_will_do(patch: pytest.MonkeyPatch) -> None:
    update = tickets.update_ticket

    async def broken(**call: Any) -> Any:
        found = await tickets.find_ticket(ticket_id=call["ticket_id"])
        return await update(**{**call, "version": found["version"]})

    patch.setattr(tickets, "update_ticket", broken)


def keys_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(api, "keyed", lambda *_: None)


def withdrawn_is_on_sale(patch: pytest.MonkeyPatch) -> None:
    condition = " AND NOT t.withdrawn"
    assert condition in statements.RESERVE
    patch.setattr(statements, "RESERVE", statements.RESERVE.replace(condition, ""))


async def play_until_found(settings: Settings, rules: hypothesis.settings, shows: str) -> None:
    """Until it fails, with what must be seen; and not made shorter, which takes minutes."""
    async with stage(settings) as on:
        with pytest.raises(AssertionError, match=shows):
            await on.play(
                Marketplace, hypothesis.settings(rules, phases=[hypothesis.Phase.generate]), seeds=range(20)
            )


class TestOneRuleLess:
    """The machine notices, at the very call."""

    @pytest.mark.slow
    async def test_a_ticket_held_twice_is_found(self, empty: Settings, rules: hypothesis.settings) -> None:
        """With neither of its guards."""
        async with without_index(empty, ONE_LIVE_ORDER):
            with without_seat_check():
                await play_until_found(empty, rules, "POST /api/orders: 201, expected 409 ticket_")

    @pytest.mark.slow
    @pytest.mark.timeout(300)
    @pytest.mark.parametrize(
        ("breaks", "shows"),
        [
            (anyone_may_cancel, r"DELETE /api/orders/\S+: (204|409 \w+), expected 404 order_not_found"),
            (any_version_will_do, r"PUT /api/tickets/\S+: 200, expected 409 version_conflict"),
            (keys_are_forgotten, r"the repeated answer: |expected (20.|422 idempotency_key_reused)"),
            (withdrawn_is_on_sale, r"POST /api/orders: 201, expected 409 ticket_withdrawn"),
        ],
        ids=["cancel", "version", "keys", "withdrawn"],
    )
    async def test_is_found(
        self,
        empty: Settings,
        monkeypatch: pytest.MonkeyPatch,
        rules: hypothesis.settings,
        breaks: Breaks,
        shows: str,
    ) -> None:
        breaks(monkeypatch)
        await play_until_found(empty, rules, shows)
