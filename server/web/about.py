"""Pages about the shop itself: help, what robots may read, and the parts that pages are made of."""

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from sanic import Blueprint, HTTPResponse, Request
from sanic.response import text

from server.kit.errors import NotFound
from server.tickets.schemas import TicketOut
from server.web.failures import Failure
from server.web.forms import Form
from server.web.render import WORDS, page

ROBOTS = """\
User-agent: *
Disallow: /api/
Disallow: /orders
Disallow: /sell
Disallow: /signin
Disallow: /signup
"""
SAMPLE = UUID("01890000-0000-7000-8000-0123456789ab")
WHEN = datetime(2030, 5, 1, 20, tzinfo=UTC)
LONG = "The Extraordinarily Long Farewell Tour of Donaudampfschifffahrtsgesellschaftskapitän & Friends"
WRONG: Mapping[str, str] = {
    "wrong": "Write the price as 45.00, without a sign, a currency or separators of thousands.",
    "": "Somebody was faster.",
}


def pages() -> Blueprint:
    """Help, robots.txt, and where it is developed /styleguide."""
    routes = Blueprint("about")
    routes.add_route(show_help, "/help", name="help")
    routes.add_route(show_robots, "/robots.txt", name="robots")
    routes.add_route(show_parts, "/styleguide", name="styleguide")
    return routes


async def show_help(request: Request) -> HTTPResponse:
    """How it works, and what to do when it does not."""
    return page(request, "help.html")


async def show_robots(_: Request) -> HTTPResponse:
    """Tickets may be found; what is somebody's own may not."""
    return text(ROBOTS, headers={"Cache-Control": "public, max-age=3600"})


async def show_parts(request: Request) -> HTTPResponse:
    """Every part in every state. Raises NotFound where people shop."""
    if not request.app.ctx.shop.is_development:
        raise NotFound
    failure = Failure(
        status=409,
        code="ticket_reserved",
        title="Not possible just now",
        detail="This ticket is reserved; it may become free again.",
        request_id="01890000-0000-7000-8000-0123456789ab",
        retry_after=5,
        next="Wait a moment, then try again. Nothing was lost.",
    )
    return page(
        request,
        "styleguide.html",
        statuses=list(WORDS),
        tickets=[_sample("Front row"), _sample(LONG), _sample("W" * 200)],
        blank=Form(),
        form=Form({"wrong": "45,00", "right": "Front row"}, WRONG),
        problem=failure,
    )


def _sample(title: str) -> TicketOut:
    return TicketOut(
        id=SAMPLE,
        title=title,
        price=99_999_999,
        currency="usd",
        venue="Town Hall",
        starts_at=WHEN,
        seat="Row A, seat 12",
        external_id=None,
        user_id=SAMPLE,
        order_id=None,
        status="available",
        version=0,
        created_at=WHEN,
        updated_at=WHEN,
    )
