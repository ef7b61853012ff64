"""The dashboard at `/`: payments newest first, and what a person at Stripe could do to each."""

from collections.abc import Callable, Iterator
from html import escape
from typing import Any
from urllib.parse import urlsplit

from sanic import HTTPResponse, Request, Sanic, redirect

from server.stripe_sandbox.actions import act, do, model_of, picture
from server.stripe_sandbox.disputes import OPEN
from server.stripe_sandbox.errors import StripeRefusal
from server.stripe_sandbox.forms import read_pairs, read_params
from server.stripe_sandbox.intents import PaymentIntent
from server.stripe_sandbox.objects import ListParams, list_page
from server.stripe_sandbox.pages import money, page
from server.stripe_sandbox.state import Books, State

PAGE_SIZE = 30
"""Payments on a page."""

LOCAL = frozenset({"127.0.0.1", "localhost"})
"""Names by which this machine is asked; by any other, a browser was led here by a foreign page."""

GOOD = frozenset({"succeeded", "requires_capture", "won"})
BAD = frozenset({"canceled", "failed", "lost", "needs_response"})


def add_dashboard(app: Sanic[Any, Any], state: State, ring: Callable[[], None]) -> None:
    """Serve the page and its buttons."""

    @app.get("/", name="dashboard")
    async def show(request: Request) -> HTTPResponse:
        if _is_foreign(request):
            return _no()
        after = request.args.get("after")
        body = await state.within(lambda books: _list(books, after))
        return page("Stripe sandbox", body, wide=True)

    @app.post("/payments/<intent_id>/<action>", name="press")
    async def press(request: Request, intent_id: str, action: str) -> HTTPResponse:
        if _is_foreign(request):
            return _no()
        try:
            # An empty field is one that was left out.
            pairs = [(name, value) for name, value in read_pairs(request.body) if value]
            params = read_params(model_of(action), pairs)
            await do(state, lambda books: act(books, intent_id, action, params))
        except StripeRefusal as refusal:
            back = f'<p class="box bad" role="alert">{escape(refusal.message)}</p><p><a href="/">Back</a></p>'
            return page("That cannot be done", back, status=refusal.status)
        finally:
            ring()
        return redirect(f"/#{intent_id}", status=303)


def _is_foreign(request: Request) -> bool:
    """Whether another site's page is behind this request; a browser says so, and cannot be made to lie."""
    if urlsplit(f"//{request.headers.get('host', '')}").hostname not in LOCAL:
        return True
    if request.method == "GET":
        return False
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")


def _no() -> HTTPResponse:
    return page("Not from here", "<p>Open the dashboard itself, at 127.0.0.1.</p>", status=403)


def _list(books: Books, after: str | None) -> str:
    params = ListParams(limit=PAGE_SIZE, starting_after=after if after and _known(books, after) else None)
    found = list_page(books, PaymentIntent, params, url="/")
    boxes = "".join(_payment(picture(books, intent["id"])) for intent in found["data"])
    if not boxes:
        return '<p class="soft">No payments yet. They appear here, newest first.</p>'
    more = (
        f'<p><a href="/?after={found["data"][-1]["id"]}">Older payments</a></p>' if found["has_more"] else ""
    )
    first = '<p><a href="/">Newest payments</a></p>' if params.starting_after else ""
    return first + boxes + more


def _known(books: Books, intent_id: str) -> bool:
    return books.read(PaymentIntent.KIND, intent_id) is not None


def _payment(seen: dict[str, Any]) -> str:
    intent, charge = seen["payment_intent"], seen["charge"]
    amount = money(intent["amount"], intent["currency"])
    order = intent["metadata"].get("orderId")
    lines = [f"<code>{escape(intent['id'])}</code>"]
    if order is not None:
        lines.append(f"order <code>{escape(order)}</code>")
    if charge is not None:
        card = charge["payment_method_details"]["card"]
        lines.append(f"{escape(card['brand'])} ····{escape(card['last4'])}")
    notes = "".join(f'<p class="small">{note}</p>' for note in _notes(seen))
    buttons = "".join(_button(intent["id"], *button) for button in _buttons(seen))
    acts = f'<div class="acts">{buttons}</div>' if buttons else ""
    return (
        f'<section class="box" id="{escape(intent["id"])}"><div class="row">'
        f'<span class="amount">{amount}</span>{_tag(intent["status"])}</div>'
        f'<p class="soft small">{" · ".join(lines)}</p>{notes}'
        f"{acts}</section>"
    )


