"""The API reference in the shop's look: what the services say of themselves."""

from typing import Any

from sanic import Blueprint, HTTPResponse, Request
from sanic.response import json

from server.kit.reference import contents
from server.web.asking import tix_of
from server.web.render import page


def pages() -> Blueprint:
    """/docs, and the document behind it."""
    routes = Blueprint("reference")
    routes.add_route(show_reference, "/docs", name="docs")
    routes.add_route(give_document, "/openapi.json", name="openapi")
    return routes


async def show_reference(request: Request) -> HTTPResponse:
    """Every call, by service."""
    return page(request, "reference.html", **contents(await _merged(request)))


async def give_document(request: Request) -> HTTPResponse:
    """OpenAPI 3.1 of all services."""
    return json(await _merged(request))


async def _merged(request: Request) -> dict[str, Any]:
    """One document of those that the services have: each knows its own calls only."""
    merged: dict[str, Any] = {}
    for home in sorted(set(request.app.ctx.shop.services.values())):
        one = (await tix_of(request).request("GET", f"{home}/openapi.json")).json()
        if not merged:
            merged = one
        merged["paths"] |= one["paths"]
        merged["components"]["schemas"] |= one["components"]["schemas"]
    return merged
