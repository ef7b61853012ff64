"""Faults on demand: each goes wrong as it says, as often as it says, where it says."""

import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from stripe import APIConnectionError, APIError, RateLimitError, StripeClient

from tests.stripe_sandbox.paying import opened, paid
from tests.stripe_sandbox.running import Receiver, Sandbox
from tests.waiting import until

FAULTS = "/_sandbox/faults"
CAPTURE = "/v1/payment_intents/*/capture"


@pytest.fixture(autouse=True)
async def _no_faults(stripe: httpx.AsyncClient) -> AsyncIterator[None]:
    """Whatever a test leaves is gone for the next."""
    yield
    await stripe.delete(FAULTS)


async def fault(stripe: httpx.AsyncClient, kind: str, **more: Any) -> str:
    """Ask for one; its id."""
    response = await stripe.post(FAULTS, json={"fault": kind, **more})
    assert response.status_code == 200, response.text
    return str(response.json()["id"])


async def standing(stripe: httpx.AsyncClient) -> list[str]:
    """The ids of those not used up."""
    return [it["id"] for it in (await stripe.get(FAULTS)).json()["data"]]


class TestCalls:
    """Between a call and its answer."""

    async def test_an_error_before_the_effect(self, sdk: StripeClient, stripe: httpx.AsyncClient) -> None:
        """Nothing was done, and the same key does it then."""
        intent, key = await opened(sdk, "pm_card_visa"), str(uuid4())
        await fault(stripe, "error_before", method="POST", path=CAPTURE, status=503)
        with pytest.raises(APIError) as failed:
            await sdk.v1.payment_intents.capture_async(intent.id, None, {"idempotency_key": key})
        assert failed.value.http_status == 503
        assert (await sdk.v1.payment_intents.retrieve_async(intent.id)).status == "requires_capture"
        again = await sdk.v1.payment_intents.capture_async(intent.id, None, {"idempotency_key": key})
        assert again.status == "succeeded"
        assert await standing(stripe) == []

    async def test_an_error_after_the_effect(self, sdk: StripeClient, stripe: httpx.AsyncClient) -> None:
        """The work is done and the key hears the error for ever: only a look at the object tells."""
        intent, key = await opened(sdk, "pm_card_visa"), str(uuid4())
        await fault(stripe, "error_after", path=CAPTURE)
        for _ in range(2):
            with pytest.raises(APIError) as failed:
                await sdk.v1.payment_intents.capture_async(intent.id, None, {"idempotency_key": key})
            assert failed.value.http_status == 500
        assert (await sdk.v1.payment_intents.retrieve_async(intent.id)).status == "succeeded"

    async def test_too_many_requests(self, sdk: StripeClient, stripe: httpx.AsyncClient) -> None:
        """With the time to wait; GETs, too."""
        intent = await opened(sdk)
        await fault(stripe, "rate_limit", path="/v1/payment_intents/", seconds=7, count=2)
        for _ in range(2):
            with pytest.raises(RateLimitError) as limited:
                await sdk.v1.payment_intents.retrieve_async(intent.id)
            assert limited.value.headers is not None
            assert limited.value.headers["retry-after"] == "7"
        assert (await sdk.v1.payment_intents.retrieve_async(intent.id)).id == intent.id

    async def test_an_answer_that_is_held_back(
        self, sdk: StripeClient, stripe: httpx.AsyncClient, sandbox: Sandbox
    ) -> None:
        """The caller gives up; the work was done, and the key gets its answer."""
        intent, key = await opened(sdk, "pm_card_visa"), str(uuid4())
        await fault(stripe, "timeout", path=CAPTURE, seconds=30)
        async with sandbox.client() as hasty:
            with pytest.raises(httpx.ReadTimeout):
                await hasty.post(
                    f"/v1/payment_intents/{intent.id}/capture", headers={"Idempotency-Key": key}, timeout=0.3
                )
        assert (await sdk.v1.payment_intents.retrieve_async(intent.id)).status == "succeeded"
        again = await sdk.v1.payment_intents.capture_async(intent.id, None, {"idempotency_key": key})
        assert again.status == "succeeded"

    @pytest.mark.parametrize(
        ("kind", "status"), [("drop_before", "requires_capture"), ("drop_after", "succeeded")]
    )
    async def test_a_connection_that_breaks(
        self, sdk: StripeClient, stripe: httpx.AsyncClient, kind: str, status: str
    ) -> None:
        """Before or after the work; the key finds out."""
        intent, key = await opened(sdk, "pm_card_visa"), str(uuid4())
        await fault(stripe, kind, path=CAPTURE)
        with pytest.raises(APIConnectionError):
            await sdk.v1.payment_intents.capture_async(intent.id, None, {"idempotency_key": key})
        assert (await sdk.v1.payment_intents.retrieve_async(intent.id)).status == status
        again = await sdk.v1.payment_intents.capture_async(intent.id, None, {"idempotency_key": key})
        assert again.status == "succeeded"

    async def test_latency(self, sdk: StripeClient, stripe: httpx.AsyncClient) -> None:
        """Added, nothing else."""
        await fault(stripe, "latency", seconds=0.4, path="/v1/payment_intents")
        started = time.monotonic()
        await opened(sdk)
        assert time.monotonic() - started >= 0.4

    async def test_only_where_it_was_asked_for(self, sdk: StripeClient, stripe: httpx.AsyncClient) -> None:
        """Another method, another path."""
        await fault(stripe, "error_before", method="GET", path="/v1/refunds")
        intent = await paid(sdk)
        await sdk.v1.refunds.create_async({"payment_intent": intent.id})
        with pytest.raises(APIError):
            await sdk.v1.refunds.list_async()

    async def test_until_it_is_removed(self, sdk: StripeClient, stripe: httpx.AsyncClient) -> None:
        """Without a count."""
        fault_id = await fault(stripe, "error_before", path="/v1/charges", count=None)
        for _ in range(3):
            with pytest.raises(APIError):
                await sdk.v1.charges.list_async()
        removed = (await stripe.delete(f"{FAULTS}/{fault_id}")).json()
        assert (removed["seen"], removed["hits"]) == (3, 3)
        await sdk.v1.charges.list_async()
        assert (await stripe.delete(f"{FAULTS}/{fault_id}")).status_code == 404

    async def test_a_share_is_drawn_with_a_seed(self, stripe: httpx.AsyncClient) -> None:
        """The same calls each time, and about as many as asked for."""

        async def draw(seed: int) -> list[int]:
            await fault(stripe, "error_before", path="/v1/charges", count=None, share=0.5, seed=seed)
            statuses = [(await stripe.get("/v1/charges")).status_code for _ in range(40)]
            await stripe.delete(FAULTS)
            return statuses

        first, again, other = await draw(1), await draw(1), await draw(2)
        assert first == again != other
        assert 8 < first.count(500) < 32

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"fault": "flood"},
            {"fault": "latency", "count": 0},
            {"fault": "latency", "share": 0},
            {"fault": "latency", "seconds": 1000},
            {"fault": "error_before", "status": 200},
            {"fault": "webhook_reorder", "count": None},
            {"fault": "latency", "colour": "red"},
        ],
    )
    async def test_what_is_no_fault(self, stripe: httpx.AsyncClient, body: dict[str, Any]) -> None:
        """Is refused."""
        assert (await stripe.post(FAULTS, json=body)).status_code == 400

    @pytest.mark.slow
    async def test_outlives_kill_9(self, tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox) -> None:
        """It is in the file like everything else."""
        data = tmp_path_factory.mktemp("faults") / "stripe.db"
        async with Sandbox(data, webhook_url=sandbox.webhook_url) as other, other.client() as client:
            await fault(client, "error_before", path="/v1/charges")
            await other.kill()
            await other.start()
            assert [(await client.get("/v1/charges")).status_code for _ in range(2)] == [500, 200]


