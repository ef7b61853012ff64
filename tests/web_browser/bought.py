"""People who buy and sell by the API, as somebody who is signed in in a page or as anybody."""

from playwright.async_api import Page

from tests.platform import Platform, User
from tests.web_browser.browsing import PASSWORD, sign_up
from tests.web_browser.conftest import list_ticket

EVENT = {"title": "Night train", "venue": "Harbour Hall", "seat": "Row 1", "startsAt": "2031-05-03T19:30:00Z"}


async def signed_up(page: Page, platform: Platform) -> User:
    """Make an account in the page; the same person by the API."""
    typed = {"email": await sign_up(page), "password": PASSWORD}
    session = (await platform.http.post("/api/users/signin", json=typed)).json()
    return User(session["user"]["id"], platform.http, {"Authorization": f"Bearer {session['token']}"})


async def hold(platform: Platform, seller: User, buyer: User) -> str:
    """One more ticket, which the buyer holds; the order's id."""
    ticket_id = await list_ticket(platform, seller, **EVENT)
    return str((await buyer.hold(ticket_id))["id"])


async def buy(platform: Platform, seller: User, buyer: User, card: str = "pm_card_visa") -> str:
    """The same, and paid; the order's id, once what this card leads to has come about."""
    order_id = await hold(platform, seller, buyer)
    await buyer.pay(order_id, card)
    await buyer.order_in(order_id, "disputed" if card == "pm_card_createDispute" else "complete")
    return order_id
