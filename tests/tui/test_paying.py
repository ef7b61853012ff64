"""What a buyer is told in each state of order and payment, and what to press next."""

from typing import Any

import pytest

from client.story import DECLINES, UNHARMED
from server.orders.schemas import OrderWithHistory
from server.payments.schemas import PaymentOut
from tests.cli.running import order as order_json
from tests.cli.running import payment as payment_json
from tests.cli.running import step
from tui.paying import how_to_pay, page_of

PAGE, BANK = "https://checkout.example/c/pay/cs_1", "https://bank.example/3ds"
KEYS = {"pay": "p", "method": "m", "copy_link": "c", "hold": "b"}


def told(state: str, cause: str, *, is_asking: bool = False, **paid: Any) -> str:
    """What the page says of an order that came to this, with such a payment if one is described."""
    order = OrderWithHistory.model_validate(order_json(status=state, history=[step(state, cause)]))
    payment = PaymentOut.model_validate(payment_json(**paid)) if paid else None
    return how_to_pay(order, payment, is_asking=is_asking, key_of=KEYS.__getitem__)


class TestHeld:
    """Before anything is paid."""

    def test_names_both_ways(self) -> None:
        """Without a payment, and while Stripe is asked neither."""
        assert "Press p to pay on a page" in told("created", "reserved")
        assert told("created", "reserved", is_asking=True) == "Asking Stripe…"

    def test_a_page_is_named_with_the_amount(self) -> None:
        """And that nothing is taken before."""
        said = told("created", "reserved", mode="checkout", checkoutUrl=PAGE)
        assert said.startswith(f"To pay 45.00 USD, open\n{PAGE}\n")
        assert "nothing is taken before that" in said

    def test_a_bank_is_named_as_one(self) -> None:
        """3-D Secure."""
        said = told("created", "reserved", status="requires_action", nextAction={"url": BANK})
        assert said.startswith("Your bank wants to make sure that it is you.")
        assert f"\n{BANK}\n" in said

    @pytest.mark.parametrize(("code", "words"), DECLINES.items())
    def test_a_decline_is_in_words_and_says_what_to_do(self, code: str, words: str) -> None:
        """Never Stripe's own name for it."""
        said = told("created", "reserved", declineCode=code)
        assert said.startswith(f"Declined: {words} {UNHARMED}\n\nTry another card. Press p")
        assert code not in said

    def test_an_authorisation_is_not_called_paid(self) -> None:
        """Not before the order is."""
        said = told("created", "reserved", status="authorized")
        assert "then the money is taken" in said
        assert "Paid" not in said
        assert "Paid" not in told("accepted", "payment authorised", status="capturing")


class TestAfterwards:
    """When it is over, or late."""

    def test_paid_on_time(self) -> None:
        """The amount, and whose it is."""
        assert told("complete", "paid", status="captured") == "Paid 45.00 USD. The ticket is yours."

    def test_paid_as_the_hold_ended(self) -> None:
        """Nothing is known yet, and nothing is to be done."""
        said = told("expired", "hold ended", status="authorized")
        assert said.startswith("You paid just as the hold ended.")
        assert "Press b" not in said

    @pytest.mark.parametrize(
        ("status", "cause", "words"),
        [
            (
                "rejected",
                "paid too late",
                "You paid after the hold had ended, and the ticket was gone by then.",
            ),
            ("expired", "hold ended", "Not paid in time. Nothing was taken"),
            ("cancelled", "cancelled by the buyer", "You gave it up. Nothing was taken"),
            ("refunded", "money given back", "Your 45.00 USD was given back"),
        ],
    )
    def test_over_says_why_and_offers_the_ticket_again(self, status: str, cause: str, words: str) -> None:
        """In the words of its last step."""
        said = told(status, cause)
        assert said.startswith(words)
        assert said.endswith("Press b to hold it again.")


@pytest.mark.parametrize("status", ["created", "complete"])
def test_its_seller_is_told_of_the_buyer_and_of_no_keys(status: str) -> None:
    cause = {"created": "reserved", "complete": "paid"}[status]
    found = order_json(status=status, userId=None, history=[step(status, cause)])
    said = how_to_pay(OrderWithHistory.model_validate(found), None, is_asking=False, key_of=KEYS.__getitem__)
    assert said in {"A buyer holds it.", "45.00 USD paid. The ticket is sold."}


@pytest.mark.parametrize("status", ["accepted", "complete", "expired", "cancelled", "rejected"])
def test_no_page_is_offered_for_what_is_not_held(status: str) -> None:
    order = OrderWithHistory.model_validate(order_json(status=status))
    payment = PaymentOut.model_validate(payment_json(mode="checkout", checkoutUrl=PAGE))
    assert page_of(order, payment) is None
