"""An order's own page: paying, time, and what becomes of money."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from client import watch
from client.http import read
from server.kit.schemas import Page
from server.orders.schemas import OrderOut
from server.payments.schemas import PaymentOut
from server.settings import Settings
from tests.concurrency.races import expire_now
from tests.dashboard import DECLINED_CARD, Dashboard, dashboard
from tests.platform import Platform, User
from tests.tui.conftest import Open
from tests.tui.driving import Driver, person
from tests.waiting import slowness, until
from tui import holds

LEFT = "SELECT extract(epoch FROM expires_at - clock_timestamp())::float8 FROM orders WHERE id = $1"


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


class TestTime:
    """What is left of a hold, by the server's clock."""

    async def test_t08_expiry_keeps_the_page_and_h_holds_again(
        self, platform: Platform, open_tui: Open
    ) -> None:
        """The same page counts from fifteen minutes again, for a new order."""
        buyer, order = await held(platform)
        async with open_tui(platform, buyer) as tui:
            await enter(tui)
            await expire_now(platform, order["id"])
            await tui.sees("✗ expired", "Not paid in time.", "Press b to hold it again.")
            await tui.press("e")
            await tui.hears("It is expired: only a running, unpaid hold can be extended.")
            await tui.press("b")
            await tui.sees("Held for you until", "◐ held", "14:")
        assert [one["status"] for one in (await buyer.get("/api/orders")).json()["items"]] == [
            "created",
            "expired",
        ]

    async def test_t08_a_ticket_that_is_gone_is_not_held_again(
        self, platform: Platform, open_tui: Open
    ) -> None:
        """The reason is told and the page stays."""
        buyer, order = await held(platform)
        async with open_tui(platform, buyer) as tui:
            await enter(tui)
            await expire_now(platform, order["id"])
            await tui.sees("✗ expired")
            await platform.user().hold(order["ticket"]["id"])
            await tui.press("b")
            await tui.hears("Holding “Front row”: This ticket is reserved")
            await tui.sees("✗ expired")

    async def test_t08_extends_once(self, platform: Platform, open_tui: Open) -> None:
        """Five minutes more; an extension elsewhere is known here, too."""
        buyer, order = await held(platform)
        async with open_tui(platform, buyer) as tui:
            await enter(tui)
            await buyer.post(f"/api/orders/{order['id']}/extend", {})
            await tui.sees("◐ 19:", "You took more time, once")
            await tui.press("e")
            await tui.hears("It was extended already: once is all")

    async def test_t07_rings_once_each_at_two_minutes_and_thirty_seconds(
        self, platform: Platform, open_tui: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """With colour and words; reading the order again rings no second time."""
        buyer, order = await held(platform)
        bells: list[float] = []
        async with open_tui(platform, buyer) as tui:
            monkeypatch.setattr(tui.app, "bell", lambda: bells.append(time.monotonic()))
            await enter(tui, "Held for you until")
            for seconds, word, figure in (
                (121, "Soon over", "2 minutes"),
                (31, "Only seconds left", "30 seconds"),
            ):
                count = len(bells)
                await ends_in(platform, order, seconds)
                await tui.press("r")
                await tui.sees(word)
                await until(lambda: len(bells) > count, "a bell", 5)  # noqa: B023 - awaited at once
                await tui.hears(f"“Front row” is held for {figure} more.")
                before = tui.app.holds.get(UUID(order["id"]))
                await tui.press("r")
                await until(lambda: tui.app.holds.get(UUID(order["id"])) is not before, "it was read")  # noqa: B023 - likewise
                await tui.sees(word)
                assert len(bells) == count + 1

    @pytest.mark.parametrize("hours", [-1, 1])
    async def test_t07_a_wrong_clock_here_does_not_matter(
        self, platform: Platform, open_tui: Open, monkeypatch: pytest.MonkeyPatch, hours: int
    ) -> None:
        """All that the server says is an hour from our clock; the negative control counts by ours."""
        skew_server(monkeypatch, timedelta(hours=hours))
        assert abs(await shown_error(platform, open_tui)) <= 1
        with monkeypatch.context() as broken:
            broken.setattr(holds, "Held", ByOurClock)
            assert abs(await shown_error(platform, open_tui)) > 60  # of the 15 minutes none, or an hour more


def skew_server(monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    """Shift the server's clock in each answer and event, which is as good as ours being wrong."""
    hear = watch._read

    def shifted(value: Any) -> Any:
        if isinstance(value, Page):
            return value.model_copy(update={"items": [shifted(item) for item in value.items]})
        if not isinstance(value, OrderOut):
            return value
        moments = {"expires_at": value.expires_at + by, "server_time": value.server_time + by}
        return value.model_copy(update=moments)

    monkeypatch.setattr("client.api.read", lambda *args: shifted(read(*args)))
    monkeypatch.setattr(watch, "_read", lambda *args: shifted(hear(*args)))


class ByOurClock(holds.Held):
    """As it must not be."""

    def __init__(self, order: OrderOut) -> None:
        super().__init__(order)
        self.ends = time.monotonic() + (order.expires_at - datetime.now(UTC)).total_seconds()


async def shown_error(platform: Platform, open_tui: Open) -> float:
    """Seconds that the countdown is off the database's."""
    buyer, order = await held(platform)
    async with open_tui(platform, buyer) as tui:
        await enter(tui)
        async with platform.database("orders") as session:
            left = await session.fetchval(LEFT, UUID(order["id"]))
        *hours, minutes, seconds = str(tui.app.screen.query_one("#left").render()).split()[0].split(":")
    return int(hours[0] if hours else 0) * 3600 + int(minutes) * 60 + int(seconds) - float(left)
