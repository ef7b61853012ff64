"""An order's own page: paying, time, and what becomes of money."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from server.payments.schemas import PaymentOut
from server.settings import Settings
from tests.dashboard import DECLINED_CARD, Dashboard, dashboard
from tests.platform import Platform, User
from tests.tui.conftest import Open
from tests.tui.driving import Driver, person
from tests.waiting import slowness, until


@pytest.fixture
async def stripe(settings: Settings) -> AsyncIterator[Dashboard]:
    """The dashboard; at the end nothing goes wrong any more."""
    async with dashboard(settings) as opened:
        yield opened
        await opened.no_faults()


async def held(platform: Platform, title: str = "Front row") -> tuple[User, dict[str, Any]]:
    """Somebody with a hold."""
    buyer = await person(platform)
    return buyer, await buyer.hold((await platform.user().list_ticket(title=title))["id"])


async def enter(tui: Driver, *texts: str) -> None:
    """Go to the page of the only order."""
    await tui.press("2")
    await tui.sees("1 order · bought")
    await tui.press("enter")
    await tui.sees("Press p to pay", *texts)


async def ends_in(platform: Platform, order: dict[str, Any], seconds: float) -> None:
    """Move the end of a hold."""
    async with platform.database("orders") as session:
        await session.execute(
            "UPDATE orders SET expires_at = clock_timestamp() + $2 WHERE id = $1",
            UUID(order["id"]),
            timedelta(seconds=seconds),
        )


class TestPage:
    """Paying on a page of Stripe's, by link."""

    async def test_t11_shows_link_and_code_and_hears_of_the_payment_within_two_seconds(
        self, platform: Platform, open_tui: Open, stripe: Dashboard
    ) -> None:
        """Without a browser: address, QR code, copy; paid elsewhere, it is said here by the stream."""
        buyer, order = await held(platform)
        async with open_tui(platform, buyer, size=(140, 50)) as tui:
            await enter(tui)
            await tui.press("p")
            await tui.sees("To pay 45.00 USD, open", "▀")
            [payment] = (await buyer.get(f"/api/payments?orderId={order['id']}")).json()["items"]
            assert payment["checkoutUrl"].partition("//")[2][:20] in tui.screen
            await tui.press("c")
            await tui.hears("Copied the link")
            assert tui.app.clipboard == payment["checkoutUrl"]
            assert (await stripe.pay_page(payment["checkoutUrl"])).status_code == 303
            await buyer.order_in(order["id"], "complete")
            await tui.sees("Paid 45.00 USD. The ticket is yours.", timeout=2 * slowness())

    async def test_t11_leaving_leaves_the_order(self, platform: Platform, open_tui: Open) -> None:
        """Escape goes one level out; ctrl+c, confirmed, out of tix."""
        buyer, order = await held(platform)
        async with open_tui(platform, buyer) as tui:
            await enter(tui)
            await tui.press("p")
            await tui.sees("To pay 45.00 USD, open")
            await tui.press("escape")
            await tui.sees("1 order · bought")
            await tui.press("ctrl+c")
            await tui.sees("You hold “Front row” for 14 minutes")
            await tui.press("y")
            await until(lambda: tui.app._exit, "the app is left")
        assert (await buyer.order(order["id"]))["status"] == "created"

    async def test_t13_a_code_that_does_not_fit_is_a_sentence(
        self, platform: Platform, open_tui: Open
    ) -> None:
        """At 60×20: the whole link, what can be pressed, the time left; z shows the code on 80×24."""
        buyer, order = await held(platform)
        async with open_tui(platform, buyer, size=(60, 20)) as tui:
            await enter(tui, "14:", "left", "Held for you until")
            await tui.press("z")
            await tui.hears("There is no link yet: p asks for one.")
            await tui.press("p")
            await tui.sees("To pay 45.00 USD, open", "Its QR code needs")
            [payment] = (await buyer.get(f"/api/payments?orderId={order['id']}")).json()["items"]
            assert payment["checkoutUrl"] in "".join(line.strip() for line in tui.screen.splitlines())
            await tui.pilot.resize_terminal(80, 24)
            await tui.sees("z shows its QR code.")
            await tui.press("z")
            await tui.sees("▀")
            await tui.press("escape")
            await tui.sees("Held for you until")

    async def test_a_card_declined_on_the_page_is_told(
        self, platform: Platform, open_tui: Open, stripe: Dashboard
    ) -> None:
        """In plain words, with what to do; the page stays."""
        buyer, order = await held(platform)
        async with open_tui(platform, buyer, size=(140, 50)) as tui:
            await enter(tui)
            await tui.press("p")
            await tui.sees("To pay 45.00 USD, open")
            [payment] = (await buyer.get(f"/api/payments?orderId={order['id']}")).json()["items"]
            await stripe.pay_page(payment["checkoutUrl"], DECLINED_CARD)
            await tui.sees("Declined: There is not enough money on this card.", "with another card, open")
            await tui.hears("The card for “Front row” was declined: There is not enough money")


