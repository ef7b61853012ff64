"""What a buyer keeps of an order: the ticket with its QR code, the event for a calendar, the receipt."""

import io

import segno
from markupsafe import Markup
from sanic import Blueprint, HTTPResponse, Request

from client import NotFound
from client.story import is_buyer, told
from server.orders.schemas import OrderOut
from server.web.asking import signed_in
from server.web.calendars import event
from server.web.outlook import VALID, utc_time
from server.web.render import origin, page, see

WAS_PAID = VALID | {"revoked", "refunded", "charged_back"}
"""Money was taken, whatever became of it."""


def pages() -> Blueprint:
    """To print, to show at the door, to hand in."""
    routes = Blueprint("papers")
    routes.add_route(show_ticket, "/orders/<order_id>/ticket", name="ticket")
    routes.add_route(give_event, "/orders/<order_id>/ticket.ics", name="calendar")
    routes.add_route(show_receipt, "/orders/<order_id>/receipt", name="receipt")
    return routes


async def show_ticket(request: Request, order_id: str) -> HTTPResponse:
    """To print or to show at the door; an order that is not paid has none."""
    order = await signed_in(request).show_order(order_id)
    if not (is_buyer(order) and order.status in VALID):
        return see(f"/orders/{order.id}")
    return page(request, "order_ticket.html", order=order, code=code_of(request, order))


async def give_event(request: Request, order_id: str) -> HTTPResponse:
    """For a calendar. Raises NotFound for a ticket that is not paid, or says no time."""
    order = await signed_in(request).show_order(order_id)
    if not (is_buyer(order) and order.status in VALID) or order.ticket.starts_at is None:
        raise NotFound("There is no event of this order.", code="no_event", status=404)
    return HTTPResponse(
        event(order, order.ticket.starts_at, _address(request, order)),
        content_type="text/calendar; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="ticket.ics"'},
    )


async def show_receipt(request: Request, order_id: str) -> HTTPResponse:
    """What was taken and given back, by the ledger; an order for which nothing was taken has none."""
    tix = signed_in(request)
    order = await tix.show_order(order_id)
    if not (is_buyer(order) and order.status in WAS_PAID):
        return see(f"/orders/{order.id}")
    taken = [one for one in (await tix.list_payments(order.id)).items if one.amount_captured]
    if not taken:  # payments hears of it a moment later
        return see(f"/orders/{order.id}")
    return page(
        request,
        "receipt.html",
        order=order,
        payment=taken[0],
        paid_at=next((step.at for step in order.history if step.status == "complete"), taken[0].updated_at),
        now=told(order.history[-1], order, time=utc_time),
    )


def code_of(request: Request, order: OrderOut) -> Markup:
    """The order's address as a QR code: SVG, dark on light in either colour scheme."""
    drawn = io.BytesIO()
    segno.make(_address(request, order), error="m").save(
        drawn, kind="svg", border=2, xmldecl=False, svgns=False, omitsize=True, dark="#000", light="#fff"
    )
    return Markup(drawn.getvalue().decode())  # noqa: S704 - drawn, not written: the address is not in it as text


def _address(request: Request, order: OrderOut) -> str:
    return f"{origin(request)}/orders/{order.id}"
