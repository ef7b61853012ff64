"""kill -9 of payments between any two steps of whatever it does with money: each ends well, once."""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from server.settings import Service, Settings
from tests.concurrency.races import audit
from tests.dashboard import dashboard
from tests.platform import ROOT, Platform, User, client, environment, free_port, started
from tests.waiting import until

OTHERS: tuple[Service, ...] = ("auth", "tickets", "orders", "expiration")
AROUND = ("begin", "commit", "committed")
SALE = {
    *(f"_decide {it}" for it in AROUND),
    *("claimed create", "create_intent asked", "create_intent answered"),
    *(f"settle create {it}" for it in AROUND),
    *("claimed confirm", "confirm_intent asked", "confirm_intent answered"),
    *(f"settle confirm {it}" for it in AROUND),
    *(f"order_accepted {it}" for it in AROUND),
    *("claimed capture", "capture_intent asked", "capture_intent answered"),
    *(f"settle capture {it}" for it in AROUND),
    *(f"publish_pending {it}" for it in AROUND),
}
VOID = {
    *(f"order_changed {it}" for it in AROUND),
    *("claimed cancel", "cancel_intent asked", "cancel_intent answered"),
    *(f"settle cancel {it}" for it in AROUND),
    *(f"publish_pending {it}" for it in AROUND),
}
REFUND = {
    *(f"order_revoked {it}" for it in AROUND),
    *("claimed refund", "get_intent asked", "get_intent answered"),
    *("refund_intent asked", "refund_intent answered"),
    *(f"settle refund {it}" for it in AROUND),
    *(f"publish_pending {it}" for it in AROUND),
}
PAGE = {
    *(f"_decide {it}" for it in AROUND),
    *("claimed create", "create_checkout asked", "create_checkout answered"),
    *(f"settle create {it}" for it in AROUND),
    *(f"order_accepted {it}" for it in AROUND),
    *("claimed capture", "capture_intent asked", "capture_intent answered"),
}
SWITCH = {
    *(f"_close {it}" for it in AROUND),
    *("claimed cancel_unpaid", "get_checkout asked", "expire_checkout asked", "expire_checkout answered"),
    *(f"settle cancel_unpaid {it}" for it in AROUND),
    *(f"_decide {it}" for it in AROUND),
    *("claimed create", "create_intent asked", "claimed confirm", "confirm_intent answered"),
}
ONLY_ITS_OWN = frozenset({"page", "switch"})
"""Flows that are killed at the steps named here only: the others are a sale's."""
ENDS = {"void": "cancelled", "refund": "refunded"}
"""How an order ends, where that is not `complete`."""
NOWHERE = "-"
BY_WEBHOOK = ("doorbell", "claimed sync", "settle sync")
"""Not a step of a flow: how often Stripe rings, and when, is its own affair."""


@dataclass
class Payments:
    """The process under test, its doors and its two files."""

    platform: Platform
    http: httpx.AsyncClient
    arm: Path
    trace: Path

    async def pay(self, buyer: User, order_id: str, method: str) -> None:
        """Pay as a client does: again with the same key until somebody answers."""
        await self._ask(buyer, {"orderId": order_id, "paymentMethod": method})

    async def open_page(self, buyer: User, order_id: str) -> str:
        """The address of a hosted page, asked for likewise."""
        return str((await self._ask(buyer, {"orderId": order_id, "mode": "checkout"}))["checkoutUrl"])

    async def _ask(self, buyer: User, body: dict[str, str]) -> dict[str, Any]:
        seen: dict[str, Any] = {}
        door = replace(buyer, http=self.http)
        key = {"Idempotency-Key": str(uuid4())}

        async def answered() -> bool:
            with suppress(httpx.HTTPError):
                answer = await door.post("/api/payments", body, headers=key)
                assert answer.status_code in {200, 201, 409, 503}, answer.text
                seen.update(answer.json())
                return answer.is_success
            return False

        await until(answered, f"{body} is answered", 20)
        return seen

    def points(self, flow: str) -> list[str]:
        """Those that the flow reached, in order."""
        lines = self.trace.read_text().splitlines() if self.trace.exists() else []
        return [line.removeprefix(f"{flow} ") for line in lines if line.startswith(f"{flow} ")]

    def aim(self, flow: str, point: str) -> None:
        """Die when this flow reaches this point; NOWHERE: only note the points."""
        draft = self.arm.with_suffix(".draft")
        draft.write_text(f"{flow} {point}")
        draft.rename(self.arm)


async def hold(payments: Payments) -> tuple[User, User, str]:
    """A seller, a buyer and a hold."""
    seller, buyer = payments.platform.user(), payments.platform.user()
    order = await buyer.hold((await seller.list_ticket())["id"])
    return seller, buyer, order["id"]


async def sale(payments: Payments, aim: Callable[[], None]) -> str:
    """Confirm and capture."""
    _, buyer, order_id = await hold(payments)
    aim()
    await payments.pay(buyer, order_id, "pm_card_visa")
    return str((await buyer.order_in(order_id, "complete", timeout=20))["status"])


