"""The verbs against a running platform: a seller, two buyers, and every outcome they can meet."""

import asyncio
import json
import sys
import uuid
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable

import pytest

from tests.cli.running import Outcome, Run
from tests.cli.terminal import ROOT
from tests.platform import Platform
from tests.waiting import until

Do = Callable[..., Awaitable[Outcome]]


@pytest.fixture
async def do(platform: Platform, tix: Run, monkeypatch: pytest.MonkeyPatch) -> Do:
    """Run `tix` as a profile of that name against the platform, which shares this thread's loop."""
    monkeypatch.setenv("TIX_API_URL", platform.api_url)

    async def run(profile: str, *arguments: str, stdin: str = "") -> Outcome:
        return await asyncio.to_thread(tix, *arguments, "--json", "--profile", profile, stdin=stdin)

    for profile in ("seller", "buyer", "rival"):
        email = f"{profile}-{uuid.uuid4()}@example.com"
        done = await run(
            profile, "auth", "signup", "--email", email, "--password-stdin", stdin="pass word 1\n"
        )
        assert done.code == 0, done.err
    return run


async def listed(do: Do, *more: str) -> str:
    made = await do("seller", "tickets", "create", "--title", "Front row", "--price", "45.00", *more)
    assert made.code == 0, made.err
    return str(made.document["id"])


async def sold(do: Do, method: str = "pm_card_visa") -> tuple[str, str]:
    """The ids of a ticket and of the order by which `buyer` owns it."""
    id_ = await listed(do)
    order = (await do("buyer", "reserve", id_)).document["id"]
    paid = await do("buyer", "pay", order, "--method", method)
    assert paid.code == 0, paid.err
    return id_, order


class TestSelling:
    """create, update, withdraw, list, show."""

    async def test_a_listing_can_be_made_changed_withdrawn_and_put_back(self, do: Do) -> None:
        id_ = await listed(do, "--venue", "Hall A", "--starts-at", "2027-05-01T20:00+02:00")
        changed = await do("seller", "tickets", "update", id_, "--price", "40", "--venue", "")
        assert (changed.document["price"], changed.document["venue"]) == (4000, None)
        withdrawn = await do("seller", "tickets", "withdraw", id_, "--yes")
        assert withdrawn.document["status"] == "withdrawn"
        assert id_ not in {t["id"] for t in (await do("rival", "tickets", "list")).document["items"]}
        assert (await do("buyer", "reserve", id_)).problem["code"] in {"ticket_withdrawn", "ticket_reserved"}
        again = await do("seller", "tickets", "update", id_, "--relist")
        assert again.document["status"] == "available"

    async def test_a_stale_version_is_a_conflict(self, do: Do) -> None:
        id_ = await listed(do)
        await do("seller", "tickets", "update", id_, "--title", "Second row")
        stale = await do("seller", "tickets", "update", id_, "--title", "Third row", "--version", "0")
        assert stale.code == 6
        assert stale.problem["currentVersion"] == 1

    async def test_another_may_not_change_it(self, do: Do) -> None:
        outcome = await do("rival", "tickets", "update", await listed(do), "--title", "Mine")
        assert (outcome.code, outcome.problem["code"]) == (4, "not_owner")

    async def test_ones_own_are_found_by_mine_and_by_external_id(self, do: Do) -> None:
        id_ = await listed(do, "--external-id", "show-17")
        mine = await do("seller", "tickets", "list", "--mine", "--external-id", "show-17")
        assert [ticket["id"] for ticket in mine.document["items"]] == [id_]
        assert (await do("buyer", "tickets", "list", "--mine")).document["items"] == []

    async def test_the_same_key_makes_one_listing(self, do: Do) -> None:
        key = str(uuid.uuid4())
        assert await listed(do, "--idempotency-key", key) == await listed(do, "--idempotency-key", key)


