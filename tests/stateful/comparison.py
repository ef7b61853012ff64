"""What is asked over HTTP, how it is compared with the model, and when all services must agree with it."""

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from hypothesis.stateful import RuleBasedStateMachine

from tests.concurrency.races import verdict
from tests.stateful.model import Market, Order, Payment, Ticket
from tests.stateful.stage import PATIENCE, Stage
from tests.waiting import until

SELLERS, BUYERS = ("sam", "sue"), ("bea", "ben")
PEOPLE = SELLERS + BUYERS
HOLD, EXTENSION = timedelta(seconds=900), timedelta(seconds=300)
SAID_BY_PAYMENTS = {
    **dict.fromkeys(("complete", "disputed"), "accepted"),
    **dict.fromkeys(("refunded", "charged_back"), "revoked"),
}
"""What orders does not tell payments, which told it."""
HEARD = "SELECT status, (SELECT count(*) FROM payments WHERE order_id = o.id) FROM orders o WHERE id = $1"


@dataclass(frozen=True)
class Kept:
    """A POST that is remembered under its key, and what a repeat of it hears: verdict and fields."""

    who: str
    path: str
    key: str
    body: dict[str, Any]
    other: dict[str, Any]
    repeated: Callable[[], tuple[str, dict[str, Any]]]


