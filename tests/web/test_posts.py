"""Every form of the shop, sent: what is done leads on by 303, so that a reload sends nothing twice."""

import re
from collections.abc import Awaitable, Callable, Mapping
from uuid import uuid4

import httpx
import pytest

from tests.web.conftest import Web
from tests.web.visiting import PASSWORD, Visitor


async def sign_up(_: Web, someone: Visitor) -> httpx.Response:
    email = f"{uuid4().hex[:12]}@example.com"
    return await someone.post("/signup", "/signup", email=email, password=PASSWORD)


async def sign_in(web: Web, someone: Visitor) -> httpx.Response:
    email = (await web.visitor().sign_up()).email
    return await someone.post("/signin", "/signin", email=email, password=PASSWORD)


async def sign_out(_: Web, someone: Visitor) -> httpx.Response:
    return await (await someone.sign_up()).post("/signout", "/help")


async def list_ticket(_: Web, seller: Visitor) -> httpx.Response:
    return await (await seller.sign_up()).post("/sell/new", "/sell/new", title="Front row", price="45.00")


async def edit(_: Web, seller: Visitor) -> httpx.Response:
    return await _of_listing(seller, "edit", title="Second row")


async def withdraw(_: Web, seller: Visitor) -> httpx.Response:
    return await _of_listing(seller, "withdraw")


async def relist(web: Web, seller: Visitor) -> httpx.Response:
    at = (await withdraw(web, seller)).request.url.path.removesuffix("/withdraw")
    return await seller.post(f"{at}/relist", f"{at}/edit")


async def reserve(web: Web, buyer: Visitor) -> httpx.Response:
    at = f"/tickets/{(await web.platform.user().list_ticket())['id']}"
    return await (await buyer.sign_up()).post(f"{at}/reserve", at)


async def extend(web: Web, buyer: Visitor) -> httpx.Response:
    return await _of_order(web, buyer, "extend")


async def cancel(web: Web, buyer: Visitor) -> httpx.Response:
    return await _of_order(web, buyer, "cancel")


async def pay(web: Web, buyer: Visitor) -> httpx.Response:
    return await _of_order(web, buyer, "payment", at="/payment")


async def refund(web: Web, seller: Visitor) -> httpx.Response:
    ticket, buyer = await (await seller.sign_up()).list_ticket(), web.platform.user()
    order = (await buyer.hold(ticket))["id"]
    assert (await buyer.pay(order)).status_code == 201
    await buyer.order_in(order, "complete")
    return await seller.post(f"/orders/{order}/refund", f"/orders/{order}/refund")


async def _of_listing(seller: Visitor, verb: str, **typed: str) -> httpx.Response:
    at = f"/sell/{await (await seller.sign_up()).list_ticket()}"
    return await seller.post(f"{at}/{verb}", f"{at}/edit", **typed)


async def _of_order(web: Web, buyer: Visitor, verb: str, *, at: str = "") -> httpx.Response:
    order = (await reserve(web, buyer)).headers["location"]
    return await buyer.post(f"{order}/{verb}", f"{order}{at}")


FORMS: Mapping[str, Callable[[Web, Visitor], Awaitable[httpx.Response]]] = {
    "/signup": sign_up,
    "/signin": sign_in,
    "/signout": sign_out,
    "/sell/new": list_ticket,
    "/sell/<ticket_id>/edit": edit,
    "/sell/<ticket_id>/withdraw": withdraw,
    "/sell/<ticket_id>/relist": relist,
    "/tickets/<ticket_id>/reserve": reserve,
    "/orders/<order_id>/extend": extend,
    "/orders/<order_id>/cancel": cancel,
    "/orders/<order_id>/refund": refund,
    "/orders/<order_id>/payment": pay,
}
OF_SCRIPTS = frozenset({"/orders/<order_id>/payment/intent"})
"""Asked by a page's script, which reads the answer; no browser shows it."""


def test_w15_no_form_is_left_out(web: Web) -> None:
    posts = {
        "/" + re.sub(r":\w+>", ">", route.path)
        for route in web.app.router.routes
        if "POST" in route.methods and not route.path.startswith("api/")
    }
    assert posts == FORMS.keys() | OF_SCRIPTS


@pytest.mark.parametrize("path", FORMS)
async def test_w15_what_is_done_leads_on_by_303(web: Web, path: str) -> None:
    someone = web.visitor()
    answer = await FORMS[path](web, someone)
    assert re.fullmatch(re.sub(r"<\w+>", r"[^/]+", path), answer.request.url.path)
    assert (answer.request.method, answer.status_code) == ("POST", 303), answer.text
    if answer.headers["location"].startswith("/"):  # not to Stripe
        assert (await someone.get(answer.headers["location"])).status_code == 200
