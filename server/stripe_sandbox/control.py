"""The control API, `/_sandbox/…` in JSON: make faults, act on payments, send any event."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sanic import HTTPResponse, Request, Sanic

from server.stripe_sandbox.actions import act, do, model_of, picture
from server.stripe_sandbox.desk import answer_json
from server.stripe_sandbox.errors import NoSuchObject
from server.stripe_sandbox.faults import FaultParams, Faults
from server.stripe_sandbox.forms import read_json
from server.stripe_sandbox.intents import Amount, CreateParams, Currency, PaymentIntent, Status
from server.stripe_sandbox.objects import announce
from server.stripe_sandbox.state import Books, State

FAULTS = "/_sandbox/faults"
INTENT = "/_sandbox/payment_intents/<intent_id>"
EVENTS = "/_sandbox/events"


class EventParams(BaseModel):
    """An event to send, about an intent the books know, or one made up of these, or any `object` at all."""

    model_config = ConfigDict(extra="forbid")

    type: Annotated[str, Field(pattern=r"^[a-z_]+(\.[a-z_]+)+$")]
    payment_intent: str | None = None
    amount: Amount = 2000
    currency: Currency = "usd"
    metadata: dict[str, str] = Field({})
    status: Status = "succeeded"
    object: dict[str, Any] | None = None
    livemode: bool = False
    account: str | None = None


def add_control(app: Sanic[Any, Any], state: State, faults: Faults, ring: Callable[[], None]) -> None:
    """Serve the control API; it wants the secret key, as the API does."""

    @app.post(FAULTS)
    async def add_fault(request: Request) -> HTTPResponse:
        return answer_json((await faults.add(read_json(FaultParams, request.body))).model_dump())

    @app.get(FAULTS)
    async def list_faults(_: Request) -> HTTPResponse:
        return answer_json({"data": [fault.model_dump() for fault in await faults.list_()]})

    @app.delete(FAULTS)
    async def remove_faults(_: Request) -> HTTPResponse:
        return answer_json({"data": [fault.model_dump() for fault in await faults.remove()]})

    @app.delete(f"{FAULTS}/<fault_id>")
    async def remove_fault(_: Request, fault_id: str) -> HTTPResponse:
        removed = await faults.remove(fault_id)
        if not removed:
            raise NoSuchObject(f"No such fault: '{fault_id}'; one that is used up is gone.")
        return answer_json(removed[0].model_dump())

    @app.get(INTENT)
    async def show_intent(_: Request, intent_id: str) -> HTTPResponse:
        return answer_json(await state.within(lambda books: picture(books, intent_id)))

    @app.post(f"{INTENT}/<action>")
    async def act_on_intent(request: Request, intent_id: str, action: str) -> HTTPResponse:
        params = read_json(model_of(action), request.body)
        await do(state, lambda books: act(books, intent_id, action, params))
        ring()
        return answer_json(await state.within(lambda books: picture(books, intent_id)))

    @app.post(EVENTS)
    async def send_event(request: Request) -> HTTPResponse:
        params = read_json(EventParams, request.body)
        subject = await state.within(lambda books: _send(books, params))
        ring()
        return answer_json(subject)


def _send(books: Books, params: EventParams) -> dict[str, Any]:
    subject = params.object or _subject(books, params)
    more = {"livemode": params.livemode} | ({"account": params.account} if params.account else {})
    return {"id": announce(books, params.type, subject, **more), "object": subject}


def _subject(books: Books, params: EventParams) -> dict[str, Any]:
    known = params.payment_intent and books.read(PaymentIntent.KIND, params.payment_intent)
    if known:
        return PaymentIntent.model_validate_json(known).shown()
    asked = CreateParams(amount=params.amount, currency=params.currency, metadata=params.metadata)
    intent = PaymentIntent.new(asked, method=None, now=books.now)
    change = {
        "id": params.payment_intent or intent.id,
        "status": params.status,
        "amount_received": params.amount if params.status == "succeeded" else 0,
        "amount_capturable": params.amount if params.status == "requires_capture" else 0,
    }
    return intent.model_copy(update=change).shown() | {"livemode": params.livemode}
