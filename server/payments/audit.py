"""The audit: Stripe's intents of the last days against the ledger, once a day and whenever doctor is asked.

A difference is looked at, which settles most (a webhook was lost, say); what differs again a day later is for
a person.
"""

from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import NAMESPACE_OID, UUID, uuid5

from server.kit.db import rows, transaction
from server.kit.inbox import AlreadyHeard, HeardOnce
from server.kit.log import log, request_id
from server.payments import returns, service
from server.payments.gateway import Gateway, GatewayUnavailable, Intent, IntentMissing
from server.payments.models import Order, Payment
from server.payments.owed import OpKind, PaymentOp

DAYS = 3
"""A day that was missed is made good on the next two."""
SETTLING = timedelta(minutes=5)
"""What changed within it is news on its way: webhooks take seconds, the reconciler a minute."""
MARGIN = timedelta(minutes=5)
"""How far Stripe's clock may be behind ours."""
BATCH = 100

OURS = """
SELECT p.id, p.order_id, p.stripe_id, p.created_at, p.currency, max(l.at) AS changed_at,
  coalesce(sum(l.amount) FILTER (WHERE l.account = 'authorised'), 0)::bigint AS reserved,
  coalesce(sum(l.amount) FILTER (WHERE l.account = 'cash' AND l.kind = 'capture'), 0)::bigint AS captured,
  coalesce(-sum(l.amount) FILTER (WHERE l.account = 'cash' AND l.kind LIKE 'refund%'), 0)::bigint AS refunded,
  coalesce(-sum(l.amount) FILTER (WHERE l.account = 'cash' AND l.kind LIKE 'dispute%'), 0)::bigint AS disputed
FROM payments p LEFT JOIN ledger l ON l.payment_id = p.id
WHERE p.stripe_id = ANY($1::text[]) GROUP BY p.id
"""
MOVED = """
SELECT stripe_id FROM payments
WHERE id IN (SELECT payment_id FROM ledger WHERE at >= $1 AND account = 'cash')
"""
ASKED = """
SELECT DISTINCT payment_id FROM payment_ops
WHERE payment_id = ANY($1::uuid[]) AND request_id LIKE 'audit:%' AND done_at IS NOT NULL
  AND created_at > now() - interval '2 days'
"""


class Money(NamedTuple):
    """What has moved, minor units."""

    currency: str
    reserved: int
    captured: int
    refunded: int
    disputed: int


@dataclass(frozen=True)
class Difference:
    """An intent of which Stripe and the ledger tell different stories."""

    intent_id: str
    payment_id: UUID | None
    """None: of an order of ours that has no payment."""
    order_id: UUID
    differs: str
    is_stray: bool = False
    """No payment has this intent; `payment_id` is the one that it names."""


async def differences(
    gateway: Gateway, *, settling: timedelta = SETTLING, restored: bool = False
) -> list[Difference]:
    """Compare the last DAYS days, but not what changed within `settling`. Raises GatewayUnavailable.

    `restored`: an order that an intent names may have been lost with the database, so it need not be here.
    """
    [clock] = await rows("payments", "SELECT now() AS now")
    since, settled = clock["now"] - timedelta(days=DAYS), clock["now"] - settling
    seen: set[str] = set()
    batch: list[Intent] = []
    found: list[Difference] = []
    async for intent in gateway.list_intents(since - MARGIN):
        seen.add(intent.id)
        if intent.changed_at <= settled:
            batch.append(intent)
        if len(batch) == BATCH:
            found += await _compare(batch, settled, restored=restored)
            batch = []
    found += await _compare(batch, settled, restored=restored)
    moved = {row["stripe_id"] for row in await rows("payments", MOVED, since)}
    for ours in await rows("payments", OURS, list(moved - seen)):
        if ours["changed_at"] <= settled:
            found += await _look_up(gateway, ours, since)
    return found


async def _compare(intents: Collection[Intent], settled: datetime, *, restored: bool) -> list[Difference]:
    ids = [intent.id for intent in intents]
    ours = {row["stripe_id"]: row for row in await rows("payments", OURS, ids)}
    found = []
    for intent in intents:
        row = ours.get(intent.id)
        if row is None:
            found += await _stray(intent, restored=restored)
        elif row["changed_at"] is None or row["changed_at"] <= settled:
            found += _differ(row, _money_of(intent))
    return found