def _notes(seen: dict[str, Any]) -> Iterator[str]:
    intent = seen["payment_intent"]
    error = intent["last_payment_error"]
    if error is not None:
        yield f'<span class="bad">{escape(error["message"])}</span>'
    if intent["cancellation_reason"] is not None:
        yield f"canceled: {escape(intent['cancellation_reason'].replace('_', ' '))}"
    captured = seen["charge"] is not None and seen["charge"]["captured"]
    for refund in seen["refunds"] if captured else ():
        yield f"refund of {money(refund['amount'], refund['currency'])} {_tag(refund['status'])}"
    for dispute in seen["disputes"]:
        about = (
            f"{money(dispute['amount'], dispute['currency'])} ({escape(dispute['reason'].replace('_', ' '))})"
        )
        yield f"dispute of {about} {_tag(dispute['status'])}"


Button = tuple[str, str, dict[str, str], str | None]
"""What it says, its action, fixed fields, and the label of an amount that may be typed."""


def _buttons(seen: dict[str, Any]) -> Iterator[Button]:
    status = seen["payment_intent"]["status"]
    if status == "requires_action":
        yield "Authenticate", "authenticate", {"outcome": "complete"}, None
        yield "Fail authentication", "authenticate", {"outcome": "fail"}, None
    if status in {"requires_payment_method", "requires_confirmation", "requires_action"}:
        yield "Decline", "decline", {}, None
    if status == "requires_capture":
        yield "Capture", "capture", {}, None
        yield "Let it lapse", "lapse", {}, None
    if status not in {"succeeded", "canceled"}:
        yield "Cancel", "cancel", {}, None
    if status == "succeeded" and seen["charge"] is not None:
        yield from _after_capture(seen)


def _after_capture(seen: dict[str, Any]) -> Iterator[Button]:
    charge = seen["charge"]
    open_dispute = next((it for it in seen["disputes"] if it["status"] in OPEN), None)
    if charge["amount_captured"] > charge["amount_refunded"] and open_dispute is None:
        yield "Refund", "refund", {}, "Part, in minor units"
    newest = seen["refunds"][0]["status"] if seen["refunds"] else None
    if newest == "pending":
        yield "Let the refund succeed", "settle_refund", {"status": "succeeded"}, None
    if newest in {"pending", "succeeded"}:
        yield "Let the refund fail", "settle_refund", {"status": "failed"}, None
    if open_dispute is None:
        yield "Dispute", "dispute", {}, None
        yield "Inquire", "dispute", {"inquiry": "true"}, None
    elif open_dispute["status"].startswith("warning_"):
        yield "Close the inquiry", "close_dispute", {"outcome": "warning_closed"}, None
    else:
        yield "Win the dispute", "close_dispute", {"outcome": "won"}, None
        yield "Lose the dispute", "close_dispute", {"outcome": "lost"}, None


def _button(intent_id: str, text: str, action: str, fields: dict[str, str], amount: str | None) -> str:
    hidden = "".join(f'<input type="hidden" name="{name}" value="{value}">' for name, value in fields.items())
    typed = "" if amount is None else AMOUNT.format(label=amount)
    path = f"/payments/{escape(intent_id)}/{action}"
    return f'<form method="post" action="{path}">{hidden}<button>{text}</button>{typed}</form>'


AMOUNT = """<input name="amount" inputmode="numeric" pattern="[1-9][0-9]*" placeholder="all"
 aria-label="{label}">"""


def _tag(status: str) -> str:
    tone = "good" if status in GOOD else "bad" if status in BAD else "soft"
    return f'<span class="tag {tone}">{escape(status.replace("_", " "))}</span>'
