"""What a buyer keeps, and that the price is the same wherever it stands."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from client.money import shown
from server.settings import Settings
from server.stripe_sandbox.pages import money
from server.tickets.schemas import CURRENCIES
from tests.dashboard import GOOD_CARD, Dashboard, dashboard
from tests.platform import Platform
from tests.web.orders.conftest import NewBrowser
from tests.web.orders.test_orders import sold
from tests.web.orders.test_paying import listed, page_saying
from tests.web.visiting import Page

VENUE = "Harbour Hall"


@pytest.fixture
async def stripe(settings: Settings) -> AsyncIterator[Dashboard]:
    """Stripe's own books."""
    async with dashboard(settings) as opened:
        yield opened


def prices(page: Page) -> set[str]:
    """Every price that the page shows as one."""
    return set(re.findall(r'class="price">([^<]+)<', page.answer.text))


@pytest.mark.parametrize(
    ("price", "currency", "text"),
    [
        (4550, "usd", "45.50 USD"),
        (1_234_567, "jpy", "1,234,567 JPY"),
        (99_999_900, "ugx", "999,999.00 UGX"),
        (4501, "xpf", "4,501 XPF"),
    ],
)
async def test_w12_one_price_everywhere(
    platform: Platform, person: NewBrowser, stripe: Dashboard, price: int, currency: str, text: str
) -> None:
    browser = await person()
    title = f"A price in {currency}"
    ticket_id = await listed(platform, title=title, price=price, currency=currency)
    found = await browser.send(await browser.open("/tickets"), "/tickets", q=title)
    assert prices(found) == {text}
    ticket = await browser.open(f"/tickets/{ticket_id}")
    assert prices(ticket) == {text}
    order = await browser.send(ticket, f"/tickets/{ticket_id}/reserve")
    assert prices(order) == {text}
    assert f"Total {text}" in order.text
    review = await browser.click(order, f"Pay {text}")
    assert prices(review) == {text}
    assert review.buttons == [f"Pay {text}"]
    at_stripe = await browser.send(review, f"{order.path}/payment")
    assert set(re.findall(r"[0-9][0-9.,]* [A-Z]{3}\b", at_stripe.text)) == {text}
    await browser.pay(at_stripe, GOOD_CARD)
    paid = await page_saying(browser, order.path, f"{text} paid. The ticket is yours.")
    assert prices(paid) == prices(await browser.open("/orders")) == {text}
    assert f"Paid {text}" in (await browser.click(paid, "Show the ticket")).text
    assert prices(await browser.click(paid, "Receipt")) == {text}
    order_id = order.path.rpartition("/")[2]
    [intent] = await stripe.intents([order_id])
    assert (intent["amount"], intent["currency"]) == (price, currency)
    assert (await stripe.money(intent["id"])).captured == price


def test_w12_stripes_pages_count_decimals_as_we_do() -> None:
    assert {money(1_234_567, it) for it in CURRENCIES} == {shown(1_234_567, it) for it in CURRENCIES}


class TestReceipt:
    """`/orders/<id>/receipt`."""

    async def test_w22_tells_what_was_paid_for_what_by_whom_and_when(
        self, platform: Platform, person: NewBrowser, stripe: Dashboard
    ) -> None:
        began = datetime.now(UTC).replace(microsecond=0, second=0)
        _, buyer, path = await sold(platform, person, title="Night train", venue=VENUE, seat="Row 1")
        receipt = await buyer.click(await buyer.open(path), "Receipt")
        assert (receipt.status, receipt.path) == (200, f"{path}/receipt")
        order_id = path.rpartition("/")[2]
        [intent] = await stripe.intents([order_id])
        for fact in (
            *("Ticket Night train", f"Venue {VENUE}", "Seat Row 1", "Paid 45.00 USD"),
            *(f"Buyer {buyer.email}", f"Order {order_id}", f"Payment {intent['id']}"),
        ):
            assert fact in receipt.text
        assert "Given back" not in receipt.text
        [at] = re.findall(r'<dt>On</dt><dd><time datetime="([^"]+)"', receipt.answer.text)
        assert began <= datetime.fromisoformat(at) <= datetime.now(UTC)

    async def test_w22_tells_what_was_given_back(self, platform: Platform, person: NewBrowser) -> None:
        seller, buyer, path = await sold(platform, person)
        await seller.send(await seller.open(f"{path}/refund"), f"{path}/refund")
        order = await page_saying(buyer, path, "Your 45.00 USD was given back")
        assert "<svg" not in order.answer.text.partition("<main")[2]  # no code of a void ticket
        receipt = await page_saying(buyer, f"{path}/receipt", "Given back 45.00 USD")
        assert "Paid 45.00 USD" in receipt.text
        assert "State Your 45.00 USD was given back; a bank may take some days to show it." in receipt.text

    async def test_there_is_none_before_nor_for_others(self, platform: Platform, person: NewBrowser) -> None:
        seller, buyer, path = await sold(platform, person)
        assert (await seller.open(f"{path}/receipt")).path == path
        assert "Receipt" not in (await seller.open(path)).read.links
        held = await buyer.reserve(await listed(platform))
        assert "Receipt" not in held.read.links
        assert (await buyer.open(f"{held.path}/receipt")).path == held.path


async def test_w22_a_paid_order_has_code_calendar_receipt_and_ticket(
    platform: Platform, person: NewBrowser
) -> None:
    _, buyer, path = await sold(platform, person, startsAt="2031-05-03T19:30:00Z")
    order = await buyer.open(path)
    assert order.answer.text.count('<div class="qr" role="img"') == 1
    assert {"Add to calendar", "Receipt", "Show the ticket"} <= order.read.links.keys()
    assert (await buyer.click(order, "Add to calendar")).answer.text.startswith("BEGIN:VCALENDAR\r\n")


async def test_held_it_has_none_of_them(platform: Platform, person: NewBrowser) -> None:
    buyer = await person()
    order = await buyer.reserve(await listed(platform, startsAt="2031-05-03T19:30:00Z"))
    assert 'class="qr"' not in order.answer.text
    assert not {"Add to calendar", "Receipt", "Show the ticket"} & order.read.links.keys()