async def _look_up(gateway: Gateway, ours: dict[str, Any], since: datetime) -> list[Difference]:
    """One with money that the walk did not meet: an older one, or one that Stripe does not know."""
    if ours["created_at"] < since:
        with suppress(IntentMissing):
            return _differ(ours, _money_of(await gateway.get_intent(ours["stripe_id"])))
    return [Difference(ours["stripe_id"], ours["id"], ours["order_id"], "Stripe does not know it")]


async def _stray(intent: Intent, *, restored: bool) -> list[Difference]:
    """Money on an intent that no payment has, though it names a payment or an order of ours."""
    reserved = intent.amount if intent.status == "requires_capture" else 0
    left = reserved + intent.left_to_refund - intent.disputed
    if left <= 0:
        return []
    order_id = intent.metadata.get("orderId")
    named = await service.named(payment_id=intent.metadata.get("paymentId"), order_id=order_id)
    story = f"{left} {intent.currency} on it, and no payment has it"
    if named is not None:
        if named.stripe_id == intent.id or not named.is_at_stripe:  # it is being opened
            return []
        # What was paid on its page is known by a look at the page.
        is_stray = not named.awaits_intent
        return [Difference(intent.id, named.id, named.order_id, story, is_stray=is_stray)]
    with suppress(ValueError, TypeError):
        if order := await Order.get_or_none(id=UUID(order_id)):
            return [Difference(intent.id, None, order.id, story, is_stray=True)]
        if restored:
            return [Difference(intent.id, None, UUID(order_id), f"{story}; its order is gone", is_stray=True)]
    return []


def _money_of(intent: Intent) -> Money:
    reserved = intent.amount if intent.status == "requires_capture" else 0
    return Money(intent.currency, reserved, intent.amount_received, intent.given_back, intent.disputed)


def _differ(ours: dict[str, Any], theirs: Money) -> list[Difference]:
    here = Money(*(ours[name] for name in Money._fields))
    wrong = [
        f"{name} {mine} here, {other} there"
        for name, mine, other in zip(Money._fields, here, theirs, strict=True)
        if mine != other
    ]
    return [Difference(ours["stripe_id"], ours["id"], ours["order_id"], "; ".join(wrong))] if wrong else []


async def look_into(found: Iterable[Difference]) -> None:
    """Owe a look at each of them, in the open transaction."""
    for difference in found:
        if difference.payment_id is None:
            continue
        if difference.is_stray:
            await PaymentOp.owe(difference.payment_id, OpKind.STRAY, stripe_id=difference.intent_id)
        else:
            await PaymentOp.owe(difference.payment_id, OpKind.SYNC)


async def run_daily(gateway: Gateway, *, settling: timedelta = SETTLING) -> None:
    """The audit of today (UTC), unless it was made: of all replicas, the first to finish acts on it.

    Each difference is logged and looked at; one that a look did not settle since yesterday's is for a person.
    """
    [clock] = await rows("payments", "SELECT current_date AS day")
    name = f"audit:{clock['day']}"
    today = HeardOnce(uuid5(NAMESPACE_OID, name))
    if await rows("payments", "SELECT 1 FROM inbox WHERE event_id = $1", today.event_id):
        return
    request_id.set(name)  # the looks carry it, so that tomorrow's audit knows them
    try:
        found = await differences(gateway, settling=settling)
    except GatewayUnavailable as error:
        log.warning("the audit waits for Stripe", error=repr(error))
        return
    with suppress(AlreadyHeard):
        async with transaction("payments", once=today):
            asked = {
                row["payment_id"] for row in await rows("payments", ASKED, [d.payment_id for d in found])
            }
            await look_into(found)
            for difference in found:
                if difference.payment_id is not None and difference.payment_id in asked:
                    await _call_a_person(difference.payment_id, difference.differs)
        for difference in found:
            told = {name: str(value) for name, value in vars(difference).items()}
            log.error("Stripe and the ledger differ", **told)
        log.info("audit done", differences=len(found))


async def _call_a_person(payment_id: UUID, differs: str) -> None:
    payment = await Payment.locked(payment_id)
    if payment.needs_review is None:
        payment.needs_review = f"Stripe and the ledger differ: {differs}"[:200]
        await returns.say_again(payment)
