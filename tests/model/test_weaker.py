"""Each rule is necessary: without it the protocol breaks a promise. `pytest -s` shows the shortest traces."""

from dataclasses import replace

import pytest

from tests.model.rules import PROTOCOL, Bus, Feature, Rules
from tests.model.runs import SLOW, Result, run
from tests.model.ticket import Violation

BY_HAND = (Feature.CAPTURED_BY_HAND, Feature.REFUNDED_BY_HAND)


def without(*rules: str) -> Rules:
    """The protocol less these rules."""
    return replace(PROTOCOL, **dict.fromkeys(rules, False))


def broken(result: Result) -> Violation:
    """What must have been found."""
    assert result.violation is not None, "the rule is not necessary, or the model does not see why"
    return result.violation


class TestOneAuthority:
    """Rule 1."""

    def test_without_a_ticket_is_held_twice(self) -> None:
        found = broken(run(rules=without("one_authority"), whole=True))
        assert found.what == "two live orders of one ticket"
        assert len(found.trace) == 2


class TestSeatVersion:
    """Rule 2."""

    def test_per_order_a_sold_ticket_is_shown_free(self) -> None:
        found = broken(run(rules=without("seat_version")))
        assert found.what == "tickets shows (None, 'available'), and it is (1, 'sold')"

    def test_as_a_change_a_free_ticket_is_shown_held(self) -> None:
        found = broken(run(rules=without("absolute_holder")))
        assert found.what == "tickets shows (0, 'reserved'), and it is (None, 'available')"

    def test_a_rejection_unheard_leaves_it_held(self) -> None:
        found = broken(run(Feature.LAPSE, rules=without("tickets_hear_rejected"), orders=1, whole=True))
        assert found.what == "tickets shows (0, 'reserved'), and it is (None, 'available')"


class TestAuthoriseClaimCapture:
    """Rule 3."""

    def test_charged_at_once_it_is_delivered_and_refunded(self) -> None:
        found = broken(run(rules=without("authorise_first"), whole=True))
        assert found.what == "a ticket is delivered and its money given back"

    def test_unanswered_an_authorisation_dangles(self) -> None:
        rules = without("answers_every_authorisation")
        found = broken(run(Feature.SECOND, Feature.LAPSE, rules=rules, orders=1, whole=True))
        assert found.what == "an authorisation is left dangling"


class TestWhatPaymentsCancels:
    """Rule 4."""

    def test_without_both_looks_after_a_create_an_intent_stays_open(self) -> None:
        """Heard while Stripe was making it, the end of an order is nobody's business any more."""
        rules = without("rereads_after_create", "cancel_waits_for_create")
        found = broken(run(rules=rules, bus=Bus.ONCE, orders=1, whole=True))
        assert found.what == "an intent stays open that somebody may still pay"

    @pytest.mark.parametrize("rule", ["rereads_after_create", "cancel_waits_for_create"])
    def test_either_suffices(self, rule: str) -> None:
        assert run(rules=without(rule), bus=Bus.ONCE).violation is None

    def test_a_rejection_that_lets_go_of_one_leaves_the_other_open(self) -> None:
        rules = without("lets_go_of_the_rest")
        found = broken(run(Feature.SECOND, Feature.LAPSE, rules=rules, orders=1, whole=True))
        assert found.what == "an intent stays open that somebody may still pay"


class TestTerminalMeansTerminal:
    """Rule 5."""

    def test_a_cancelled_order_is_revived(self) -> None:
        found = broken(run(rules=without("cancelled_is_final"), orders=1, whole=True))
        assert found.what == "an order its buyer cancelled lives again"

    @pytest.mark.parametrize("feature", [Feature.LAPSE, Feature.CAPTURED_BY_HAND])
    def test_an_acceptance_that_comes_late_and_is_not_answered(self, feature: Feature) -> None:
        rules = without("answers_settled")
        found = broken(run(feature, rules=rules, bus=Bus.ONCE, orders=1, whole=True))
        assert found.what == "an order stays accepted"

    def test_an_acceptance_that_comes_later_still(self) -> None:
        rules = without("answers_returned")
        found = broken(run(*BY_HAND, rules=rules, bus=Bus.ONCE, orders=1, whole=True))
        assert found.what == "an order stays accepted"


class TestMoneyBack:
    """Refunds and disputes."""

    def test_a_revocation_passed_over_as_old_news_keeps_the_money(self) -> None:
        rules = without("revokes_whatever_version")
        found = broken(run(Feature.REFUND, rules=rules, bus=Bus.ONCE, orders=1, whole=True))
        assert found.what == "a payment stays captured, its order revoked, and nobody looks"

    @pytest.mark.slow
    @pytest.mark.timeout(SLOW[0] + 30)
    @pytest.mark.parametrize(
        ("rule", "what"),
        [
            ("walks_back_from_refunded", "an order stays refunded, its payment charged_back"),
            ("stays_owed", "money is taken for an order that does not have the ticket"),
        ],
    )
    def test_a_refund_sent_back_and_a_dispute_cross(self, rule: str, what: str) -> None:
        features = (Feature.REFUND, Feature.DISPUTE)
        rules = without(rule)
        found = broken(run(*features, rules=rules, bus=Bus.ONCE, orders=1, whole=True, bounds=SLOW))
        assert found.what == what
