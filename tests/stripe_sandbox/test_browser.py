"""A browser has the publishable key and one client secret."""

import httpx
import pytest
from stripe import StripeClient

from tests.stripe_sandbox.paying import opened
from tests.stripe_sandbox.running import STRIPE_KEY

PUBLISHABLE = {"Authorization": "Bearer pk_test_of_the_tests"}


class TestBrowser:
    """A browser has the publishable key and one client secret."""

    async def test_sees_its_own_payment(self, sdk: StripeClient, stripe: httpx.AsyncClient) -> None:
        """And not what the shop keeps with it; from any origin."""
        intent = await opened(sdk)
        response = await stripe.get(
            f"/v1/payment_intents/{intent.id}",
            params={"client_secret": str(intent.client_secret)},
            headers={**PUBLISHABLE, "Origin": "http://127.0.0.1:3000"},
        )
        assert (response.status_code, response.json()["id"]) == (200, intent.id)
        assert not response.json().keys() & {"metadata", "latest_charge", "customer"}
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        asked = await stripe.options(f"/v1/payment_intents/{intent.id}", headers={"Authorization": ""})
        assert (asked.status_code, asked.headers["Access-Control-Allow-Origin"]) == (204, "*")

    async def test_pays(self, sdk: StripeClient, stripe: httpx.AsyncClient) -> None:
        """With a typed card and its key in the form, as Stripe.js sends it."""
        intent = await opened(sdk)
        form = {
            "key": "pk_test_of_the_tests",
            "client_secret": str(intent.client_secret),
            "payment_method_data[type]": "card",
            "payment_method_data[card][number]": "4242424242424242",
            "payment_method_data[card][exp_month]": "12",
            "payment_method_data[card][exp_year]": "44",
            "payment_method_data[card][cvc]": "123",
            "use_stripe_sdk": "true",
        }
        path = f"/v1/payment_intents/{intent.id}/confirm"
        bad = {**form, "payment_method_data[card][number]": "4000000000000002"}
        declined = await stripe.post(path, data=bad, headers={"Authorization": ""})
        error = declined.json()["error"]
        assert (declined.status_code, error["code"]) == (402, "card_declined")
        assert "metadata" not in error["payment_intent"]
        paid = await stripe.post(path, data=form, headers={"Authorization": ""})
        assert (paid.status_code, paid.json()["status"]) == (200, "requires_capture")

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("POST", "/v1/payment_intents"),
            ("GET", "/v1/payment_intents"),
            ("POST", "/v1/payment_intents/{id}/capture"),
            ("POST", "/v1/payment_intents/{id}/cancel"),
            ("POST", "/v1/refunds"),
            ("GET", "/v1/charges"),
            ("GET", "/v1/customers"),
            ("GET", "/_sandbox/faults"),
        ],
    )
    async def test_may_do_nothing_else(
        self, sdk: StripeClient, stripe: httpx.AsyncClient, method: str, path: str
    ) -> None:
        """With its key."""
        intent = await opened(sdk)
        response = await stripe.request(method, path.format(id=intent.id), headers=PUBLISHABLE)
        assert (response.status_code, response.json()["error"]["code"]) == (401, "secret_key_required")

    async def test_needs_the_secret_of_this_very_payment(
        self, sdk: StripeClient, stripe: httpx.AsyncClient
    ) -> None:
        """Another's will not do."""
        mine, other = await opened(sdk), await opened(sdk)
        for secret in ({}, {"client_secret": str(other.client_secret)}):
            response = await stripe.get(f"/v1/payment_intents/{mine.id}", params=secret, headers=PUBLISHABLE)
            assert (response.status_code, response.json()["error"]["param"]) == (404, "client_secret")
            response = await stripe.post(
                f"/v1/payment_intents/{mine.id}/confirm",
                data={"payment_method": "pm_card_visa", **secret},
                headers=PUBLISHABLE,
            )
            assert response.status_code == 404
        assert (await sdk.v1.payment_intents.retrieve_async(mine.id)).status == "requires_payment_method"

    async def test_a_secret_key_is_no_publishable_one(self, stripe: httpx.AsyncClient) -> None:
        """It does not belong into a form."""
        response = await stripe.post(
            "/v1/payment_methods", data={"key": STRIPE_KEY}, headers={"Authorization": ""}
        )
        assert response.status_code == 401