class Comparison(RuleBasedStateMachine):
    """Two sellers, who may buy too, and two buyers; new ones, with tickets of their own, in each example."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.stage = stage
        self.people = {name: stage.platform.user() for name in PEOPLE}
        self.market = Market()
        self.kept: list[Kept] = []
        self.has_failed = False

    # --- asking ---------------------------------------------------------------------------------------------

    def _one(self, by: str, ticket: Ticket, order: Order | None = None) -> str:
        """Who that is here: `seller`, `buyer`, or somebody with no part in it."""
        part = {"seller": ticket.seller, "buyer": order.buyer if order else None}
        return part.get(by) or next(name for name in reversed(PEOPLE) if name not in part.values())

    async def _ask(self, method: str, who: str, path: str, expected: str, **more: Any) -> dict[str, Any]:
        """The answer, which must be the expected one, at the time that it says."""
        began = datetime.now(UTC)
        answer = await self.people[who].ask(method, path, **more)
        self._is(answer, expected)
        told: dict[str, Any] = answer.json() if answer.content else {}
        if "serverTime" in told:
            at = datetime.fromisoformat(told["serverTime"])
            assert began - timedelta(seconds=1) < at < datetime.now(UTC) + timedelta(seconds=1), at
        return told

    def _is(self, answer: httpx.Response, expected: str) -> None:
        """The answer must have this verdict."""
        asked = f"{answer.request.method} {answer.request.url.path}"
        assert verdict(answer) == expected, f"{asked}: {verdict(answer)}, expected {expected}: {answer.text}"
        self.stage.met.add(expected)

    async def _post(
        self,
        who: str,
        path: str,
        expected: str,
        body: dict[str, Any],
        *,
        other: dict[str, Any] | None = None,
        repeated: Callable[[], tuple[str, dict[str, Any]]] | None = None,
    ) -> dict[str, Any]:
        """POST with a key of its own; remembered if the platform remembers it."""
        key = f"step-{len(self.kept)}"
        told = await self._ask("POST", who, path, expected, json=body, headers={"Idempotency-Key": key})
        if expected.startswith("2") or expected == "402 card_declined":
            again = repeated or (lambda: (expected, told))
            self.kept.append(Kept(who, path, key, body, other or {"other": True}, again))
        return told

    async def _items(self, who: str, path: str, **params: Any) -> list[dict[str, Any]]:
        """A whole list, in pages of two."""
        found: list[dict[str, Any]] = []
        cursor: str | None = ""
        while cursor is not None:
            query = {**params, "limit": 2, **({"cursor": cursor} if cursor else {})}
            page = await self._ask("GET", who, path, "200", params=query)
            found += page["items"]
            cursor = page["nextCursor"]
        return found

    # --- the model as the API shows it ----------------------------------------------------------------------

    def _shown(self, ticket: Ticket) -> dict[str, Any]:
        return {
            "id": ticket.id,
            "userId": str(self.people[ticket.seller].id),
            "price": ticket.price,
            "version": ticket.version,
            "status": ticket.status,
            "orderId": ticket.holder.id if ticket.holder else None,
        }

    def _seen(self, order: Order, reader: str) -> dict[str, Any]:
        return {
            "id": order.id,
            "userId": str(self.people[order.buyer].id) if reader == order.buyer else None,
            "sellerId": str(self.people[order.ticket.seller].id),
            "status": order.status,
            "price": order.price,
            "version": len(order.history),
            "extendable": order.status == "created" and not order.extended,
            "needsReview": order.needs_review,
        }

    def _paid(self, order: Order, payment: Payment) -> dict[str, Any]:
        return {
            "id": payment.id,
            "orderId": order.id,
            "amount": order.price,
            "status": payment.status,
            "declineCode": payment.decline_code,
            "amountCaptured": payment.captured,
            "amountRefunded": payment.refunded,
            "needsReview": payment.status == "refund_failed",
        }

    async def _agree(self, ticket: Ticket, *orders: Order) -> None:
        """Wait until every service has the ticket, these orders and its holder as the model has them."""
        concerned = {*orders, *([ticket.holder] if ticket.holder else [])}
        found = ""

        async def agreed() -> bool:
            nonlocal found
            async with aclosing(self._comparisons(ticket, concerned)) as comparisons:
                async for found in comparisons:
                    if found:
                        return False
            return True

        try:
            await until(agreed, "all services agree with the model", PATIENCE)
        except AssertionError as error:
            error.add_note(f"The last difference: {found}")
            raise

    async def _comparisons(self, ticket: Ticket, orders: Iterable[Order]) -> AsyncGenerator[str]:
        """What differs, if anything; the cheap looks first, since the first difference ends a try."""
        version = await self.stage.orders.fetchval(
            "SELECT version FROM tickets WHERE id = $1", UUID(ticket.id)
        )
        yield difference("orders' listing", {"version": version}, {"version": ticket.version})
        for order in orders:
            row = await self.stage.payments.fetchrow(HEARD, UUID(order.id))
            status, count = row or ("unknown", 0)
            heard = {"status": SAID_BY_PAYMENTS.get(status, status), "payments": count}
            status = SAID_BY_PAYMENTS.get(order.status, order.status)
            yield difference("payments' order", heard, {"status": status, "payments": len(order.payments)})
        for order in orders:
            told = await self._ask("GET", order.buyer, f"/api/orders/{order.id}", "200")
            told["history"] = [step["status"] for step in told["history"]]
            yield difference("the order", told, {**self._seen(order, order.buyer), "history": order.history})
            if order.status != "expired":  # whose end was moved
                held = datetime.fromisoformat(told["expiresAt"]) - datetime.fromisoformat(told["createdAt"])
                yield difference("the hold", {"for": held}, {"for": HOLD + order.extended * EXTENSION})
            if order.payments:
                paid = [self._paid(order, payment) for payment in reversed(order.payments)]
                items = await self._items(order.buyer, "/api/payments", orderId=order.id)
                for item, wanted in zip(items, paid, strict=True):
                    yield difference("a payment", item, wanted)
        listing = await self._ask("GET", ticket.seller, f"/api/tickets/{ticket.id}", "200")
        yield difference("the ticket", listing, self._shown(ticket))


def difference(what: str, told: dict[str, Any], expected: dict[str, Any]) -> str:
    """Which fields are not as expected; nothing if all are."""
    wrong = {name: told.get(name) for name, value in expected.items() if told.get(name) != value}
    return f"{what}: {wrong}, expected { ({name: expected[name] for name in wrong}) }" if wrong else ""


def same(what: str, told: dict[str, Any], expected: dict[str, Any]) -> None:
    """All expected fields must be told."""
    assert not (wrong := difference(what, told, expected)), wrong


def same_list(what: str, told: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    """The same items in the same order."""
    assert [it["id"] for it in told] == [it["id"] for it in expected], f"{what}: {told}, expected {expected}"
    for item, wanted in zip(told, expected, strict=True):
        same(what, item, wanted)
