"""Checkout sessions: the API, the page, and what becomes of the payment."""

import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest
from stripe import Charge, InvalidRequestError, StripeClient
from stripe.checkout import Session

from tests.stripe_sandbox.paying import AMOUNT
from tests.stripe_sandbox.running import Receiver

if TYPE_CHECKING:
    from stripe.params.checkout import SessionCreateParams

SHOP = "http://127.0.0.1:3000/orders/1"
GOOD = {"number": "4242 4242 4242 4242", "expiry": "12 / 44", "cvc": "123"}


async def opened(sdk: StripeClient, **more: Any) -> Session:
    """A session for one ticket."""
    params: SessionCreateParams = {
        "mode": "payment",
        "line_items": [
            {
                "price_data": {
                    "currency": "usd",
                    "unit_amount": AMOUNT // 2,
                    "product_data": {"name": "Seat <1>"},
                },
                "quantity": 2,
            }
        ],
        "payment_intent_data": {"capture_method": "manual", "metadata": {"orderId": "o1"}},
        "metadata": {"orderId": "o1"},
        "client_reference_id": "p1",
        "success_url": SHOP + "?session={CHECKOUT_SESSION_ID}",
        "cancel_url": SHOP,
        **more,  # type: ignore[typeddict-item]
    }
    return await sdk.v1.checkout.sessions.create_async(params)


class TestSession:
    """The object."""

    async def test_is_open_and_has_no_payment_yet(self, sdk: StripeClient) -> None:
        """As at Stripe, there is none until somebody tries to pay."""
        session = await opened(sdk)
        assert (session.status, session.payment_status, session.mode) == ("open", "unpaid", "payment")
        assert (session.amount_total, session.currency, session.payment_intent) == (AMOUNT, "usd", None)
        assert (session.client_reference_id, session.expires_at - session.created) == ("p1", 24 * 3600)
        assert session.id.startswith("cs_test_")
        assert session.metadata is not None
        assert session.metadata.to_dict() == {"orderId": "o1"}
        retrieved = await sdk.v1.checkout.sessions.retrieve_async(session.id)
        assert retrieved.to_dict() == session.to_dict()

    @pytest.mark.parametrize(
        ("more", "param"),
        [
            ({"expires_at": 60}, "expires_at"),
            ({"expires_at": 29 * 60}, "expires_at"),
            ({"expires_at": 25 * 3600}, "expires_at"),
            ({"mode": "subscription"}, "mode"),
            ({"line_items": []}, "line_items"),
            ({"success_url": "javascript:alert(1)"}, "success_url"),
            ({"colour": "red"}, "colour"),
            ({"payment_method_types": ["card"]}, "payment_method_types"),
        ],
    )
    async def test_bad_parameters(self, sdk: StripeClient, more: dict[str, Any], param: str) -> None:
        """Are named; `expires_at` counts from now."""
        if "expires_at" in more:
            more = {"expires_at": int(time.time()) + more["expires_at"]}
        with pytest.raises(InvalidRequestError) as refused:
            await opened(sdk, **more)
        assert refused.value.param == param

    async def test_lives_half_an_hour_at_least(self, sdk: StripeClient) -> None:
        """To the second, and a margin for the clock."""
        expires_at = int(time.time()) + 30 * 60 + 5
        assert (await opened(sdk, expires_at=expires_at)).expires_at == expires_at

    async def test_expires_when_told(
        self, sdk: StripeClient, stripe: httpx.AsyncClient, receiver: Receiver
    ) -> None:
        """Once; the page says so."""
        session = await opened(sdk)
        url = str(session.url)
        expired = await sdk.v1.checkout.sessions.expire_async(session.id)
        assert (expired.status, expired.url) == ("expired", None)
        assert await receiver.told(session.id, "checkout.session.expired") == [expired.to_dict()]
        with pytest.raises(InvalidRequestError):
            await sdk.v1.checkout.sessions.expire_async(session.id)
        for response in (await stripe.get(url), await stripe.post(url, data=GOOD)):
            assert response.status_code == 404


