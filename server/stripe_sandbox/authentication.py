"""The page where a test buyer passes or fails the bank's authentication (3-D Secure), with two buttons."""

from collections.abc import Callable
from html import escape
from typing import Any
from urllib.parse import parse_qs, urlencode

from sanic import HTTPResponse, Request, Sanic, redirect

from server.stripe_sandbox.errors import NoSuchObject
from server.stripe_sandbox.intents import AUTHENTICATION, PaymentIntent
from server.stripe_sandbox.objects import read
from server.stripe_sandbox.pages import page
from server.stripe_sandbox.payments import authenticate
from server.stripe_sandbox.setup_intents import SetupIntent, authenticate_setup
from server.stripe_sandbox.state import Books, State

Waiting = PaymentIntent | SetupIntent

BUTTONS = """<form method="post" class="acts">
<button name="outcome" value="complete">Complete authentication</button>
<button name="outcome" value="fail">Fail authentication</button>
</form>"""


def _page(title: str, text: str, *, form: str = "", status: int = 200) -> HTTPResponse:
    return page(title, f"<p>{escape(text)}</p>{form}", status=status)


def _waiting_at(books: Books, url_path: str, intent_id: str) -> Waiting | None:
    """The intent, if this very page is its next action."""
    intent: Waiting
    try:
        if intent_id.startswith(SetupIntent.PREFIX):
            intent = read(books, SetupIntent, intent_id)
        else:
            intent = read(books, PaymentIntent, intent_id)
    except NoSuchObject:
        return None
    action = intent.next_action
    return intent if action is not None and action.redirect_to_url.url.endswith(url_path) else None


def _answer(books: Books, intent: Waiting, *, passed: bool) -> Waiting:
    if isinstance(intent, SetupIntent):
        return authenticate_setup(books, intent, passed=passed)
    return authenticate(books, intent, passed=passed)


def _way_back(return_url: str, intent: Waiting) -> str:
    """The shop's address with what Stripe adds to it."""
    outcome = {
        intent.KIND: intent.id,
        f"{intent.KIND}_client_secret": intent.client_secret,
        "redirect_status": "failed" if intent.status == "requires_payment_method" else "succeeded",
    }
    return f"{return_url}{'&' if '?' in return_url else '?'}{urlencode(outcome)}"


def _gone() -> HTTPResponse:
    return _page("Nothing to authenticate", "This payment does not wait for you here (any more).", status=404)


def add_authentication_pages(app: Sanic[Any, Any], state: State, ring: Callable[[], None]) -> None:
    """Serve the pages that `next_action.redirect_to_url.url` points to."""

    @app.get(f"{AUTHENTICATION}/<intent_id>/<_token>")
    async def ask_buyer(request: Request, intent_id: str, _token: str) -> HTTPResponse:
        intent = await state.within(lambda books: _waiting_at(books, request.path, intent_id))
        if intent is None:
            return _gone()
        return _page("Stripe sandbox", f"The bank asks you to confirm {intent.id}.", form=BUTTONS)

    @app.post(f"{AUTHENTICATION}/<intent_id>/<_token>")
    async def take_answer(request: Request, intent_id: str, _token: str) -> HTTPResponse:
        outcome = parse_qs(request.body.decode(errors="replace")).get("outcome")
        if outcome not in (["complete"], ["fail"]):
            return _page("Stripe sandbox", "Press one of the two buttons.", form=BUTTONS, status=400)

        def work(books: Books) -> tuple[Waiting, str | None] | None:
            intent = _waiting_at(books, request.path, intent_id)
            if intent is None or intent.next_action is None:
                return None
            return_url = intent.next_action.redirect_to_url.return_url
            return _answer(books, intent, passed=outcome == ["complete"]), return_url

        done = await state.within(work)
        ring()
        if done is None:
            return _gone()
        intent, return_url = done
        if return_url is None:
            return _page("Done", "You may close this page.")
        return redirect(_way_back(return_url, intent), status=303)
