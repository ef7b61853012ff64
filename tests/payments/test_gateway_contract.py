"""What payments may rely on: one suite against the sandbox and, with a key, against Stripe's test mode."""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
import stripe

from server.kit.errors import Invalid
from server.payments import stripe_gateway
from server.payments.gateway import (
    CardDeclined,
    Checkout,
    Gateway,
    GatewayRefused,
    GatewayUnavailable,
    Intent,
    IntentMissing,
    IntentStateConflict,
)
from server.payments.stripe_gateway import API_VERSION, StripeGateway
from server.stripe_sandbox import intents
from tests.platform import free_port
from tests.stripe_sandbox.running import WEBHOOK_SECRET, Sandbox
from tests.waiting import until

RETURN_URL = "http://127.0.0.1:3000/orders/1"
AMOUNT = 2000
NIL = UUID(int=0)


STRIPE_TEST_KEY = os.environ.get("STRIPE_TEST_KEY", "")
WORLDS = ["sandbox", *(["stripe"] if STRIPE_TEST_KEY.startswith("sk_test_") else [])]
"""With a test key in the environment the same suite asks Stripe's test mode."""


@pytest.fixture(scope="module", params=WORLDS)
async def gateway(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Gateway]:
    """The gateway in front of each of its two worlds."""
    if request.param == "stripe":
        stripe_itself = StripeGateway(key=STRIPE_TEST_KEY, webhook_secret=WEBHOOK_SECRET)
        yield stripe_itself
        await stripe_itself.close()
        return
    data = tmp_path_factory.mktemp("contract") / "stripe.db"
    async with (
        Sandbox(data, webhook_url=f"http://127.0.0.1:{free_port()}") as sandbox,
        sandbox.gateway() as gateway,
    ):
        yield gateway


def new_key() -> str:
    """An idempotency key that was never used."""
    return f"tests:{uuid4()}"


async def opened(gateway: Gateway, *, key: str = "") -> Intent:
    """A payment nobody has paid yet."""
    return await gateway.create_intent(
        key=key or new_key(), amount=AMOUNT, currency="usd", order_id=uuid4(), payment_id=uuid4()
    )


async def confirmed(gateway: Gateway, intent: Intent, payment_method: str, *, key: str = "") -> Intent:
    """The payment after an attempt with a card."""
    return await gateway.confirm_intent(
        intent.id, key=key or new_key(), payment_method=payment_method, return_url=RETURN_URL
    )


async def authorised(gateway: Gateway) -> Intent:
    """A payment that waits for capture."""
    return await confirmed(gateway, await opened(gateway), "pm_card_visa")


class TestCreateIntent:
    """`create_intent`."""

    async def test_opens_a_payment_that_names_its_order(self, gateway: Gateway) -> None:
        """Everything that payments later checks against its own row is there."""
        order_id, payment_id = uuid4(), uuid4()
        intent = await gateway.create_intent(
            key=new_key(), amount=AMOUNT, currency="usd", order_id=order_id, payment_id=payment_id
        )
        assert intent.status == "requires_payment_method"
        assert (intent.amount, intent.amount_received, intent.currency) == (AMOUNT, 0, "usd")
        assert intent.metadata == {"orderId": str(order_id), "paymentId": str(payment_id)}
        assert intent.livemode is False
        assert intent.client_secret.startswith(f"{intent.id}_secret_")
        assert intent.next_action_url is None
        assert intent.decline_code is None

    async def test_same_key_is_the_same_payment(self, gateway: Gateway) -> None:
        """A lost answer can be asked for again."""
        key, order_id, payment_id = new_key(), uuid4(), uuid4()
        first, second = [
            await gateway.create_intent(
                key=key, amount=AMOUNT, currency="usd", order_id=order_id, payment_id=payment_id
            )
            for _ in range(2)
        ]
        assert first == second

    async def test_same_key_with_other_parameters_is_refused(self, gateway: Gateway) -> None:
        """One key for two payments is a bug of ours, and must not pass for either."""
        key = new_key()
        await opened(gateway, key=key)
        with pytest.raises(GatewayRefused, match=r"(?i)idempoten"):
            await opened(gateway, key=key)