async def void(payments: Payments, aim: Callable[[], None]) -> str:
    """The buyer gives up at the bank's page."""
    _, buyer, order_id = await hold(payments)
    await payments.pay(buyer, order_id, "pm_card_authenticationRequired")
    aim()
    assert (await buyer.delete(f"/api/orders/{order_id}")).status_code == 204
    sql = "SELECT count(*) FROM payments WHERE order_id = $1 AND status = 'voided'"
    await until(lambda: payments.platform.count("payments", sql, order_id), "the payment is voided", 20)
    return str((await buyer.order(order_id))["status"])


async def refund(payments: Payments, aim: Callable[[], None]) -> str:
    """The seller gives the money back."""
    seller, buyer, order_id = await hold(payments)
    await payments.pay(buyer, order_id, "pm_card_visa")
    await buyer.order_in(order_id, "complete", timeout=20)
    aim()
    assert (await seller.post(f"/api/orders/{order_id}/refund", {})).status_code == 202
    return str((await buyer.order_in(order_id, "refunded", timeout=20))["status"])


async def page(payments: Payments, aim: Callable[[], None]) -> str:
    """Paid on a hosted page."""
    _, buyer, order_id = await hold(payments)
    aim()
    url = await payments.open_page(buyer, order_id)
    async with dashboard(payments.platform.settings) as stripe:
        assert (await stripe.pay_page(url)).status_code == 303
    return str((await buyer.order_in(order_id, "complete", timeout=20))["status"])


async def switch(payments: Payments, aim: Callable[[], None]) -> str:
    """A card takes the place of a hosted page."""
    _, buyer, order_id = await hold(payments)
    await payments.open_page(buyer, order_id)
    aim()
    await payments.pay(buyer, order_id, "pm_card_visa")
    return str((await buyer.order_in(order_id, "complete", timeout=20))["status"])


Flow = Callable[[Payments, Callable[[], None]], Awaitable[str]]
FLOWS: dict[str, tuple[Flow, set[str]]] = {
    "sale": (sale, SALE),
    "void": (void, VOID),
    "refund": (refund, REFUND),
    "page": (page, PAGE),
    "switch": (switch, SWITCH),
}


@asynccontextmanager
async def payments_apart(settings: Settings, directory: Path) -> AsyncIterator[Payments]:
    """All services here but payments, which runs by itself at the address that Stripe's webhooks go to."""
    rest = settings.model_copy(update={"tix_api_port": free_port()})
    async with started(rest, services=OTHERS) as platform:
        arm, trace = directory / "arm", directory / "trace"
        jwks = f"{platform.api_url}/.well-known/jwks.json"
        env = environment(settings, port=settings.tix_api_port, jwks_url=jwks, log_level="ERROR")
        with (directory / "log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "tests/faults/killed.py", str(arm), str(trace)),
                cwd=ROOT,
                env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **env},
                stdout=log,
                stderr=log,
            )
        try:
            async with client(f"http://127.0.0.1:{settings.tix_api_port}") as http:
                yield Payments(platform, http, arm, trace)
        finally:
            process.terminate()
            await asyncio.wait_for(process.wait(), 20)


def is_essential(point: str) -> bool:
    """Whether a flow reaches it whatever Stripe's webhooks do."""
    return not point.startswith(BY_WEBHOOK)


async def kill_at(payments: Payments, flow: Flow, run: str, target: str) -> tuple[str, bool]:
    """How the flow ended, and whether the process died at that point."""
    end = await flow(payments, lambda: payments.aim(run, target))
    with suppress(AssertionError):  # the last points come after the end
        await until(lambda: not payments.arm.exists(), f"{target} is reached", 1)
    died = not payments.arm.exists()
    payments.arm.unlink(missing_ok=True)
    return end, died


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.exhaustive if name in {"void", "switch"} else pytest.mark.slow)
        for name in FLOWS
    ],
)
async def test_killed_between_any_two_steps(empty: Settings, tmp_path: Path, name: str) -> None:
    """At each point in turn: the next process finishes, one legal end each, nothing taken or given twice."""
    flow, steps = FLOWS[name]
    ends: Counter[str] = Counter()
    async with payments_apart(empty, tmp_path) as payments:
        end, _ = await kill_at(payments, flow, name, NOWHERE)
        ends[end] += 1
        seen = [point for point in dict.fromkeys(payments.points(name)) if is_essential(point)]
        if name in ONLY_ITS_OWN:
            seen = [point for point in seen if point.partition("#")[0] in steps]
        killed = set()
        for number, target in enumerate(seen):
            end, died = await kill_at(payments, flow, f"{name}-{number}", target)
            ends[end] += 1
            killed |= {target.partition("#")[0]} if died else set()
        assert killed >= steps, f"{name}: never killed at {steps - killed}"
        assert await audit(payments.platform) == ends
    assert ends.keys() == {ENDS.get(name, "complete")}
