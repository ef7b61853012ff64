"""What a person does to a payment at Stripe or at the bank, and what a test does in their place."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from server.stripe_sandbox.charges import Charge, charge_of
from server.stripe_sandbox.disputes import OPEN, Dispute, Verdict, decide, open_dispute
from server.stripe_sandbox.errors import NoSuchRoute, StripeRefusal, UnexpectedState
from server.stripe_sandbox.intents import Amount, Currency, PaymentIntent
from server.stripe_sandbox.objects import Params, keep, of_intent, read
from server.stripe_sandbox.payments import authenticate, capture_intent, decline_intent, end, lapse
from server.stripe_sandbox.refunds import Refund, RefundParams, Settled, create_refund, settle
from server.stripe_sandbox.state import Books, State


class Nothing(BaseModel):
    """An action that needs no more than its name."""

    model_config = ConfigDict(extra="forbid")


class CancelAction(Nothing):
    """Why."""

    reason: str = "requested_by_customer"


class RefundAction(Nothing):
    """How much, in minor units; all that is left if not said."""

    amount: Annotated[int, Field(ge=1)] | None = None


class SettleAction(Nothing):
    """What becomes of a refund; of the newest if not said."""

    refund: str | None = None
    status: Settled
    failure_reason: str = "lost_or_stolen_card"


class DisputeAction(Nothing):
    """What the cardholder complains of; with `inquiry` the bank only asks."""

    amount: Annotated[int, Field(ge=1)] | None = None
    reason: str = "fraudulent"
    inquiry: bool = False


class CloseAction(Nothing):
    """What the bank decides."""

    outcome: Verdict


class DeclineAction(Nothing):
    """What the bank says."""

    decline_code: str = "generic_decline"


class AuthenticateAction(Nothing):
    """How the buyer fares at the bank's page."""

    outcome: Literal["complete", "fail"] = "complete"


class AlterAction(Nothing):
    """What the intent says from now on, true or not; no event is sent."""

    amount: Amount | None = None
    currency: Currency | None = None
    metadata: dict[str, str] | None = None


def _capture(books: Books, intent: PaymentIntent, _: Nothing) -> None:
    capture_intent(books, intent.id, Params())


def _cancel(books: Books, intent: PaymentIntent, action: CancelAction) -> None:
    end(books, intent, reason=action.reason)


def _lapse(books: Books, intent: PaymentIntent, _: Nothing) -> None:
    lapse(books, intent)


def _refund(books: Books, intent: PaymentIntent, action: RefundAction) -> None:
    create_refund(books, RefundParams(payment_intent=intent.id, amount=action.amount))


def _settle(books: Books, intent: PaymentIntent, action: SettleAction) -> None:
    refunds = [it for it in of_intent(books, Refund, intent.id) if action.refund in {None, it.id}]
    if not refunds:
        raise UnexpectedState(f"{intent.id} has no such refund.")
    settle(books, refunds[0], action.status, failure_reason=action.failure_reason)


def _dispute(books: Books, intent: PaymentIntent, action: DisputeAction) -> None:
    charge = charge_of(books, intent)
    if charge is None:
        raise UnexpectedState(f"{intent.id} has no charge; there is nothing to dispute.")
    for refund in of_intent(books, Refund, intent.id):
        if refund.status == "pending" and not action.inquiry:
            settle(books, refund, "failed", failure_reason="charge_for_pending_refund_disputed")
            charge = read(books, Charge, charge.id)
    open_dispute(books, charge, reason=action.reason, inquiry=action.inquiry, amount=action.amount)


def _close(books: Books, intent: PaymentIntent, action: CloseAction) -> None:
    disputes = [it for it in of_intent(books, Dispute, intent.id) if it.status in OPEN]
    if not disputes:
        raise UnexpectedState(f"{intent.id} has no open dispute.")
    decide(books, disputes[0], action.outcome)


def _decline(books: Books, intent: PaymentIntent, action: DeclineAction) -> None:
    decline_intent(books, intent, action.decline_code)


def _authenticate(books: Books, intent: PaymentIntent, action: AuthenticateAction) -> None:
    authenticate(books, intent, passed=action.outcome == "complete")


def _alter(books: Books, intent: PaymentIntent, action: AlterAction) -> None:
    change: dict[str, Any] = action.model_dump(exclude_none=True)
    charge = charge_of(books, intent)
    if charge is not None:
        taken = {} if "amount" not in change or not charge.captured else {"amount_captured": action.amount}
        keep(books, charge.model_copy(update={**change, **taken}))
    if action.amount is not None:
        # Whatever of the amount is authorised or received is so of the new one.
        held = {"amount_capturable": intent.amount_capturable, "amount_received": intent.amount_received}
        change |= {name: action.amount for name, amount in held.items() if amount}
    keep(books, intent.model_copy(update=change))


A = TypeVar("A", bound=Nothing)


@dataclass(frozen=True)
class _Action(Generic[A]):
    model: type[A]
    work: Callable[[Books, PaymentIntent, A], None]


ACTIONS: dict[str, _Action[Any]] = {
    "capture": _Action(Nothing, _capture),
    "cancel": _Action(CancelAction, _cancel),
    "lapse": _Action(Nothing, _lapse),
    "refund": _Action(RefundAction, _refund),
    "settle_refund": _Action(SettleAction, _settle),
    "dispute": _Action(DisputeAction, _dispute),
    "close_dispute": _Action(CloseAction, _close),
    "decline": _Action(DeclineAction, _decline),
    "authenticate": _Action(AuthenticateAction, _authenticate),
    "alter": _Action(AlterAction, _alter),
}


def model_of(action: str) -> type[Nothing]:
    """What an action wants to know."""
    if action not in ACTIONS:
        raise NoSuchRoute(f"There is no action {action}; there are {', '.join(ACTIONS)}.")
    return ACTIONS[action].model


def act(books: Books, intent_id: str, action: str, params: Nothing) -> None:
    """Do it; refused where Stripe would refuse it."""
    ACTIONS[action].work(books, read(books, PaymentIntent, intent_id), params)


def picture(books: Books, intent_id: str) -> dict[str, Any]:
    """All there is to know of a payment."""
    intent = read(books, PaymentIntent, intent_id)
    charge = charge_of(books, intent)
    return {
        "payment_intent": intent.shown(),
        "charge": None if charge is None else charge.shown(),
        "refunds": [refund.shown() for refund in of_intent(books, Refund, intent.id)],
        "disputes": [dispute.shown() for dispute in of_intent(books, Dispute, intent.id)],
    }


async def do(state: State, work: Callable[[Books], object]) -> None:
    """Do something in one transaction, of which a refusal that is final keeps what was done."""

    def attempt(books: Books) -> StripeRefusal | None:
        try:
            work(books)
        except StripeRefusal as refusal:
            if not refusal.final:
                raise
            return refusal
        return None

    refusal = await state.within(attempt)
    if refusal is not None:
        raise refusal
