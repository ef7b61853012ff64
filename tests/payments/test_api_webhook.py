"""Stripe's webhook (P10): only what is signed with our secret, just now, is stored; nothing is believed."""

import hashlib
import hmac
import json
import time
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.platform import Platform, User
from tests.problems import assert_problem
from tests.waiting import until

PATH = "/api/payments/webhook"


def event(
    intent: str = "pi_unknown", type_: str = "payment_intent.succeeded", **changes: Any
) -> dict[str, Any]:
    """An event as Stripe writes it."""
    subject = {"id": intent, "object": "payment_intent", "status": "succeeded", "metadata": {}}
    return {
        "id": f"evt_{uuid4().hex}",
        "object": "event",
        "type": type_,
        "livemode": False,
        "data": {"object": subject},
        **changes,
    }


def sign(
    platform: Platform, body: bytes, *, at: float = 0, secret: str | None = None, scheme: str = "v1"
) -> str:
    """The header; `at` in seconds from now."""
    stamp = int(time.time() + at)
    key = (secret if secret is not None else platform.settings.stripe_webhook_secret or "").encode()
    digest = hmac.new(key, f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={stamp},{scheme}={digest}"


async def post(platform: Platform, body: bytes, signature: str | bytes | None) -> httpx.Response:
    """Deliver it."""
    headers = (
        {}
        if signature is None
        else {b"Stripe-Signature": signature if isinstance(signature, bytes) else signature.encode()}
    )
    return await platform.http.post(PATH, content=body, headers=headers)


async def stored(platform: Platform) -> int:
    """Rows that a webhook can make."""
    sql = (
        "SELECT (SELECT count(*) FROM stripe_events) + (SELECT count(*) FROM payment_ops)"
        " + (SELECT count(*) FROM outbox) + (SELECT count(*) FROM ledger)"
    )
    return await platform.count("payments", sql)


async def test_p10_a_signed_event_is_stored_once(platform: Platform) -> None:
    """200 for each delivery; one row, though its intent is not ours."""
    body = json.dumps(event()).encode()
    before = await stored(platform)
    for _ in range(3):
        answer = await post(platform, body, sign(platform, body))
        assert (answer.status_code, answer.content) == (200, b"")
    assert await stored(platform) == before + 1


BAD: dict[str, Any] = {
    "none": lambda *_: None,
    "empty": lambda *_: "",
    "garbage": lambda *_: "garbage",
    "not ASCII": lambda *_: b"t=1,v1=\xff\xfe",
    "only a time": lambda *_: f"t={int(time.time())}",
    "only a signature": lambda p, b: sign(p, b).split(",")[1],
    "no digest": lambda *_: f"t={int(time.time())},v1=",
    "another secret": lambda p, b: sign(p, b, secret="whsec_another_secret"),
    "empty secret": lambda p, b: sign(p, b, secret=""),
    "test scheme v0": lambda p, b: sign(p, b, scheme="v0"),
    "another body": lambda p, b: sign(p, b + b" "),
    "too old": lambda p, b: sign(p, b, at=-301),
    "from the future": lambda p, b: sign(p, b, at=120),
    "from the far future": lambda p, b: sign(p, b, at=10**9),
    "time changed": lambda p, b: sign(p, b).replace("t=1", "t=2", 1),
    "time twice": lambda p, b: f"t={int(time.time())}," + sign(p, b, at=-4000),
    "future time twice": lambda p, b: f"t={int(time.time())}," + sign(p, b, at=10**9),
    "time no number": lambda p, b: "t=now," + sign(p, b).split(",")[1],
    "upper case": lambda p, b: sign(p, b).upper(),
    "5 kB": lambda *_: "t=1," + ",".join(["v1=" + "0" * 64] * 70),
}


@pytest.mark.parametrize("signature", BAD.values(), ids=BAD.keys())
async def test_p10_a_bad_signature_is_400_and_nothing_is_stored(platform: Platform, signature: Any) -> None:
    """Unsigned, forged, replayed and future events alike."""
    body = json.dumps(event()).encode()
    before = await stored(platform)
    assert_problem(await post(platform, body, signature(platform, body)), 400, "bad_signature")
    assert await stored(platform) == before


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'"x"',
        b"not json",
        b"\xff\xfe",
        b'{"id":1}',
        b'{"id":"evt_1"}',
        b"[" * 50_000,
    ],
)
async def test_a_signed_body_that_is_no_event_is_400(platform: Platform, body: bytes) -> None:
    """Nothing is stored, and nothing of it is repeated."""
    before = await stored(platform)
    answer = await post(platform, body, sign(platform, body))
    assert answer.status_code == 400
    assert_problem(answer, 400, answer.json()["code"])
    assert await stored(platform) == before


