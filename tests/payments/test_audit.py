"""The audit: Stripe's money against the ledger's; a difference is looked at, then a person is called."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid4, uuid5

import pytest

from server import worker
from server.app import gateway_of
from server.kit.db import rows
from server.payments import audit
from server.payments.gateway import Gateway, Intent
from server.payments.stripe_gateway import StripeGateway
from server.settings import Service, Settings
from tests.concurrency.gateways import TappedGateway
from tests.dashboard import Dashboard, dashboard
from tests.logged import Logged
from tests.payments.test_money_back import PRICE, Sale
from tests.payments.test_money_back import sold as just_sold
from tests.platform import Platform
from tests.waiting import until

NOW = timedelta(0)
"""Nothing is too fresh to be compared."""
UNDONE = "SELECT count(*) FROM payment_ops WHERE done_at IS NULL"
RANG = "SELECT count(*) FROM stripe_events WHERE intent_id = $1 AND type = 'payment_intent.succeeded'"
SYNCS = "SELECT count(*) FROM payment_ops WHERE request_id LIKE 'audit:%' AND kind = 'sync'"
AUDITS = "SELECT count(*) FROM inbox WHERE event_id = $1"


@pytest.fixture
async def stripe(settings: Settings) -> AsyncIterator[Dashboard]:
    """The dashboard; what was made to go wrong is right again afterwards."""
    async with dashboard(settings) as opened:
        yield opened
        await opened.no_faults()


@pytest.fixture
async def gateway(settings: Settings) -> AsyncIterator[Gateway]:
    """The sandbox, as payments sees it."""
    made = gateway_of(settings)
    yield made
    await made.close()


@pytest.fixture(autouse=True)
async def yesterday(platform: Platform) -> None:
    """No test finds the audit of today made."""
    await a_day_passes(platform)


async def a_day_passes(platform: Platform) -> None:
    """What today's audit did was yesterday's."""
    async with platform.database("payments") as session:
        day = await session.fetchval("SELECT current_date")
        await session.execute("DELETE FROM inbox WHERE event_id = $1", today_of(day))
        await session.execute(
            "UPDATE payment_ops SET created_at = created_at - interval '1 day' "
            "WHERE request_id LIKE 'audit:%'"
        )


async def sold(platform: Platform, method: str = "pm_card_visa", *, wait_for: str = "complete") -> Sale:
    """A sale of which all is heard: a webhook on its way would bring what a test does at Stripe, too."""
    sale = await just_sold(platform, method, wait_for=wait_for)

    async def heard() -> bool:
        rang = await platform.count("payments", RANG, sale.intent_id)
        return rang > 0 and await platform.count("payments", UNDONE) == 0

    await until(heard, "Stripe's word of the sale is heard")
    return sale


async def told(gateway: Gateway, sale: Sale) -> list[str]:
    """In what this sale's intent differs."""
    found = await audit.differences(gateway, settling=NOW)
    return [difference.differs for difference in found if difference.intent_id == sale.intent_id]


async def audited(platform: Platform, gateway: Gateway) -> None:
    """Today's audit, and the looks it owes."""
    await audit.run_daily(gateway, settling=NOW)

    async def looked() -> bool:
        return await platform.count("payments", UNDONE) == 0

    await until(looked, "Stripe was asked")


async def change(platform: Platform, sql: str, sale: Sale) -> None:
    """Something no code of ours does; `$1` is the payment."""
    async with platform.database("payments") as session:
        await session.execute(sql, UUID((await sale.payment())["id"]))