class TestConfirmIntent:
    """`confirm_intent`."""

    async def test_a_good_card_is_authorised_not_charged(self, gateway: Gateway) -> None:
        """No money moves before orders has said that the ticket is this order's."""
        intent = await authorised(gateway)
        assert (intent.status, intent.amount_received) == ("requires_capture", 0)

    async def test_a_bad_card_is_declined_with_its_code(self, gateway: Gateway) -> None:
        """The payment stays open and says why it is not paid."""
        intent = await opened(gateway)
        with pytest.raises(CardDeclined) as declined:
            await confirmed(gateway, intent, "pm_card_chargeDeclined")
        assert declined.value.details == {"declineCode": "generic_decline"}
        now = await gateway.get_intent(intent.id)
        assert (now.status, now.decline_code) == ("requires_payment_method", "generic_decline")

    async def test_a_decline_is_repeated_to_the_same_key(self, gateway: Gateway) -> None:
        """So a new attempt needs a new key."""
        intent, key = await opened(gateway), new_key()
        for _ in range(2):
            with pytest.raises(CardDeclined):
                await confirmed(gateway, intent, "pm_card_chargeDeclined", key=key)

    async def test_another_card_may_pay_after_a_decline(self, gateway: Gateway) -> None:
        """On the same payment, with another key."""
        intent = await opened(gateway)
        with pytest.raises(CardDeclined):
            await confirmed(gateway, intent, "pm_card_chargeDeclined")
        paid = await confirmed(gateway, intent, "pm_card_visa")
        assert (paid.id, paid.status, paid.decline_code) == (intent.id, "requires_capture", None)

    async def test_authentication_comes_with_a_page(self, gateway: Gateway) -> None:
        """The buyer can be sent there."""
        intent = await confirmed(gateway, await opened(gateway), "pm_card_authenticationRequired")
        assert intent.status == "requires_action"
        assert intent.next_action_url is not None
        assert intent.next_action_url.startswith("http")

    async def test_an_unknown_payment_method_is_the_callers_mistake(self, gateway: Gateway) -> None:
        """It is named as the field that the buyer's client sent."""
        intent = await opened(gateway)
        with pytest.raises(Invalid) as invalid:
            await confirmed(gateway, intent, "pm_no_such_card")
        assert "'field': 'paymentMethod'" in str(invalid.value.details["errors"])
        assert (await gateway.get_intent(intent.id)).status == "requires_payment_method"

    async def test_an_authorised_payment_is_not_confirmed_again(self, gateway: Gateway) -> None:
        """Whoever did it second must look first."""
        intent = await authorised(gateway)
        with pytest.raises(IntentStateConflict):
            await confirmed(gateway, intent, "pm_card_visa")


class TestGetIntent:
    """`get_intent`."""

    async def test_tells_what_the_last_call_told(self, gateway: Gateway) -> None:
        """A call whose outcome is unknown is settled by looking."""
        intent = await authorised(gateway)
        assert await gateway.get_intent(intent.id) == intent

    async def test_another_accounts_payment_is_missing(self, gateway: Gateway) -> None:
        """As is one that never was."""
        with pytest.raises(IntentMissing):
            await gateway.get_intent("pi_never_was")


class TestCaptureIntent:
    """`capture_intent`."""

    async def test_takes_the_whole_amount(self, gateway: Gateway) -> None:
        """At this moment the money moves."""
        intent = await authorised(gateway)
        captured = await gateway.capture_intent(intent.id, key=new_key())
        assert (captured.status, captured.amount_received) == ("succeeded", AMOUNT)

    async def test_again_with_the_same_key_is_the_same_answer(self, gateway: Gateway) -> None:
        """A capture whose answer was lost is repeated safely."""
        intent, key = await authorised(gateway), new_key()
        first = await gateway.capture_intent(intent.id, key=key)
        assert await gateway.capture_intent(intent.id, key=key) == first

    async def test_twice_is_a_conflict(self, gateway: Gateway) -> None:
        """With another key it is another capture, and there is nothing left to take."""
        intent = await authorised(gateway)
        await gateway.capture_intent(intent.id, key=new_key())
        with pytest.raises(IntentStateConflict):
            await gateway.capture_intent(intent.id, key=new_key())
        assert (await gateway.get_intent(intent.id)).amount_received == AMOUNT

    async def test_before_authorisation_is_a_conflict(self, gateway: Gateway) -> None:
        """Nothing was promised yet."""
        intent = await opened(gateway)
        with pytest.raises(IntentStateConflict):
            await gateway.capture_intent(intent.id, key=new_key())

    async def test_after_cancel_is_a_conflict(self, gateway: Gateway) -> None:
        """A cancelled authorisation is gone for good."""
        intent = await authorised(gateway)
        await gateway.cancel_intent(intent.id, key=new_key())
        with pytest.raises(IntentStateConflict):
            await gateway.capture_intent(intent.id, key=new_key())
        now = await gateway.get_intent(intent.id)
        assert (now.status, now.amount_received) == ("canceled", 0)


