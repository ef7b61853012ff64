"""Pages of orders and payments are sound in every state an order can have, for its buyer and its seller."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from server.settings import Settings
from tests.concurrency.races import expire_now
from tests.dashboard import DECLINED_CARD, Dashboard, dashboard
from tests.platform import Platform, User
from tests.web_browser.bought import buy, hold, signed_up
from tests.web_browser.browsing import Come, Watch, open_browser
from tests.web_browser.sound import flaws, leads_to, route_of
from tests.web_browser.test_purchase import OTHER_TIME, give_card, left, let_pass

pytestmark = pytest.mark.browser

AT_ONCE = 3
"""Pages that are looked at beside each other."""


@dataclass(frozen=True)
class Scene:
    """A buyer, who is signed in in a browser, and the others."""

    platform: Platform
    stripe: Dashboard
    seller: User
    buyer: User
    cookies: Any

    async def held(self) -> str:
        """A hold of the buyer's."""
        return await hold(self.platform, self.seller, self.buyer)

    async def paid(self, card: str = "pm_card_visa") -> str:
        """An order that the buyer paid."""
        return await buy(self.platform, self.seller, self.buyer, card)

    async def tried(self, card: str) -> str:
        """A hold, and a card that was tried on it."""
        order_id = await self.held()
        await self.buyer.pay(order_id, card)
        return order_id

    async def refunded(self, card: str, *statuses: str) -> str:
        """An order whose seller sent the money back."""
        order_id = await self.paid(card)
        answer = await self.seller.post(f"/api/orders/{order_id}/refund", {})
        assert answer.is_success, answer.text
        await self.buyer.order_in(order_id, *statuses)
        return order_id

    async def give_up(self) -> None:
        """All holds, so that there may be others."""
        held = (await self.buyer.get("/api/orders?status=created")).json()["items"]
        await asyncio.gather(*(self.buyer.delete(f"/api/orders/{it['id']}") for it in held))

    async def sold_by_the_visitor(self) -> str:
        """An order that somebody else paid, for a ticket of who looks at it."""
        return await buy(self.platform, self.buyer, self.platform.user())


@pytest.fixture(scope="module")
async def scene(
    platform: Platform, shop: str, seller: User, browser: Browser, settings: Settings
) -> AsyncIterator[Scene]:
    """One buyer for all pages."""
    context = await open_browser(browser, shop, Watch())
    buyer = await signed_up(await context.new_page(), platform)
    async with dashboard(settings) as stripe:
        yield Scene(platform, stripe, seller, buyer, await context.storage_state())
        await stripe.no_faults()
    await context.close()


State = Callable[[Page, Scene], Awaitable[object]]


def order(made: Callable[[Scene], Awaitable[str]], paper: str = "") -> State:
    """The page, or one below it, of an order that came about like this."""

    async def open_it(page: Page, scene: Scene) -> None:
        await page.goto(f"/orders/{await made(scene)}{paper}")

    return open_it


async def cancelled(scene: Scene) -> str:
    order_id = await scene.held()
    await scene.buyer.delete(f"/api/orders/{order_id}")
    return order_id


async def expired(scene: Scene) -> str:
    order_id = await scene.held()
    await expire_now(scene.platform, order_id)
    await scene.buyer.order_in(order_id, "expired")
    return order_id


async def rejected(scene: Scene) -> str:
    order_id = await scene.tried("pm_sandbox_captureFails")
    await scene.buyer.order_in(order_id, "rejected")
    return order_id


async def charged_back(scene: Scene) -> str:
    order_id = await scene.paid("pm_card_createDispute")
    [intent] = await scene.stripe.intents([order_id])
    await scene.stripe.decide(intent["id"], won=False)
    await scene.buyer.order_in(order_id, "charged_back")
    return order_id


def sent(path: str, made: Callable[[Scene], Awaitable[str]]) -> State:
    """What a form answers that should not have been sent any more, as from another tab."""

    async def send(page: Page, scene: Scene) -> None:
        await page.goto(f"/orders/{await made(scene)}")
        async with page.expect_navigation():
            await page.evaluate(
                "path => { const form = document.querySelector('.who');"
                "form.action = location.pathname + path; form.submit(); }",
                path,
            )
        await page.get_by_role("heading", name="There is a problem").wait_for()

    return send


async def extended(scene: Scene) -> str:
    order_id = await scene.held()
    answer = await scene.buyer.post(f"/api/orders/{order_id}/extend", {})
    assert answer.is_success, answer.text
    return order_id


async def payable(page: Page, scene: Scene) -> None:
    await page.goto(f"/orders/{await scene.held()}/payment")
    await page.get_by_label("Card number").wait_for()


async def declined(page: Page, scene: Scene) -> None:
    await payable(page, scene)
    await give_card(page, DECLINED_CARD)
    await page.get_by_text("There is not enough money on this card.").wait_for()


