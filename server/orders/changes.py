"""An order's changes for its buyer and its seller: the order as it was with each step, and declined cards."""

from collections.abc import Sequence
from uuid import UUID

from sanic import Blueprint, HTTPResponse, Request

from server import events
from server.kit.auth import Principal
from server.kit.feed import Change, Heard
from server.kit.http import no_query, path_id, requires
from server.kit.reference import Doc
from server.kit.sse import REFUSES, RESUME, Streams, Told, resumed
from server.orders import service
from server.orders.models import Order, OrderStatus
from server.orders.schemas import Decline, order_with_history

OVER = frozenset(
    {OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.REFUNDED, OrderStatus.CHARGED_BACK}
)
"""Nothing comes after these but, rarely, a refund that the bank sends back."""


def topic(order_id: UUID) -> str:
    """Of one order."""
    return f"order {order_id}"


async def changes(heard: Sequence[Heard]) -> list[Change]:
    """Every event of an order, and every declined card."""
    found = []
    for one in heard:
        match one.event:
            case events.SeatMoved() | events.OrderExtended() | events.OrderUpdated() as event:
                found.append(Change(one.seq, (topic(event.order.id),), event.order))
            case events.PaymentFailed(payment=payment, decline_code=code):
                decline = Decline(
                    order_id=payment.order_id, payment_id=payment.id, decline_code=code, at=one.occurred_at
                )
                found.append(Change(one.seq, (topic(payment.order_id),), decline))
    return found


WATCH = Doc(
    "An order as it changes: `order` and `decline` events; it ends when the order does.",
    {200: "Server-Sent Events (text/event-stream).", 204: "It is over, and all of it was told."},
    headers=RESUME,
    refuses=(service.OrderNotFound, *REFUSES),
)


def routes(*, streams: Streams) -> Blueprint:
    """The endpoint of an order's changes."""
    bp = Blueprint("order-changes")

    @bp.get("/api/orders/<order_id:str>/events", ctx_service="orders", ctx_doc=WATCH)
    @requires("orders:read")
    async def watch_order(request: Request, caller: Principal, order_id: str) -> HTTPResponse | None:
        no_query(request)
        order, _ = await service.find_order(
            order_id=path_id(order_id, service.OrderNotFound), user_id=caller.id
        )
        mark = resumed(request)
        view = View(order, caller.id, known=mark.extra if mark else "")
        return await streams.serve(request, view, reader=caller)

    return bp


class View:
    """What one client follows: an order, as its buyer or its seller sees it.

    `extra`, and with it every id, says how much of the order was told: its version, `r` if it needs review.
    """

    def __init__(self, order: Order, reader: UUID, *, known: str) -> None:
        """`known` is the `extra` of the id that the client had last."""
        self.topic = topic(order.id)
        self.extra = known
        self.is_over = order.status in OVER and known == _extra(order)
        self._order_id, self._reader, self._is_buyer = order.id, reader, reader == order.user_id

    async def first(self) -> Sequence[Told]:
        """The order as it is, with every step it took."""
        return [await self._told()]

    async def tell(self, change: Change) -> Told | None:
        """The order with the step it took, or a declined card; nothing if it was told.

        A verdict is said again when payments asks again, and two relays may publish in the wrong order.
        """
        if isinstance(change.about, Decline):
            return Told("decline", change.about.model_dump_json(by_alias=True)) if self._is_buyer else None
        state: events.OrderState = change.about
        if _extra(state) == self.extra or state.version < _version(self.extra):
            return None
        return await self._told(state)

    async def _told(self, state: events.OrderState | None = None) -> Told:
        order, history = await service.find_order(order_id=self._order_id, user_id=self._reader)
        if state is not None and _extra(state) != _extra(order):  # it has gone on since
            order.status, order.expires_at = OrderStatus(state.status), state.expires_at
            order.version, order.needs_review = state.version, state.needs_review
            history = history[: state.version]
            order.updated_at = history[-1].at
        now = await service.clock()
        answer = order_with_history(order, history, server_time=now, reader=self._reader)
        self.extra, self.is_over = _extra(order), order.status in OVER
        return Told("order", answer.model_dump_json(by_alias=True))


def _extra(order: Order | events.OrderState) -> str:
    return f"{order.version}{'r' if order.needs_review else ''}"


def _version(extra: str) -> int:
    digits = extra.removesuffix("r")
    return int(digits) if digits.isdigit() else 0