class TestMethod:
    """Paying by a payment method of Stripe's."""

    async def test_t14_is_confirmed_with_thing_and_amount(self, platform: Platform, open_tui: Open) -> None:
        """Enter is No, and then nothing was asked of Stripe."""
        buyer, order = await held(platform)
        async with open_tui(platform, buyer) as tui:
            await enter(tui)
            await tui.press("m")
            await tui.sees("Pay by which payment method?")
            await tui.press("enter")
            await tui.sees("Pay 45.00 USD for “Front row” by pm_card_visa?")
            await tui.press("enter")
            await tui.misses("by pm_card_visa?")
        assert (await buyer.get(f"/api/payments?orderId={order['id']}")).json()["items"] == []

    async def test_a_declined_card_leaves_the_hold_and_another_one_pays(
        self, platform: Platform, open_tui: Open
    ) -> None:
        """Why, and what to press next."""
        buyer, order = await held(platform)
        async with open_tui(platform, buyer) as tui:
            await enter(tui)
            await pay_by(tui, "down", "down", name="pm_card_chargeDeclinedInsufficientFunds")
            await tui.sees("There is not enough money on this", "Try another card", "Held for you until")
            assert (await buyer.order(order["id"]))["status"] == "created"
            await pay_by(tui, name="pm_card_visa")
            await tui.sees("Paid 45.00 USD. The ticket is yours.")

    async def test_a_bank_that_wants_to_see_its_customer_is_a_link(
        self, platform: Platform, open_tui: Open, stripe: Dashboard
    ) -> None:
        """3-D Secure; passed there, it is paid here."""
        buyer, order = await held(platform)
        async with open_tui(platform, buyer, size=(140, 50)) as tui:
            await enter(tui)
            await pay_by(tui, "down", "down", "down", name="pm_card_authenticationRequired")
            await tui.sees("Your bank wants to make sure that it is you", "▀")
            [payment] = (await buyer.get(f"/api/payments?orderId={order['id']}")).json()["items"]
            await stripe.http.post(payment["nextAction"]["url"], data={"outcome": "complete"})
            await tui.sees("Paid 45.00 USD. The ticket is yours.", timeout=20)

    async def test_t10_is_never_optimistic(
        self, platform: Platform, open_tui: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """While the answer is out nothing is paid, and nothing can be asked twice."""
        buyer, _ = await held(platform)
        async with open_tui(platform, buyer) as tui:
            pay, answer = tui.app.session.tix.pay_order, asyncio.Event()

            async def slowly(*args: Any, **kwargs: Any) -> PaymentOut:
                await answer.wait()
                return await pay(*args, **kwargs)

            monkeypatch.setattr(tui.app.session.tix, "pay_order", slowly)
            await enter(tui)
            await pay_by(tui, name="pm_card_visa")
            screen = await tui.sees("Asking Stripe…", "◐ held")
            assert "Paid" not in screen
            assert "yours" not in screen
            await tui.press("p")
            await tui.hears("It was asked for; the answer is on its way.")
            answer.set()
            await tui.sees("Paid 45.00 USD. The ticket is yours.")


async def pay_by(tui: Driver, *moves: str, name: str) -> None:
    """Choose a method in the list, and say yes."""
    await tui.press("m")
    await tui.sees("Pay by which payment method?")
    await tui.press(*moves, "enter")
    await tui.sees(f"{name}?")
    await tui.press("y")
