"""What is the same for every call: whose key it has, headers, errors."""

import re
import secrets
from typing import Any

from sanic import HTTPResponse, Request, Sanic
from sanic.exceptions import SanicException
from sanic.response import BaseHTTPResponse, empty

from server.kit.log import log
from server.stripe_sandbox.desk import answer_json
from server.stripe_sandbox.errors import NoSuchRoute, OutOfOrder, StripeRefusal, UnknownKey
from server.stripe_sandbox.forms import read_pairs

SECRET_KEY = re.compile(r"sk_test_\w+")
PUBLISHABLE_KEY = re.compile(r"pk_test_\w+")
CLIENT_CALL = re.compile(
    r"(GET|POST) /v1/(payment_intents|setup_intents)/[^/]+(/confirm)?|POST /v1/payment_methods"
)
"""What a browser may do; `Desk` asks for the client secret as well."""
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, Stripe-Version",
    "Access-Control-Max-Age": "300",
}


def add_edge(app: Sanic[Any, Any]) -> None:
    """Let in who has a key, and answer errors as Stripe does."""
    app.register_middleware(_check_key, "request")
    app.register_middleware(_add_headers, "response")
    app.error_handler.add(Exception, _refuse)


async def _check_key(request: Request) -> HTTPResponse | None:
    if not request.path.startswith(("/v1/", "/_sandbox/")):
        return None
    if request.method == "OPTIONS":
        # A browser asks whether it may; CORS is in the headers of every answer.
        return empty()
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme == "Bearer" and SECRET_KEY.fullmatch(key):
        return None
    # Stripe.js puts its key into the form, or into the query of a GET.
    key = key or dict(read_pairs(request.body or request.query_string.encode())).get("key", "")
    if PUBLISHABLE_KEY.fullmatch(key) is None:
        raise UnknownKey("Send a test mode secret key: `Authorization: Bearer sk_test_…`.")
    if CLIENT_CALL.fullmatch(f"{request.method} {request.path}") is None:
        raise UnknownKey("This call needs the secret key.", code="secret_key_required")
    request.ctx.client = True
    return None


async def _add_headers(request: Request, response: BaseHTTPResponse) -> None:
    response.headers["Request-Id"] = f"req_{secrets.token_hex(8)}"
    if request.path.startswith("/v1/"):
        response.headers.update(CORS)


async def _refuse(request: Request, error: Exception) -> HTTPResponse:
    if isinstance(error, StripeRefusal):
        refusal = error
    elif isinstance(error, SanicException) and error.status_code < OutOfOrder.status:
        refusal = NoSuchRoute(f"The sandbox has no answer to this {request.method} {request.path}.")
        return answer_json(refusal.body(), status=error.status_code)
    else:
        log.error("stripe_sandbox.failed", method=request.method, path=request.path, exc_info=error)
        refusal = OutOfOrder("The sandbox failed; its log says why.")
    return answer_json(refusal.body(), status=refusal.status, headers=refusal.headers)
