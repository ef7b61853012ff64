"""`tix buy` and `tix resume`: killed, cut off, refused or told to stop; never two of anything."""

import asyncio
import os
import random
import signal
import sys
import time
from asyncio.subprocess import DEVNULL
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from cli import buying, payments
from cli.errors import Refused
from cli.journal import Journal, Purchase, home_of, unfinished
from tests.cli import test_commands
from tests.cli.running import HANG_UP, ID, MOMENT, Run, Stub, order, payment
from tests.cli.terminal import CTRL_C, ROOT, in_terminal
from tests.cli.test_commands import Do, listed
from tests.concurrency.races import settled
from tests.concurrency.test_two_tabs import authorisations
from tests.platform import Platform

do = test_commands.do
BY_CARD = ("--method", "pm_card_visa")
WRITTEN = "_write purchase done"
"""The point from which on the purchase is on the disk."""


def journals(home: Path) -> list[Path]:
    """The purchases that have not ended; a file that is empty still tells of none."""
    return [path for path in home.glob(".local/state/tix/purchases/*") if path.stat().st_size]


async def killed(directory: Path, point: str, *arguments: str) -> list[str]:
    """Run `tix` as the buyer until it kills itself there; the points it reached."""
    trace = directory / str(uuid4())
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "tests/cli/killed.py", str(trace), point, *arguments, "--profile", "buyer"),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=DEVNULL,
        stderr=DEVNULL,
    )
    code = await asyncio.wait_for(process.wait(), 30)
    assert code == (0 if point == "-" else -signal.SIGKILL), f"{point}: exit {code}"
    return await asyncio.to_thread(lambda: trace.read_text().splitlines())


async def orders_of(platform: Platform, ticket: str) -> list[str]:
    """How the orders of a ticket stand, oldest first."""
    async with platform.database("orders") as session:
        found = await session.fetch("SELECT status FROM orders WHERE ticket_id = $1 ORDER BY id", ticket)
    return [row["status"] for row in found]


async def all_well(platform: Platform) -> None:
    """No order was charged twice, nothing is left over, and every promise holds."""
    await settled(platform)
    assert max(await authorisations(platform), default=1) == 1
    await platform.doctor()