class TestCancelIntent:
    """`cancel_intent`."""

    async def test_lets_go_of_an_open_payment(self, gateway: Gateway) -> None:
        """Nobody can pay it any more."""
        intent = await opened(gateway)
        assert (await gateway.cancel_intent(intent.id, key=new_key())).status == "canceled"
        with pytest.raises(IntentStateConflict):
            await confirmed(gateway, intent, "pm_card_visa")

    async def test_lets_go_of_an_authorisation(self, gateway: Gateway) -> None:
        """No money has moved."""
        intent = await authorised(gateway)
        canceled = await gateway.cancel_intent(intent.id, key=new_key())
        assert (canceled.status, canceled.amount_received) == ("canceled", 0)

    async def test_again_is_a_conflict(self, gateway: Gateway) -> None:
        """Stripe does not take the second one for done."""
        intent = await opened(gateway)
        await gateway.cancel_intent(intent.id, key=new_key())
        with pytest.raises(IntentStateConflict):
            await gateway.cancel_intent(intent.id, key=new_key())

    async def test_captured_money_is_not_cancelled(self, gateway: Gateway) -> None:
        """That is a refund."""
        intent = await authorised(gateway)
        await gateway.capture_intent(intent.id, key=new_key())
        with pytest.raises(IntentStateConflict):
            await gateway.cancel_intent(intent.id, key=new_key())


async def page_opened(gateway: Gateway, *, key: str = "", life: timedelta = timedelta(hours=1)) -> Checkout:
    """A hosted page nobody has paid on."""
    return await gateway.create_checkout(
        key=key or new_key(),
        amount=AMOUNT,
        currency="usd",
        order_id=NIL,
        payment_id=NIL,
        return_url=RETURN_URL,
        expires_at=datetime.now(UTC) + life,
    )


class TestCheckout:
    """`create_checkout`, `get_checkout`, `expire_checkout`; that a page is paid on is for a browser."""

    async def test_opens_a_page_without_an_intent(self, gateway: Gateway) -> None:
        """There is none until its buyer has tried to pay."""
        checkout = await page_opened(gateway)
        assert (checkout.status, checkout.intent_id, checkout.livemode) == ("open", None, False)
        assert checkout.url is not None
        assert checkout.url.startswith("http")
        assert checkout.url not in repr(checkout)
        assert await gateway.get_checkout(checkout.id) == checkout

    async def test_same_key_is_the_same_page(self, gateway: Gateway) -> None:
        """A lost answer can be asked for again."""
        key, expires_at = new_key(), datetime.now(UTC) + timedelta(hours=1)
        first, second = [
            await gateway.create_checkout(
                key=key,
                amount=AMOUNT,
                currency="usd",
                order_id=NIL,
                payment_id=NIL,
                return_url=RETURN_URL,
                expires_at=expires_at,
            )
            for _ in range(2)
        ]
        assert first == second

    async def test_one_that_would_close_too_soon_is_refused(self, gateway: Gateway) -> None:
        """Stripe keeps it open for half an hour at least."""
        with pytest.raises(GatewayRefused, match="30 minutes"):
            await page_opened(gateway, life=timedelta(minutes=15))

    async def test_is_closed_once_and_stays_closed(self, gateway: Gateway) -> None:
        """Whoever closes it second is told that it is."""
        checkout = await page_opened(gateway)
        closed = await gateway.expire_checkout(checkout.id, key=new_key())
        assert (closed.status, closed.url, closed.intent_id) == ("expired", None, None)
        assert await gateway.expire_checkout(checkout.id, key=new_key()) == closed
        assert await gateway.get_checkout(checkout.id) == closed

    async def test_another_accounts_page_is_missing(self, gateway: Gateway) -> None:
        """As is one that never was, whether looked at or closed."""
        with pytest.raises(IntentMissing):
            await gateway.get_checkout("cs_test_never_was")
        with pytest.raises(IntentMissing):
            await gateway.expire_checkout("cs_test_never_was", key=new_key())


