"""What is left of a hold, on an order's own page."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from client import watch
from client.http import read
from server.kit.schemas import Page
from server.orders.schemas import OrderOut
from tests.concurrency.races import expire_now
from tests.platform import Platform
from tests.tui.conftest import Open
from tests.tui.test_checkout import ends_in, enter, held
from tests.waiting import until
from tui import holds

LEFT = "SELECT extract(epoch FROM expires_at - clock_timestamp())::float8 FROM orders WHERE id = $1"


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