class TestBuy:
    """`tix buy` against a running platform."""

    async def test_holds_pays_and_tells_in_one_go(self, platform: Platform, do: Do, home: Path) -> None:
        ticket = await listed(do)
        bought = await do("buyer", "buy", ticket, *BY_CARD, "--max-price", "45.00")
        assert (bought.code, bought.document["status"]) == (0, "captured"), bought.err
        assert await orders_of(platform, ticket) == ["complete"]
        assert journals(home) == []
        again = await do("buyer", "buy", ticket, *BY_CARD)
        assert (again.code, again.problem["code"]) == (6, "ticket_sold")
        assert journals(home) == []

    async def test_a_declined_card_leaves_the_hold(self, platform: Platform, do: Do, home: Path) -> None:
        ticket = await listed(do)
        declined = await do("buyer", "buy", ticket, "--method", "pm_card_chargeDeclined")
        assert (declined.code, declined.problem["code"]) == (7, "card_declined")
        assert declined.problem["hint"].startswith("tix orders show")
        assert await orders_of(platform, ticket) == ["created"]
        assert journals(home) == []

    @pytest.mark.parametrize("point", ["reserve_ticket answered"])
    async def test_c08_killed_before_it_hears_the_answer_it_holds_and_pays_once(
        self, platform: Platform, do: Do, tmp_path: Path, point: str
    ) -> None:
        """`tix buy` again goes on where the first one died: count = 1."""
        ticket = await listed(do)
        await killed(tmp_path, point, "buy", ticket, *BY_CARD)
        refused = await do("buyer", "buy", ticket)
        assert (refused.code, refused.problem["code"]) == (6, "purchase_unfinished")
        bought = await do("buyer", "buy", ticket, *BY_CARD)
        assert bought.code == 0, bought.err
        assert await orders_of(platform, ticket) == ["complete"]
        await all_well(platform)

    @pytest.mark.slow
    @pytest.mark.timeout(240)
    @pytest.mark.parametrize("ending", ["resume", "release", "buy again"])
    async def test_c08_killed_between_any_two_steps(
        self, platform: Platform, do: Do, home: Path, tmp_path: Path, ending: str
    ) -> None:
        """Finished, given up or done again: one hold, one payment, and a word about the money.

        Each point is one to finish from; the other two ends share them, since each costs three processes.
        """
        points = await killed(tmp_path, "-", "buy", await listed(do), *BY_CARD)
        assert {"reserve_ticket answered", "pay_order asked", "tell begins", "close done"} <= set(points)
        for number, point in enumerate(points):
            if ending != "resume" and number % 2 == (ending == "release"):
                continue
            ticket = await listed(do)
            await killed(tmp_path, point, "buy", ticket, *BY_CARD)
            was_begun = number >= points.index(WRITTEN)
            left = journals(home)
            if ending == "buy again":
                end = await do("buyer", "buy", ticket, *BY_CARD)
                assert end.code == 0 or end.problem["code"] == "ticket_sold", (point, end)
                assert await orders_of(platform, ticket) == ["complete"], point
            elif ending == "resume":
                end = await do("buyer", "resume")
                assert end.code == 0, (point, end)
                assert await orders_of(platform, ticket) == (["complete"] if was_begun else []), point
                assert ('"captured"' in end.out) == bool(left and was_begun), (point, end)
            else:
                await _given_up(do, point)
                assert await orders_of(platform, ticket) in ([], ["cancelled"], ["complete"]), point
            assert journals(home) == [], point
        await all_well(platform)

    @pytest.mark.slow
    @pytest.mark.timeout(240)
    async def test_c08_killed_at_any_moment(self, platform: Platform, do: Do, home: Path) -> None:
        """Between two points, too: also while a request is under way."""
        rng, whole = random.Random(8), 0.0  # noqa: S311 - a repeatable sample, no secret
        ends = set()
        for number in range(12):
            ticket = await listed(do)
            began = time.perf_counter()
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "cli", "buy", ticket, *BY_CARD, "--profile", "buyer"),
                cwd=ROOT,
                stdout=DEVNULL,
                stderr=DEVNULL,
            )
            if number:
                await _die_within(process, rng.uniform(0.4, 1) * whole)
            assert await process.wait() in {0, -signal.SIGKILL}
            whole = whole or time.perf_counter() - began
            end = await do("buyer", "resume")
            assert end.code == 0, end
            ends.add(tuple(await orders_of(platform, ticket)))
            assert journals(home) == []
        assert ends <= {(), ("complete",)}
        await all_well(platform)

    @pytest.mark.slow
    async def test_ctrl_c_says_what_is_held_and_what_to_type(self, platform: Platform, do: Do) -> None:
        """On the page nobody has paid on; then it is given up."""
        ticket = await listed(do)
        stop = [("To pay, open", CTRL_C)]
        screen = await asyncio.to_thread(in_terminal, "buy", ticket, "--profile", "buyer", typed=stop)
        assert screen.code == 130
        assert "Interrupted; order" in screen.shown
        assert "To give it up: tix resume --release --profile buyer" in screen.shown.replace("\r\n", " ")
        [listed_] = (await do("buyer", "resume", "--list")).out.splitlines()
        assert ticket in listed_
        given_up = await do("buyer", "resume", "--release")
        assert (given_up.code, given_up.document["status"]) == (0, "cancelled")
        assert (await do("buyer", "resume", "--list")).document["items"] == []
        assert await orders_of(platform, ticket) == ["cancelled"]


async def _die_within(process: asyncio.subprocess.Process, seconds: float) -> None:
    """Kill it after so long, unless it ends before: a moment in progress, by the yardstick of a whole run."""
    try:
        await asyncio.wait_for(process.wait(), seconds)
    except TimeoutError:
        process.kill()


async def _given_up(do: Do, point: str) -> None:
    """Give it up; one whose money is being taken is finished, and one that is paid is told so."""
    end = await do("buyer", "resume", "--release")
    if end.code == 8:
        end = await do("buyer", "resume")
        assert (end.code, end.document["status"]) == (0, "captured"), (point, end)
    elif end.code == 6:
        assert end.document["status"] == "complete", (point, end)
    else:
        assert end.code == 0, (point, end)


