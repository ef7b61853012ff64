"""POST /api/orders/:id/extend: once, by the database's clock, and the alarm moves with it."""

import asyncio
from datetime import datetime, timedelta

from tests.platform import Platform


class TestExtend:
    """One extension of EXTEND_SECONDS."""

    async def test_adds_five_minutes_once(self, platform: Platform) -> None:
        """200 with the later end; the second time 409 extension_used; payments hears of it."""
        buyer = platform.user()
        order = await buyer.hold((await platform.user().list_ticket())["id"])
        assert order["extendable"] is True
        longer = await buyer.post(f"/api/orders/{order['id']}/extend", {})
        assert longer.status_code == 200
        gained = datetime.fromisoformat(longer.json()["expiresAt"]) - datetime.fromisoformat(
            order["expiresAt"]
        )
        assert gained == timedelta(seconds=300)
        assert longer.json()["extendable"] is False
        again = await buyer.post(f"/api/orders/{order['id']}/extend", {})
        assert (again.status_code, again.json()["code"]) == (409, "extension_used")
        history = (await buyer.order(order["id"]))["history"]
        assert [(step["status"], step["cause"]) for step in history][1:] == [("created", "extended")]
        await platform.doctor()

    async def test_parallel_requests_extend_once(self, platform: Platform) -> None:
        """Ten at once: one 200."""
        buyer = platform.user()
        order = await buyer.hold((await platform.user().list_ticket())["id"])
        path = f"/api/orders/{order['id']}/extend"
        answers = await asyncio.gather(*(buyer.post(path, {}) for _ in range(10)))
        assert sorted(answer.status_code for answer in answers) == [200, *[409] * 9]

    async def test_same_key_gets_the_same_answer(self, platform: Platform) -> None:
        """A repeat with the idempotency key is answered as the first time."""
        buyer = platform.user()
        order = await buyer.hold((await platform.user().list_ticket())["id"])
        path, key = f"/api/orders/{order['id']}/extend", {"Idempotency-Key": "extend-1"}
        first, second = await buyer.post(path, {}, headers=key), await buyer.post(path, {}, headers=key)
        assert second.headers["Idempotency-Replayed"] == "true"
        assert second.json() == first.json()

    async def test_refused_when_it_is_over_or_anothers(self, platform: Platform) -> None:
        """409 order_not_extendable after a cancel, 404 for a stranger, and nothing changes."""
        buyer = platform.user()
        order = await buyer.hold((await platform.user().list_ticket())["id"])
        path = f"/api/orders/{order['id']}/extend"
        assert (await platform.user().post(path, {})).status_code == 404
        await buyer.delete(f"/api/orders/{order['id']}")
        over = await buyer.post(path, {})
        assert (over.status_code, over.json()["code"]) == (409, "order_not_extendable")