class TestBuying:
    """reserve, pay, orders."""

    async def test_a_ticket_is_reserved_paid_and_owned(self, do: Do) -> None:
        id_ = await listed(do)
        order = (await do("buyer", "reserve", id_, "--max-price", "45.00")).document
        refused = await do("rival", "reserve", id_)
        assert (refused.code, refused.problem["code"]) == (6, "ticket_reserved")
        paid = await do("buyer", "pay", order["id"], "--method", "pm_card_visa")
        assert paid.code == 0, paid.err
        shown = (await do("buyer", "orders", "show", order["id"])).document
        assert [step["status"] for step in shown["history"]] == ["created", "accepted", "complete"]
        sold = await do("rival", "reserve", id_)
        assert (sold.code, sold.problem["code"]) == (6, "ticket_sold")
        sales = (await do("seller", "orders", "list", "--role", "seller")).document["items"]
        assert [(sale["id"], sale["userId"]) for sale in sales] == [(order["id"], None)]

    async def test_a_declined_card_leaves_the_hold_to_be_paid_with_another(self, do: Do) -> None:
        order = (await do("buyer", "reserve", await listed(do))).document
        declined = await do("buyer", "pay", order["id"], "--method", "pm_card_chargeDeclined")
        assert (declined.code, declined.problem["declineCode"]) == (7, "generic_decline")
        assert (await do("buyer", "pay", order["id"], "--method", "pm_card_visa")).code == 0

    async def test_a_bank_that_asks_is_waited_for_and_its_page_is_told_to_scripts_too(
        self, do: Do, platform: Platform
    ) -> None:
        order = (await do("buyer", "reserve", await listed(do))).document
        method = ("--method", "pm_card_authenticationRequired")
        pending = await do("buyer", "pay", order["id"], *method, "--timeout", "0.5")
        told, problem = map(json.loads, pending.err.splitlines())
        assert (pending.code, problem["code"]) == (8, "still_pending")
        assert told["nextAction"]["url"] in problem["detail"]
        arguments = ("pay", order["id"], *method, "--json", "--profile", "buyer")
        paying = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cli", *arguments), cwd=ROOT, stdout=PIPE, stderr=PIPE
        )
        assert paying.stderr
        told = json.loads(await paying.stderr.readline())
        assert told["orderId"] == order["id"]
        (await platform.http.post(told["nextAction"]["url"], data={"outcome": "complete"}))
        out, err = await paying.communicate()
        assert (paying.returncode, json.loads(out)["status"], err) == (0, "captured", b"")

    async def test_a_price_above_the_maximum_is_a_conflict(self, do: Do) -> None:
        outcome = await do("buyer", "reserve", await listed(do), "--max-price", "44.99")
        assert (outcome.code, outcome.problem["code"]) == (6, "price_changed")

    async def test_a_hold_given_up_is_free_again_and_cannot_be_paid(self, do: Do) -> None:
        id_ = await listed(do)
        order = (await do("buyer", "reserve", id_)).document
        for _ in range(2):
            cancelled = await do("buyer", "orders", "cancel", order["id"], "--yes")
            assert cancelled.document["status"] == "cancelled"

        async def unpayable() -> bool:
            paid = await do("buyer", "pay", order["id"], "--method", "pm_card_visa")
            return (paid.code, paid.problem["code"]) == (6, "order_not_payable")

        await until(unpayable, "the cancelled order cannot be paid")
        assert (await do("rival", "reserve", id_)).code == 0

    async def test_what_one_holds_oneself_is_said_to_be_ones_own(self, do: Do) -> None:
        id_ = await listed(do)
        order = (await do("buyer", "reserve", id_)).document
        again = await do("buyer", "reserve", id_)
        assert (again.code, again.problem["code"], again.problem["orderId"]) == (
            6,
            "ticket_reserved",
            order["id"],
        )
        assert again.problem["detail"].startswith("You hold it yourself, for 1")
        assert again.problem["hint"] == f"tix pay {order['id']} --method pm_card_visa --profile buyer"
        assert again.problem["requestId"]
        others = (await do("rival", "reserve", id_)).problem
        assert "yourself" not in others["detail"]

    async def test_a_hold_is_extended_once_and_by_its_buyer(self, do: Do) -> None:
        order = (await do("buyer", "reserve", await listed(do))).document
        assert (await do("rival", "orders", "extend", order["id"])).code == 5
        key = ("--idempotency-key", str(uuid.uuid4()))
        longer = await do("buyer", "orders", "extend", order["id"], *key)
        assert longer.document["expiresAt"] > order["expiresAt"]
        assert not longer.document["extendable"]
        assert (await do("buyer", "orders", "extend", order["id"], *key)).document == longer.document
        again = await do("buyer", "orders", "extend", order["id"])
        assert (again.code, again.problem["code"]) == (6, "extension_used")
        shown = (await do("buyer", "orders", "show", order["id"])).document
        assert [step["cause"] for step in shown["history"]] == ["reserved", "extended"]
        await do("buyer", "orders", "cancel", order["id"], "--yes")
        over = await do("buyer", "orders", "extend", order["id"])
        assert (over.code, over.problem["code"]) == (6, "order_not_extendable")

    async def test_another_persons_order_is_not_there(self, do: Do) -> None:
        order = (await do("buyer", "reserve", await listed(do))).document
        assert (await do("rival", "orders", "show", order["id"])).code == 5