@pytest.fixture
def shop(signed_in: Stub) -> Stub:
    """A stub that knows who asks."""
    signed_in.answer("GET /api/users/currentuser", 200, {"currentUser": user(ID)})
    return signed_in


def user(id_: str) -> dict[str, Any]:
    """Somebody, as auth shows them."""
    return {"id": id_, "email": "kim@example.com", "createdAt": MOMENT}


class TestCutOff:
    """What is not known is kept; what is known is told and forgotten."""

    @pytest.mark.parametrize("code", ["ticket_reserved", "price_changed"])
    def test_what_cannot_be_held_is_the_end(self, tix: Run, shop: Stub, home: Path, code: str) -> None:
        shop.refuse("POST /api/orders", 409, code)
        shop.answer("GET /api/orders", 200, {"items": [], "nextCursor": None})
        assert tix("buy", ID, *BY_CARD).code == 6
        assert journals(home) == []

    @pytest.mark.parametrize("answer", [(HANG_UP, None), pytest.param((503, None), marks=pytest.mark.slow)])
    @pytest.mark.parametrize("step", ["POST /api/orders", "POST /api/payments"])
    def test_an_answer_that_does_not_come_leaves_it_to_resume_with_the_same_keys(
        self, tix: Run, shop: Stub, home: Path, step: str, answer: tuple[int, Any]
    ) -> None:
        if step != "POST /api/orders":
            shop.answer("POST /api/orders", 201, order())
        shop.answer(step, *answer)
        cut_off = tix("buy", ID, *BY_CARD, "--retries", "0", "--json")
        assert cut_off.problem["hint"] == "tix resume"
        [kept] = journals(home)
        assert (kept.stat().st_mode & 0o777, kept.parent.stat().st_mode & 0o777) == (0o600, 0o700)
        assert "secret-token" not in kept.read_text()
        shop.answers.pop(step)
        shop.answers["POST /api/orders"] = [(201, order())]
        shop.answer("POST /api/payments", 201, payment())
        shop.answer(f"GET /api/orders/{ID}", 200, order(status="complete"))
        shop.answer(f"GET /api/payments/{ID}", 200, payment(status="captured"))
        assert tix("resume").code == 0
        for call in ("POST /api/orders", "POST /api/payments"):
            keys = [key for (asked, *_), key in zip(shop.asked, shop.keys, strict=True) if asked == call]
            assert None not in keys
            assert len(set(keys)) == 1, call
        assert journals(home) == []

    def test_8_when_nothing_is_decided_in_time(
        self, tix: Run, shop: Stub, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(payments, "OUTCOME_SECONDS", 0.3)
        shop.answer("POST /api/orders", 201, order())
        shop.answer("POST /api/payments", 201, payment(status="authorized"))
        shop.answer(f"GET /api/orders/{ID}", 200, order(status="accepted"))
        shop.answer(f"GET /api/payments/{ID}", 200, payment(status="capturing"))
        pending = tix("buy", ID, *BY_CARD, "--json")
        assert (pending.code, pending.problem["hint"]) == (8, "tix resume")
        assert len(journals(home)) == 1
        shop.refuse(f"DELETE /api/orders/{ID}", 409, "order_not_cancellable")
        late = tix("resume", "--release", "--json")
        assert (late.code, late.problem["hint"]) == (8, "tix resume")
        assert len(journals(home)) == 1

    def test_a_first_try_that_is_still_at_work_is_waited_for(
        self, tix: Run, shop: Stub, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(buying, "AGAIN_SECONDS", 0.01)
        monkeypatch.setattr(buying, "OUTCOME_SECONDS", 0.3)
        shop.answer("POST /api/orders", 201, order())
        shop.refuse("POST /api/payments", 409, "idempotency_in_flight")
        stuck = tix("buy", ID, *BY_CARD, "--retries", "0", "--json")
        assert (stuck.code, stuck.problem["hint"]) == (8, "tix resume")
        shop.answer("POST /api/payments", 201, payment())
        shop.answer(f"GET /api/orders/{ID}", 200, order(status="complete"))
        shop.answer(f"GET /api/payments/{ID}", 200, payment(status="captured"))
        monkeypatch.setattr(buying, "OUTCOME_SECONDS", 60)
        done = tix("resume", "--retries", "0")
        assert done.code == 0
        assert "still being worked on" in done.err

    def test_another_sign_in_does_not_go_on_with_it(self, tix: Run, shop: Stub, home: Path) -> None:
        shop.answer("POST /api/orders", HANG_UP)
        assert tix("buy", ID, "--retries", "0").code == 9
        shop.answers["GET /api/users/currentuser"] = [(200, {"currentUser": user(ID.replace("1", "2"))})]
        asked = len(shop.asked)
        outcome = tix("resume")
        assert (outcome.code, outcome.out) == (0, "")
        assert "no unfinished purchase" in outcome.err
        assert len(shop.asked) == asked + 1
        assert len(journals(home)) == 1

    def test_one_too_old_for_its_key_is_not_begun_anew(self, tix: Run, shop: Stub, home: Path) -> None:
        shop.answer("POST /api/orders", HANG_UP)
        tix("buy", ID, "--retries", "0")
        [kept] = journals(home)
        kept.write_text(kept.read_text().replace('"started_at": "20', '"started_at": "19'))
        asked = len(shop.asked)
        outcome = tix("resume", "--json")
        assert (outcome.code, outcome.problem["code"]) == (6, "purchase_too_old")
        assert {call for call, *_ in shop.asked[asked:]} == {"GET /api/users/currentuser"}
        assert journals(home) == []

    def test_one_that_fails_does_not_keep_the_others(self, tix: Run, shop: Stub, home: Path) -> None:
        """The failure names its own order, not the last one's."""
        other = ID.replace("1", "2")
        shop.answer("POST /api/orders", HANG_UP)
        for ticket in (ID, other):
            assert tix("buy", ticket, *BY_CARD, "--retries", "0").code == 9
        shop.answers["POST /api/orders"] = [(201, order()), (201, order(id=other))]
        shop.refuse("POST /api/payments", 409, "order_not_payable")
        shop.answer("POST /api/payments", 201, payment(orderId=other))
        shop.answer(f"GET /api/orders/{other}", 200, order(id=other, status="complete"))
        shop.answer(f"GET /api/payments/{ID}", 200, payment(orderId=other, status="captured"))
        outcome = tix("resume", "--json")
        assert (outcome.code, outcome.problem["hint"]) == (6, f"tix orders show {ID}")
        assert outcome.document["status"] == "captured"
        assert journals(home) == []

    def test_list_and_release_exclude_each_other(self, tix: Run, shop: Stub) -> None:
        assert tix("resume", "--list", "--release").code == 2


class TestJournal:
    """The file itself."""

    @pytest.fixture
    def purchase(self) -> Callable[..., Purchase]:
        """A purchase of this ticket."""

        def made(ticket: str = ID) -> Purchase:
            return Purchase("http://tix.test", "u1", ticket, 4500, "pm_card_visa", "k1", "k2", MOMENT)

        return made

    def test_two_at_once_are_refused(self, tmp_path: Path, purchase: Callable[..., Purchase]) -> None:
        with Journal.begin(tmp_path, purchase()), pytest.raises(Refused, match="Another tix"):
            Journal.begin(tmp_path, purchase())
        with Journal.begin(tmp_path, purchase()) as journal:
            journal.close()
        assert unfinished(tmp_path, api_url="http://tix.test", user_id="u1") == []

    def test_a_line_torn_by_a_power_cut_was_not_written(
        self, tmp_path: Path, purchase: Callable[..., Purchase]
    ) -> None:
        with Journal.begin(tmp_path, purchase()) as journal:
            journal.held("o1")
        [path] = tmp_path.iterdir()
        whole = path.read_bytes()
        begun = whole.index(b"\n") + 1
        for end in (0, 1, begun - 1, begun, begun + 1, len(whole) - 1):
            path.write_bytes(whole[:end])
            found = unfinished(tmp_path, api_url="http://tix.test", user_id="u1")
            assert found == ([purchase()] if end >= begun else [])
            with Journal.begin(tmp_path, purchase()) as journal:
                journal.held("o1")
            assert path.read_bytes() == whole

    def test_is_in_the_directory_for_state(self, tmp_path: Path) -> None:
        assert home_of({"XDG_STATE_HOME": str(tmp_path)}) == tmp_path / "tix" / "purchases"
        assert home_of({"HOME": str(tmp_path)}) == tmp_path / ".local/state/tix/purchases"
