"""Signed events: delivered until taken, and read by the gateway only if they are Stripe's and fresh."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from server.kit.errors import BadRequest
from server.payments.gateway import BadSignature, CardDeclined, StripeEvent
from server.payments.stripe_gateway import StripeGateway
from server.stripe_sandbox.webhooks import ATTEMPTS, backoff, sign
from tests.stripe_sandbox.running import STRIPE_KEY, WEBHOOK_SECRET, Receiver, Sandbox
from tests.waiting import until

RETURN_URL = "http://127.0.0.1:3000/orders/1"

EVENT = {
    "id": "evt_1",
    "object": "event",
    "type": "payment_intent.succeeded",
    "livemode": False,
    "data": {
        "object": {
            "id": "pi_1",
            "object": "payment_intent",
            "metadata": {"orderId": "order", "paymentId": "payment"},
        }
    },
}
BODY = json.dumps(EVENT).encode()


def signed(body: bytes = BODY, *, seconds_ago: float = 0, secret: str = WEBHOOK_SECRET) -> str:
    """A `Stripe-Signature`, made here from Stripe's description and not with the sandbox's code."""
    timestamp = int(time.time() - seconds_ago)
    digest = hmac.new(secret.encode(), b"%d." % timestamp + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


# Made when a test runs: signed at import, all would be too old in a long run, and refused for that alone.
UNSIGNED: dict[str, Callable[[], tuple[bytes, str]]] = {
    "tampered with": lambda: (BODY.replace(b"pi_1", b"pi_2"), signed()),
    "another secret": lambda: (BODY, signed(secret=STRIPE_KEY)),
    "too old": lambda: (BODY, signed(seconds_ago=301)),
    "none": lambda: (BODY, ""),
    "empty parts": lambda: (BODY, "t=,v1="),
    "no time": lambda: (BODY, f"v1={signed().split('v1=')[1]}"),
    "only a time": lambda: (BODY, signed().split(",")[0]),
    "not ASCII": lambda: (BODY, f"{signed()[:-1]}ü"),
    "an endless time": lambda: (BODY, f"t={'9' * 5000},v1=00"),
    "a body that is no text": lambda: (b"\xff", signed(b"\xff")),
}


def events_about(receiver: Receiver, gateway: StripeGateway, intent_id: str) -> list[StripeEvent]:
    """What was delivered about one intent, each signature verified."""
    events = [gateway.read_event(body, signature) for body, signature in receiver.got]
    return [event for event in events if event.intent_id == intent_id]


async def open_intent(gateway: StripeGateway) -> str:
    """The id of a new intent, whose first event is `payment_intent.created`."""
    intent = await gateway.create_intent(
        key=str(uuid4()), amount=2000, currency="usd", order_id=uuid4(), payment_id=uuid4()
    )
    return intent.id


class TestReadEvent:
    """`Gateway.read_event`."""

    async def test_reads_what_happened_to_what(self, gateway: StripeGateway) -> None:
        """And whose it is, in Tix's own ids."""
        assert gateway.read_event(BODY, signed()) == StripeEvent(
            id="evt_1",
            type="payment_intent.succeeded",
            intent_id="pi_1",
            livemode=False,
            account=None,
            payment_id="payment",
            order_id="order",
        )

    async def test_finds_the_intent_of_other_objects(self, gateway: StripeGateway) -> None:
        """A refund or a dispute names it; a customer has none."""
        for subject, intent_id in (
            ({"id": "re_1", "object": "refund", "payment_intent": "pi_1"}, "pi_1"),
            ({"id": "cus_1", "object": "customer"}, None),
        ):
            body = json.dumps({**EVENT, "account": "acct_1", "data": {"object": subject}}).encode()
            event = gateway.read_event(body, signed(body))
            assert (event.intent_id, event.account, event.order_id) == (intent_id, "acct_1", None)

    @pytest.mark.parametrize("make", UNSIGNED.values(), ids=UNSIGNED.keys())
    async def test_refuses_what_is_not_signed_just_now(
        self, gateway: StripeGateway, make: Callable[[], tuple[bytes, str]]
    ) -> None:
        """Tampered with, signed by another, too old, not signed, or not readable: all one error."""
        with pytest.raises(BadSignature) as refused:
            gateway.read_event(*make())
        assert (refused.value.status, refused.value.code) == (400, "bad_signature")

    async def test_refuses_a_signature_from_the_future(self, gateway: StripeGateway) -> None:
        """The SDK would take it, and it could be replayed until then; a skewed clock is forgiven."""
        with pytest.raises(BadSignature):
            gateway.read_event(BODY, signed(seconds_ago=-70))
        with pytest.raises(BadSignature):
            gateway.read_event(BODY, signed(seconds_ago=-1e9))
        assert gateway.read_event(BODY, signed(seconds_ago=-50)).id == "evt_1"

    async def test_while_the_secret_is_changed_both_count(self) -> None:
        """And no third one."""
        gateway = StripeGateway(
            key=STRIPE_KEY, webhook_secret="whsec_the_next", previous_webhook_secret=WEBHOOK_SECRET
        )
        for secret in (WEBHOOK_SECRET, "whsec_the_next"):
            assert gateway.read_event(BODY, signed(secret=secret)).id == "evt_1"
        with pytest.raises(BadSignature):
            gateway.read_event(BODY, signed(secret="whsec_of_somebody"))
        await gateway.close()

    @pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"id": 1}'])
    async def test_refuses_a_signed_body_that_is_no_event(self, gateway: StripeGateway, body: bytes) -> None:
        """It cannot be forged, so it is not a bad signature, but it is no use either."""
        with pytest.raises(BadRequest):
            gateway.read_event(body, signed(body))


