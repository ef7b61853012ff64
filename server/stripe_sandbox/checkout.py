"""Paying on a session's page: the card form, the bank, the way back to the shop."""

import re
from collections.abc import Callable
from html import escape
from typing import Any
from urllib.parse import parse_qs

from pydantic import ValidationError
from sanic import HTTPResponse, Request, Sanic, redirect

from server.stripe_sandbox.errors import NoSuchObject, SessionOver, StripeRefusal
from server.stripe_sandbox.intents import CANCELABLE, CONFIRMABLE, AttemptParams, CreateParams, PaymentIntent
from server.stripe_sandbox.objects import Params, keep, read
from server.stripe_sandbox.pages import money, page
from server.stripe_sandbox.payment_methods import MethodData, create_method
from server.stripe_sandbox.payments import attempt, begin, end
from server.stripe_sandbox.sessions import PAGE, Session
from server.stripe_sandbox.state import Books, State

FORM = """{alert}<form method="post" class="box">
<label for="number">Card number</label>
<input id="number" name="number" inputmode="numeric" autocomplete="cc-number" required maxlength="30"
 placeholder="1234 1234 1234 1234">
<div class="two">
<div><label for="expiry">Expiry (MM / YY)</label>
<input id="expiry" name="expiry" inputmode="numeric" autocomplete="cc-exp" required maxlength="9"
 placeholder="MM / YY"></div>
<div><label for="cvc">CVC</label>
<input id="cvc" name="cvc" inputmode="numeric" autocomplete="cc-csc" required maxlength="4"
 placeholder="CVC"></div>
</div>
<button class="main">Pay {amount}</button>
</form>
<p class="soft small">This is a sandbox: only the test cards of Stripe work, and no money moves.
4242 4242 4242 4242 pays.</p>
{back}"""


def expire_session(books: Books, session_id: str, _: Params) -> Session:
    """Close a page that nobody has paid on; a payment begun there is canceled."""
    session = read(books, Session, session_id)
    if session.status != "open":
        raise SessionOver(f"{session.id} is {session.status}; only an open session can be expired.")
    expired = keep(books, session.end("expired"), "checkout.session.expired")
    intent = session.payment_intent and read(books, PaymentIntent, session.payment_intent)
    # Somebody may have canceled it already.
    if intent and intent.status in CANCELABLE:
        end(books, intent, reason="expired")
    return expired


def pay_session(books: Books, session: Session, data: MethodData) -> PaymentIntent:
    """Try a card; `CardRefused` if it cannot be one, before there is a payment."""
    method = create_method(books, data)
    if session.payment_intent is None:
        about = session.payment_intent_data.model_dump()
        params = CreateParams(
            amount=session.amount_total, currency=session.currency, customer=session.customer, **about
        )
        intent = begin(books, params, method=None)
        session = keep(books, session.model_copy(update={"payment_intent": intent.id}))
    else:
        intent = read(books, PaymentIntent, session.payment_intent)
        intent.expect(CONFIRMABLE, "paid")
    return attempt(books, intent, method, AttemptParams(return_url=f"{books.home}{PAGE}/{session.id}"))


def add_checkout_pages(app: Sanic[Any, Any], state: State, ring: Callable[[], None]) -> None:
    """Serve the pages that a session's `url` points to."""

    @app.get(f"{PAGE}/<session_id>", name="show checkout")
    async def show(_: Request, session_id: str) -> HTTPResponse:
        return await state.within(lambda books: _show(books, session_id))

    @app.post(f"{PAGE}/<session_id>", name="pay checkout")
    async def pay(request: Request, session_id: str) -> HTTPResponse:
        form = {name: values[0] for name, values in parse_qs(request.body.decode(errors="replace")).items()}
        response = await state.within(lambda books: _pay(books, session_id, form))
        ring()
        return response


def _find(books: Books, session_id: str) -> Session | None:
    try:
        return read(books, Session, session_id)
    except NoSuchObject:
        return None


def _show(books: Books, session_id: str) -> HTTPResponse:
    session = _find(books, session_id)
    if session is None or session.status != "open":
        return _closed(session)
    intent = session.payment_intent and read(books, PaymentIntent, session.payment_intent)
    error = intent.last_payment_error if intent else None
    return _form(session, "" if error is None else error.message)


def _pay(books: Books, session_id: str, form: dict[str, str]) -> HTTPResponse:
    session = _find(books, session_id)
    if session is None or session.status != "open":
        return _closed(session)
    expiry = re.fullmatch(r"\s*(\d{1,2})\s*/?\s*(\d{2}|\d{4})\s*", form.get("expiry", ""))
    month, year = expiry.groups() if expiry else ("", "")
    card = {
        "number": form.get("number", ""),
        "exp_month": month,
        "exp_year": year,
        "cvc": form.get("cvc", ""),
    }
    try:
        data = MethodData.model_validate({"type": "card", "card": card})
        intent = pay_session(books, session, data)
    except ValidationError:
        return _form(session, "Write the expiry as month and year, such as 12 / 44.", status=400)
    except StripeRefusal as refused:
        return _form(session, refused.message, status=refused.status)
    if intent.next_action is not None:
        return redirect(intent.next_action.redirect_to_url.url, status=303)
    if intent.last_payment_error is not None:
        return _form(session, intent.last_payment_error.message, status=402)
    return redirect(session.way_out, status=303)


def _closed(session: Session | None) -> HTTPResponse:
    if session is not None and session.status == "complete":
        return redirect(session.way_out, status=303)
    text = "<p>This page has expired, or never was. Go back to the shop and begin again.</p>"
    return page("Nothing to pay here", text, status=404)


def _form(session: Session, error: str, *, status: int = 200) -> HTTPResponse:
    alert = f'<p class="box bad" role="alert">{escape(error)}</p>' if error else ""
    items = "".join(
        f'<div class="row"><span>{escape(item["description"])} × {item["quantity"]}</span>'
        f'<span class="amount">{money(item["amount_total"], session.currency)}</span></div>'
        for item in session.line_items["data"]
    )
    back = (
        ""
        if session.cancel_url is None
        else f'<p><a href="{escape(session.cancel_url)}">Back to the shop</a></p>'
    )
    amount = money(session.amount_total, session.currency)
    body = f'<div class="box">{items}</div>' + FORM.format(alert=alert, amount=amount, back=back)
    return page(f"Pay {amount}", body, status=status)
