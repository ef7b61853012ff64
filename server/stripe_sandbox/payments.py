"""What happens to a payment: an attempt with a card, the bank's page, capture, cancel, lapse."""

from typing import Any

from server.stripe_sandbox.cards import CAPTURE_REFUSED, Decline, declined
from server.stripe_sandbox.charges import Charge, charge_of
from server.stripe_sandbox.customers import Customer
from server.stripe_sandbox.disputes import open_dispute
from server.stripe_sandbox.errors import UnexpectedState
from server.stripe_sandbox.intents import (
    AUTHENTICATION,
    CONFIRMABLE,
    EVENT_ON,
    NOT_AUTHENTICATED,
    AttemptParams,
    CancelParams,
    ConfirmParams,
    CreateParams,
    PaymentError,
    PaymentIntent,
)
from server.stripe_sandbox.objects import Params, keep, read
from server.stripe_sandbox.payment_methods import PaymentMethod, check_owner, create_method, given_method
from server.stripe_sandbox.refunds import release
from server.stripe_sandbox.sessions import note_authorised, note_captured, session_of
from server.stripe_sandbox.setup_intents import is_set_up
from server.stripe_sandbox.state import Books

LAPSES_AFTER = 7 * 24 * 3600
"""Seconds until an authorisation ends by itself, as at Stripe for most cards."""
LAPSES_SOON = 2
"""Seconds for `pm_sandbox_authorizationLapses`, unless a capture comes first and finds it gone."""

AUTHENTICATION_REQUIRED = Decline(
    "authentication_required",
    "authentication_required",
    "The bank wants the buyer to authenticate, and they are not there.",
)


def create_intent(books: Books, params: CreateParams) -> PaymentIntent:
    """Begin a payment, and confirm it at once if `confirm` is set."""
    if params.customer is not None:
        read(books, Customer, params.customer, param="customer")
    method = _method(books, params)
    if method is None and params.confirm:
        # Before anything is written: create and confirm are refused together.
        raise _no_method("The payment")
    intent = begin(books, params, method=method)
    if method is None or not params.confirm:
        return intent
    return attempt(books, intent, method, params).refuse_if_declined()


def begin(books: Books, params: CreateParams, *, method: PaymentMethod | None) -> PaymentIntent:
    """A new payment, not confirmed."""
    intent = PaymentIntent.new(params, method=method, now=books.now)
    return keep(books, intent, "payment_intent.created")


def confirm_intent(books: Books, intent_id: str, params: ConfirmParams) -> PaymentIntent:
    """Try a card: approved, declined, or sent to the bank's page."""
    intent = read(books, PaymentIntent, intent_id)
    intent.expect(CONFIRMABLE, "confirmed")
    _leave_to_session(books, intent)
    method = _method(books, params)
    if method is None and intent.payment_method is not None:
        method = given_method(books, intent.payment_method)
    if method is None:
        raise _no_method(intent.id, payment_intent=intent.shown())
    return attempt(books, intent, method, params).refuse_if_declined()


def attempt(
    books: Books, intent: PaymentIntent, method: PaymentMethod, params: AttemptParams
) -> PaymentIntent:
    """The card's answer, kept; a decline is not raised here."""
    if params.setup_future_usage is not None:
        intent = intent.model_copy(update={"setup_future_usage": params.setup_future_usage})
    check_owner(method, intent.customer)
    card = method.card.card
    if not _asks_for_buyer(books, method, off_session=params.off_session):
        return _charge(books, intent, method, card.decline)
    if params.off_session:
        return _charge(books, intent, method, AUTHENTICATION_REQUIRED)
    page = books.home + AUTHENTICATION
    return step(books, intent.await_buyer(method.id, page=page, return_url=params.return_url))


def _asks_for_buyer(books: Books, method: PaymentMethod, *, off_session: bool) -> bool:
    match method.card.card.authentication:
        case "until_set_up":
            return not (off_session and _is_set_up(books, method))
        case "on_session":
            return not off_session
        case "always":
            return True
        case "never":
            return False


def _is_set_up(books: Books, method: PaymentMethod) -> bool:
    paid = {"payment_method": method.id, "status": "succeeded", "setup_future_usage": "off_session"}
    return is_set_up(books, method) or bool(books.newest(PaymentIntent.KIND, limit=1, where=paid))


def _method(books: Books, params: AttemptParams) -> PaymentMethod | None:
    if params.payment_method_data is not None:
        return create_method(books, params.payment_method_data)
    return None if params.payment_method is None else given_method(books, params.payment_method)