async def paid(platform: Platform) -> tuple[User, dict[str, Any], dict[str, Any]]:
    """A buyer, an order on hold, and its open payment."""
    buyer = platform.user()
    order = await buyer.hold((await platform.user().list_ticket())["id"])
    return buyer, order, (await buyer.pay(order["id"], None)).json()


@pytest.mark.parametrize(
    "type_",
    ["payment_intent.succeeded", "payment_intent.amount_capturable_updated", "payment_intent.canceled"],
)
async def test_p10_an_event_is_a_doorbell_and_no_fact(platform: Platform, type_: str) -> None:
    """Even signed, what it claims is not believed: the intent is looked at, and it is still unpaid."""
    buyer, order, payment = await paid(platform)
    body = json.dumps(event(payment["stripeId"], type_)).encode()
    assert (await post(platform, body, sign(platform, body))).status_code == 200
    looked = (
        "SELECT count(*) FROM payment_ops WHERE payment_id = $1 AND kind = 'sync' AND done_at IS NOT NULL"
    )
    await until(lambda: platform.count("payments", looked, payment["id"]), "payments looked at the intent")
    assert (await buyer.get(f"/api/payments/{payment['id']}")).json()["status"] == "open"
    assert (await buyer.order(order["id"]))["status"] == "created"


@pytest.mark.parametrize("changes", [{"livemode": True}, {"account": "acct_somebody"}])
async def test_an_event_of_another_mode_or_account_is_stored_and_left_alone(
    platform: Platform, changes: dict[str, Any]
) -> None:
    """It is not about our money: no look at Stripe is owed on its account."""
    _, _, payment = await paid(platform)

    async def heard() -> bool:
        """Of two events at once the second owes no look of its own."""
        rang = "SELECT count(*) FROM stripe_events WHERE intent_id = $1"
        owed = "SELECT count(*) FROM payment_ops WHERE payment_id = $1 AND done_at IS NULL"
        return (
            await platform.count("payments", rang, payment["stripeId"]) > 0
            and await platform.count("payments", owed, payment["id"]) == 0
        )

    await until(heard, "Stripe's own word of the payment is heard")
    looks = "SELECT count(*) FROM payment_ops WHERE payment_id = $1 AND request_id = $2"
    for said, expected in ((changes, 0), ({}, 1)):
        body = json.dumps(event(payment["stripeId"], **said)).encode()
        id_ = f"webhook-{uuid4()}"
        headers = {"Stripe-Signature": sign(platform, body), "X-Request-Id": id_}
        assert (await platform.http.post(PATH, content=body, headers=headers)).status_code == 200
        assert await platform.count("payments", looks, payment["id"], id_) == expected


@pytest.mark.parametrize(
    "changes", [{"id": "evt_" + "x" * 200}, {"type": "t" * 200}, {"id": "evt_\0"}, {"type": "a\0b"}]
)
async def test_a_signed_event_that_cannot_be_stored_is_no_server_error(
    platform: Platform, changes: dict[str, Any]
) -> None:
    """Stripe would send a 5xx again for days."""
    body = json.dumps(event(**changes)).encode()
    answer = await post(platform, body, sign(platform, body))
    assert answer.status_code == 400
    assert_problem(answer, 400, answer.json()["code"])


async def test_the_webhook_takes_no_token_and_no_key(platform: Platform) -> None:
    """A bad token there is not looked at, and an Idempotency-Key is not kept."""
    body = json.dumps(event()).encode()
    headers = {"Stripe-Signature": sign(platform, body), "Authorization": "Bearer x", "Idempotency-Key": "k"}
    assert (await platform.http.post(PATH, content=body, headers=headers)).status_code == 200
    assert await platform.count("payments", "SELECT count(*) FROM idempotency_keys") == 0