class TestWebhooks:
    """On the way back."""

    async def test_one_that_never_comes(
        self, sdk: StripeClient, stripe: httpx.AsyncClient, receiver: Receiver
    ) -> None:
        """A later one does."""
        await fault(stripe, "webhook_drop", event="payment_intent.amount_capturable_updated")
        intent = await paid(sdk)
        await receiver.told(intent.id, "payment_intent.created", "payment_intent.succeeded")
        other = await paid(sdk)
        await receiver.told(other.id, "payment_intent.amount_capturable_updated")
        types = [event["type"] for event in receiver.events(intent.id)]
        assert sorted(types) == ["payment_intent.created", "payment_intent.succeeded"]

    async def test_one_that_comes_often(
        self, sdk: StripeClient, stripe: httpx.AsyncClient, receiver: Receiver
    ) -> None:
        """The same event, the same id."""
        await fault(stripe, "webhook_duplicate", event="payment_intent.created", times=3)
        intent = await opened(sdk)
        events = await until(
            lambda: found if len(found := receiver.events(intent.id)) >= 3 else [], "it came three times"
        )
        assert len(events) == 3
        assert len({event["id"] for event in events}) == 1

    async def test_one_that_is_late(
        self, sdk: StripeClient, stripe: httpx.AsyncClient, receiver: Receiver
    ) -> None:
        """By as much as was asked for, and not much more."""
        await fault(stripe, "webhook_delay", event="payment_intent.created", seconds=0.6)
        started = time.monotonic()
        intent = await opened(sdk)
        await receiver.told(intent.id, "payment_intent.created")
        assert 0.6 <= time.monotonic() - started < 5

    async def test_in_reverse(self, sdk: StripeClient, stripe: httpx.AsyncClient, receiver: Receiver) -> None:
        """The last one first."""
        await fault(stripe, "webhook_reorder", event="payment_intent.", count=3, seconds=0.5)
        intent = await paid(sdk)
        names = (
            "payment_intent.created",
            "payment_intent.amount_capturable_updated",
            "payment_intent.succeeded",
        )
        await receiver.told(intent.id, *names)
        assert [event["type"] for event in receiver.events(intent.id)] == [*reversed(names)]
