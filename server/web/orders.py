"""Pages of orders: the list, one order and what can be done with it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, get_args

from sanic import Blueprint, HTTPResponse, Request

from client import Conflict, Forbidden, Invalid
from client.story import is_buyer, told, why_not_cancellable
from server.kit.schemas import Page
from server.orders.schemas import OrderOut, OrderQuery, OrderWithHistory, Status
from server.web.asking import if_there, is_at_work, signed_in
from server.web.forms import Form, Wrong, fields, key_of, paged, read
from server.web.outlook import VALID, Outlook, is_held, is_on_its_way, is_refundable, outlook, spelt, utc_time
from server.web.papers import WAS_PAID, code_of
from server.web.render import WORDS, page, see
from server.web.tickets import own_order

if TYPE_CHECKING:
    from server.payments.schemas import PaymentOut

PER_PAGE = 20
NAMES: Mapping[str, str] = {"status": "status", "role": "role", "cursor": "page"}
SELLER_WORDS: Mapping[str, str] = {**WORDS, "created": "Held by a buyer", "expired": "Not paid in time"}
EMPTY = Page[OrderOut](items=[], next_cursor=None)
WHY_NO_MORE_TIME = "Time can be added once only, because other buyers wait for this ticket."


def pages() -> Blueprint:
    """Look at orders, and what their buyer or seller may do with them."""
    routes = Blueprint("orders")
    routes.add_route(list_orders, "/orders", name="list")
    routes.add_route(show_order, "/orders/<order_id>", name="order")
    routes.add_route(extend_order, "/orders/<order_id>/extend", methods=["POST"], name="extend")
    routes.add_route(cancel_order, "/orders/<order_id>/cancel", methods=["POST"], name="cancel")
    routes.add_route(ask_refund, "/orders/<order_id>/refund", name="ask refund")
    routes.add_route(refund_order, "/orders/<order_id>/refund", methods=["POST"], name="refund")
    return routes


async def list_orders(request: Request) -> HTTPResponse:
    """One's own, as buyer or seller; 422 with the form."""
    tix = signed_in(request)
    asked = {name: request.args.get(name, "") for name in NAMES}
    try:
        found = await tix.list_orders(read(OrderQuery, {**asked, "limit": PER_PAGE}, NAMES))
    except Invalid as error:
        return _list(request, Form(asked, Wrong.of(error, NAMES).errors), EMPTY, 422)
    except Wrong as error:
        return _list(request, Form(asked, error.errors), EMPTY, 422)
    return _list(request, Form(asked), found, 200)


async def show_order(request: Request, order_id: str) -> HTTPResponse:
    """One order; who `came` from Stripe waits for its word. What Stripe adds to the address does not stay."""
    order = await signed_in(request).show_order(order_id)
    if outcome := request.args.get("redirect_status"):
        return see(f"/orders/{order.id}?came={'paid' if outcome == 'succeeded' else 'bank'}")
    payment = await _newest_payment(request, order) if is_buyer(order) else None
    came = request.args.get("came", "")
    if request.query_string and not is_on_its_way(order, payment, came):
        return see(f"/orders/{order.id}")
    back = f"?came={came}" if came else ""
    return await _show(request, order, outlook(order, payment, came), back=back)


async def extend_order(request: Request, order_id: str) -> HTTPResponse:
    """More time, once; 409 with the order and why not more."""
    tix = signed_in(request)
    try:
        await tix.extend_order(order_id, key=key_of(fields(request)))
    except Conflict as error:
        if is_at_work(error):
            return see(f"/orders/{order_id}")
        refusal = WHY_NO_MORE_TIME if error.code == "extension_used" else error.detail
        return await _refused(request, await tix.show_order(order_id), refusal)
    return see(f"/orders/{order_id}")


async def cancel_order(request: Request, order_id: str) -> HTTPResponse:
    """Give it up; 409 with the order and why not."""
    tix = signed_in(request)
    try:
        await tix.cancel_order(order_id)
    except Conflict:
        order = await tix.show_order(order_id)
        return await _refused(request, order, why_not_cancellable(order))
    return see(f"/orders/{order_id}")


async def ask_refund(request: Request, order_id: str) -> HTTPResponse:
    """Its seller sees first what would be given back."""
    order = await signed_in(request).show_order(order_id)
    if is_buyer(order) or not is_refundable(order):
        return see(f"/orders/{order.id}")
    return page(request, "refund.html", order=order)


async def refund_order(request: Request, order_id: str) -> HTTPResponse:
    """Take the ticket back and send the money; 409 with the order and why not."""
    tix = signed_in(request)
    try:
        await tix.refund_order(order_id, key=key_of(fields(request)))
    except (Conflict, Forbidden) as error:
        if is_at_work(error):
            return see(f"/orders/{order_id}")
        return await _refused(request, await tix.show_order(order_id), error.detail)
    return see(f"/orders/{order_id}")


async def _refused(request: Request, order: OrderWithHistory, refusal: str) -> HTTPResponse:
    """The order as it is, and why what was just tried cannot be."""
    payment = await _newest_payment(request, order) if is_buyer(order) else None
    return await _show(request, order, outlook(order, payment), refusal=refusal)


async def _show(
    request: Request, order: OrderWithHistory, view: Outlook, *, refusal: str | None = None, back: str = ""
) -> HTTPResponse:
    bought = is_buyer(order)
    free: bool | None = None
    mine: OrderOut | None = None
    if bought and view.step is None:
        free, mine = await _again(request, order)
    return page(
        request,
        "order.html",
        409 if refusal else 200,
        form=Form(errors={"": refusal} if refusal else {}),
        order=order,
        outlook=view,
        words_here=WORDS if bought else SELLER_WORDS,
        steps=[(step.at, told(step, order, time=utc_time)) for step in order.history],
        here=f"/orders/{order.id}{back}",
        is_buyer=bought,
        can_pay=bought and is_held(order) and not view.waits,
        code=code_of(request, order) if bought and order.status in VALID else None,
        was_paid=bought and order.status in WAS_PAID,
        left=order.expires_at - order.server_time,
        more_time=spelt(request.app.ctx.shop.extend_seconds),
        why_no_more_time=WHY_NO_MORE_TIME,
        free=free,
        mine=mine,
    )


def _list(request: Request, form: Form, found: Page[OrderOut], status: int) -> HTTPResponse:
    sells = form.value("role") == "seller"
    named = SELLER_WORDS if sells else WORDS
    return page(
        request,
        "orders.html",
        status,
        form=form,
        orders=found.items,
        statuses=[("", "All"), *((status, named[status]) for status in get_args(Status))],
        sells=sells,
        words_here=named,
        **paged("/orders", form, found.next_cursor),
    )


async def _newest_payment(request: Request, order: OrderOut) -> "PaymentOut | None":
    """None, too, while payments does not answer: the order is shown all the same."""
    found = await if_there(request, signed_in(request).list_payments(order.id))
    return found.items[0] if found and found.items else None


async def _again(request: Request, order: OrderOut) -> tuple[bool | None, OrderOut | None]:
    """Whether the ticket can be held again, None if unknown; one's newer order, if that is why it cannot."""
    ticket = await if_there(request, signed_in(request).show_ticket(order.ticket.id))
    if ticket is None:
        return None, None
    if ticket.status == "available" or ticket.order_id == order.id:  # tickets hears of the end a moment later
        return True, None
    return False, await own_order(request, ticket)
