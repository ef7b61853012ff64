"""orders over HTTP."""

from sanic import Blueprint, HTTPResponse, Request

from server.kit.auth import Principal
from server.kit.cursors import decode_id_cursor, encode_cursor
from server.kit.http import keyed, no_query, parse, parse_query, path_id, reply, requires, stored
from server.kit.inbox import NotYetVisible
from server.kit.reference import Doc
from server.kit.schemas import Page
from server.orders import refunds, refusals, service
from server.orders.models import Order, OrderStatus
from server.orders.schemas import (
    NewOrder,
    OrderOut,
    OrderQuery,
    OrderWithHistory,
    order_out,
    order_with_history,
)

RESERVE = Doc(
    "Hold a ticket for a quarter of an hour, at no more than maxPrice.",
    {201: OrderOut},
    body=NewOrder,
    keyed=True,
    refuses=(
        refusals.OwnTicket,
        refusals.TicketNotFound,
        refusals.PriceChanged,
        refusals.TicketReserved,
        refusals.TicketSold,
        refusals.TicketWithdrawn,
        refusals.TooManyHolds,
        NotYetVisible,
    ),
)
LIST = Doc("One's own orders, newest first.", {200: Page[OrderOut]}, query=OrderQuery)
SHOW = Doc("An order, with every step it took.", {200: OrderWithHistory}, refuses=(service.OrderNotFound,))
EXTEND = Doc(
    "Hold it for five minutes more, once.",
    {200: OrderOut},
    keyed=True,
    refuses=(service.OrderNotFound, service.ExtensionUsed, service.OrderNotExtendable),
)
REFUND = Doc(
    "Take a sold ticket back, as its seller: it is void at once, then the money goes back.",
    {202: OrderOut},
    keyed=True,
    refuses=(refunds.NotOwner, service.OrderNotFound, refunds.NotRefundable),
)
CANCEL = Doc(
    "Give a hold up; the ticket is free at once. Again does nothing.",
    {204: "It is given up."},
    refuses=(service.OrderNotFound, service.OrderNotCancellable),
)


def routes(*, hold_seconds: int, extend_seconds: int, max_holds: int) -> Blueprint:
    """orders' endpoints."""
    bp = Blueprint("orders")

    @bp.post("/api/orders", ctx_service="orders", ctx_doc=RESERVE)
    @requires("orders:write")
    async def reserve_ticket(request: Request, buyer: Principal) -> HTTPResponse:
        no_query(request)
        body = parse(NewOrder, request)
        order = await service.reserve_ticket(
            ticket_id=body.ticket_id,
            user_id=buyer.id,
            max_price=body.max_price,
            hold_seconds=hold_seconds,
            max_holds=max_holds,
            once=keyed(request, buyer, lambda made: stored(201, _fresh(made, buyer))),
        )
        return reply(_fresh(order, buyer), 201)

    @bp.get("/api/orders", ctx_service="orders", ctx_doc=LIST)
    @requires("orders:read")
    async def list_orders(request: Request, caller: Principal) -> HTTPResponse:
        query = parse_query(OrderQuery, request)
        found = await service.list_orders(
            user_id=caller.id,
            role=query.role,
            status=OrderStatus(query.status) if query.status else None,
            after=decode_id_cursor(query.cursor),
            limit=query.limit + 1,
        )
        page, more = found[: query.limit], len(found) > query.limit
        now = await service.clock()
        return reply(
            Page[OrderOut](
                items=[order_out(order, server_time=now, reader=caller.id) for order in page],
                next_cursor=encode_cursor(page[-1].id) if more else None,
            )
        )

    @bp.get("/api/orders/<order_id:str>", ctx_service="orders", ctx_doc=SHOW)
    @requires("orders:read")
    async def show_order(request: Request, caller: Principal, order_id: str) -> HTTPResponse:
        order, history = await service.find_order(
            order_id=path_id(order_id, service.OrderNotFound), user_id=caller.id
        )
        return reply(order_with_history(order, history, server_time=await service.clock(), reader=caller.id))

    @bp.post("/api/orders/<order_id:str>/extend", ctx_service="orders", ctx_doc=EXTEND)
    @requires("orders:write")
    async def extend_order(request: Request, buyer: Principal, order_id: str) -> HTTPResponse:
        no_query(request)
        order = await service.extend_order(
            order_id=path_id(order_id, service.OrderNotFound),
            user_id=buyer.id,
            seconds=extend_seconds,
            once=keyed(request, buyer, lambda made: stored(200, _changed(made, buyer))),
        )
        return reply(_changed(order, buyer))

    @bp.post("/api/orders/<order_id:str>/refund", ctx_service="orders", ctx_doc=REFUND)
    @requires("orders:write")
    async def refund_order(request: Request, seller: Principal, order_id: str) -> HTTPResponse:
        no_query(request)
        order = await refunds.refund_order(
            order_id=path_id(order_id, service.OrderNotFound),
            user_id=seller.id,
            once=keyed(request, seller, lambda made: stored(202, _changed(made, seller))),
        )
        return reply(_changed(order, seller), 202)

    @bp.delete("/api/orders/<order_id:str>", ctx_service="orders", ctx_doc=CANCEL)
    @requires("orders:write")
    async def cancel_order(request: Request, buyer: Principal, order_id: str) -> HTTPResponse:
        no_query(request)
        await service.cancel_order(order_id=path_id(order_id, service.OrderNotFound), user_id=buyer.id)
        return reply(None, 204)

    return bp


def _changed(order: Order, reader: Principal) -> OrderOut:
    """`updated_at` was written a moment ago."""
    return order_out(order, server_time=order.updated_at, reader=reader.id)


def _fresh(order: Order, buyer: Principal) -> OrderOut:
    return order_out(order, server_time=order.created_at, reader=buyer.id)