class TestPage:
    """Where the buyer pays."""

    async def test_is_a_form_with_labels(self, sdk: StripeClient, stripe: httpx.AsyncClient) -> None:
        """It says what is sold for how much, escaped, and needs no script."""
        session = await opened(sdk)
        text = (await stripe.get(str(session.url))).text
        labels = dict(re.findall(r'<label for="(\w+)">(.*?)</label>', text))
        assert labels == {"number": "Card number", "expiry": "Expiry (MM / YY)", "cvc": "CVC"}
        assert all(f'id="{name}" name="{name}"' in text for name in labels)
        assert "Seat &lt;1&gt; × 2" in text
        assert "20.00 USD" in text
        assert f'href="{SHOP}"' in text
        assert "<script" not in text

    async def test_pays(self, sdk: StripeClient, stripe: httpx.AsyncClient, receiver: Receiver) -> None:
        """And sends the buyer back; authorised only, it is complete but unpaid until it is captured."""
        session = await opened(sdk)
        paid = await stripe.post(str(session.url), data=GOOD)
        assert (paid.status_code, paid.headers["Location"]) == (303, f"{SHOP}?session={session.id}")
        (told,) = await receiver.told(session.id, "checkout.session.completed")
        assert (told["status"], told["payment_status"]) == ("complete", "unpaid")
        intent = await sdk.v1.payment_intents.retrieve_async(
            told["payment_intent"], {"expand": ["latest_charge"]}
        )
        assert (intent.status, intent.amount) == ("requires_capture", AMOUNT)
        assert intent.metadata.to_dict() == {"orderId": "o1"}
        assert isinstance(intent.latest_charge, Charge)
        await sdk.v1.payment_intents.capture_async(intent.id)
        session = await sdk.v1.checkout.sessions.retrieve_async(session.id)
        assert (session.payment_status, session.url) == ("paid", None)
        found = await sdk.v1.checkout.sessions.list_async({"payment_intent": intent.id})
        assert [it.id for it in found.data] == [session.id]
        with pytest.raises(InvalidRequestError):
            await sdk.v1.checkout.sessions.expire_async(session.id)

    async def test_takes_the_money_at_once(self, sdk: StripeClient, stripe: httpx.AsyncClient) -> None:
        """If nothing is said of capture."""
        session = await opened(sdk, payment_intent_data={})
        await stripe.post(str(session.url), data=GOOD)
        session = await sdk.v1.checkout.sessions.retrieve_async(session.id, {"expand": ["payment_intent"]})
        assert (session.status, session.payment_status) == ("complete", "paid")

    async def test_lets_the_buyer_try_again(self, sdk: StripeClient, stripe: httpx.AsyncClient) -> None:
        """What is no card makes no payment; a declined one leaves it open for the next."""
        session = await opened(sdk)
        for card, status in (
            ({**GOOD, "number": "4242 4242 4242 4241"}, 402),
            ({**GOOD, "expiry": "soon"}, 400),
            ({}, 400),
        ):
            response = await stripe.post(str(session.url), data=card)
            assert response.status_code == status
            assert 'role="alert"' in response.text
        assert (await sdk.v1.checkout.sessions.retrieve_async(session.id)).payment_intent is None
        declined = await stripe.post(str(session.url), data={**GOOD, "number": "4000000000009995"})
        assert declined.status_code == 402
        assert "insufficient funds" in declined.text
        session = await sdk.v1.checkout.sessions.retrieve_async(session.id)
        assert session.status == "open"
        await stripe.post(str(session.url), data=GOOD)
        after = await sdk.v1.checkout.sessions.retrieve_async(session.id)
        assert (after.status, after.payment_intent) == ("complete", session.payment_intent)

    @pytest.mark.parametrize("outcome", ["complete", "fail"])
    async def test_by_way_of_the_bank(
        self, sdk: StripeClient, stripe: httpx.AsyncClient, receiver: Receiver, outcome: str
    ) -> None:
        """And back to the page, which sends on who has paid and asks the others again."""
        session = await opened(sdk)
        asked = await stripe.post(str(session.url), data={**GOOD, "number": "4000002760003184"})
        assert urlsplit(asked.headers["Location"]).path.startswith("/authenticate/pi_")
        back = await stripe.post(asked.headers["Location"], data={"outcome": outcome})
        returned = await stripe.get(back.headers["Location"])
        if outcome == "complete":
            assert returned.headers["Location"] == f"{SHOP}?session={session.id}"
            await receiver.told(session.id, "checkout.session.completed")
        else:
            assert returned.status_code == 200
            assert "did not pass" in returned.text

    async def test_owns_its_payment(
        self, sdk: StripeClient, stripe: httpx.AsyncClient, receiver: Receiver
    ) -> None:
        """Which is neither confirmed nor canceled but here; expiring cancels it."""
        session = await opened(sdk)
        await stripe.post(str(session.url), data={**GOOD, "number": "4000002760003184"})
        session = await sdk.v1.checkout.sessions.retrieve_async(session.id)
        intent_id = str(session.payment_intent)
        with pytest.raises(InvalidRequestError, match=session.id):
            await sdk.v1.payment_intents.cancel_async(intent_id)
        with pytest.raises(InvalidRequestError, match=session.id):
            await sdk.v1.payment_intents.confirm_async(intent_id, {"payment_method": "pm_card_visa"})
        await sdk.v1.checkout.sessions.expire_async(session.id)
        (canceled,) = await receiver.told(intent_id, "payment_intent.canceled")
        assert canceled["cancellation_reason"] == "expired"

    async def test_nobody_pays_where_nothing_is(self, stripe: httpx.AsyncClient) -> None:
        """An unknown session."""
        assert (await stripe.get("/c/pay/cs_test_none")).status_code == 404
