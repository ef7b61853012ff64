"""From a new account to a paid ticket without JavaScript, and what else can come of paying."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from server.settings import Settings
from tests.concurrency.races import expire_now
from tests.dashboard import DECLINED_CARD, GOOD_CARD, SECURE_CARD, Dashboard, dashboard
from tests.platform import Platform
from tests.waiting import until
from tests.web.orders.conftest import NewBrowser
from tests.web.visiting import PASSWORD, Browser, Page

UNCHARGEABLE_CARD, DISPUTED_CARD = "4000000000008005", "4000000000000259"
PRICE = "45.00 USD"
PAY = f"Pay {PRICE}"


@pytest.fixture
async def stripe(settings: Settings) -> AsyncIterator[Dashboard]:
    """The dashboard; at the end nothing goes wrong any more."""
    async with dashboard(settings) as opened:
        yield opened
        await opened.no_faults()


async def listed(platform: Platform, **fields: Any) -> str:
    """A ticket that somebody sells."""
    return str((await platform.user().list_ticket(**fields))["id"])


async def page_saying(browser: Browser, path: str, words: str) -> Page:
    """The page, once it says this."""
    seen: list[Page] = []

    async def said() -> bool:
        seen.append(await browser.open(path))
        return words in seen[-1].text

    await until(said, f"{path} says “{words}”")
    return seen[-1]


async def to_stripe(browser: Browser, order: Page) -> Page:
    """By way of the review to Stripe's page."""
    review = await browser.click(order, PAY)
    assert review.buttons == [PAY]
    return await browser.send(review, f"{order.path}/payment")


async def payments_of(platform: Platform, order: Page) -> int:
    order_id = order.path.rpartition("/")[2]
    return await platform.count("payments", "SELECT count(*) FROM payments WHERE order_id = $1", order_id)


