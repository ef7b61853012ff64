"""doctor finds each kind of damage, and nothing in a healthy platform."""

import asyncio
import json
import re
import shlex
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from server import doctor, repair
from server.__main__ import _parser
from server.app import gateway_of
from server.orders.models import LEGAL
from server.payments import audit
from server.payments.gateway import GatewayUnavailable
from server.settings import Settings
from tests.platform import Platform, command, databases, environment, started, wipe

OVERDUE = "UPDATE orders SET expires_at = now() - interval '1 minute' WHERE status = 'created'"
LATER = "UPDATE orders SET expires_at = now() + interval '1 hour' WHERE status = 'created'"
STUCK_EVENT = (
    "INSERT INTO outbox (id, type, data, request_id, occurred_at) "
    "VALUES (uuidv7(), 'x:y', '{}', '-', now() - interval '1 minute')"
)
UNSTUCK = "DELETE FROM outbox WHERE type = 'x:y'"
LETTER = (
    "INSERT INTO dead_letters (id, consumer, subject, event_id, headers, payload, error, created_at) "
    "VALUES (uuidv7(), 'c', 's', 'e', '{}', '{}', 'boom', now())"
)
NO_LETTER = "DELETE FROM dead_letters"
SECOND_ORDER = (
    "DROP INDEX one_live_order_per_ticket; DROP INDEX one_order_per_hold_slot; "
    "INSERT INTO orders SELECT (r).* FROM (SELECT json_populate_record(o, json_build_object('id', "
    "'00000000-0000-7000-8000-000000000001')) AS r FROM orders o WHERE status = 'created') s"
)
NO_SECOND_ORDER = (
    "DELETE FROM orders WHERE id = '00000000-0000-7000-8000-000000000001'; "
    "CREATE UNIQUE INDEX one_live_order_per_ticket ON orders (ticket_id) "
    "WHERE status IN ('created', 'accepted', 'complete', 'disputed'); "
    "CREATE UNIQUE INDEX one_order_per_hold_slot ON orders (user_id, hold_slot) WHERE status = 'created'"
)