async def over(page: Page, scene: Scene) -> None:
    await page.add_init_script(OTHER_TIME)
    await payable(page, scene)
    await let_pass(page, await left(page))
    await page.get_by_text("The hold is over.").first.wait_for()


async def without_stripe(page: Page, scene: Scene) -> None:
    await page.route(lambda url: url.endswith(("/v3/", "/stripe.js")), lambda route: route.abort())
    await page.goto(f"/orders/{await scene.held()}/payment")
    await page.get_by_text("You pay on a page of Stripe's").wait_for()


async def orders_in_use(page: Page, scene: Scene) -> None:
    await scene.held()
    await page.goto("/orders")


async def nobody_s(page: Page, scene: Scene) -> None:
    await page.context.clear_cookies()
    await signed_up(page, scene.platform)
    await page.goto("/orders")


def at(path: str) -> State:
    """Just open it."""

    async def open_it(page: Page, scene: Scene) -> None:
        await page.goto(path)

    return open_it


STATES: Mapping[str, State] = {
    "/orders some": orders_in_use,
    "/orders empty": nobody_s,
    "/orders sold": at("/orders?role=seller"),
    "/orders narrowed empty": at("/orders?status=charged_back&role=seller"),
    "/orders error": at("/orders?status=nonsense"),
    "/orders/<order_id> created": order(Scene.held),
    "/orders/<order_id> created declined": order(
        lambda it: it.tried("pm_card_chargeDeclinedInsufficientFunds")
    ),
    "/orders/<order_id> created bank asks": order(lambda it: it.tried("pm_card_authenticationRequired")),
    "/orders/<order_id> created extended": order(extended),
    "/orders/<order_id> complete": order(Scene.paid),
    "/orders/<order_id> complete sold": order(Scene.sold_by_the_visitor),
    "/orders/<order_id> cancelled": order(cancelled),
    "/orders/<order_id> expired": order(expired),
    "/orders/<order_id> rejected": order(rejected),
    "/orders/<order_id> revoked": order(lambda it: it.refunded("pm_card_pendingRefund", "revoked")),
    "/orders/<order_id> refunded": order(lambda it: it.refunded("pm_card_visa", "refunded")),
    "/orders/<order_id> disputed": order(lambda it: it.paid("pm_card_createDispute")),
    "/orders/<order_id> charged_back": order(charged_back),
    "/orders/<order_id> error": at("/orders/01900000-0000-7000-8000-000000000000"),
    "/orders/<order_id>/ticket paid": order(Scene.paid, "/ticket"),
    "/orders/<order_id>/receipt paid": order(Scene.paid, "/receipt"),
    "/orders/<order_id>/receipt refunded": order(
        lambda it: it.refunded("pm_card_visa", "refunded"), "/receipt"
    ),
    "/orders/<order_id>/refund asked": order(Scene.sold_by_the_visitor, "/refund"),
    "/orders/<order_id>/refund error": sent("/refund", Scene.paid),
    "/orders/<order_id>/extend error": sent("/extend", extended),
    "/orders/<order_id>/cancel error": sent("/cancel", Scene.paid),
    "/orders/<order_id>/payment some": payable,
    "/orders/<order_id>/payment declined": declined,
    "/orders/<order_id>/payment over": over,
    "/orders/<order_id>/payment without Stripe": without_stripe,
}


@pytest.mark.parametrize("route", dict.fromkeys(route_of(state) for state in STATES))
async def test_w02_w17_w23_every_state(
    come: Come, scene: Scene, tmp_path: Path, watch: Watch, route: str
) -> None:
    free = asyncio.Semaphore(AT_ONCE)
    wrong: dict[str, list[str]] = {}

    async def look(state: str) -> None:
        async with free:
            page = await come(bypass_csp=True, storage_state=scene.cookies)
            await STATES[state](page, scene)
            assert leads_to(state, page), f"{state} ends at {page.url}"
            if found := await flaws(page, state, tmp_path):
                wrong[state] = found

    async with asyncio.TaskGroup() as looks:
        for state in STATES:
            if route_of(state) == route:
                looks.create_task(look(state))
    await scene.give_up()
    assert wrong == {}
    expected = (
        "402 (Payment Required)",
        "net::ERR_FAILED",
    )  # a declined card, and Stripe's script that fails
    watch.complaints[:] = [it for it in watch.complaints if not any(one in it for one in expected)]


async def test_w02_w17_w23_while_the_money_is_taken(come: Come, scene: Scene, tmp_path: Path) -> None:
    await scene.stripe.fault("error_before", method="POST", path="/v1/payment_intents/*/capture", count=None)
    order_id = await scene.tried("pm_card_visa")
    await scene.buyer.order_in(order_id, "accepted")
    page = await come(bypass_csp=True, storage_state=scene.cookies)
    await page.goto(f"/orders/{order_id}")
    await page.get_by_text("This takes some seconds.").wait_for()
    assert await flaws(page, "accepted", tmp_path) == []
    await scene.stripe.no_faults()
    await scene.buyer.order_in(order_id, "complete", timeout=30)
