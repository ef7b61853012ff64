"""The desk where calls are taken: parameters, idempotency keys, faults; one transaction for each call."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any, TypeVar

from sanic import HTTPResponse, Request, Sanic
from sanic.response import raw

from server.stripe_sandbox.errors import (
    BadParameter,
    KeyInUse,
    KeyReused,
    NoSuchObject,
    OutOfOrder,
    RateLimited,
    StripeRefusal,
)
from server.stripe_sandbox.faults import Fault, Faults
from server.stripe_sandbox.forms import read_pairs, read_params
from server.stripe_sandbox.intents import ClientParams
from server.stripe_sandbox.objects import ListParams, Params, StripeObject, expanded, list_page, read
from server.stripe_sandbox.state import Answer, Books, State

LONGEST_KEY = 255
"""Characters of an idempotency key."""

HIDDEN = frozenset({"latest_charge", "metadata", "customer"})
"""Members of an intent that a browser is not shown."""

P = TypeVar("P", bound=Params)


class RetrieveParams(ClientParams):
    """Parameters of every retrieve."""


def is_client(request: Request) -> bool:
    """Whether the caller is a browser with the publishable key."""
    return getattr(request.ctx, "client", False)


def public(body: dict[str, Any]) -> dict[str, Any]:
    """What a browser is shown of an intent, in an error too."""
    shown = {name: value for name, value in body.items() if name not in HIDDEN}
    return {
        name: public(value) if name in {"error", "payment_intent", "setup_intent"} and value else value
        for name, value in shown.items()
    }


def _check_client(books: Books, request: Request, object_id: str, params: Params) -> None:
    """A browser may touch only the object whose client secret it has."""
    if not is_client(request):
        return
    secret = json.loads(books.find(object_id) or "{}").get("client_secret")
    given = getattr(params, "client_secret", None)
    if secret is None or given is None or not hmac.compare_digest(secret.encode(), given.encode()):
        raise NoSuchObject(f"No such object with this client secret: '{object_id}'", param="client_secret")


class Desk:
    """Where calls are executed; POSTs once for each idempotency key."""

    def __init__(self, app: Sanic[Any, Any], state: State, ring: Callable[[], None]) -> None:
        """`ring` is called when there may be a new event."""
        self._app = app
        self._state = state
        self._ring = ring
        self._in_flight: set[str] = set()

    def create(self, path: str, model: type[P], work: Callable[[Books, P], StripeObject]) -> None:
        """Make objects at a path."""

        async def handle(request: Request) -> HTTPResponse:
            return await self._execute(request, model, work)

        self._app.add_route(handle, path, methods=["POST"], name=f"create {path}")

    def act(self, path: str, model: type[P], work: Callable[[Books, str, P], StripeObject]) -> None:
        """Do something to the object whose id is in the path."""

        async def handle(request: Request, object_id: str) -> HTTPResponse:
            def act(books: Books, params: P) -> StripeObject:
                _check_client(books, request, object_id, params)
                return work(books, object_id, params)

            return await self._execute(request, model, act)

        self._app.add_route(handle, path, methods=["POST"], name=f"act {path}")

    def retrieve(self, path: str, kind: type[StripeObject]) -> None:
        """Show an object."""

        async def handle(request: Request, object_id: str) -> HTTPResponse:
            params = read_params(RetrieveParams, read_pairs(request.query_string.encode()))

            def show(books: Books) -> dict[str, Any]:
                _check_client(books, request, object_id, params)
                body = expanded(books, read(books, kind, object_id).shown(), params.expand)
                return public(body) if is_client(request) else body

            return await self._look(show)

        self._app.add_route(handle, path, methods=["GET"], name=f"retrieve {path}")

    def browse(self, path: str, kind: type[StripeObject], model: type[ListParams] = ListParams) -> None:
        """Show a page of a list."""

        async def handle(request: Request) -> HTTPResponse:
            params = read_params(model, read_pairs(request.query_string.encode()))
            return await self._look(lambda books: list_page(books, kind, params, url=path))

        self._app.add_route(handle, path, methods=["GET"], name=f"browse {path}")

    def browse_of(self, path: str, kind: type[StripeObject], model: type[ListParams]) -> None:
        """Show a page of what belongs to the customer whose id is in the path."""

        async def handle(request: Request, object_id: str) -> HTTPResponse:
            pairs = [*read_pairs(request.query_string.encode()), ("customer", object_id)]
            params = read_params(model, pairs)
            return await self._look(lambda books: list_page(books, kind, params, url=request.path))

        self._app.add_route(handle, path, methods=["GET"], name=f"browse {path}")

    async def _look(self, work: Callable[[Books], dict[str, Any]]) -> HTTPResponse:
        return answer_json(await self._state.within(work))

    async def _execute(
        self, request: Request, model: type[P], work: Callable[[Books, P], StripeObject]
    ) -> HTTPResponse:
        """Do what was asked, or answer what the same request got before."""
        pairs = read_pairs(request.body)
        params = read_params(model, pairs)
        key = request.headers.get("idempotency-key") or None
        if key is not None and len(key) > LONGEST_KEY:
            raise BadParameter(f"An idempotency key has at most {LONGEST_KEY} characters.")
        if key in self._in_flight:
            raise KeyInUse("Another request with this idempotency key is in progress; try again in a moment.")
        # The set makes for Stripe's 409; that work is done once is the transaction's doing, not the set's.
        self._in_flight |= {key} if key else set()
        try:
            asked = json.dumps([request.path, sorted(pairs)])
            fingerprint = hashlib.sha256(asked.encode()).hexdigest()
            spoiled = next((fault for fault in faults_of(request) if fault.fault == "error_after"), None)
            answer, replayed = await self._state.within(
                lambda books: _answer(
                    books,
                    key,
                    fingerprint,
                    lambda: expanded(books, work(books, params).shown(), params.expand),
                    spoiled,
                )
            )
        finally:
            self._in_flight.discard(key or "")
        self._ring()
        if is_client(request):
            answer = Answer(answer.status, json.dumps(public(json.loads(answer.body))))
        headers = {"Idempotent-Replayed": "true"} if replayed else {}
        return raw(answer.body, status=answer.status, headers=headers, content_type="application/json")


def _answer(
    books: Books,
    key: str | None,
    fingerprint: str,
    work: Callable[[], dict[str, Any]],
    spoiled: Fault | None,
) -> tuple[Answer, bool]:
    kept = books.answer(key, fingerprint) if key else None
    if kept is not None:
        answer, same_request = kept
        if not same_request:
            raise KeyReused(f"Idempotency key '{key}' was first used for another request; use a new one.")
        return answer, True
    try:
        answer = Answer(200, json.dumps(work()))
    except StripeRefusal as refusal:
        if not refusal.final:
            raise
        # Part of the transaction: a decline changes the intent, and the same key must hear the same decline.
        answer = Answer(refusal.status, json.dumps(refusal.body()))
    if spoiled is not None:
        # As at Stripe: a key whose work ended in a 5xx hears the same 5xx again.
        answer = Answer(
            spoiled.status, json.dumps(OutOfOrder("A fault was asked for after the work.").body())
        )
    if key:
        books.keep_answer(key, fingerprint, answer)
    return answer, False


def answer_json(
    body: dict[str, Any], *, status: int = 200, headers: dict[str, str] | None = None
) -> HTTPResponse:
    """An answer."""
    return raw(json.dumps(body), status=status, headers=headers, content_type="application/json")


def faults_of(request: Request) -> list[Fault]:
    """What was asked to go wrong with this call."""
    faults: list[Fault] = getattr(request.ctx, "faults", [])
    return faults


def add_faults(app: Sanic[Any, Any], faults: Faults) -> None:
    """Let calls go wrong before and after their work."""

    @app.on_request
    async def take(request: Request) -> None:
        if request.path.startswith("/v1/"):
            request.ctx.faults = await faults.of_call(request.method, request.path)
            for fault in request.ctx.faults:
                await _go_wrong_before(request, fault)

    async def go_wrong_after(request: Request, _: object) -> None:
        for fault in faults_of(request):
            if fault.fault == "timeout":
                await asyncio.sleep(fault.seconds)
            elif fault.fault == "drop_after":
                await _hang_up(request)

    app.register_middleware(go_wrong_after, "response")


async def _go_wrong_before(request: Request, fault: Fault) -> None:
    match fault.fault:
        case "latency":
            await asyncio.sleep(fault.seconds)
        case "rate_limit":
            raise RateLimited("Too many requests; try again later.", retry_after=fault.seconds)
        case "error_before":
            raise OutOfOrder("A fault was asked for before the work.").with_status(fault.status)
        case "error_after" if request.method == "GET":
            raise OutOfOrder("A fault was asked for.").with_status(fault.status)
        case "drop_before":
            await _hang_up(request)
        case _:
            return


async def _hang_up(request: Request) -> None:
    assert request.transport is not None, "a request that is being handled came over a connection"  # noqa: S101
    request.transport.close()
    # The loop notices that the connection is gone, and Sanic cancels this very task.
    await asyncio.sleep(1)