class TestDifferences:
    """`differences`."""

    async def test_there_are_none_in_health(
        self, platform: Platform, stripe: Dashboard, gateway: Gateway
    ) -> None:
        """Paid, given back in part and whole, sent back, disputed, let go of, and not paid at all."""
        part, whole = await sold(platform), await sold(platform)
        failed = await sold(platform, "pm_card_refundFail")
        disputed = await sold(platform, "pm_card_createDispute", wait_for="disputed")
        await stripe.refund(part.intent_id, 1000)
        for sale in (whole, failed):
            assert await sale.refund() == (202, None)
        buyer = platform.user()
        unpaid = await buyer.hold((await platform.user().list_ticket())["id"])
        await buyer.pay(unpaid["id"], None)
        await buyer.delete(f"/api/orders/{unpaid['id']}")
        await part.payment_is(amountRefunded=1000)
        await whole.payment_is(status="refunded")
        await failed.payment_is(status="refund_failed")
        await stripe.decide(disputed.intent_id, won=False)
        await disputed.payment_is(status="charged_back")
        ours = {sale.intent_id for sale in (part, whole, failed, disputed)}

        async def none_is_left() -> bool:  # without the minutes that news has to arrive
            found = await audit.differences(gateway, settling=NOW)
            return not [difference for difference in found if difference.intent_id in ours]

        await until(none_is_left, "the ledger is Stripe's")

    @pytest.mark.parametrize(
        ("sql", "story"),
        [
            (
                "UPDATE ledger SET amount = amount * 2 WHERE payment_id = $1 AND account = 'cash'",
                "captured 9000 here, 4500 there",
            ),
            ("UPDATE payments SET currency = 'eur' WHERE id = $1", "currency eur here, usd there"),
            (
                "DELETE FROM ledger WHERE payment_id = $1 AND kind = 'authorise'",
                "reserved -4500 here, 0 there",
            ),
        ],
    )
    async def test_what_is_wrong_here_is_named(
        self, platform: Platform, gateway: Gateway, sql: str, story: str
    ) -> None:
        """With what either side says."""
        sale = await sold(platform)
        await change(platform, sql, sale)
        assert await told(gateway, sale) == [story]

    @pytest.mark.parametrize(
        ("action", "body", "story"),
        [
            ("refund", {"amount": 700}, "refunded 0 here, 700 there"),
            ("dispute", {}, "disputed 0 here, 4500 there"),
        ],
    )
    async def test_what_we_were_not_told_is_named(
        self,
        platform: Platform,
        stripe: Dashboard,
        gateway: Gateway,
        action: str,
        body: dict[str, Any],
        story: str,
    ) -> None:
        """Money that moved at Stripe while its webhooks were lost."""
        sale = await sold(platform)
        await stripe.fault("webhook_drop", count=None)
        path = f"/_sandbox/payment_intents/{sale.intent_id}/{action}"
        (await stripe.http.post(path, json=body)).raise_for_status()
        assert await told(gateway, sale) == [story]

    async def test_news_on_its_way_is_no_difference(
        self, platform: Platform, stripe: Dashboard, gateway: Gateway
    ) -> None:
        """What changed in the last five minutes, here or there, is left out."""
        here, there = await sold(platform), await sold(platform)
        await change(platform, "UPDATE ledger SET amount = -amount WHERE payment_id = $1", here)
        await stripe.fault("webhook_drop", count=None)
        await stripe.refund(there.intent_id)
        ids = {difference.intent_id for difference in await audit.differences(gateway)}
        assert not {here.intent_id, there.intent_id} & ids
        assert await told(gateway, here)
        assert await told(gateway, there)

    async def test_money_that_stripe_does_not_know(self, platform: Platform, gateway: Gateway) -> None:
        """Of another account, perhaps: an older payment is asked for, a younger one would be in the list."""
        younger, older = await sold(platform), await sold(platform)
        for sale in (younger, older):
            sale.intent_id = f"pi_gone{uuid4().hex}"
            await change(platform, f"UPDATE payments SET stripe_id = '{sale.intent_id}' WHERE id = $1", sale)
        await change(
            platform, "UPDATE payments SET created_at = now() - interval '30 days' WHERE id = $1", older
        )
        for sale in (younger, older):
            assert await told(gateway, sale) == ["Stripe does not know it"]

    async def test_an_older_payment_is_asked_for(self, platform: Platform, settings: Settings) -> None:
        """Its money moved here within the window, nothing there: so the list has no word of it."""
        sale = await sold(platform)
        gateway = Forgetful(gateway_of(settings))
        assert await told(gateway, sale) == ["Stripe does not know it"], "one of today would be in the list"
        await change(
            platform, "UPDATE payments SET created_at = now() - interval '30 days' WHERE id = $1", sale
        )
        assert await told(gateway, sale) == []
        await change(platform, "UPDATE payments SET currency = 'eur' WHERE id = $1", sale)
        assert await told(gateway, sale) == ["currency eur here, usd there"]
        await gateway.close()


