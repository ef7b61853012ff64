"""Pages of tickets: the front page, the list, one ticket, and Reserve."""

import asyncio
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from sanic import Blueprint, HTTPResponse, Request

from client import Conflict, Invalid
from server.kit.schemas import Page
from server.orders.schemas import OrderOut
from server.tickets.schemas import TicketOut, TicketQuery
from server.web.asking import if_there, is_at_work, sign_in_first, tix_of
from server.web.forms import Form, Wrong, fields, key_of, paged, read, read_price
from server.web.render import WORDS, page, see

FRONT = 8
PER_PAGE = 20
OTHERS = 4
SORTS: Mapping[str, str] = {
    "-createdAt": "Newest first",
    "startsAt": "Soonest first",
    "price": "Cheapest first",
    "-price": "Dearest first",
}
NAMES: Mapping[str, str] = {
    "q": "search",
    "status": "status",
    "from": "lowest price",
    "to": "highest price",
    "sort": "order",
    "cursor": "page",
}
"""What an address may say → what a sentence calls it."""
EVERYTHING: Mapping[str, str] = dict.fromkeys(NAMES, "")
EMPTY = Page[TicketOut](items=[], next_cursor=None)
PRICES: Mapping[str, str] = {"from": "minPrice", "to": "maxPrice"}
"""The address says `from=45.50`; the service counts minor units, two decimals as most currencies have."""
MOST_HINTS = 5
"""Each is a question to tickets."""
SHORTEST_WORD = 3
MORE = ("status", *PRICES)
"""What narrows the list besides words."""
LONGEST_PRICE = 9
"""Digits that a hidden price may have."""
NOT_WHOLE = "The form is not whole. Go back, reload the page and try again."
SHOWN = [("", "All"), *((status, WORDS[status]) for status in ("available", "reserved", "sold"))]
"""Withdrawn ones are nobody's to find."""
TAKEN = frozenset({"reserved", "sold"})


def pages() -> Blueprint:
    """Find a ticket and hold it."""
    routes = Blueprint("tickets")
    routes.add_route(show_home, "/", name="home")
    routes.add_route(list_tickets, "/tickets", name="list")
    routes.add_route(show_ticket, "/tickets/<ticket_id>", name="ticket")
    routes.add_route(reserve_ticket, "/tickets/<ticket_id>/reserve", methods=["POST"], name="reserve")
    return routes


async def show_home(request: Request) -> HTTPResponse:
    """What is new."""
    newest = await tix_of(request).list_tickets(TicketQuery(status="available", limit=FRONT))
    return page(request, "home.html", tickets=newest.items)


async def list_tickets(request: Request) -> HTTPResponse:
    """What matches the address; 422 with the form."""
    asked = {name: request.args.get(name, "") for name in NAMES}
    try:
        found = await tix_of(request).list_tickets(_query(asked))
    except Invalid as error:
        return _list(request, Form(asked, Wrong.of(error, NAMES).errors), EMPTY, 422)
    except Wrong as error:
        return _list(request, Form(asked, error.errors), EMPTY, 422)
    hints = {} if found.items or asked["cursor"] else await _hints(request, asked)
    return _list(request, Form(asked), found, 200, hints)


async def show_ticket(request: Request, ticket_id: str) -> HTTPResponse:
    """One, and the visitor's own order of it."""
    ticket = await tix_of(request).show_ticket(ticket_id)
    return page(request, "ticket.html", ticket=ticket, own_order=await own_order(request, ticket))


async def reserve_ticket(request: Request, ticket_id: str) -> HTTPResponse:
    """On to the order; 409 with others that are free."""
    if request.ctx.visitor.token is None:
        return see(sign_in_first(f"/tickets/{ticket_id}"))
    given = fields(request)
    try:
        order = await tix_of(request).reserve_ticket(ticket_id, max_price=_price(given), key=key_of(given))
    except Conflict as error:
        if is_at_work(error):
            return see(f"/tickets/{ticket_id}")
        return await _refused(request, ticket_id, error)
    return see(f"/orders/{order.id}")


