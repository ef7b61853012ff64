"""Whatever people do at the HTTP API, the platform answers, and ends, as the model says."""

import hypothesis
import pytest

from server.settings import Settings
from tests.stateful.machine import Marketplace
from tests.stateful.stage import stage

ALL = {
    *("200", "201", "202", "204", "402 card_declined", "403 not_owner", "403 own_ticket"),
    *("404 order_not_found", "404 payment_not_found", "409 extension_used", "409 not_refundable"),
    *("409 order_not_cancellable", "409 order_not_extendable", "409 order_not_payable", "409 price_changed"),
    *("409 ticket_reserved", "409 ticket_sold", "409 ticket_withdrawn", "409 version_conflict"),
    *("422 idempotency_key_reused", "429 too_many_holds"),
    *("created", "accepted", "complete", "cancelled", "expired", "rejected", "revoked", "refunded"),
    *("disputed", "charged_back"),
}
"""Every verdict and every state of an order that the model knows."""

MOST_SEEDS = 40
"""Some eight do, of eight seconds each; what chance withholds gets five times as many."""


@pytest.mark.timeout(900)  # a failure is shrunk for up to five minutes
class TestPeople:
    """Each answer is as predicted, all services come to agree with it, and every promise holds at the end."""

    async def test_get_what_the_model_says(
        self, empty: Settings, rules: hypothesis.settings, seed: int
    ) -> None:
        async with stage(empty) as on:
            await on.play(Marketplace, hypothesis.settings(rules, max_examples=3), seeds=[seed])

    @pytest.mark.slow
    async def test_get_it_whatever_happens(
        self, empty: Settings, rules: hypothesis.settings, seed: int
    ) -> None:
        """Until everything has happened."""
        async with stage(empty) as on:
            for one in range(seed, seed + MOST_SEEDS):
                await on.play(Marketplace, rules, seeds=[one])
                if on.met == ALL:
                    break
            assert on.met == ALL
