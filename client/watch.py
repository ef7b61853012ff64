"""Changes as they happen: of the tickets on sale, of one's own, and of an order."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from client.api import Id, Tix
from client.errors import BadAnswer, TixError, TooMany, Unavailable, Unreachable
from client.sse import Event
from server.orders.schemas import Decline, OrderWithHistory
from server.tickets.schemas import TicketOut, TicketQuery

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)
OVER = frozenset({"cancelled", "rejected", "refunded", "charged_back"})
"""An order's ends: its stream closes with them."""
PAGES = 10
"""Pages of 100 tickets that are compared, newest first, where there is no stream."""


@dataclass(frozen=True)
class Anew:
    """Read now what you show: it is the beginning, or, if `missed`, changes were lost on the way."""

    missed: bool


@asynccontextmanager
async def watch_order(tix: Tix, order_id: Id) -> AsyncIterator[AsyncIterator[OrderWithHistory | Decline]]:
    """An order as it is, then each change of it and each declined card; ends when nothing comes any more.

    `async with watch_order(tix, id) as changes: async for change in changes`. Goes on after a restart of Tix
    without missing or repeating one; looks by itself where streams are refused. Raises NotFound,
    Unauthenticated, Forbidden; Unreachable if Tix never answered.
    """
    async with (
        tix.follow(f"/api/orders/{quote(str(order_id), safe='')}/events") as events,
        aclosing(_order_changes(events, partial(tix.show_order, order_id))) as changes,
    ):
        yield changes


async def _order_changes(
    events: AsyncIterator[Event | TixError], look: Callable[[], Awaitable[OrderWithHistory]]
) -> AsyncGenerator[OrderWithHistory | Decline, None]:
    last: OrderWithHistory | None = None
    async for event in events:
        news: OrderWithHistory | None = None
        if isinstance(event, TixError):
            news = await _looked(look, is_first=last is None)
        elif event.name == "decline":
            yield _read(Decline, event)
        elif event.name == "order":
            news = _read(OrderWithHistory, event)
        if news is not None and (last is None or _is_newer(news, last)):
            last = news
            yield news
            if news.status in OVER:
                return


@asynccontextmanager
async def watch_tickets(tix: Tix, *, mine: bool = False) -> AsyncIterator[AsyncIterator[TicketOut | Anew]]:
    """Each ticket as it is after each change, everybody's or one's own, for ever.

    Looks by itself where streams are refused, at the newest 1,000. Used and raises as `watch_order`.
    """
    async with (
        tix.follow("/api/tickets/events", **({"userId": "me"} if mine else {})) as events,
        aclosing(_ticket_changes(events, partial(_newest, tix, mine=mine))) as changes,
    ):
        yield changes


async def _ticket_changes(
    events: AsyncIterator[Event | TixError], look: Callable[[], Awaitable[list[TicketOut]]]
) -> AsyncGenerator[TicketOut | Anew, None]:
    known: dict[str, object] | None = None  # until the stream was refused: what it says need not be compared
    async for event in events:
        if isinstance(event, TixError):
            found = await _looked(look, is_first=known is None)
            if known is None:
                known = {str(ticket.id): _state(ticket) for ticket in found or ()}
                yield Anew(missed=False)
            for ticket in found or ():
                if known.get(str(ticket.id)) != _state(ticket):
                    known[str(ticket.id)] = _state(ticket)
                    yield ticket
        elif event.name == "ticket":
            ticket = _read(TicketOut, event)
            if known is not None:
                known[str(ticket.id)] = _state(ticket)
            yield ticket
        elif event.name in {"ready", "reset"}:
            yield Anew(missed=event.name == "reset")


def _read(model: type[M], event: Event) -> M:
    try:
        return model.model_validate_json(event.data)
    except ValidationError as error:
        sentence = f"An event “{event.name}” is not as this tix knows it; a newer one will."
        raise BadAnswer(sentence, code="bad_answer") from error


async def _looked(look: Callable[[], Awaitable[T]], *, is_first: bool) -> T | None:
    """What is there now; None while Tix does not answer one who knew something already."""
    try:
        return await look()
    except (TooMany, Unavailable, Unreachable):
        if is_first:
            raise
        return None


async def _newest(tix: Tix, *, mine: bool) -> list[TicketOut]:
    me = await tix.current_user() if mine else None
    found: list[TicketOut] = []
    cursor = None
    for _ in range(PAGES):
        page = await tix.list_tickets(TicketQuery(limit=100, cursor=cursor, user_id=me.id if me else None))
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    return found


def _state(ticket: TicketOut) -> object:
    return ticket.version, ticket.status, ticket.order_id


def _is_newer(order: OrderWithHistory, than: OrderWithHistory) -> bool:
    if order.version == than.version:
        return order.needs_review != than.needs_review
    return order.version > than.version