class TestPaying:
    """On Stripe's own page."""

    async def test_w01_from_no_account_to_a_paid_ticket(
        self, platform: Platform, stranger: NewBrowser
    ) -> None:
        ticket_id = await listed(platform, title="Night train", venue="Harbour Hall", seat="Row 1")
        browser = await stranger()
        asked = await browser.reserve(ticket_id)
        assert asked.path == "/signin"
        sign_up = await browser.click(asked, "Create an account")
        back = await browser.send(sign_up, "/signup", email=browser.email, password=PASSWORD)
        assert back.path == f"/tickets/{ticket_id}"
        order = await browser.send(back, f"/tickets/{ticket_id}/reserve")
        assert order.path.startswith("/orders/")
        assert "Held for you; nobody else can take it." in order.text
        assert "Time left to pay:" in order.text
        review = await browser.click(order, PAY)
        for fact in ("Night train", "Harbour Hall", "Row 1", PRICE):
            assert fact in review.text
        at_stripe = await browser.send(review, f"{order.path}/payment")
        assert PRICE in at_stripe.text
        back = await browser.pay(at_stripe, GOOD_CARD)
        assert back.path == order.path
        paid = await page_saying(browser, order.path, f"{PRICE} paid. The ticket is yours.")
        assert "✓ Paid" in paid.text
        assert "Show the ticket" in paid.read.links
        assert paid.buttons == []
        assert f"{PRICE} ✓ Paid" in (await browser.open("/orders")).text

    async def test_w21_a_declined_card_then_a_good_one(self, platform: Platform, person: NewBrowser) -> None:
        browser = await person()
        order = await browser.reserve(await listed(platform))
        at_stripe = await to_stripe(browser, order)
        assert (await browser.pay(at_stripe, DECLINED_CARD)).status == 402
        told = await page_saying(browser, order.path, "There is not enough money on this card.")
        assert "Nothing was taken, and the ticket is still held for you." in told.text
        again = await to_stripe(browser, told)
        assert again.path == at_stripe.path
        await browser.pay(again, GOOD_CARD)
        await page_saying(browser, order.path, "The ticket is yours.")

    async def test_w21_the_bank_asks_and_the_page_leads_there(
        self, platform: Platform, person: NewBrowser
    ) -> None:
        browser = await person()
        order = await browser.reserve(await listed(platform))
        at_bank = await browser.pay(await to_stripe(browser, order), SECURE_CARD)
        assert at_bank.path.startswith("/authenticate/")
        waiting = await page_saying(browser, order.path, "Your bank wants to make sure that it is you.")
        assert PAY not in waiting.read.links
        assert (await browser.click(waiting, "Pay by another card")).buttons == [PAY]
        at_bank = await browser.click(waiting, "Go to your bank")
        back = await browser.http.post(str(at_bank.answer.url), data={"outcome": "complete"})
        assert back.url.path == order.path
        await page_saying(browser, order.path, "The ticket is yours.")

    async def test_w21_a_bank_that_is_not_convinced_is_told_in_plain_words(
        self, platform: Platform, person: NewBrowser
    ) -> None:
        browser = await person()
        order = await browser.reserve(await listed(platform))
        at_bank = await browser.pay(await to_stripe(browser, order), SECURE_CARD)
        await browser.http.post(str(at_bank.answer.url), data={"outcome": "fail"})
        told = await page_saying(browser, order.path, "Your bank could not make sure that it was you.")
        assert PAY in told.read.links

    async def test_w21_a_page_that_waits_looks_again_by_itself(
        self, platform: Platform, person: NewBrowser, stripe: Dashboard
    ) -> None:
        browser = await person()
        order = await browser.reserve(await listed(platform))
        at_stripe = await to_stripe(browser, order)
        await stripe.fault("latency", method="POST", path="/v1/payment_intents/*/capture", seconds=2)
        waiting = await browser.pay(at_stripe, GOOD_CARD)
        assert waiting.path == order.path
        waiting = await page_saying(browser, order.path, "This takes some seconds.")
        assert "Time left" not in waiting.text
        assert f'<meta http-equiv="refresh" content="3; url={order.path}">' in waiting.answer.text
        assert list(waiting.read.links).count("Look again") == 1
        assert waiting.buttons == []
        paid = await page_saying(browser, order.path, "The ticket is yours.")
        assert "http-equiv" not in paid.answer.text

    async def test_nobody_who_paid_is_asked_to_pay_again_before_stripe_tells(
        self, platform: Platform, person: NewBrowser, stripe: Dashboard
    ) -> None:
        browser = await person()
        order = await browser.reserve(await listed(platform))
        at_stripe = await to_stripe(browser, order)
        await browser.pay(at_stripe, DECLINED_CARD)
        await page_saying(browser, order.path, "There is not enough money on this card.")
        await stripe.fault("webhook_delay", count=None, seconds=1.5)
        waiting = await browser.pay(at_stripe, GOOD_CARD)
        assert "Stripe will tell within seconds what became of your payment." in waiting.text
        assert waiting.buttons == []
        assert PAY not in waiting.read.links
        assert f'content="3; url={order.path}?came=paid"' in waiting.answer.text
        paid = await page_saying(browser, f"{order.path}?came=paid", "The ticket is yours.")
        assert str(paid.answer.url) == str(order.answer.url)

    async def test_w08_paid_too_late_it_says_that_nothing_was_charged(
        self, platform: Platform, person: NewBrowser, stripe: Dashboard
    ) -> None:
        browser, other = await person(), await person()
        ticket_id = await listed(platform)
        order = await browser.reserve(ticket_id)
        at_stripe = await to_stripe(browser, order)
        await stripe.fault("webhook_drop", count=None)
        await stripe.fault("error_before", count=None)  # nor is it asked, until the ticket is gone
        await browser.pay(at_stripe, GOOD_CARD)
        await expire_now(platform, order.path.rpartition("/")[2])
        await platform.ticket_in(ticket_id, "available")
        assert "Held for you" in (await other.reserve(ticket_id)).text
        await stripe.no_faults()
        told = await page_saying(browser, order.path, "You were not charged.")
        assert "the ticket was gone by then. Nothing was taken." in told.text
        assert list(told.read.links).count("Find another ticket") == 1

    @pytest.mark.parametrize(
        ("card", "words", "step"),
        [
            (UNCHARGEABLE_CARD, "You were not charged.", "Try to hold again"),
            (DISPUTED_CARD, "Your bank asks for the money back and decides, in weeks.", "Show the ticket"),
        ],
    )
    async def test_what_comes_after_a_yes_is_told(
        self, platform: Platform, person: NewBrowser, card: str, words: str, step: str
    ) -> None:
        browser = await person()
        order = await browser.reserve(await listed(platform))
        await browser.pay(await to_stripe(browser, order), card)
        told = await page_saying(browser, order.path, words)
        assert step in {*told.read.links, *told.buttons}
        assert PAY not in told.read.links

    @pytest.mark.slow
    async def test_stripe_away_is_told_on_the_form(
        self, platform: Platform, person: NewBrowser, stripe: Dashboard
    ) -> None:
        browser = await person()
        order = await browser.reserve(await listed(platform))
        review = await browser.click(order, PAY)
        await stripe.fault("error_before", path="/v1/checkout/sessions", count=None)
        told = await browser.send(review, f"{order.path}/payment")
        assert told.status == 503
        assert told.title.startswith("Error: ")
        assert "There is a problem Stripe's page is not open yet. Nothing was taken" in told.text
        await stripe.no_faults()

        async def answers() -> bool:
            return (await browser.send(told, f"{order.path}/payment")).path.startswith("/c/pay/")

        await until(answers, "Stripe's page opens")


