"""What an order's page says first in each state, and the one thing to do next."""

from datetime import timedelta
from typing import Any

import pytest

from client.story import DECLINED, DECLINES, STORY, why_declined
from server.orders.schemas import OrderWithHistory
from server.payments.schemas import PaymentOut
from server.web.outlook import AGAIN, outlook, spelt
from tests.cli.running import order as order_json
from tests.cli.running import payment as payment_json
from tests.cli.running import step

BUYER: dict[str, Any] = {}
SELLER: dict[str, Any] = {"userId": None}
PAY = "Pay 45.00 USD"


def order(status: str, cause: str, **more: Any) -> OrderWithHistory:
    """One that came to this."""
    return OrderWithHistory.model_validate(order_json(status=status, history=[step(status, cause)], **more))


def held(*, left: timedelta = timedelta(minutes=5)) -> OrderWithHistory:
    """A hold."""
    made = order("created", "reserved")
    return made.model_copy(update={"expires_at": made.server_time + left})


def payment(status: str, **more: Any) -> PaymentOut:
    """A payment in this state."""
    return PaymentOut.model_validate(payment_json(status=status, **more))


@pytest.mark.parametrize(("status", "cause"), STORY)
@pytest.mark.parametrize("who", [BUYER, SELLER], ids=["buyer", "seller"])
def test_w21_every_state_has_its_own_sentence_and_one_step(
    status: str, cause: str, who: dict[str, Any]
) -> None:
    view = outlook(order(status, cause, **who), None)
    others = [outlook(order(*key, **who), None) for key in STORY if key != (status, cause)]
    assert view.says not in [other.says for other in others]
    assert (view.step is None) == (status in AGAIN and not who)


@pytest.mark.parametrize("cause", ["paid too late", "the card could not be charged"])
def test_who_was_rejected_was_not_charged(cause: str) -> None:
    assert "You were not charged." in outlook(order("rejected", cause), None).says


@pytest.mark.parametrize(
    ("paid", "sentence", "step"),
    [
        (None, "Held for you; nobody else can take it.", PAY),
        (payment("open"), "Held for you; nobody else can take it.", PAY),
        (
            payment("open", declineCode="expired_card"),
            "This card has expired. Nothing was taken, and the ticket is still held for you.",
            PAY,
        ),
        (
            payment("requires_action", nextAction={"url": "https://bank.example"}),
            "Your bank wants to make sure that it is you. Nothing is taken before that.",
            "Go to your bank",
        ),
        (
            payment("authorized"),
            "Your bank said yes. The ticket is being kept for you, then the money is taken.",
            "Look again",
        ),
    ],
)
def test_w21_a_hold_tells_of_its_payment(paid: PaymentOut | None, sentence: str, step: str) -> None:
    view = outlook(held(), paid)
    assert view.says[0] == sentence
    assert view.step is not None
    assert view.step.text == step
    assert view.waits == (step == "Look again")


def test_paid_as_the_hold_ended_it_is_looked_at_whether_the_ticket_is_free() -> None:
    view = outlook(order("expired", "hold ended"), payment("authorized"))
    assert view.says[1] == "If it is not, you are not charged."
    assert view.waits


def test_a_hold_whose_time_is_over_is_not_paid() -> None:
    view = outlook(held(left=timedelta(0)), None)
    assert view.step is not None
    assert (view.step.text, view.waits) == ("Look again", True)


@pytest.mark.parametrize(
    ("came", "paid", "waits"),
    [
        ("paid", payment("open"), True),
        ("paid", payment("open", declineCode="expired_card"), True),
        ("paid", payment("requires_action"), True),
        ("bank", payment("requires_action"), True),
        ("bank", payment("open"), True),
        ("bank", payment("open", declineCode="expired_card"), False),
        ("paid", None, False),
        ("", payment("open"), False),
        ("moon", payment("open"), False),
    ],
)
def test_who_comes_from_stripe_waits_for_its_word(came: str, paid: PaymentOut | None, waits: bool) -> None:  # noqa: FBT001 - a column of the table
    assert outlook(held(), paid, came).waits == waits


@pytest.mark.parametrize("came", ["paid", "bank"])
@pytest.mark.parametrize("status", ["open", "requires_action"])
def test_nor_is_it_told_that_nothing_was_taken_when_the_hold_ended_meanwhile(came: str, status: str) -> None:
    expired = order("expired", "hold ended")
    view = outlook(expired, payment(status), came)
    assert "is being looked at" in view.says[0]
    assert "Nothing was taken" not in " ".join(view.says)
    assert view.waits
    assert view.step is not None
    assert view.step.address == f"/orders/{expired.id}?came={came}"
    ending = outlook(held(left=timedelta(0)), payment(status), came)
    assert ending.says == ("Stripe will tell within seconds what became of your payment.",)


def test_an_unpaid_hold_that_ended_can_be_held_again() -> None:
    expired = order("expired", "hold ended")
    for came, paid in (("", payment("open")), ("paid", payment("voided")), ("paid", None)):
        view = outlook(expired, paid, came)
        assert (view.step, view.waits) == (None, False)


def test_what_is_unclear_is_said_and_a_refund_that_failed_can_be_sent_again() -> None:
    cause = ("revoked", "refund sent back by the bank")
    to_seller = outlook(order(*cause, needsReview=True, **SELLER), None)
    assert to_seller.says[-1] == "The refund did not get through; send it again."
    assert to_seller.step is not None
    assert to_seller.step.text == "Refund"
    to_buyer = outlook(order(*cause, needsReview=True), None)
    assert to_buyer.says[-1] == "The refund did not get through; the seller can send it again."


def test_a_seller_is_not_urged_to_refund_what_is_sold() -> None:
    sold = outlook(order("complete", "paid", **SELLER), None)
    assert (sold.step and sold.step.text, sold.otherwise and sold.otherwise.text) == (
        "See the listing",
        "Refund",
    )


def test_w21_each_decline_is_told_apart() -> None:
    assert len(set(DECLINES.values())) == len(DECLINES)
    assert why_declined("insufficient_funds") == "There is not enough money on this card."
    assert why_declined("lost_card") == why_declined(None) == DECLINED


def test_lengths_of_time() -> None:
    assert [spelt(seconds) for seconds in (300, 60, 90, 1)] == [
        "5 minutes",
        "1 minute",
        "90 seconds",
        "1 second",
    ]
