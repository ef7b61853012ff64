"""payments over HTTP."""

from typing import Any
from uuid import UUID

from sanic import Blueprint, HTTPResponse, Request

from server.kit import limits
from server.kit.auth import Principal
from server.kit.cursors import decode_id_cursor, encode_cursor
from server.kit.http import keyed, no_query, parse, parse_query, path_id, reply, requires
from server.kit.idempotency import Replayed
from server.kit.inbox import NotYetVisible
from server.kit.reference import Doc
from server.kit.schemas import Page
from server.payments import ledger, service, till
from server.payments.gateway import BadSignature, CardDeclined, Gateway, GatewayUnavailable
from server.payments.models import Payment
from server.payments.schemas import NewPayment, NextAction, PaymentOut, PaymentQuery

PAY = Doc(
    "Pay a held order: open its payment, and with a paymentMethod try it. checkout: on a page of Stripe's.",
    {200: PaymentOut, 201: PaymentOut},
    body=NewPayment,
    keyed=True,
    refuses=(CardDeclined, service.OrderNotFound, till.OrderNotPayable, GatewayUnavailable, NotYetVisible),
)
SHOW = Doc("A payment.", {200: PaymentOut}, refuses=(service.PaymentNotFound,))
LIST = Doc(
    "An order's payments, newest first.",
    {200: Page[PaymentOut]},
    query=PaymentQuery,
    refuses=(service.OrderNotFound, NotYetVisible),
)
WEBHOOK = Doc(
    "For Stripe only: a signed event, stored before it is answered.",
    {200: "Stored."},
    headers={"Stripe-Signature": "Stripe's"},
    refuses=(BadSignature,),
)


def routes(*, gateway: Gateway, run: till.Runner) -> Blueprint:
    """payments' endpoints."""
    bp = Blueprint("payments")

    @bp.post("/api/payments", ctx_service="payments", ctx_doc=PAY)
    @requires("payments:write")
    async def pay_order(request: Request, buyer: Principal) -> HTTPResponse:
        no_query(request)
        body = parse(NewPayment, request)
        try:
            payment, is_new = await till.pay_order(
                order_id=body.order_id,
                user_id=buyer.id,
                payment_method=body.payment_method,
                mode=body.mode,
                run=run,
                # What is kept is which payment and attempt it was: a repeat is answered by what became of it.
                once=keyed(
                    request, buyer, lambda made: _kept(*made, tried_card=body.payment_method is not None)
                ),
            )
        except Replayed as replay:
            kept = replay.answer
            payment = await till.resume_payment(
                payment_id=UUID(kept["id"]), user_id=buyer.id, attempt=kept["attempt"], run=run
            )
            status = 201 if kept["new"] else 200
            return reply(await _out(payment), status, headers={"Idempotency-Replayed": "true"})
        return reply(await _out(payment), 201 if is_new else 200)

    @bp.get("/api/payments/<payment_id:str>", ctx_service="payments", ctx_doc=SHOW)
    @requires("orders:read")
    async def show_payment(request: Request, buyer: Principal, payment_id: str) -> HTTPResponse:
        id_ = path_id(payment_id, service.PaymentNotFound)
        return reply(await _out(await service.find_payment(payment_id=id_, user_id=buyer.id)))

    @bp.get("/api/payments", ctx_service="payments", ctx_doc=LIST)
    @requires("orders:read")
    async def list_payments(request: Request, buyer: Principal) -> HTTPResponse:
        query = parse_query(PaymentQuery, request)
        found = await service.list_payments(
            order_id=query.order_id,
            user_id=buyer.id,
            after=decode_id_cursor(query.cursor),
            limit=query.limit + 1,
        )
        page, more = found[: query.limit], len(found) > query.limit
        return reply(
            Page[PaymentOut](
                items=[await _out(payment) for payment in page],
                next_cursor=encode_cursor(page[-1].id) if more else None,
            )
        )

    @bp.post(
        "/api/payments/webhook", ctx_service="payments", ctx_doc=WEBHOOK, ctx_body_limit=limits.WEBHOOK_BODY
    )
    async def webhook(request: Request) -> HTTPResponse:
        event = gateway.read_event(request.body, request.headers.get("stripe-signature", ""))
        await service.doorbell(event=event)
        return HTTPResponse(status=200)

    return bp


def _kept(payment: Payment, is_new: bool, *, tried_card: bool) -> dict[str, Any]:  # noqa: FBT001 - as answered
    """Without an attempt where no card was tried: a decline beside it is another request's."""
    return {"id": str(payment.id), "attempt": payment.attempt if tried_card else None, "new": is_new}


async def _out(payment: Payment) -> PaymentOut:
    totals = await ledger.totals(payment)
    return PaymentOut(
        **{
            name: getattr(payment, name)
            for name in PaymentOut.model_fields
            if hasattr(payment, name) and name != "needs_review"
        },
        next_action=NextAction(url=payment.next_action_url) if payment.next_action_url else None,
        amount_captured=totals.captured,
        amount_refunded=totals.refunded,
        needs_review=payment.needs_review is not None,
    )