# check, schema, how to break it, how to mend it. The platform holds a complete order and an unpaid one.
DAMAGE: tuple[tuple[str, str, str, str], ...] = (
    ("one_live_order_per_ticket", "orders", SECOND_ORDER, NO_SECOND_ORDER),
    (
        "seat_has_its_order",
        "orders",
        "UPDATE tickets SET seat_status = 'sold' WHERE seat_status = 'reserved'",
        (
            "UPDATE tickets t SET seat_status = 'reserved' FROM orders o "
            "WHERE o.id = t.holder AND o.status = 'created'"
        ),
    ),
    (
        "order_has_its_seat",
        "orders",
        "UPDATE tickets SET holder = NULL, seat_status = 'available' WHERE seat_status = 'reserved'",
        (
            "UPDATE tickets t SET holder = o.id, seat_status = 'reserved' FROM orders o "
            "WHERE o.ticket_id = t.id AND o.status = 'created'"
        ),
    ),
    ("no_overdue_hold", "orders", OVERDUE, LATER),
    (
        "nothing_stuck_in_accepted",
        "orders",
        (
            "UPDATE orders SET status = 'accepted', updated_at = now() - interval '1 hour' "
            "WHERE status = 'complete'"
        ),
        "UPDATE orders SET status = 'complete' WHERE status = 'accepted'",
    ),
    (
        "ticket_means_money",
        "payments",
        "UPDATE payments SET status = 'voided' WHERE status = 'captured'",
        "UPDATE payments SET status = 'captured' WHERE status = 'voided'",
    ),
    (
        "money_means_ticket",
        "orders",
        "UPDATE orders SET status = 'rejected' WHERE status = 'complete'",
        "UPDATE orders SET status = 'complete' WHERE status = 'rejected'",
    ),
    (
        "money_goes_back",
        "orders",
        "UPDATE orders SET status = 'revoked' WHERE status = 'complete'",
        "UPDATE orders SET status = 'complete' WHERE status = 'revoked'",
    ),
    (
        "returns_have_a_reason",
        "payments",
        "UPDATE payments SET status = 'refunding' WHERE status = 'captured'",
        "UPDATE payments SET status = 'captured' WHERE status = 'refunding'",
    ),
    (
        "no_over_refund",
        "payments",
        "UPDATE ledger SET amount = -amount WHERE kind = 'capture'",
        "UPDATE ledger SET amount = -amount WHERE kind = 'capture'",
    ),
    (
        "every_authorisation_answered",
        "payments",
        "UPDATE payments SET status = 'authorized' WHERE status = 'captured'",
        "UPDATE payments SET status = 'captured' WHERE status = 'authorized'",
    ),
    (
        "nothing_open_for_an_ended_order",
        "payments",
        (
            "UPDATE payments SET status = 'open' WHERE status = 'captured'; "
            "UPDATE orders SET status = 'rejected' WHERE status = 'accepted'"
        ),
        (
            "UPDATE payments SET status = 'captured' WHERE status = 'open'; "
            "UPDATE orders SET status = 'accepted' WHERE status = 'rejected'"
        ),
    ),
    (
        "payment_is_the_price",
        "payments",
        "UPDATE payments SET amount = amount + 1",
        "UPDATE payments SET amount = amount - 1",
    ),
    (
        "ledger_is_stripes",
        "payments",
        "UPDATE payments SET currency = 'eur'",
        "UPDATE payments SET currency = 'usd'",
    ),
    (
        "stripe_is_called",
        "payments",
        "UPDATE payment_ops SET done_at = NULL, created_at = now() - interval '1 day'",
        "UPDATE payment_ops SET done_at = now()",
    ),
    (
        "ledger_balances",
        "payments",
        "UPDATE ledger SET amount = amount + 1 WHERE account = 'sellers'",
        "UPDATE ledger SET amount = amount - 1 WHERE account = 'sellers'",
    ),
    (
        "ledger_agrees",
        "payments",
        "UPDATE ledger SET amount = amount * 2 WHERE kind = 'capture'",
        "UPDATE ledger SET amount = amount / 2 WHERE kind = 'capture'",
    ),
    (
        "legal_order_histories",
        "orders",
        "UPDATE order_history SET status = 'expired' WHERE status = 'accepted'",
        "UPDATE order_history SET status = 'accepted' WHERE status = 'expired'",
    ),
    (
        "order_is_its_last_step",
        "orders",
        "UPDATE orders SET version = version + 1 WHERE status = 'created'",
        "UPDATE orders SET version = version - 1 WHERE status = 'created'",
    ),
    (
        "seat_history_has_no_gaps",
        "orders",
        "UPDATE order_history SET seat_version = 7 WHERE status = 'complete'",
        "UPDATE order_history SET seat_version = 2 WHERE status = 'complete'",
    ),
    (
        "seats_agree",
        "tickets",
        "UPDATE tickets SET seat_status = 'available' WHERE seat_status = 'sold'",
        "UPDATE tickets SET seat_status = 'sold' WHERE seat_status = 'available'",
    ),
    (
        "listings_agree",
        "orders",
        "UPDATE tickets SET price = price + 1",
        "UPDATE tickets SET price = price - 1",
    ),
    (
        "orders_agree",
        "payments",
        "UPDATE orders SET status = 'expired' WHERE status = 'created'",
        "UPDATE orders SET status = 'created' WHERE status = 'expired'",
    ),
    *((f"outbox_drains_{s}", s, STUCK_EVENT, UNSTUCK) for s in ("auth", "tickets", "orders", "payments")),
    *((f"no_dead_letters_{s}", s, LETTER, NO_LETTER) for s in ("tickets", "orders", "payments")),
)


@pytest.fixture(scope="module")
async def resting(settings: Settings) -> AsyncIterator[Platform]:
    """A complete order and an unpaid one; then the background stops, so that damage stays as planted."""
    await wipe(settings)
    async with started(settings) as platform:
        seller, buyer = platform.user(), platform.user()
        first, second = await seller.list_ticket(), await seller.list_ticket()
        paid = await buyer.hold(first["id"])
        await buyer.hold(second["id"])
        await buyer.pay(paid["id"])
        await buyer.order_in(paid["id"], "complete")
        await platform.ticket_in(first["id"], "sold")
        await platform.ticket_in(second["id"], "reserved")
        await platform.doctor()
    async with started(settings, background=False) as platform:
        yield platform
    await wipe(settings)


