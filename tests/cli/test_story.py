"""`tix orders show`: what each step of an order means to its buyer and to its seller, and what to do next."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest

import server.orders.schemas
from cli import orders
from cli.story import next_steps
from client import story
from server.orders.schemas import OrderWithHistory
from server.orders.verdict import CAUSES
from tests.cli.running import ID, Run, Stub, order, step
from tests.cli.terminal import in_terminal

SERVER = Path(server.orders.schemas.__file__).parent
LATER = "2027-05-03T09:30:00.000000Z"
GONE = "You paid after the hold had ended, and the ticket was gone by then. Nothing was taken."
FAILED = "Your card was authorised but could not be charged. Nothing was taken; the ticket was released."


def known(**more: Any) -> OrderWithHistory:
    return OrderWithHistory.model_validate(order(**more))


def told(status: str, cause: str, **more: Any) -> str:
    one = known(history=[step(status, cause)], **more)
    return story.told(one.history[0], one)


def shown(stub: Stub, *flags: str, **more: Any) -> str:
    """The order on a terminal, with lines that were wrapped joined again."""
    stub.answer(f"GET /api/orders/{ID}", 200, order(**more))
    return re.sub(r"\s+", " ", in_terminal("orders", "show", ID, "--no-color", *flags).shown)


class TestSentences:
    """One for every way into a state."""

    def test_every_cause_that_the_server_writes_has_one(self) -> None:
        source = "".join((SERVER / f"{name}.py").read_text() for name in ("verdict", "service", "refunds"))
        written = set(re.findall(r'cause="([^"]+)"', source)) | set(CAUSES.values())
        statements = (SERVER / "statements.py").read_text()
        written |= set(re.findall(r"'([a-z ]+)', \$\d, \w+\.id", statements))
        assert {"reserved", "extended", "hold ended", "paid too late", "paid"} <= written
        assert written == {cause for _, cause in story.STORY}
        assert {(after.value, cause) for (_, after), cause in CAUSES.items()} <= story.STORY.keys()

    @pytest.mark.parametrize(("status", "cause"), story.STORY)
    def test_it_is_whole_and_says_something_else_to_the_seller(self, status: str, cause: str) -> None:
        to_buyer, to_seller = told(status, cause), told(status, cause, userId=None)
        assert to_buyer != to_seller
        for text in (to_buyer, to_seller):
            assert text[0].isupper() or text[0].isdigit()
            assert text.endswith(".")
            assert "{" not in text

    @pytest.mark.parametrize(
        ("status", "cause", "sentence"),
        [
            ("rejected", "the card could not be charged", FAILED),
            ("rejected", "paid too late", GONE),
            (
                "accepted",
                "payment authorised late",
                "You paid just as the hold ended; the ticket was still free, so it is yours.",
            ),
            (
                "revoked",
                "refund sent back by the bank",
                "Your bank sent the refund back. The 45.00 USD is still owed to you.",
            ),
            ("created", "extended", r"You took more time, once: until \d\d:15:00."),
        ],
    )
    def test_the_buyer_reads_what_became_of_money_and_ticket(
        self, status: str, cause: str, sentence: str
    ) -> None:
        assert re.fullmatch(sentence, told(status, cause))

    def test_a_cause_or_a_status_of_tomorrow_is_told_as_far_as_it_is_known(self) -> None:
        assert told("expired", "the sun set") == "The hold ended unpaid (the sun set)."
        one = known()
        tomorrow = one.history[0].model_copy(update={"status": "moonlit", "cause": "night"})
        assert story.told(tomorrow, one) == "It became moonlit (night)."

    def test_every_state_of_the_contract_has_words_and_can_be_listed(self) -> None:
        contract = get_args(server.orders.schemas.Status)
        assert get_args(orders.Status) == contract
        assert tuple(story.STATES) == contract


class TestTimeline:
    """History on a terminal, in JSON and with -v."""

    def test_days_are_headings_and_sentences_wrap_under_each_other(self, signed_in: Stub) -> None:
        history = [
            step("created", "reserved"),
            step("rejected", "the card could not be charged", at=LATER),
        ]
        signed_in.answer(f"GET /api/orders/{ID}", 200, order(status="rejected", history=history))
        lines = in_terminal("orders", "show", ID, "--no-color", environment={"TZ": "UTC"}).shown.splitlines()
        start = lines.index("2027-05-01")
        assert lines[start : start + 5] == [
            "2027-05-01",
            "18:00:00  created       Held for you; nobody else can take it.",
            "2027-05-03",
            "09:30:00  rejected      Your card was authorised but could not be charged.",
            "                        Nothing was taken; the ticket was released.",
        ]

    def test_the_request_id_of_a_step_is_in_json_and_shown_with_v(self, tix: Run, signed_in: Stub) -> None:
        assert "req-7" not in shown(signed_in)
        assert "request-id: req-7" in shown(signed_in, "-v")
        assert tix("orders", "show", ID, "--json").document["history"][0]["requestId"] == "req-7"


class TestNext:
    """What can be done now, to copy."""

    @pytest.mark.parametrize(
        ("more", "commands"),
        [
            (
                {},
                [f"pay {ID} --method pm_card_visa", f"orders extend {ID}", f"orders cancel {ID}"],
            ),
            ({"extendable": False}, [f"pay {ID} --method pm_card_visa", f"orders cancel {ID}"]),
            ({"expiresAt": "2027-05-01T18:00:00Z"}, [f"orders show {ID}"]),
            ({"status": "accepted"}, [f"orders show {ID}"]),
            ({"status": "complete"}, []),
            ({"status": "disputed"}, []),
            ({"status": "revoked", "needsReview": True}, []),
            *(({"status": status}, [f"reserve {ID}"]) for status in sorted(story.OVER)),
            ({"status": "created", "userId": None}, []),
            ({"status": "complete", "userId": None}, [f"orders refund {ID}"]),
            ({"status": "revoked", "userId": None}, []),
            ({"status": "revoked", "userId": None, "needsReview": True}, [f"orders refund {ID}"]),
            ({"status": "refunded", "userId": None}, []),
        ],
    )
    def test_it_depends_on_the_state_and_on_who_asks(self, more: dict[str, Any], commands: list[str]) -> None:
        said = next_steps(known(**more), " --profile kim") or ""
        assert re.findall(r"tix (.+) --profile kim", said) == commands

    def test_it_stands_at_the_end_with_the_flags_it_was_asked_with(self, signed_in: Stub) -> None:
        end = f"give up tix orders cancel {ID} --api-url {signed_in.url}"
        assert shown(signed_in, "--api-url", signed_in.url).strip().endswith(end)

    def test_a_refund_that_did_not_get_through_is_told_to_both(self, signed_in: Stub) -> None:
        failed = {"status": "revoked", "needsReview": True}
        assert "the refund did not get through; the seller can send it again" in shown(signed_in, **failed)
        signed_in.answers.clear()
        assert "the refund did not get through; send it again" in shown(signed_in, **failed, userId=None)
