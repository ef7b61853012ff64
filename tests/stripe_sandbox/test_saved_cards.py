"""Customers, cards of one's own, and cards kept for later payments."""

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from stripe import CardError, InvalidRequestError, PaymentIntent, StripeClient

from tests.stripe_sandbox.paying import AMOUNT, opened
from tests.stripe_sandbox.running import Receiver

if TYPE_CHECKING:
    from stripe.params import PaymentIntentCreateParams


def typed(number: str, **more: Any) -> dict[str, Any]:
    """A card as it is typed into a form."""
    return {
        "type": "card",
        "card": {"number": number, "exp_month": 12, "exp_year": 2044, "cvc": "123", **more},
    }


async def method_of(sdk: StripeClient, number: str) -> str:
    """The id of a payment method of a typed card."""
    method = await sdk.v1.payment_methods.create_async(typed(number))  # type: ignore[arg-type]
    return method.id


async def customer_with(sdk: StripeClient, number: str) -> tuple[str, str]:
    """The ids of a customer and of their card."""
    customer = await sdk.v1.customers.create_async({"email": "ann@example.com"})
    method_id = await method_of(sdk, number)
    await sdk.v1.payment_methods.attach_async(method_id, {"customer": customer.id})
    return customer.id, method_id


async def pay(sdk: StripeClient, customer_id: str, method_id: str, **more: Any) -> PaymentIntent:
    """A payment with a kept card."""
    params: PaymentIntentCreateParams = {
        "amount": AMOUNT,
        "currency": "usd",
        "confirm": True,
        "customer": customer_id,
        "payment_method": method_id,
        **more,  # type: ignore[typeddict-item]
    }
    return await sdk.v1.payment_intents.create_async(params)


class TestPaymentMethods:
    """A card made of its number."""

    @pytest.mark.parametrize(
        ("number", "brand", "status"),
        [
            ("4242 4242 4242 4242", "visa", "requires_capture"),
            ("5555-5555-5555-4444", "mastercard", "requires_capture"),
            ("4000002500003155", "visa", "requires_action"),
            ("4000002760003184", "visa", "requires_action"),
        ],
    )
    async def test_is_charged(self, sdk: StripeClient, number: str, brand: str, status: str) -> None:
        """As the magic method of the same number is."""
        method = await sdk.v1.payment_methods.create_async(typed(number))  # type: ignore[arg-type]
        assert method.card is not None
        assert (method.card.brand, method.card.last4) == (brand, number[-4:])
        intent = await opened(sdk)
        confirmed = await sdk.v1.payment_intents.confirm_async(intent.id, {"payment_method": method.id})
        assert (confirmed.status, confirmed.payment_method) == (status, method.id)
        assert (await sdk.v1.payment_methods.retrieve_async(method.id)).to_dict() == method.to_dict()

    async def test_is_declined(self, sdk: StripeClient) -> None:
        """When it is charged, not when it is made."""
        method_id = await method_of(sdk, "4000000000009995")
        intent = await opened(sdk)
        with pytest.raises(CardError) as declined:
            await sdk.v1.payment_intents.confirm_async(intent.id, {"payment_method": method_id})
        assert declined.value.error is not None
        assert declined.value.error.decline_code == "insufficient_funds"

    @pytest.mark.parametrize(
        ("number", "more", "code"),
        [
            ("4242424242424241", {}, "incorrect_number"),
            ("ace of spades", {}, "incorrect_number"),
            ("4111111111111111", {}, "card_declined"),
            ("4242424242424242", {"exp_year": 2020}, "invalid_expiry_year"),
            ("4242424242424242", {"cvc": "12"}, "invalid_cvc"),
            ("378282246310005", {"cvc": "123"}, "invalid_cvc"),
        ],
    )
    async def test_that_is_none(
        self, sdk: StripeClient, number: str, more: dict[str, Any], code: str
    ) -> None:
        """Is refused at once."""
        with pytest.raises(CardError) as refused:
            await sdk.v1.payment_methods.create_async(typed(number, **more))  # type: ignore[arg-type]
        assert refused.value.code == code

    async def test_belongs_to_a_customer(self, sdk: StripeClient) -> None:
        """From attach to detach, and pays for nobody else."""
        customer_id, method_id = await customer_with(sdk, "4242424242424242")
        for page in (
            await sdk.v1.customers.payment_methods.list_async(customer_id),
            await sdk.v1.payment_methods.list_async({"customer": customer_id, "type": "card"}),
        ):
            assert [method.id for method in page.data] == [method_id]
        stranger = await sdk.v1.customers.create_async({"name": "Bob"})
        with pytest.raises(InvalidRequestError) as refused:
            await pay(sdk, stranger.id, method_id)
        assert refused.value.param == "payment_method"
        with pytest.raises(InvalidRequestError):
            await sdk.v1.payment_methods.attach_async(method_id, {"customer": stranger.id})
        detached = await sdk.v1.payment_methods.detach_async(method_id)
        assert detached.customer is None
        assert (await sdk.v1.customers.payment_methods.list_async(customer_id)).data == []

    async def test_that_declines_cannot_be_kept(self, sdk: StripeClient) -> None:
        """But for the one that is meant to: it declines later."""
        customer = await sdk.v1.customers.create_async()
        with pytest.raises(CardError):
            await sdk.v1.payment_methods.attach_async(
                "pm_card_visa_chargeDeclined", {"customer": customer.id}
            )
        method = await sdk.v1.payment_methods.attach_async(
            "pm_card_chargeCustomerFail", {"customer": customer.id}
        )
        with pytest.raises(CardError):
            await pay(sdk, customer.id, method.id)

    async def test_nobody_knows(self, sdk: StripeClient) -> None:
        """Neither the customer nor the card."""
        method_id = await method_of(sdk, "4242424242424242")
        with pytest.raises(InvalidRequestError) as refused:
            await pay(sdk, "cus_none", method_id)
        assert (refused.value.code, refused.value.param) == ("resource_missing", "customer")
        with pytest.raises(InvalidRequestError) as refused:
            await sdk.v1.customers.retrieve_async("cus_none")
        assert refused.value.http_status == 404