class TestDelivery:
    """Events reach the receiver."""

    async def test_every_step_is_announced(
        self, sandbox: Sandbox, receiver: Receiver, gateway: StripeGateway
    ) -> None:
        """With the ids that payments needs to find its row."""
        assert sandbox.webhook_url == receiver.url
        order_id, payment_id = uuid4(), uuid4()
        intent = await gateway.create_intent(
            key=str(uuid4()), amount=2000, currency="usd", order_id=order_id, payment_id=payment_id
        )
        with pytest.raises(CardDeclined):
            await gateway.confirm_intent(
                intent.id, key=str(uuid4()), payment_method="pm_card_chargeDeclined", return_url=RETURN_URL
            )
        for card in ("pm_card_authenticationRequired", "pm_card_visa"):
            await gateway.confirm_intent(
                intent.id, key=str(uuid4()), payment_method=card, return_url=RETURN_URL
            )
        await gateway.capture_intent(intent.id, key=str(uuid4()))
        steps = {"created", "payment_failed", "requires_action", "amount_capturable_updated", "succeeded"}

        def all_events() -> list[StripeEvent]:
            events = events_about(receiver, gateway, intent.id)
            return events if len(events) >= len(steps) else []

        events = await until(all_events, "all events of one payment are delivered")
        assert {event.type for event in events} == {f"payment_intent.{step}" for step in steps}
        assert {(event.order_id, event.payment_id) for event in events} == {(str(order_id), str(payment_id))}

    async def test_a_cancellation_is_announced(self, receiver: Receiver, gateway: StripeGateway) -> None:
        """The last of the six types."""
        intent_id = await open_intent(gateway)
        await gateway.cancel_intent(intent_id, key=str(uuid4()))
        await until(
            lambda: "payment_intent.canceled" in [e.type for e in events_about(receiver, gateway, intent_id)],
            "the cancellation is delivered",
        )

    @pytest.mark.slow
    async def test_is_tried_until_the_receiver_is_up(self, tmp_path: Path) -> None:
        """Down, then failing, then well: the event arrives, and then no more."""
        receiver = Receiver(status=503)
        async with (
            Sandbox(tmp_path / "stripe.db", webhook_url=receiver.url) as sandbox,
            sandbox.gateway() as gateway,
        ):
            first_id = await open_intent(gateway)
            await until(
                lambda: "ClientConnectorError" in sandbox.log.read_text(), "an attempt met no receiver"
            )
            async with receiver:
                await until(lambda: receiver.got, "an attempt met a failing receiver")
                refused = len(receiver.got)
                receiver.status = 200
                await until(lambda: len(receiver.got) > refused, "the event is delivered")
                # Another payment's event shows that deliveries go on, and that the first is not among them.
                second_id = await open_intent(gateway)
                await until(lambda: events_about(receiver, gateway, second_id), "the next one is delivered")
                assert len(events_about(receiver, gateway, first_id)) == refused + 1
                assert len({body for body, _ in receiver.got}) == 2

    @pytest.mark.slow
    async def test_undelivered_events_survive_kill_9(self, tmp_path: Path) -> None:
        """And are delivered as soon as the sandbox is back."""
        receiver = Receiver()
        async with (
            Sandbox(tmp_path / "stripe.db", webhook_url=receiver.url) as sandbox,
            sandbox.gateway() as gateway,
        ):
            intent_id = await open_intent(gateway)
            await sandbox.kill()
            async with receiver:
                await sandbox.start()
                events = await until(lambda: events_about(receiver, gateway, intent_id), "it is delivered")
                assert [event.type for event in events] == ["payment_intent.created"]

    @pytest.mark.slow
    async def test_one_slow_delivery_does_not_hold_up_the_others(self, tmp_path: Path) -> None:
        """Each event is delivered by itself."""
        async with (
            Receiver(silent=True) as receiver,
            Sandbox(tmp_path / "stripe.db", webhook_url=receiver.url) as sandbox,
            sandbox.gateway() as gateway,
        ):
            for _ in range(3):
                await open_intent(gateway)
            await until(lambda: len(receiver.got) == 3, "three deliveries are under way at once", timeout=5)


class TestBackoff:
    """When the next attempt comes."""

    def test_grows_to_a_minute_and_ends_after_hours(self) -> None:
        """Attempts are counted, so a sandbox that is switched off does not run out of time."""
        pauses = [backoff(attempts) for attempts in range(1, ATTEMPTS)]
        assert pauses[:4] == [0.2, 0.5, 1.0, 2.0]
        assert sorted(pauses) == pauses  # type: ignore[type-var]
        assert pauses[-1] == 60
        assert sum(pause or 0 for pause in pauses) > 6 * 3600
        assert backoff(ATTEMPTS) is None

    def test_signs_as_stripe_does(self) -> None:
        """The sandbox's signature is the one made here from Stripe's description."""
        header = signed()
        timestamp = int(header.split(",")[0].removeprefix("t="))
        assert sign(BODY.decode(), WEBHOOK_SECRET, timestamp) == header