class TestRefunding:
    """A sale is taken back by its seller; the buyer's own profile sees it."""

    async def test_the_seller_gives_the_money_back_and_the_ticket_can_be_sold_again(
        self, do: Do, platform: Platform
    ) -> None:
        id_, order = await sold(do)
        waiting = await do("seller", "orders", "refund", order)
        assert (waiting.code, waiting.problem["detail"]) == (2, "There is nobody to ask here: give --yes.")
        assert (await do("buyer", "orders", "refund", order, "--yes")).problem["code"] == "not_owner"
        assert (await do("rival", "orders", "refund", order, "--yes")).code == 5
        key = ("--yes", "--idempotency-key", str(uuid.uuid4()))
        revoked = await do("seller", "orders", "refund", order, *key)
        assert (revoked.code, revoked.document["status"]) == (0, "revoked"), revoked.err
        assert (await do("seller", "orders", "refund", order, *key)).document == revoked.document

        async def is_back() -> bool:
            refunded = await do("buyer", "orders", "list", "--status", "refunded")
            return order in [one["id"] for one in refunded.document["items"]]

        await until(is_back, "the buyer sees the money given back", 15)
        again = await do("seller", "orders", "refund", order, "--yes")
        assert (again.code, again.problem["code"]) == (6, "not_refundable")
        assert (await do("buyer", "pay", order, "--method", "pm_card_visa")).problem[
            "code"
        ] == "order_refunded"
        steps = (await do("buyer", "orders", "show", order)).document["history"]
        assert [step["status"] for step in steps][2:] == ["complete", "revoked", "refunded"]
        assert (await do("rival", "reserve", id_)).code == 0
        await platform.doctor()

    async def test_one_that_the_bank_sent_back_is_sent_again(self, do: Do) -> None:
        _, order = await sold(do, "pm_card_refundFail")
        assert (await do("seller", "orders", "refund", order, "--yes")).code == 0

        async def is_sent_back() -> bool:
            shown = (await do("seller", "orders", "show", order)).document
            return bool(shown["needsReview"]) and shown["status"] == "revoked"

        await until(is_sent_back, "the refund came back from the bank", 15)
        again = await do("seller", "orders", "refund", order, "--yes")
        assert (again.code, again.document["status"]) == (0, "revoked"), again.err


class TestSigningIn:
    """status and logout, for real."""

    async def test_a_token_that_was_signed_out_is_refused(
        self, do: Do, platform: Platform, monkeypatch: pytest.MonkeyPatch, home: object
    ) -> None:
        before = await do("buyer", "auth", "status")
        assert before.code == 0
        assert (await do("buyer", "auth", "logout")).code == 0
        assert (await do("buyer", "auth", "status")).code == 4

    async def test_a_wrong_password_is_4_and_a_taken_address_6(self, do: Do) -> None:
        email = (await do("buyer", "auth", "status")).document["email"]
        enter = ("--email", email, "--password-stdin")
        assert (await do("buyer", "auth", "login", *enter, stdin="wrong wrong\n")).code == 4
        assert (await do("buyer", "auth", "signup", *enter, stdin="pass word 1\n")).code == 6