PROMISES = [check for check in doctor.checks() if check.is_promise]
BY_HAND = [damage for damage in DAMAGE if damage[0] not in repair.REMEDIES]


async def examined(platform: Platform, *, patience: float = 0) -> doctor.Report:
    """Every promise, Stripe's included; nothing is too fresh."""
    gateway = gateway_of(platform.settings)

    async def ask() -> doctor.Rows:
        return [vars(found) for found in await audit.differences(gateway, settling=timedelta(0))]

    try:
        return await doctor.examine(databases(platform.settings), patience=patience, ask_stripe=ask)
    finally:
        await gateway.close()


class TestInvariants:
    """`invariants.sql`."""

    def test_the_legal_histories_are_those_of_the_code(self) -> None:
        """The file lists what `LEGAL` lists, and that an order begins as `created`."""
        [check] = [check for check in doctor.checks() if check.name == "legal_order_histories"]
        listed = set(re.findall(r"\('(\w*)', '(\w+)'\)", check.sql))
        assert listed == {("", "created"), *((a.value, b.value) for a, ends in LEGAL.items() for b in ends)}

    def test_every_check_has_its_damage_here(self) -> None:
        """A promise that no test breaks might be one that cannot fail."""
        assert sorted(check.name for check in PROMISES) == sorted(name for name, *_ in DAMAGE)

    def test_every_check_says_what_repairs_it(self) -> None:
        """And `doctor --repair` is said of just what it repairs."""
        assert [check.name for check in doctor.checks() if not check.repairs] == []
        automatic = {
            check.name for check in PROMISES if check.repairs[0] == "python -m server doctor --repair"
        }
        assert automatic == repair.REMEDIES.keys()

    def test_the_commands_are_commands(self) -> None:
        """With a row's ids in place they can be copied."""
        for check in doctor.checks():
            for line in doctor.Finding(check, [Anything()]).repairs([Anything()]):
                program, *words = shlex.split(line, comments=True)
                if (program, *words[:2]) == ("python", "-m", "server"):
                    assert _parser().parse_args(words[2:]).run, line
                else:
                    known = [
                        ("tix", "orders"),
                        ("tix", "tickets"),
                        ("python", "-m"),
                        ("psql", "$DATABASE_URL"),
                    ]
                    assert (program, words[0]) in known, line
                assert "{" not in line


class Anything(dict[str, Any]):
    """A row that has every column."""

    def __missing__(self, column: str) -> str:  # noqa: D105 - dict's own
        return str(uuid4())


class TestExamine:
    """`examine`."""

    @pytest.mark.parametrize(("name", "schema", "damage", "mend"), DAMAGE, ids=[name for name, *_ in DAMAGE])
    async def test_damage_is_found(
        self, resting: Platform, name: str, schema: str, damage: str, mend: str
    ) -> None:
        """Each promise, broken by hand, is named with the rows that break it; mended, all is well."""
        async with resting.database(schema) as session:
            await session.execute(damage)
            try:
                report = await examined(resting)
            finally:
                await session.execute(mend)
        assert name in [finding.name for finding in report.findings]
        assert not report.is_clean
        assert name in report.as_text()
        found = next(f for f in json.loads(report.as_json())["findings"] if f["name"] == name)
        assert found["rows"]
        assert found["repair"]
        mended = await examined(resting)
        assert mended.is_clean, mended.as_text()

    async def test_news_on_its_way_is_not_damage(self, resting: Platform) -> None:
        """What settles within the patience is not reported."""
        async with resting.database("orders") as session:
            await session.execute(OVERDUE)
            looking = doctor.examine(databases(resting.settings), patience=10)
            task = asyncio.ensure_future(looking)
            await asyncio.wait({task}, timeout=0.6)
            assert not task.done()
            await session.execute(LATER)
            assert (await task).is_clean

    async def test_only_what_stays_is_told(self, resting: Platform) -> None:
        """On a busy platform there is always some news on its way, but not always the same."""
        [check] = [check for check in PROMISES if check.name == "no_overdue_hold"]
        first = doctor.Finding(check, [{"order_id": 1, "tries": 1}, {"order_id": 2, "tries": 1}])
        later = [{"order_id": 2, "tries": 2}, {"order_id": 3, "tries": 1}]
        assert first.still(later) == [{"order_id": 2, "tries": 2}]

    async def test_what_is_for_a_person_breaks_no_promise(self, resting: Platform) -> None:
        """It is listed by itself, with the reason."""
        async with resting.database("payments") as session:
            await session.execute("UPDATE payments SET needs_review = 'look here'")
            report = await examined(resting)
            await session.execute("UPDATE payments SET needs_review = NULL")
        assert report.is_clean
        [flagged] = report.review
        assert [row["reason"] for row in flagged.rows] == ["look here"]
        assert f"ok: all {len(PROMISES)} promises hold.\nfor a person: " in report.as_text()
        assert json.loads(report.as_json())["review"][0]["rows"][0]["reason"] == "look here"

    async def test_what_stripe_does_not_answer_is_not_counted(self, resting: Platform) -> None:
        """Nor is it damage."""

        async def away() -> doctor.Rows:
            raise GatewayUnavailable("Nobody there.")

        report = await doctor.examine(databases(resting.settings), ask_stripe=away)
        assert report.is_clean
        assert report.as_text() == (
            f"ok: all {len(PROMISES) - 1} promises hold.\n"
            "Stripe was not compared with the ledger: Nobody there."
        )


