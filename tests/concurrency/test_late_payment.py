"""A hold that ended: its ticket is free, all are told, and late money buys nothing but a free ticket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from server.app import gateway_of
from server.kit.events import Envelope
from server.kit.keeper import STREAM
from server.settings import Settings
from server.worker import Jobs
from tests.concurrency.gateways import blind
from tests.concurrency.races import audit, expire_now, verdict
from tests.platform import Platform, User, started
from tests.waiting import until


class TestExpiry:
    """The hold's time is over and nobody paid."""

    @pytest.mark.parametrize(
        "jobs", [Jobs(alarms=False), Jobs(sweeper=False)], ids=["only the sweeper", "only the alarm"]
    )
    async def test_p05_expiry_frees_the_ticket_and_says_so(self, empty: Settings, jobs: Jobs) -> None:
        """The order is expired, the ticket available to the next buyer, and order:expired on the bus."""
        async with started(empty.model_copy(update={"hold_seconds": 1}), jobs=jobs) as platform:
            seller, buyer, other = (platform.user() for _ in range(3))
            ticket = await seller.list_ticket()
            order = await buyer.hold(ticket["id"])
            await platform.ticket_in(ticket["id"], "reserved")
            ended = await buyer.order_in(order["id"], "expired")
            assert [step["status"] for step in ended["history"]] == ["created", "expired"]
            free = await platform.ticket_in(ticket["id"], "available")
            assert free["orderId"] is None
            said = await last_event(platform, "order.expired")
            assert said.data["order"]["id"] == order["id"]
            assert said.data["seat"] == {
                "ticketId": ticket["id"],
                "holder": None,
                "status": "available",
                "seatVersion": 2,
            }
            assert (await other.hold(ticket["id"]))["status"] == "created"
            know = "SELECT count(*) FROM orders WHERE status = 'expired'"
            await until(lambda: platform.count("payments", know), "payments knows of the expiry")
            assert verdict(await buyer.pay(order["id"])) == "409 order_not_payable"
            await platform.doctor()


class TestLateMoney:
    """The buyer passes the bank's authentication when the hold is over already."""

    async def test_p05_late_payment_of_a_taken_ticket_is_voided(self, empty: Settings) -> None:
        """Somebody else holds it by then: the authorisation is let go of and no money moves."""
        async with late_payment(empty) as late:
            rival = late.platform.user()
            order = await rival.hold(late.ticket_id)
            late.may_look.set()
            rejected = await late.buyer.order_in(late.order_id, "rejected")
            assert [step["status"] for step in rejected["history"]] == ["created", "expired", "rejected"]
            assert await late.payment_in("voided") == 0
            assert verdict(await rival.pay(order["id"])) == "201"
            await rival.order_in(order["id"], "complete")
            assert await audit(late.platform) == {"rejected": 1, "complete": 1}

    async def test_p05_late_payment_of_a_free_ticket_is_accepted(self, empty: Settings) -> None:
        """Nobody wants it: the late payer gets it, and pays once."""
        async with late_payment(empty) as late:
            late.may_look.set()
            done = await late.buyer.order_in(late.order_id, "complete")
            assert [step["status"] for step in done["history"]] == [
                "created",
                "expired",
                "accepted",
                "complete",
            ]
            assert await late.payment_in("captured") == 4500
            await late.platform.ticket_in(late.ticket_id, "sold")
            assert await audit(late.platform) == {"complete": 1}

    async def test_p05_late_payment_of_a_withdrawn_ticket_is_voided(self, empty: Settings) -> None:
        """Its seller took it off sale when the hold was over: the late payer does not get it."""
        async with late_payment(empty) as late:
            answer = await late.seller.delete(f"/api/tickets/{late.ticket_id}")
            assert answer.status_code == 204
            withdrawn = "SELECT count(*) FROM tickets WHERE withdrawn"
            await until(lambda: late.platform.count("orders", withdrawn), "orders knows of the withdrawal")
            late.may_look.set()
            await late.buyer.order_in(late.order_id, "rejected")
            assert await late.payment_in("voided") == 0
            assert await audit(late.platform) == {"rejected": 1}

    async def test_p05_unfinished_payment_of_an_expired_hold_is_closed(self, empty: Settings) -> None:
        """Who has not authenticated by then cannot any more: the bank's page is gone."""
        async with started(empty) as platform:
            buyer = platform.user()
            ticket = await platform.user().list_ticket()
            order = await buyer.hold(ticket["id"])
            payment = (await buyer.pay(order["id"], "pm_card_authenticationRequired")).json()
            await expire_now(platform, order["id"])
            await payment_in(buyer, payment["id"], "voided")
            assert await authenticate(payment["nextAction"]["url"]) == 404
            assert await audit(platform) == {"expired": 1}


@dataclass
class Late:
    """An order that expired while its payment was authorised, which nobody sees before `may_look`."""

    platform: Platform
    seller: User
    buyer: User
    ticket_id: str
    order_id: str
    payment_id: str
    may_look: asyncio.Event

    async def payment_in(self, status: str) -> int:
        """What was captured, once the payment is in this state."""
        payment = await payment_in(self.buyer, self.payment_id, status)
        return int(payment["amountCaptured"])


@asynccontextmanager
async def late_payment(settings: Settings) -> AsyncIterator[Late]:
    """The buyer passes the bank's page, the hold ends, and only then does anybody here look."""
    may_look = asyncio.Event()
    may_look.set()
    gateway = blind(gateway_of(settings), may_look)
    try:
        async with started(settings, gateway=gateway) as platform:
            seller, buyer = platform.user(), platform.user()
            ticket = await seller.list_ticket(price=4500)
            order = await buyer.hold(ticket["id"])
            payment = (await buyer.pay(order["id"], "pm_card_authenticationRequired")).json()
            assert payment["status"] == "requires_action"
            may_look.clear()
            assert await authenticate(payment["nextAction"]["url"]) == 303
            await expire_now(platform, order["id"])
            await buyer.order_in(order["id"], "expired")
            await platform.ticket_in(ticket["id"], "available")
            yield Late(platform, seller, buyer, ticket["id"], order["id"], payment["id"], may_look)
            may_look.set()
    finally:
        may_look.set()
        await gateway.close()


async def authenticate(url: str) -> int:
    """Press the button on the bank's page; the status of its answer."""
    async with httpx.AsyncClient(trust_env=False) as browser:
        return (await browser.post(url, data={"outcome": "complete"})).status_code


async def payment_in(buyer: User, payment_id: str, status: str) -> dict[str, Any]:
    """The payment, once it is in this state."""
    seen: dict[str, Any] = {}

    async def arrived() -> bool:
        seen.update((await buyer.get(f"/api/payments/{payment_id}")).json())
        return bool(seen["status"] == status)

    await until(arrived, f"payment {payment_id} is {status}")
    return seen


async def last_event(platform: Platform, subject: str) -> Envelope:
    """The newest event of a subject, from the stream itself."""
    assert platform.bus is not None
    message = await platform.bus.jetstream.get_last_msg(STREAM, subject)
    return Envelope.model_validate_json(message.data or b"")
