"""The main job over HTTP: list, hold, pay; or let the hold go."""

from tests.platform import Platform


class TestReserve:
    """POST /api/orders."""

    async def test_paid_ticket_is_the_buyers(self, platform: Platform) -> None:
        """List, hold, pay, own; every face of the platform agrees."""
        seller, buyer = platform.user(), platform.user()
        ticket = await seller.list_ticket(title="Front row", price=4500)
        order = await buyer.hold(ticket["id"])
        assert order["status"] == "created"
        assert order["price"] == 4500
        paid = await buyer.pay(order["id"])
        assert paid.status_code == 201, paid.text
        done = await buyer.order_in(order["id"], "complete")
        assert [step["status"] for step in done["history"]] == ["created", "accepted", "complete"]
        sold = await platform.ticket_in(ticket["id"], "sold")
        assert sold["orderId"] == order["id"]
        payment = (await buyer.get(f"/api/payments/{paid.json()['id']}")).json()
        assert (payment["status"], payment["amountCaptured"]) == ("captured", 4500)
        await platform.doctor()
