"""Paying: the page that shows what is paid, and leads to Stripe's form in it or to Stripe's own page."""

from http import HTTPStatus

from sanic import Blueprint, HTTPResponse, Request
from sanic.response import json

from client import Conflict, TixError, Unauthenticated, Unavailable, Unreachable
from client.story import DECLINED, DECLINES, UNHARMED, is_buyer
from server.orders.schemas import OrderWithHistory
from server.web.asking import signed_in
from server.web.forms import Form, fields, key_of
from server.web.outlook import is_held, spelt
from server.web.policy import paying, wallets
from server.web.render import page, see

NOT_OPEN = "Stripe's page is not open yet. Nothing was taken, and the ticket is still held: try once more."
"""Stripe does not answer, or a form was sent twice and the first is still at work."""


def pages() -> Blueprint:
    """Pay an order."""
    routes = Blueprint("payments")
    routes.add_route(show_payment, "/orders/<order_id>/payment", name="payment")
    routes.add_route(pay_order, "/orders/<order_id>/payment", methods=["POST"], name="pay")
    routes.add_route(open_payment, "/orders/<order_id>/payment/intent", methods=["POST"], name="open")
    return routes


async def show_payment(request: Request, order_id: str) -> HTTPResponse:
    """What is paid, and how; what cannot be paid is told by the order's own page."""
    order = await signed_in(request).show_order(order_id)
    if not (is_buyer(order) and is_held(order)):
        return see(f"/orders/{order.id}")
    return _show(request, order)


async def pay_order(request: Request, order_id: str) -> HTTPResponse:
    """On to Stripe's page; back to the order if there is nothing to pay. 503 with the form."""
    tix = signed_in(request)
    try:
        key = key_of(fields(request))
        payment = await tix.pay_order(order_id, mode="checkout", key=key)
    except (Conflict, Unavailable, Unreachable) as error:
        order = await tix.show_order(order_id)
        if error.code == "order_not_payable" or not is_held(order):
            return see(f"/orders/{order_id}")
        return _show(request, order, error)
    return see(payment.checkout_url or f"/orders/{order_id}")


async def open_payment(request: Request, order_id: str) -> HTTPResponse:
    """For the form in the page: `{clientSecret}`, null if it is paid already; `{problem}` in words."""
    try:
        key = key_of({"key": request.headers.get("idempotency-key", "")})
        payment = await signed_in(request).pay_order(order_id, key=key)
    except Unauthenticated:
        raise
    except TixError as error:
        status = error.status or HTTPStatus.SERVICE_UNAVAILABLE
        return json({"problem": error.detail}, status=status)
    is_unpaid = payment.status in {"open", "requires_action"}
    return json({"clientSecret": payment.client_secret if is_unpaid else None})


def _show(request: Request, order: OrderWithHistory, error: TixError | None = None) -> HTTPResponse:
    shop = request.app.ctx.shop
    answer = page(
        request,
        "payment.html",
        HTTPStatus.SERVICE_UNAVAILABLE if error else HTTPStatus.OK,
        form=Form(errors={"": NOT_OPEN} if error else {}),
        order=order,
        left=order.expires_at - order.server_time,
        more_time=spelt(shop.extend_seconds),
        stripe_key=shop.stripe_key,
        stripe_js=shop.stripe_js,
        declines={"": DECLINED, **DECLINES},
        unharmed=UNHARMED,
    )
    answer.headers["Content-Security-Policy"] = paying(request.ctx.nonce, shop)
    if shop.stripe_key is not None:
        answer.headers.update(wallets(shop))
    if error is not None and error.retry_after:
        answer.headers["Retry-After"] = str(round(error.retry_after))
    return answer