@pytest.mark.slow
class TestRepair:
    """`repair`: what is not repaired by it."""

    @pytest.mark.parametrize(
        ("name", "schema", "damage", "mend"), BY_HAND, ids=[name for name, *_ in BY_HAND]
    )
    async def test_what_a_person_must_decide_is_left_alone(
        self, resting: Platform, name: str, schema: str, damage: str, mend: str
    ) -> None:
        """The same rows are found again, with the command for them."""
        async with resting.database(schema) as session:
            await session.execute(damage)
            try:
                before = await examined(resting)
                await repair.repair(before)
                after = await examined(resting)
            finally:
                await session.execute(mend)
        [was] = [finding for finding in before.findings if finding.name == name]
        [still] = [finding for finding in after.findings if finding.name == name]
        assert was == still
        assert f"  repair: {still.repairs(still.rows)[0]}\n" in after.as_text()
        assert (await examined(resting)).is_clean


class TestCommand:
    """`python -m server doctor`."""

    @pytest.mark.slow
    async def test_exit_status_and_output(self, resting: Platform) -> None:
        """0 and one line when clean, 6 when not, one JSON object with --json."""
        env = environment(resting.settings)
        assert await command("doctor", env=env) == (0, f"ok: all {len(PROMISES)} promises hold.\n", "")
        async with resting.database("orders") as session:
            await session.execute(OVERDUE)
            status, said, _ = await command("doctor", "--patience", "0", "--json", env=env)
            await session.execute(LATER)
        assert status == 6
        assert json.loads(said)["findings"][0]["name"] == "no_overdue_hold"

    @pytest.mark.parametrize(
        ("change", "options", "status", "sentence"),
        [
            ({"STRIPE_API_BASE": "http://127.0.0.1:1"}, (), 9, "Stripe gave no usable answer"),
            ({"STRIPE_API_BASE": "http://127.0.0.1:1"}, ("--no-stripe",), 0, ""),
            ({"STRIPE_KEY": ""}, (), 0, "STRIPE_KEY is not set."),
        ],
    )
    @pytest.mark.slow
    async def test_without_stripe(
        self, resting: Platform, change: dict[str, str], options: tuple[str, ...], status: int, sentence: str
    ) -> None:
        """9 where it does not answer: who wants it compared must not read 0; else a sentence, or none."""
        env = {**environment(resting.settings), **change}
        exited, said, _ = await command("doctor", *options, env=env)
        first, *rest = said.splitlines()
        assert (exited, first) == (status, f"ok: all {len(PROMISES) - 1} promises hold.")
        assert [line for line in rest if sentence in line] == rest
        assert bool(rest) == bool(sentence)

    @pytest.mark.slow
    async def test_unreachable_database_is_a_sentence(self) -> None:
        """Exit 1, and what to look at; no traceback, no password."""
        env = {"DATABASE_URL": "postgres://tix:hush-hush@127.0.0.1:1/tix"}
        status, said, errors = await command("doctor", env=env)
        assert (status, said) == (1, "")
        assert errors.endswith("Is Tix running?\n")
        assert "hush-hush" not in errors