class Forgetful(TappedGateway):
    """Stripe long after: its list of the last days is empty."""

    def __init__(self, inner: Gateway) -> None:
        async def tap(_: str) -> None:
            pass

        super().__init__(inner, tap)

    async def list_intents(self, since: datetime) -> AsyncIterator[Intent]:
        """See `Gateway`."""
        for intent in list[Intent]():
            yield intent


async def stray(gateway: Gateway, order_id: str, payment_id: str, *, capture: bool) -> Intent:
    """Money on an intent that is nobody's."""
    made = await gateway.create_intent(
        key=f"tests:{uuid4()}",
        amount=PRICE,
        currency="usd",
        order_id=UUID(order_id),
        payment_id=UUID(payment_id),
    )
    await gateway.confirm_intent(
        made.id, key=f"tests:{uuid4()}", payment_method="pm_card_visa", return_url="http://127.0.0.1:1/"
    )
    if capture:
        await gateway.capture_intent(made.id, key=f"tests:{uuid4()}")
    return made


class TestStray:
    """Money on an intent that no payment has."""

    async def test_captured_is_for_a_person(
        self, platform: Platform, stripe: Dashboard, gateway: Gateway
    ) -> None:
        """It names a payment of ours, and its webhooks were lost."""
        sale = await sold(platform)
        payment = await sale.payment()
        await stripe.fault("webhook_drop", count=None)
        intent = await stray(gateway, sale.order_id, payment["id"], capture=True)
        [found] = [d for d in await audit.differences(gateway, settling=NOW) if d.intent_id == intent.id]
        assert (str(found.payment_id), str(found.order_id), found.is_stray) == (
            payment["id"],
            sale.order_id,
            True,
        )
        assert found.differs == f"{PRICE} usd on it, and no payment has it"
        await audited(platform, gateway)
        await sale.payment_is(status="captured", needsReview=True)
        await stripe.refund(intent.id)
        assert intent.id not in {d.intent_id for d in await audit.differences(gateway, settling=NOW)}

    async def test_reserved_is_let_go(self, platform: Platform, stripe: Dashboard, gateway: Gateway) -> None:
        """Nobody's card stays blocked for nothing."""
        sale = await sold(platform)
        await stripe.fault("webhook_drop", count=None)
        intent = await stray(gateway, sale.order_id, str(uuid4()), capture=False)
        await audited(platform, gateway)
        assert (await gateway.get_intent(intent.id)).status == "canceled"
        assert not (await sale.payment())["needsReview"]

    async def test_of_an_order_that_has_no_payment(
        self, platform: Platform, stripe: Dashboard, gateway: Gateway
    ) -> None:
        """It is told, though there is no payment to look at; one that names nothing of ours is another's."""
        await stripe.fault("webhook_drop", count=None)
        order = await platform.user().hold((await platform.user().list_ticket())["id"])

        async def known() -> bool:
            sql = "SELECT count(*) FROM orders WHERE id = $1"
            return await platform.count("payments", sql, UUID(order["id"])) == 1

        await until(known, "payments knows the order")
        ours = await stray(gateway, order["id"], str(uuid4()), capture=True)
        foreign = await stray(gateway, str(uuid4()), str(uuid4()), capture=True)
        found = {d.intent_id: d for d in await audit.differences(gateway, settling=NOW)}
        assert (found[ours.id].payment_id, str(found[ours.id].order_id)) == (None, order["id"])
        assert foreign.id not in found
        # After a restore it may be of an order that was lost: a person is told.
        restored = {d.intent_id: d for d in await audit.differences(gateway, settling=NOW, restored=True)}
        assert restored[foreign.id].payment_id is None
        assert restored[foreign.id].differs == f"{PRICE} usd on it, and no payment has it; its order is gone"
        await audited(platform, gateway)
        await stripe.refund(ours.id)