def _price(given: Mapping[str, str]) -> int:
    """The price that the page showed: nobody pays more than they saw. Raises Invalid."""
    price = given.get("price", "")
    if not (price.isascii() and price.isdigit() and len(price) <= LONGEST_PRICE):
        raise Invalid(NOT_WHOLE, code="invalid", status=422)
    return int(price)


def _query(asked: Mapping[str, str], limit: int = PER_PAGE) -> TicketQuery:
    """What the address asks for. Raises Wrong with all that is wrong in it."""
    given: dict[str, Any] = {name: asked[name] for name in ("q", "status", "sort", "cursor")}
    errors: dict[str, str] = {}
    for typed, name in PRICES.items():
        if text := asked[typed].strip():
            try:
                given[name] = read_price(text, "usd", lowest=0, name=NAMES[typed])
            except ValueError as error:
                errors[typed] = str(error)
    try:
        query = read(TicketQuery, {**given, "limit": limit}, NAMES)
    except Wrong as error:
        raise Wrong({**error.errors, **errors}) from error
    if errors:
        raise Wrong(errors)
    return query


async def _hints(request: Request, asked: Mapping[str, str]) -> Mapping[str, str]:
    """Wider searches that do find something; what each is called → its address."""
    narrowed = {name: text.strip() for name, text in asked.items() if text.strip()}
    wider = dict(islice(_wider(narrowed), MOST_HINTS))
    some = (tix_of(request).list_tickets(_query({**EVERYTHING, **one}, limit=1)) for one in wider.values())
    found = await asyncio.gather(*map(partial(if_there, request), some))
    there = [name for name, one in zip(wider, found, strict=True) if one and one.items]
    return {name: f"/tickets?{urlencode(wider[name])}" for name in there}


def _wider(asked: Mapping[str, str]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Searches with less in them than this one, the nearest first."""

    def without(*names: str) -> dict[str, str]:
        return {name: text for name, text in asked.items() if name not in names}

    words, has_price = asked.get("q", ""), any(name in asked for name in PRICES)
    if has_price and without(*PRICES, "sort"):
        yield "at any price", without(*PRICES)
    if "status" in asked and without("status", "sort"):
        yield "in any state", without("status")
    if words and has_price and "status" in asked:
        yield f"only “{words}”", without(*PRICES, "status")
    if words and without("q", "sort"):
        yield f"without “{words}”", without("q")
    for word in sorted(dict.fromkeys(words.split()), key=len, reverse=True):
        if SHORTEST_WORD <= len(word) < len(words):
            yield f"only “{word}”", {**without(*PRICES, "status"), "q": word}


def _list(
    request: Request,
    form: Form,
    found: Page[TicketOut],
    status: int,
    hints: Mapping[str, str] | None = None,
) -> HTTPResponse:
    return page(
        request,
        "tickets.html",
        status,
        form=form,
        tickets=found.items,
        sorts=SORTS,
        statuses=SHOWN,
        hints=hints or {},
        is_narrowed=any(form.value(name) for name in ("q", *MORE)),
        is_open=bool(form.errors) or any(form.value(name) for name in (*MORE, "sort")),
        **paged("/tickets", form, found.next_cursor),
    )


async def own_order(request: Request, ticket: TicketOut) -> OrderOut | None:
    """The visitor's own order of this ticket, if that is why it is taken."""
    if request.ctx.visitor.token is None or ticket.order_id is None or ticket.status not in TAKEN:
        return None
    return await if_there(request, tix_of(request).show_order(ticket.order_id))


async def _refused(request: Request, ticket_id: str, error: Conflict) -> HTTPResponse:
    """Somebody was faster, or the price rose: what it is now, and others."""
    ticket = await tix_of(request).show_ticket(ticket_id)
    free = TicketQuery(status="available", limit=OTHERS + 1)
    found = await if_there(request, tix_of(request).list_tickets(free)) or EMPTY
    others = [other for other in found.items if other.id != ticket.id][:OTHERS]
    return page(request, "refused.html", 409, ticket=ticket, error=error, others=others)
