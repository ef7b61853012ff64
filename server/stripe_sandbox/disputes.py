"""The Dispute: the cardholder asked their bank for the money back, and the bank took it, or only asks."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, Field, StringConstraints

from server.stripe_sandbox.charges import Charge
from server.stripe_sandbox.errors import BadParameter, UnexpectedState
from server.stripe_sandbox.objects import Metadata, Params, StripeObject, keep, of_intent, read
from server.stripe_sandbox.state import Books

DAYS_TO_ANSWER = 9
"""Days until the bank decides without having heard the seller."""

Status = Literal[
    "warning_needs_response",
    "warning_under_review",
    "warning_closed",
    "needs_response",
    "under_review",
    "won",
    "lost",
]
Verdict = Literal["won", "lost", "warning_closed"]
OPEN: frozenset[Status] = frozenset(
    {"needs_response", "under_review", "warning_needs_response", "warning_under_review"}
)


class EvidenceParams(BaseModel):
    """What the seller says; Stripe's test mode listens to `winning_evidence` and `losing_evidence`."""

    uncategorized_text: Annotated[str, StringConstraints(max_length=20_000)] = ""


class UpdateParams(Params):
    """Parameters of update; evidence is handed in unless `submit` is false."""

    evidence: EvidenceParams = EvidenceParams()
    metadata: Metadata | None = None
    submit: bool = True


class EvidenceDetails(BaseModel):
    """How far the answer to the bank is."""

    due_by: int
    has_evidence: bool = False
    past_due: bool = False
    submission_count: int = 0


class BalanceTransaction(BaseModel):
    """Money taken out of the seller's account (negative) or put back."""

    id: str
    object: Literal["balance_transaction"] = "balance_transaction"
    amount: int
    created: int
    currency: str
    fee: int = 0
    net: int
    reporting_category: str = "dispute"
    source: str
    type: str = "adjustment"


class Dispute(StripeObject):
    """A dispute."""

    KIND: ClassVar[str] = "dispute"
    PREFIX: ClassVar[str] = "du"

    object: Literal["dispute"] = "dispute"
    amount: int
    balance_transactions: tuple[BalanceTransaction, ...] = ()
    charge: str
    currency: str
    evidence: dict[str, str | None] = Field({})
    evidence_details: EvidenceDetails
    is_charge_refundable: bool
    livemode: Literal[False] = False
    metadata: dict[str, str] = Field({})
    payment_intent: str
    reason: str
    status: Status


def open_dispute(
    books: Books, charge: Charge, *, reason: str, inquiry: bool = False, amount: int | None = None
) -> Dispute:
    """Take the money back, or with `inquiry` only ask for it; without `amount`, all that was captured."""
    if not charge.captured:
        raise UnexpectedState(f"{charge.id} was not captured; there is nothing to dispute.")
    if amount is not None and amount > charge.amount_captured:
        raise BadParameter(f"Only {charge.amount_captured} was captured.", param="amount")
    if any(dispute.status in OPEN for dispute in disputes_of(books, charge)):
        raise UnexpectedState(f"{charge.id} is disputed already.")
    dispute = Dispute(
        id=Dispute.new_id(),
        created=int(books.now),
        amount=charge.amount_captured if amount is None else amount,
        charge=charge.id,
        currency=charge.currency,
        evidence_details=EvidenceDetails(due_by=int(books.now) + DAYS_TO_ANSWER * 86_400),
        is_charge_refundable=inquiry,
        payment_intent=charge.payment_intent,
        reason=reason,
        status="warning_needs_response" if inquiry else "needs_response",
    )
    keep(books, charge.model_copy(update={"disputed": True}))
    if inquiry:
        return keep(books, dispute, "charge.dispute.created")
    withdrawn = _move(dispute, -dispute.amount, now=books.now)
    return keep(books, withdrawn, "charge.dispute.created", "charge.dispute.funds_withdrawn")


def update_dispute(books: Books, dispute_id: str, params: UpdateParams) -> Dispute:
    """Answer the bank: it then reviews, or, told so by test evidence, decides at once."""
    dispute = read(books, Dispute, dispute_id)
    _expect_open(dispute)
    text = params.evidence.uncategorized_text
    change: dict[str, Any] = {} if params.metadata is None else {"metadata": params.metadata}
    if text:
        details = dispute.evidence_details.model_copy(update={"has_evidence": True})
        change |= {"evidence": {"uncategorized_text": text}, "evidence_details": details}
    dispute = dispute.model_copy(update=change)
    if not text or not params.submit:
        return keep(books, dispute, "charge.dispute.updated")
    details = dispute.evidence_details.model_copy(update={"submission_count": 1})
    inquiry = dispute.status.startswith("warning_")
    status = "warning_under_review" if inquiry else "under_review"
    dispute = dispute.model_copy(update={"evidence_details": details, "status": status})
    keep(books, dispute, "charge.dispute.updated")
    verdicts: dict[str, Verdict] = {
        "winning_evidence": "warning_closed" if inquiry else "won",
        "losing_evidence": "lost",
    }
    verdict = verdicts.get(text)
    return dispute if verdict is None else decide(books, dispute, verdict)


def accept_dispute(books: Books, dispute_id: str, _: Params) -> Dispute:
    """Give in: the dispute is lost."""
    return decide(books, read(books, Dispute, dispute_id), "lost")


def decide(books: Books, dispute: Dispute, verdict: Verdict) -> Dispute:
    """The bank's last word; won, the money comes back."""
    _expect_open(dispute)
    if (verdict == "warning_closed") != dispute.status.startswith("warning_") and verdict != "lost":
        raise UnexpectedState(f"{dispute.id} is {dispute.status} and cannot become {verdict}.")
    closed = dispute.model_copy(update={"status": verdict, "is_charge_refundable": verdict != "lost"})
    if verdict != "won":
        return keep(books, closed, "charge.dispute.closed")
    reinstated = _move(closed, closed.amount, now=books.now)
    return keep(books, reinstated, "charge.dispute.closed", "charge.dispute.funds_reinstated")


def disputes_of(books: Books, charge: Charge) -> list[Dispute]:
    """All disputes of a charge, newest first."""
    return [d for d in of_intent(books, Dispute, charge.payment_intent) if d.charge == charge.id]


def bars_refund(books: Books, charge: Charge) -> bool:
    """Whether the money is with the bank, so that a refund would give it twice."""
    return charge.disputed and not all(d.is_charge_refundable for d in disputes_of(books, charge))


def _expect_open(dispute: Dispute) -> None:
    if dispute.status not in OPEN:
        raise UnexpectedState(f"{dispute.id} is {dispute.status}; it is over.")


def _move(dispute: Dispute, amount: int, *, now: float) -> Dispute:
    transaction = BalanceTransaction(
        id=f"txn_{dispute.id.removeprefix('du_')}{len(dispute.balance_transactions)}",
        amount=amount,
        created=int(now),
        currency=dispute.currency,
        net=amount,
        source=dispute.id,
    )
    return dispute.model_copy(update={"balance_transactions": (*dispute.balance_transactions, transaction)})