class TestRunDaily:
    """`run_daily`."""

    async def test_a_look_settles_what_a_lost_webhook_left(
        self, platform: Platform, stripe: Dashboard, gateway: Gateway, logged: Logged
    ) -> None:
        """It is logged as an error, and the order follows its money."""
        sale = await sold(platform)
        await stripe.fault("webhook_drop", count=None)
        await stripe.refund(sale.intent_id)
        await audited(platform, gateway)
        assert f"refunded 0 here, {PRICE} there" in " ".join(logged.errors)
        await sale.order_in("refunded")
        assert await told(gateway, sale) == []

    async def test_what_differs_again_is_for_a_person(self, platform: Platform, gateway: Gateway) -> None:
        """Not on the first day, and not if another payment was looked at then; the order carries the flag."""
        sale = await sold(platform)
        await change(platform, "UPDATE payments SET currency = 'eur' WHERE id = $1", sale)
        await audited(platform, gateway)
        assert not (await sale.payment())["needsReview"]
        later = await sold(platform)
        await change(platform, "UPDATE payments SET currency = 'eur' WHERE id = $1", later)
        await a_day_passes(platform)
        await audited(platform, gateway)
        assert not (await later.payment())["needsReview"]
        payment = await sale.payment_is(status="captured", needsReview=True)

        async def flagged() -> bool:
            return bool((await sale.buyer.order(sale.order_id))["needsReview"])

        await until(flagged, "the order is flagged")
        [kept] = await rows(
            "payments", "SELECT needs_review FROM payments WHERE id = $1", UUID(payment["id"])
        )
        assert kept["needs_review"] == "Stripe and the ledger differ: currency eur here, usd there"

    async def test_money_that_stripe_does_not_know_is_for_a_person(
        self, platform: Platform, gateway: Gateway
    ) -> None:
        """At once: the look itself finds that there is nothing to see."""
        sale = await sold(platform)
        await change(platform, "UPDATE payments SET stripe_id = 'pi_gone' WHERE id = $1", sale)
        await audited(platform, gateway)

        async def flagged() -> bool:
            return bool((await sale.buyer.order(sale.order_id))["needsReview"])

        await until(flagged, "the order is flagged")

    async def test_one_of_many_replicas_acts_once_a_day(self, platform: Platform, gateway: Gateway) -> None:
        """All at once, and one more later in the day."""
        sale = await sold(platform)
        await change(platform, "UPDATE payments SET currency = 'eur' WHERE id = $1", sale)
        found = len(await audit.differences(gateway, settling=NOW))
        before = await platform.count("payments", SYNCS)
        await asyncio.gather(*(audit.run_daily(gateway, settling=NOW) for _ in range(4)))
        await audited(platform, gateway)
        assert await platform.count("payments", SYNCS) <= before + found
        owed = f"{SYNCS} AND payment_id = $1"
        assert await platform.count("payments", owed, UUID((await sale.payment())["id"])) == 1
        await a_day_passes(platform)
        await audited(platform, gateway)
        assert await platform.count("payments", owed, UUID((await sale.payment())["id"])) == 2

    async def test_while_stripe_is_away_it_waits(self, platform: Platform, gateway: Gateway) -> None:
        """The next one finds the day's audit still to be made."""
        sale = await sold(platform)
        await change(platform, "UPDATE payments SET currency = 'eur' WHERE id = $1", sale)
        nowhere = StripeGateway(key="sk_test_x", webhook_secret="x" * 8, base="http://127.0.0.1:1")
        owed = f"{SYNCS} AND payment_id = $1"
        payment_id = UUID((await sale.payment())["id"])
        await audit.run_daily(nowhere, settling=NOW)
        assert await platform.count("payments", owed, payment_id) == 0
        await audited(platform, gateway)
        assert await platform.count("payments", owed, payment_id) == 1
        await nowhere.close()


def today_of(day: object) -> UUID:
    """How the inbox of payments knows the audit of a day."""
    return uuid5(NAMESPACE_OID, f"audit:{day}")


async def test_the_worker_of_payments_makes_it(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its own clock."""
    monkeypatch.setattr(worker, "AUDIT_SECONDS", 0.05)
    [today] = await rows("payments", "SELECT current_date AS day")
    services: tuple[Service, ...] = ("payments",)
    async with worker.running(services, platform.settings):

        async def made() -> bool:
            return await platform.count("payments", AUDITS, today_of(today["day"])) == 1

        await until(made, "today's audit is made")