class TestOnce:
    """However often and from however many tabs a form is sent."""

    async def test_w09_a_form_sent_twice_holds_and_charges_once(
        self, platform: Platform, person: NewBrowser, stripe: Dashboard
    ) -> None:
        browser = await person()
        ticket_id = await listed(platform)
        page = await browser.open(f"/tickets/{ticket_id}")
        address = f"/tickets/{ticket_id}/reserve"
        first, second = await asyncio.gather(browser.send(page, address), browser.send(page, address))
        found = {it.path for it in (first, second) if it.path.startswith("/orders/")}
        resent = await browser.send(page, address)
        assert found == {resent.path}
        review = await browser.click(resent, PAY)
        pays = [browser.send(review, f"{resent.path}/payment") for _ in range(2)]
        opened = {it.path for it in await asyncio.gather(*pays) if it.path.startswith("/c/pay/")}
        at_stripe = await browser.send(review, f"{resent.path}/payment")
        assert opened <= {at_stripe.path}
        await browser.pay(at_stripe, GOOD_CARD)
        paid = await page_saying(browser, resent.path, "The ticket is yours.")
        late = await browser.send(review, f"{resent.path}/payment")
        assert late.path == paid.path
        await self._one_charge(platform, stripe, paid)

    async def test_w09_two_tabs_pay_once(
        self, platform: Platform, person: NewBrowser, stripe: Dashboard
    ) -> None:
        browser = await person()
        order = await browser.reserve(await listed(platform))
        one, other = await to_stripe(browser, order), await to_stripe(browser, order)
        assert one.path == other.path
        await browser.pay(one, GOOD_CARD)
        assert (await browser.pay(other, GOOD_CARD)).path == order.path
        paid = await page_saying(browser, order.path, "The ticket is yours.")
        await self._one_charge(platform, stripe, paid)

    @staticmethod
    async def _one_charge(platform: Platform, stripe: Dashboard, order: Page) -> None:
        order_id = order.path.rpartition("/")[2]
        [intent] = await stripe.intents([order_id])
        assert (await stripe.money(intent["id"])).captured == 4500
        assert await payments_of(platform, order) == 1


class TestInThePage:
    """What Stripe's card form in the page asks for."""

    async def test_the_secret_is_for_the_buyer_alone(
        self, platform: Platform, person: NewBrowser, settings: Settings
    ) -> None:
        buyer, other = await person(), await person()
        order = await buyer.reserve(await listed(platform))
        review = await buyer.click(order, PAY)
        assert "_secret_" not in review.answer.text
        [form] = [it for it in review.read.forms if it.is_hidden and it.action.endswith("/payment")]
        headers = {"X-CSRF": form.fields["csrf"], "Idempotency-Key": form.fields["key"]}
        answer = await buyer.http.post(f"{order.path}/payment/intent", headers=headers)
        assert answer.status_code == 200
        assert "_secret_" in answer.json()["clientSecret"]
        assert answer.headers["cache-control"] == "no-store"
        again = await buyer.http.post(f"{order.path}/payment/intent", headers=headers)
        assert again.json() == answer.json()
        odd = httpx.Headers({**headers, "Idempotency-Key": "é"}, encoding="utf-8")  # of no form of ours
        assert (await buyer.http.post(f"{order.path}/payment/intent", headers=odd)).status_code == 200
        assert (await buyer.http.post(f"{order.path}/payment/intent")).status_code == 403
        page = await other.open("/tickets")
        theirs = {"X-CSRF": page.form("/signout").fields["csrf"]}
        refused = await other.http.post(f"{order.path}/payment/intent", headers=theirs)
        assert (refused.status_code, refused.json().keys()) == (404, {"problem"})

    async def test_w13_stripe_is_let_in_on_that_page_only(
        self, platform: Platform, person: NewBrowser, settings: Settings
    ) -> None:
        browser = await person()
        order = await browser.reserve(await listed(platform))
        home = settings.stripe_api_base
        for path in (order.path, "/orders", "/tickets"):
            answer = (await browser.open(path)).answer
            assert home not in answer.headers["content-security-policy"] + answer.text
            assert answer.headers["cross-origin-opener-policy"] == "same-origin"
            assert answer.headers["permissions-policy"].endswith(" payment=(self)")
        review = (await browser.open(f"{order.path}/payment")).answer
        rules = dict(rule.split(" ", 1) for rule in review.headers["content-security-policy"].split("; "))
        assert {name for name, value in rules.items() if home in value} == {
            "script-src",
            "frame-src",
            "connect-src",
            "form-action",
        }
        assert review.headers["cross-origin-opener-policy"] == "same-origin-allow-popups"
        assert f'payment=(self "{home}")' in review.headers["permissions-policy"]
        assert "unsafe" not in review.headers["content-security-policy"]
        assert settings.stripe_js_url in review.text