class TestSetup:
    """A card is kept with the bank's consent."""

    async def test_of_a_good_card(self, sdk: StripeClient, receiver: Receiver) -> None:
        """Succeeds at once, and the customer has it."""
        customer = await sdk.v1.customers.create_async()
        setup = await sdk.v1.setup_intents.create_async({"customer": customer.id})
        assert (setup.status, setup.usage) == ("requires_payment_method", "off_session")
        setup = await sdk.v1.setup_intents.confirm_async(setup.id, {"payment_method": "pm_card_visa"})
        assert setup.status == "succeeded"
        kept = await sdk.v1.customers.payment_methods.list_async(customer.id)
        assert [method.id for method in kept.data] == [setup.payment_method]
        await receiver.told(setup.id, "setup_intent.created", "setup_intent.succeeded")
        with pytest.raises(InvalidRequestError) as refused:
            await sdk.v1.setup_intents.cancel_async(setup.id)
        assert refused.value.code == "setup_intent_unexpected_state"

    @pytest.mark.parametrize(
        ("outcome", "status"), [("complete", "succeeded"), ("fail", "requires_payment_method")]
    )
    async def test_at_the_banks_page(
        self, sdk: StripeClient, stripe: httpx.AsyncClient, outcome: str, status: str
    ) -> None:
        """And back to the shop."""
        customer = await sdk.v1.customers.create_async()
        setup = await sdk.v1.setup_intents.create_async(
            {
                "customer": customer.id,
                "confirm": True,
                "payment_method": "pm_card_authenticationRequired",
                "return_url": "http://127.0.0.1:3000/cards",
            }
        )
        assert setup.status == "requires_action"
        assert setup.next_action is not None
        assert setup.next_action.redirect_to_url is not None
        url = str(setup.next_action.redirect_to_url.url)
        back = await stripe.post(url, data={"outcome": outcome})
        assert f"setup_intent={setup.id}" in back.headers["Location"]
        setup = await sdk.v1.setup_intents.retrieve_async(setup.id)
        assert setup.status == status
        assert (setup.last_setup_error is None) == (outcome == "complete")

    async def test_that_the_bank_refuses(self, sdk: StripeClient, receiver: Receiver) -> None:
        """Another card may be tried."""
        setup = await sdk.v1.setup_intents.create_async()
        with pytest.raises(CardError):
            await sdk.v1.setup_intents.confirm_async(
                setup.id, {"payment_method": "pm_card_chargeDeclinedStolenCard"}
            )
        (told,) = await receiver.told(setup.id, "setup_intent.setup_failed")
        assert told["last_setup_error"]["decline_code"] == "stolen_card"
        with pytest.raises(InvalidRequestError):
            await sdk.v1.setup_intents.confirm_async(setup.id)
        assert (await sdk.v1.setup_intents.cancel_async(setup.id)).status == "canceled"


class TestOffSession:
    """The buyer is not there."""

    async def test_a_card_that_wants_them(self, sdk: StripeClient) -> None:
        """Declines, and says what is missing."""
        customer_id, method_id = await customer_with(sdk, "4000002760003184")
        with pytest.raises(CardError) as declined:
            await pay(sdk, customer_id, method_id, off_session=True)
        said = declined.value.error
        assert said is not None
        assert (said.code, said.decline_code) == ("authentication_required", "authentication_required")
        assert said.payment_intent is not None
        assert said.payment_intent.status == "requires_payment_method"

    async def test_a_card_that_was_set_up(self, sdk: StripeClient, stripe: httpx.AsyncClient) -> None:
        """Pays; before, and with the buyer there, it asks."""
        customer_id, method_id = await customer_with(sdk, "4000002500003155")
        with pytest.raises(CardError):
            await pay(sdk, customer_id, method_id, off_session=True)
        first = await pay(sdk, customer_id, method_id, setup_future_usage="off_session")
        assert first.status == "requires_action"
        await stripe.post(f"/_sandbox/payment_intents/{first.id}/authenticate")
        assert (await pay(sdk, customer_id, method_id, off_session=True)).status == "succeeded"

    async def test_a_payment_keeps_its_card(self, sdk: StripeClient) -> None:
        """If it is asked to."""
        customer = await sdk.v1.customers.create_async()
        intent = await pay(sdk, customer.id, "pm_card_visa", setup_future_usage="off_session")
        kept = await sdk.v1.customers.payment_methods.list_async(customer.id)
        assert [method.id for method in kept.data] == [intent.payment_method]
        listed = await sdk.v1.payment_intents.list_async({"customer": customer.id})
        assert [it.id for it in listed.data] == [intent.id]
