"""Stripe's HTTP API as far as Tix speaks it: which call is done by whom."""

import asyncio
from pathlib import Path
from typing import Any

from sanic import HTTPResponse, Request, Sanic

from server.stripe_sandbox.authentication import add_authentication_pages
from server.stripe_sandbox.charges import Charge
from server.stripe_sandbox.checkout import add_checkout_pages, expire_session
from server.stripe_sandbox.control import add_control
from server.stripe_sandbox.customers import (
    Customer,
    CustomerListParams,
    CustomerParams,
    create_customer,
)
from server.stripe_sandbox.dashboard import add_dashboard
from server.stripe_sandbox.desk import Desk, add_faults, answer_json
from server.stripe_sandbox.disputes import Dispute, UpdateParams, accept_dispute, update_dispute
from server.stripe_sandbox.edge import add_edge
from server.stripe_sandbox.faults import Faults
from server.stripe_sandbox.intents import (
    CancelParams,
    ConfirmParams,
    CreateParams,
    IntentListParams,
    PaymentIntent,
)
from server.stripe_sandbox.later import Later
from server.stripe_sandbox.objects import OfIntent, Params
from server.stripe_sandbox.payment_methods import (
    AttachParams,
    MethodListParams,
    MethodParams,
    PaymentMethod,
    attach_method,
    create_method,
    detach_method,
)
from server.stripe_sandbox.payments import cancel_intent, capture_intent, confirm_intent, create_intent
from server.stripe_sandbox.refunds import Refund, RefundParams, create_refund
from server.stripe_sandbox.script import add_script
from server.stripe_sandbox.sessions import Session, SessionListParams, SessionParams, create_session
from server.stripe_sandbox.setup_intents import (
    SetupConfirmParams,
    SetupIntent,
    SetupListParams,
    SetupParams,
    cancel_setup,
    confirm_setup,
    create_setup,
)
from server.stripe_sandbox.state import State
from server.stripe_sandbox.webhooks import Deliveries

INTENTS = "/v1/payment_intents"
INTENT = f"{INTENTS}/<object_id>"
SETUPS = "/v1/setup_intents"
CUSTOMERS = "/v1/customers"
METHODS = "/v1/payment_methods"
SESSIONS = "/v1/checkout/sessions"
CHARGES = "/v1/charges"
REFUNDS = "/v1/refunds"
DISPUTES = "/v1/disputes"


def create_app(*, data: Path, webhook_url: str, webhook_secret: str, home: str) -> Sanic[Any, Any]:
    """The sandbox whose pages are at `home`, remembering in the file `data`, announcing to `webhook_url`."""
    app: Sanic[Any, Any] = Sanic("stripe-sandbox", configure_logging=False)
    app.config.REQUEST_MAX_SIZE = 65_536
    app.config.REQUEST_TIMEOUT = 15
    app.config.RESPONSE_TIMEOUT = 120  # a fault may hold an answer back for long
    app.config.GRACEFUL_SHUTDOWN_TIMEOUT = 5
    state = State(data, home=home)
    deliveries = Deliveries(state, url=webhook_url, secret=webhook_secret)
    later = Later(state, deliveries.ring)

    def ring() -> None:
        deliveries.ring()
        later.ring()

    background: set[asyncio.Task[None]] = set()

    @app.after_server_start
    async def start(_: Sanic[Any, Any]) -> None:
        background.update(asyncio.create_task(job.run()) for job in (deliveries, later))

    @app.after_server_stop
    async def stop(_: Sanic[Any, Any]) -> None:
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        state.close()

    add_edge(app)
    faults = Faults(state)
    add_faults(app, faults)
    add_control(app, state, faults, ring)
    _add_calls(Desk(app, state, ring))
    add_authentication_pages(app, state, ring)
    add_checkout_pages(app, state, ring)
    add_script(app)
    add_dashboard(app, state, ring)

    @app.get("/health")
    async def tell_health(_: Request) -> HTTPResponse:
        # Sanic listens a moment before it minds SIGTERM; it does once these tasks exist.
        running = bool(background) and not any(task.done() for task in background)
        return answer_json(
            {"deliveries": "running" if running else "stopped"}, status=200 if running else 503
        )

    return app


def _add_calls(desk: Desk) -> None:
    desk.create(INTENTS, CreateParams, create_intent)
    desk.browse(INTENTS, PaymentIntent, IntentListParams)
    desk.retrieve(INTENT, PaymentIntent)
    desk.act(f"{INTENT}/confirm", ConfirmParams, confirm_intent)
    desk.act(f"{INTENT}/capture", Params, capture_intent)
    desk.act(f"{INTENT}/cancel", CancelParams, cancel_intent)

    desk.create(SETUPS, SetupParams, create_setup)
    desk.browse(SETUPS, SetupIntent, SetupListParams)
    desk.retrieve(f"{SETUPS}/<object_id>", SetupIntent)
    desk.act(f"{SETUPS}/<object_id>/confirm", SetupConfirmParams, confirm_setup)
    desk.act(f"{SETUPS}/<object_id>/cancel", Params, cancel_setup)

    desk.create(CUSTOMERS, CustomerParams, create_customer)
    desk.browse(CUSTOMERS, Customer, CustomerListParams)
    desk.retrieve(f"{CUSTOMERS}/<object_id>", Customer)
    desk.browse_of(f"{CUSTOMERS}/<object_id>/payment_methods", PaymentMethod, MethodListParams)

    desk.create(METHODS, MethodParams, create_method)
    desk.browse(METHODS, PaymentMethod, MethodListParams)
    desk.retrieve(f"{METHODS}/<object_id>", PaymentMethod)
    desk.act(f"{METHODS}/<object_id>/attach", AttachParams, attach_method)
    desk.act(f"{METHODS}/<object_id>/detach", Params, detach_method)

    desk.create(SESSIONS, SessionParams, create_session)
    desk.browse(SESSIONS, Session, SessionListParams)
    desk.retrieve(f"{SESSIONS}/<object_id>", Session)
    desk.act(f"{SESSIONS}/<object_id>/expire", Params, expire_session)

    desk.browse(CHARGES, Charge, OfIntent)
    desk.retrieve(f"{CHARGES}/<object_id>", Charge)

    desk.create(REFUNDS, RefundParams, create_refund)
    desk.browse(REFUNDS, Refund, OfIntent)
    desk.retrieve(f"{REFUNDS}/<object_id>", Refund)

    desk.browse(DISPUTES, Dispute, OfIntent)
    desk.retrieve(f"{DISPUTES}/<object_id>", Dispute)
    desk.act(f"{DISPUTES}/<object_id>", UpdateParams, update_dispute)
    desk.act(f"{DISPUTES}/<object_id>/close", Params, accept_dispute)
