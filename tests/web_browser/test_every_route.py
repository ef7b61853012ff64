"""No page of the shop is left out: each route is among the states that are looked at, or has no page."""

from collections.abc import Mapping
from functools import cache
from typing import get_args

import pytest

from server.orders.schemas import Status
from server.web.site import Shop, create_site
from tests.web_browser import test_accessibility, test_order_pages, test_selling
from tests.web_browser.sound import route_of

SEEN = [*test_accessibility.STATES, *test_selling.STATES, *test_order_pages.STATES]
"""`/tickets/<ticket_id> sold`: a route and a state of its page."""
NO_PAGE: Mapping[str, str] = {
    "/openapi.json": "a document",
    "/robots.txt": "text",
    "/orders/<order_id>/ticket.ics": "a calendar's event",
    "/orders/<order_id>/payment/intent": "for the script of the page",
    "/sell/<ticket_id>": "leads on to its edit",
    "/sell/<ticket_id>/relist": "leads on; refused in a race alone, and then by the page of its edit",
    "/signout": "leads on to the front page",
}
OF_OTHERS = ("/api/", "/static/")
"""Passed on to the services, or files."""
WANTED: Mapping[str, set[str]] = {
    "/tickets": {"some", "empty", "error"},
    "/tickets/<ticket_id>": {"available", "reserved", "sold", "withdrawn", "error"},
    "/signin": {"error"},
    "/signup": {"empty", "error"},
    "/orders": {"some", "empty", "error"},
    # While money is taken nothing else can be paid: that state has a test of its own.
    "/orders/<order_id>": {*get_args(Status), "error"} - {"accepted"},
    "/orders/<order_id>/payment": {"some", "declined", "over"},
    "/orders/<order_id>/receipt": {"paid", "refunded"},
    "/sell": {"some", "empty", "error"},
    "/sell/new": {"empty", "error"},
    "/sell/<ticket_id>/edit": {"some", "withdrawn", "error"},
}


@cache
def routes() -> set[str]:
    """Of the shop, as it is made."""
    services = dict.fromkeys(("auth", "tickets", "orders", "payments"), "http://127.0.0.1:1")
    shop = Shop(
        services=services,
        secret="of the tests, " * 3,
        public_url=None,
        stripe_key=None,
        stripe_js="",
        stripe_api="",
        hold_seconds=900,
        extend_seconds=300,
        forwarded_secret=None,
        is_development=True,
    )
    found = {f"/{part.path}".replace(":str>", ">") for part in create_site("every-route", shop).router.routes}
    return {route for route in found if not route.startswith(OF_OTHERS)}


def test_w02_every_page_is_looked_at() -> None:
    seen = {route_of(state) for state in SEEN}
    assert routes() - seen == NO_PAGE.keys()
    assert seen - routes() == {"/nowhere"}


@pytest.mark.parametrize("route", WANTED)
def test_w02_in_the_states_it_has(route: str) -> None:
    seen = {state.split()[1] for state in SEEN if route_of(state) == route}
    assert WANTED[route] <= seen
