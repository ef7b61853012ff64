"""The stand-in for Stripe.js, where a browser finds it."""

from pathlib import Path
from typing import Any

from sanic import HTTPResponse, Request, Sanic
from sanic.response import raw

SCRIPT = Path(__file__).parent / "static" / "stripe.js"

HEADERS = {
    "Cache-Control": "no-cache",
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


def add_script(app: Sanic[Any, Any]) -> None:
    """Serve it under Stripe's own path, `/v3/`, and a plain one."""
    body = SCRIPT.read_bytes()

    @app.get("/stripe.js", name="stripe.js")
    @app.get("/v3", name="v3")
    async def give(_: Request) -> HTTPResponse:
        return raw(body, headers=HEADERS, content_type="text/javascript; charset=utf-8")