def authenticate(books: Books, intent: PaymentIntent, *, passed: bool) -> PaymentIntent:
    """The buyer has been to the bank's page."""
    intent.expect(frozenset({"requires_action"}), "authenticated")
    method = given_method(books, intent.payment_method or "")
    if passed:
        return _charge(books, intent, method, method.card.card.decline)
    return step(books, intent.fail(NOT_AUTHENTICATED.model_copy(update={"payment_method": method})))


def decline_intent(books: Books, intent: PaymentIntent, decline_code: str) -> PaymentIntent:
    """The bank says no, whatever the card is."""
    intent.expect(CONFIRMABLE, "declined")
    decline = declined(decline_code)
    if intent.payment_method is None:
        return step(books, intent.fail(PaymentError.of(decline, None, charge=None)))
    return _charge(books, intent, given_method(books, intent.payment_method), decline)


def capture_intent(books: Books, intent_id: str, _: Params) -> PaymentIntent:
    """Take the authorised money, if the bank still gives it."""
    intent = read(books, PaymentIntent, intent_id)
    captured = intent.capture()
    charge = charge_of(books, intent)
    if charge is None:
        return step(books, captured)
    if charge.card.capture == "lapses":
        gone = lapse(books, intent)
        raise UnexpectedState(f"The authorisation of {intent.id} has lapsed.", payment_intent=gone.shown())
    if charge.card.capture == "fails":
        raise CAPTURE_REFUSED.refusal(charge=charge.id, payment_intent=intent.shown())
    keep(books, charge.capture())
    note_captured(books, captured)
    return _paid(books, step(books, captured))


def cancel_intent(books: Books, intent_id: str, params: CancelParams) -> PaymentIntent:
    """End a payment that was not captured."""
    intent = read(books, PaymentIntent, intent_id)
    _leave_to_session(books, intent)
    return end(books, intent, reason=params.cancellation_reason)


def end(books: Books, intent: PaymentIntent, *, reason: str | None) -> PaymentIntent:
    """Cancel, and let go of the money if some was authorised."""
    canceled = step(books, intent.cancel(now=books.now, reason=reason))
    if intent.status == "requires_capture":
        release(books, charge_of(books, intent), reason=reason)
    return canceled


def lapse(books: Books, intent: PaymentIntent) -> PaymentIntent:
    """An authorisation that nobody captured ends by itself."""
    intent.expect(frozenset({"requires_capture"}), "left to lapse")
    return end(books, intent, reason="automatic")


def step(books: Books, intent: PaymentIntent) -> PaymentIntent:
    """Keep an intent that has just taken a step."""
    return keep(books, intent, EVENT_ON[intent.status])


def _charge(
    books: Books, intent: PaymentIntent, method: PaymentMethod, decline: Decline | None
) -> PaymentIntent:
    charge = Charge.attempt(intent, method, now=books.now, decline=decline)
    if decline is not None:
        keep(books, charge)
        error = PaymentError.of(decline, method, charge=charge.id)
        return step(books, intent.fail(error, charge_id=charge.id))
    if intent.customer is not None and intent.setup_future_usage is not None:
        keep(books, method.model_copy(update={"customer": intent.customer}))
    authorised = intent.authorise(method.id, charge.id)
    if authorised.status == "succeeded":
        keep(books, charge.capture())
        step(books, authorised)
        note_authorised(books, authorised)
        return _paid(books, authorised)
    keep(books, charge)
    books.after(LAPSES_SOON if charge.card.capture == "lapses" else LAPSES_AFTER, "lapse", intent.id)
    step(books, authorised)
    note_authorised(books, authorised)
    return authorised


def _paid(books: Books, intent: PaymentIntent) -> PaymentIntent:
    charge = charge_of(books, intent)
    if charge is not None and charge.card.dispute is not None:
        open_dispute(books, charge, reason=charge.card.dispute, inquiry=charge.card.inquiry)
    return intent


def _no_method(payment: str, **members: Any) -> UnexpectedState:  # noqa: ANN401 - what Stripe adds
    return UnexpectedState(
        f"{payment} has no payment method to confirm with. Pass `payment_method`.", **members
    )


def _leave_to_session(books: Books, intent: PaymentIntent) -> None:
    session = session_of(books, intent)
    if session is not None and session.status == "open":
        raise UnexpectedState(
            f"{intent.id} belongs to {session.id}: it is paid on its page, and expiring that cancels it.",
            payment_intent=intent.shown(),
        )
