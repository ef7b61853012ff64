"""Every way the prototype of this system failed has a test of its own, named after its number: `test_p06_…`.

One that is shown in two halves has two lines.
"""

import re

import pytest

from tests.architecture.tree import names_of_tests

PITFALLS = {
    "p01": "migrations and code disagreed about the schema: the quick start failed at sign-up",
    "p02": "services started together raced on CREATE TABLE and served without tables",
    "p03": "code read another variable than documented: auth signed with a key in the source",
    "p04": "the same for Redis, and probe paths that no route served",
    "p04_manifests": "the probe paths and variables of the manifests",
    "p05": "expiry released no ticket, published nothing, and the order could still be charged",
    "p06": "cancel during a charge: the charge revived the cancelled order, whose ticket was resold",
    "p07": "tickets never heard of orders: a held ticket was listed as free and stayed editable",
    "p08": "a version going backwards: two buyers got 201 for one ticket and both could pay",
    "p09": "events lost: consumer down, broker restarted, publisher killed, broker started late",
    "p10": "payments by anyone, in any currency, complete before the money; unsigned webhooks",
    "p11": "payment and expiry at the same moment: the paid order was cancelled",
    "p12": "every replica handled every event",
    "p13": "an old event overwrote a newer one; cancelled-then-created left the order payable",
    "p14": "tokens accepted: other algorithm, without exp, non-UUID subject, after sign-out",
    "p15": "no upper bound on price, title or body",
    "p16": "driver text in answers; one status for all; e-mail by case; enumeration; `null` lists",
    "p16_bff": "the BFF called paths and cookies the services did not know",
    "p17": "database down was reported as the client's fault, with its address; no health endpoint",
    "p18": "SIGTERM cut all requests in flight",
    "p19": "no timeouts: half a header held a connection for ever; too many clients for the database",
    "p20": "client disconnect left an order `created` for ever",
    "p21": "an order placed while the expiration worker was down never expired",
    "p22": "a ticket just created could not be ordered",
    "p23": "all services hard-coded the same port",
    "p24": "oversell with two replicas",
    "p25": "oversell with one replica while the seller edits the price",
    "p26": "orphan `created` orders when connections ran out",
    "p27": "throughput fell as clients rose, because connections were not pooled",
}


@pytest.mark.parametrize("number", PITFALLS)
def test_a_pitfall_is_tested(number: str) -> None:
    found = [name for name in names_of_tests() if name.startswith(f"{number}_")]
    halves = tuple(f"{other}_" for other in PITFALLS if other.startswith(f"{number}_"))
    found = [name for name in found if not halves or not f"{name}_".startswith(halves)]
    assert found, f"no test is named test_{number}_…: {PITFALLS[number]}"


def test_the_numbers_are_complete() -> None:
    assert {number[:3] for number in PITFALLS} == {f"p{n:02}" for n in range(1, 28)}


def test_a_test_names_a_pitfall_that_exists() -> None:
    numbered = {match[0] for name in names_of_tests() if (match := re.match(r"p\d\d", name))}
    assert numbered <= set(PITFALLS)