async def listed(gateway: Gateway, *intents: Intent) -> list[Intent]:
    """These, as the list of the last minute has them."""
    since = min(intent.changed_at for intent in intents) - timedelta(minutes=1)
    ids = [intent.id for intent in intents]
    return [intent async for intent in gateway.list_intents(since) if intent.id in ids]


class TestListIntents:
    """`list_intents`."""

    async def test_each_once_as_a_look_at_it_tells(self, gateway: Gateway) -> None:
        """Open, authorised, let go of, captured, given back; money with its refunds and disputes."""
        intents = [await opened(gateway), *[await authorised(gateway) for _ in range(4)]]
        intents.append(await confirmed(gateway, await opened(gateway), "pm_card_createDispute"))
        await gateway.cancel_intent(intents[2].id, key=new_key())
        for taken in intents[3:]:
            await gateway.capture_intent(taken.id, key=new_key())
        await gateway.refund_intent(intents[3].id, key=new_key(), payment_id=uuid4(), attempt=1)
        found = {intent.id: intent for intent in await listed(gateway, *intents)}
        assert found == {intent.id: await gateway.get_intent(intent.id) for intent in intents}
        captured, given_back, disputed = [
            [getattr(found[intent.id], name) for intent in intents[1:]]
            for name in ("amount_received", "given_back", "disputed")
        ]
        assert captured == [0, 0, AMOUNT, AMOUNT, AMOUNT]
        assert given_back == [0, 0, AMOUNT, 0, 0], "an authorisation that was let go of is no money"
        assert disputed == [0, 0, 0, 0, AMOUNT]

    async def test_page_after_page(self, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
        """None is lost and none comes twice where a page ends."""
        monkeypatch.setattr(stripe_gateway, "PAGE", 2)
        intents = [await opened(gateway) for _ in range(5)]
        found = [intent.id for intent in await listed(gateway, *intents)]
        assert sorted(found) == sorted(intent.id for intent in intents)

    async def test_an_older_one_comes_with_its_refund(self, gateway: Gateway) -> None:
        """Made before the window, given back within it."""
        older = await authorised(gateway)
        await gateway.capture_intent(older.id, key=new_key())

        async def a_second_later() -> bool:
            return (await opened(gateway)).changed_at > older.changed_at + timedelta(seconds=1)

        await until(a_second_later, "Stripe's clock went on by a second")
        await gateway.refund_intent(older.id, key=new_key(), payment_id=uuid4(), attempt=1)
        since = older.changed_at + timedelta(seconds=1)
        [found] = [intent async for intent in gateway.list_intents(since) if intent.id == older.id]
        assert found == await gateway.get_intent(older.id)
        assert found.given_back == AMOUNT
        assert found.changed_at >= since

    async def test_away_is_unavailable(self) -> None:
        """As of every call."""
        nowhere = StripeGateway(key="sk_test_x", webhook_secret=WEBHOOK_SECRET, base="http://127.0.0.1:1")
        with pytest.raises(GatewayUnavailable):
            await anext(aiter(nowhere.list_intents(datetime.now(UTC))))
        await nowhere.close()


class TestSecrets:
    """What must not be in a log."""

    async def test_no_client_secret_in_a_repr(self, gateway: Gateway) -> None:
        """An intent may be logged by mistake."""
        intent = await opened(gateway)
        assert intent.client_secret not in repr(intent)

    async def test_no_client_secret_in_a_traceback(self, gateway: Gateway) -> None:
        """The SDK's error, which holds Stripe's whole answer, is not chained to ours."""
        intent = await opened(gateway)
        with pytest.raises(CardDeclined) as declined:
            await confirmed(gateway, intent, "pm_card_chargeDeclined")
        assert declined.value.__context__ is None
        assert declined.value.__cause__ is None


def test_one_api_version() -> None:
    """The gateway, the SDK's types and the sandbox mean the same API; an upgrade of the SDK shows here."""
    assert stripe.api_version == API_VERSION == intents.API_VERSION
