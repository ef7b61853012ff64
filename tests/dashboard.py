"""A person at Stripe's dashboard, and banks: what happens to money without Tix."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from server.settings import Settings
from server.stripe_sandbox.faults import FaultParams

GOOD_CARD, DECLINED_CARD, SECURE_CARD = "4242424242424242", "4000000000009995", "4000002760003184"
"""Numbers that are typed into a hosted page: paid, insufficient funds, 3-D Secure."""


@dataclass(frozen=True)
class Money:
    """What became of a payment's money, minor units."""

    captured: int
    refunded: int
    disputed: int
    """With the bank, for now or for good."""


@dataclass(frozen=True)
class Dashboard:
    """Asks the sandbox as Stripe's own pages would; answers are Stripe's objects."""

    http: httpx.AsyncClient

    async def refund(self, intent_id: str, amount: int | None = None) -> dict[str, Any]:
        """Give money back, the rest of it or `amount` minor units."""
        return await self._post(
            "/v1/refunds", payment_intent=intent_id, **({"amount": amount} if amount else {})
        )

    async def capture(self, intent_id: str) -> dict[str, Any]:
        """Take what is authorised."""
        return await self._post(f"/v1/payment_intents/{intent_id}/capture")

    async def dispute_of(self, intent_id: str) -> dict[str, Any]:
        """The one dispute of this intent."""
        answer = await self.http.get("/v1/disputes", params={"payment_intent": intent_id})
        [dispute] = answer.raise_for_status().json()["data"]
        return dict(dispute)

    async def decide(self, intent_id: str, *, won: bool) -> dict[str, Any]:
        """Have the bank decide the dispute of this intent."""
        dispute = await self.dispute_of(intent_id)
        evidence = "winning_evidence" if won else "losing_evidence"
        return await self._post(f"/v1/disputes/{dispute['id']}", **{"evidence[uncategorized_text]": evidence})

    async def act(self, intent_id: str, action: str, **params: Any) -> bool:
        """Do something to a payment (see the sandbox's actions); whether that was possible."""
        answer = await self.http.post(f"/_sandbox/payment_intents/{intent_id}/{action}", json=params)
        assert answer.status_code in {200, 400, 402}, answer.text
        return answer.is_success

    async def create(self, amount: int, **metadata: str) -> str:
        """Somebody else's program opens a payment with our key; its intent's id."""
        form = {f"metadata[{name}]": value for name, value in metadata.items()}
        made = await self._post(
            "/v1/payment_intents", amount=amount, currency="usd", capture_method="manual", **form
        )
        return str(made["id"])

    async def confirm(self, intent_id: str, method: str) -> dict[str, Any]:
        """Try a card on an intent."""
        return await self._post(f"/v1/payment_intents/{intent_id}/confirm", payment_method=method)

    async def pay_page(self, url: str, number: str = GOOD_CARD) -> httpx.Response:
        """Type a card into a hosted page: 303 with where to go next, 402 declined, 404 closed."""
        return await self.http.post(url, data={"number": number, "expiry": "12 / 44", "cvc": "123"})

    async def close_page(self, checkout_id: str) -> None:
        """Its time at Stripe is over."""
        await self._post(f"/v1/checkout/sessions/{checkout_id}/expire")

    async def picture(self, intent_id: str) -> dict[str, Any]:
        """All there is to know of a payment."""
        answer = await self.http.get(f"/_sandbox/payment_intents/{intent_id}")
        return dict(answer.raise_for_status().json())

    async def money(self, intent_id: str) -> Money:
        """What became of its money, by Stripe's books."""
        found = await self.picture(intent_id)
        captured = found["payment_intent"]["amount_received"]
        # Stripe calls it a refund, too, when an authorisation is let go of.
        refunds = [it["amount"] for it in found["refunds"] if it["status"] == "succeeded" and captured]
        with_bank = {"needs_response", "under_review", "lost"}
        disputes = [it["amount"] for it in found["disputes"] if it["status"] in with_bank]
        return Money(captured, sum(refunds), sum(disputes))

    async def intents(self, order_ids: Collection[str]) -> list[dict[str, Any]]:
        """Every intent that was made for these orders, newest first; older ones than these are not asked."""
        found: list[dict[str, Any]] = []
        more: dict[str, Any] = {"limit": 100}
        while True:
            page = (await self.http.get("/v1/payment_intents", params=more)).raise_for_status().json()
            ours = [it for it in page["data"] if it["metadata"].get("orderId") in order_ids]
            found += ours
            if not ours or not page["has_more"]:
                return found
            more["starting_after"] = page["data"][-1]["id"]

    async def fault(self, fault: str, **more: Any) -> None:
        """Let something go wrong: see the sandbox's faults."""
        params = FaultParams.model_validate({"fault": fault, **more})
        (await self.http.post("/_sandbox/faults", content=params.model_dump_json())).raise_for_status()

    async def faults(self) -> list[dict[str, Any]]:
        """Those that wait for victims, with how many they had."""
        return list((await self.http.get("/_sandbox/faults")).raise_for_status().json()["data"])

    async def no_faults(self) -> dict[str, int]:
        """Nothing goes wrong any more; how often each fault that still stood has happened."""
        removed = (await self.http.delete("/_sandbox/faults")).raise_for_status().json()["data"]
        return {fault["fault"]: fault["hits"] for fault in removed}

    async def ring(self, type_: str, **event: Any) -> None:
        """Send an event, true or not."""
        answer = await self.http.post("/_sandbox/events", json={"type": type_, **event})
        assert answer.is_success, answer.text

    async def _post(self, path: str, **form: Any) -> dict[str, Any]:
        answer = await self.http.post(path, data=form)
        assert answer.is_success, answer.text
        return dict(answer.json())


@asynccontextmanager
async def dashboard(settings: Settings) -> AsyncIterator[Dashboard]:
    """The dashboard of the sandbox that these settings lead to."""
    headers = {"Authorization": f"Bearer {settings.stripe_key}"}
    base = settings.stripe_api_base
    async with httpx.AsyncClient(base_url=base, headers=headers, timeout=10, trust_env=False) as http:
        yield Dashboard(http)
