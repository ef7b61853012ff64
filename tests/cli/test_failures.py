"""Every failure: its exit code, its hint, its one line of JSON, and nothing on stdout."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import DEAD, HANG_UP, ID, Run, Stub, order, payment, ticket

ROOT = Path(__file__).parents[2]


class TestExitCodes:
    """One test per code of the contract that a command can produce by now."""

    def test_0_when_it_is_done(self, tix: Run, signed_in: Stub) -> None:
        signed_in.answer(f"GET /api/tickets/{ID}", 200, ticket())
        assert tix("tickets", "show", ID).code == 0

    def test_1_when_something_else_answers(self, tix: Run, signed_in: Stub) -> None:
        signed_in.answer(f"GET /api/tickets/{ID}", 200, {"hello": "world"})
        assert tix("tickets", "show", ID).code == 1

    @pytest.mark.parametrize(
        "arguments",
        [
            ["tickets", "shwo", ID],
            ["tickets", "list", "--nonsense"],
            ["tickets", "list", "--limit", "many"],
            ["tickets", "show"],
            ["tickets", "list", "--api-url", "ftp://x"],
            ["orders", "cancel", ID],
            ["orders", "refund", ID],
        ],
    )
    def test_2_for_wrong_usage_and_for_a_question_with_nobody_to_answer(
        self, tix: Run, signed_in: Stub, arguments: list[str]
    ) -> None:
        signed_in.answer(f"GET /api/orders/{ID}", 200, order())
        assert tix(*arguments).code == 2

    def test_4_without_a_token_and_nothing_is_sent(self, tix: Run, stub: Stub) -> None:
        assert tix("orders", "list", "--api-url", stub.url).code == 4
        assert stub.asked == []

    @pytest.mark.parametrize(
        ("status", "code", "exit_code"),
        [
            (401, "unauthenticated", 4),
            (403, "own_ticket", 4),
            (404, "ticket_not_found", 5),
            (409, "ticket_reserved", 6),
            (429, "too_many_holds", 6),
            (422, "invalid", 7),
            (503, "unavailable", 9),
            (429, "rate_limited", 9),
            (500, "internal_error", 1),
        ],
    )
    def test_the_servers_refusals_are_4_5_6_7_9_or_1(
        self, tix: Run, signed_in: Stub, status: int, code: str, exit_code: int
    ) -> None:
        signed_in.refuse("POST /api/orders", status, code)
        signed_in.answer("GET /api/orders", 200, {"items": [], "nextCursor": None})
        outcome = tix("reserve", ID, "--retries", "0", "--json")
        assert outcome.code == outcome.problem["exitCode"] == exit_code
        assert outcome.problem["code"] == code

    def test_7_for_a_declined_card_with_the_banks_reason(self, tix: Run, signed_in: Stub) -> None:
        signed_in.refuse("POST /api/payments", 402, "card_declined", declineCode="expired_card")
        outcome = tix("pay", ID, "--method", "pm_card_visa")
        assert outcome.code == 7
        assert "expired_card" in outcome.err

    @pytest.mark.parametrize(
        ("held", "paid", "exit_code"),
        [
            ({"status": "expired"}, {"status": "voided"}, 6),
            ({"status": "cancelled"}, {"status": "voided"}, 6),
            ({"status": "rejected"}, {"status": "voided"}, 7),
            ({"status": "revoked"}, {"status": "refunding"}, 6),
            ({"status": "charged_back"}, {"status": "charged_back"}, 6),
            ({}, {"status": "open", "declineCode": "generic_decline"}, 7),
            ({}, {"status": "requires_action", "nextAction": {"url": "http://bank.test/"}}, 8),
        ],
    )
    def test_6_7_or_8_by_what_came_of_a_payment(
        self, tix: Run, signed_in: Stub, held: dict[str, str], paid: dict[str, str], exit_code: int
    ) -> None:
        signed_in.answer("POST /api/payments", 201, payment())
        signed_in.answer(f"GET /api/orders/{ID}", 200, order(**held))
        signed_in.answer(f"GET /api/payments/{ID}", 200, payment(**paid))
        outcome = tix("pay", ID, "--method", "pm_card_visa", "--timeout", "0.4")
        assert outcome.code == exit_code
        assert outcome.out == ""

    @pytest.mark.parametrize("gap", [(HANG_UP, None), (503, {"code": "unavailable", "detail": "Not now"})])
    def test_a_platform_that_restarts_meanwhile_is_waited_for(
        self, tix: Run, signed_in: Stub, gap: tuple[int, Any]
    ) -> None:
        signed_in.answer("POST /api/payments", 201, payment())
        signed_in.answer(f"GET /api/payments/{ID}", 200, payment(status="captured"))
        for answer in (gap, gap, (200, order(status="complete"))):
            signed_in.answer(f"GET /api/orders/{ID}", *answer)
        outcome = tix("pay", ID, "--method", "pm_card_visa", "--retries", "0")
        assert outcome.code == 0
        assert outcome.err.count("still waiting") == 1

    def test_8_when_it_does_not_come_back_in_time(self, tix: Run, signed_in: Stub) -> None:
        signed_in.answer("POST /api/payments", 201, payment(status="authorized"))
        signed_in.answer(f"GET /api/orders/{ID}", HANG_UP)
        asked = ("--method", "pm_card_visa", "--timeout", "1", "--retries", "0")
        outcome = tix("pay", ID, *asked, "--json")
        assert (outcome.code, outcome.problem["code"]) == (8, "still_pending")
        assert "the payment is authorized. Tix does not answer now." in outcome.problem["detail"]

    def test_9_when_nothing_answers_and_the_hint_starts_a_platform(self, tix: Run) -> None:
        outcome = tix("tickets", "list", "--api-url", DEAD, "--retries", "0", "--json")
        assert outcome.code == 9
        assert outcome.problem["hint"] == "tix up"


class TestForScripts:
    """stdout is data only, and --json makes a failure one line of JSON."""

    @pytest.mark.parametrize(
        "arguments",
        [["tickets", "list", "--limit", "0"], ["tickets", "nonsense"], ["--nonsense"], ["pay"]],
    )
    def test_the_parsers_own_errors_are_json_too(self, tix: Run, arguments: list[str]) -> None:
        outcome = tix(*arguments, "--json")
        assert outcome.out == ""
        assert outcome.problem.keys() >= {"code", "detail", "hint", "exitCode"}
        assert outcome.problem["exitCode"] == outcome.code == 2

    def test_every_member_of_the_servers_problem_is_passed_on(self, tix: Run, signed_in: Stub) -> None:
        signed_in.answer(f"GET /api/tickets/{ID}", 200, ticket())
        signed_in.refuse(f"PUT /api/tickets/{ID}", 409, "version_conflict", currentVersion=3)
        told = tix("tickets", "update", ID, "--title", "x", "--json").problem
        assert (told["currentVersion"], told["requestId"]) == (3, "req-1")

    def test_the_wait_before_a_retry_is_not_talked_of(self, tix: Run, signed_in: Stub) -> None:
        signed_in.refuse(f"GET /api/tickets/{ID}", 503, "unavailable")
        signed_in.answer(f"GET /api/tickets/{ID}", 200, ticket())
        assert tix("tickets", "show", ID, "--json").err == ""


class TestForPeople:
    """error, request-id, hint."""

    def test_the_hint_is_a_command_that_can_be_copied(self, tix: Run, signed_in: Stub) -> None:
        signed_in.refuse("POST /api/orders", 409, "ticket_reserved")
        signed_in.refuse("GET /api/orders", 403, "insufficient_scope")
        outcome = tix("reserve", ID, "--profile", "work")
        assert outcome.err.splitlines() == [
            "error: It is ticket_reserved.",
            "request-id: req-1",
            f"hint: tix tickets show {ID} --profile work",
        ]

    def test_a_typo_gets_the_right_word(self, tix: Run) -> None:
        assert "Did you mean 'tickets'?" in tix("tickts").err

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["--price", "0"], "--price: must be from 0.01 USD to 999,999.99 USD"),
            (["--price", "100000000", "--currency", "jpy"], "--price: must be from 1 JPY to 99,999,999 JPY"),
            (
                ["--price", "1", "--currency", "xyz"],
                (
                    "--currency: Tix does not take this one; "
                    "name one that Stripe charges cards in, like usd, eur or jpy"
                ),
            ),
            (["--price", "1", "--venue", "x" * 201], "--venue: at most 200 characters"),
            (["--price", "1", "--seat", ""], "--seat: must not be empty"),
            (
                ["--price", "1", "--starts-at", "friday"],
                "--starts-at: must be a time with its offset, like 2030-05-01T20:00:00Z",
            ),
        ],
    )
    def test_a_wrong_field_is_told_in_plain_words_and_not_sent(
        self, tix: Run, signed_in: Stub, arguments: list[str], said: str
    ) -> None:
        outcome = tix("tickets", "create", "--title", "x", *arguments)
        assert (outcome.code, outcome.err) == (7, f"error: {said}\n")
        assert signed_in.asked == []

    def test_a_wrong_account_is_told_in_plain_words_and_not_sent(self, tix: Run, signed_in: Stub) -> None:
        outcome = tix("auth", "signup", "--email", "ada", "--password-stdin", stdin="hunter2\n")
        assert outcome.code == 7
        assert outcome.err == (
            "error: --email: this is not an e-mail address, like you@example.com; "
            "password: at least 8 characters\n"
        )
        assert signed_in.asked == []

    def test_the_parser_speaks_plainly_too(self, tix: Run) -> None:
        assert "'--status': 'gone' is not one of 'created'" in tix("orders", "list", "--status", "gone").err
        assert "'--limit': must be a valid integer\n" in tix("orders", "list", "--limit", "many").err

    @pytest.mark.parametrize(
        ("status", "said"),
        [
            (
                "accepted",
                "The bank said yes and your payment is being taken, so it is too late to give this up.",
            ),
            ("complete", "This is paid; only the seller can give the money back."),
            ("expired", "This hold is over already; there is nothing to give up."),
        ],
    )
    def test_what_cannot_be_cancelled_says_why_and_what_to_do(
        self, tix: Run, signed_in: Stub, status: str, said: str
    ) -> None:
        signed_in.answer(f"GET /api/orders/{ID}", 200, order(status=status))
        signed_in.refuse(f"DELETE /api/orders/{ID}", 409, "order_not_cancellable")
        outcome = tix("orders", "cancel", ID, "--yes")
        assert outcome.code == 6
        assert outcome.err.startswith(f"error: {said}")
        assert outcome.err.endswith(f"hint: tix orders show {ID}\n")

    def test_a_second_cancel_says_that_nothing_changed(self, tix: Run, signed_in: Stub) -> None:
        signed_in.answer(f"DELETE /api/orders/{ID}", 204)
        signed_in.answer(f"GET /api/orders/{ID}", 200, order())
        signed_in.answer(f"GET /api/orders/{ID}", 200, order(status="cancelled"))
        said = [tix("orders", "cancel", ID, "--yes").err for _ in range(2)]
        assert said == ["Given up; the ticket is free again.\n", "It was given up before; nothing changed.\n"]

    def test_several_wrong_fields_are_all_named(self, tix: Run, signed_in: Stub) -> None:
        errors = [{"field": "title", "message": "too long"}, {"field": "venue", "message": "empty"}]
        signed_in.refuse("POST /api/tickets", 422, "invalid", errors=errors)
        said = tix("tickets", "create", "--title", "x", "--price", "1").err
        assert "title: too long" in said
        assert "venue: empty" in said

    def test_no_traceback_and_no_token_ever(self, tix: Run, signed_in: Stub) -> None:
        signed_in.answer(f"GET /api/tickets/{ID}", 200, {"hello": "world"})
        outcome = tix("tickets", "show", ID, "-v")
        assert "secret-token" not in outcome.out + outcome.err

    @pytest.mark.parametrize("noun", [[], ["auth"], ["tickets"], ["orders"]])
    def test_a_noun_without_a_verb_is_a_question_not_a_mistake(self, tix: Run, noun: list[str]) -> None:
        outcome = tix(*noun)
        assert outcome.code == 0
        assert outcome.out.startswith("Usage: tix")

    def test_every_hint_names_a_command_that_exists(self, tix: Run) -> None:
        from cli.errors import HINTS  # noqa: PLC0415 - the table under test

        for hint in set(HINTS.values()):
            words = re.split(r" ?\{| --", hint)[0].split()
            assert tix(*words[1:], "--help").code == 0, hint


@pytest.mark.parametrize("arguments", [["tickets", "list"], ["api", "/api/tickets", "--paginate"]])
def test_c20_a_reader_that_has_enough_ends_it_in_silence(signed_in: Stub, arguments: list[str]) -> None:
    page = {"items": [ticket() for _ in range(100)], "nextCursor": None}
    signed_in.answer("GET /api/tickets", 200, page)
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout
    process.stdout.close()
    assert process.stderr
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 0


def test_the_problem_is_valid_json_whatever_the_server_says(tix: Run, signed_in: Stub) -> None:
    signed_in.refuse(f"GET /api/tickets/{ID}", 404, "ticket_not_found\x1b[31m\u202e")
    outcome = tix("tickets", "show", ID, "--json")
    assert json.loads(outcome.err)["code"] == "ticket_not_found\x1b[31m\u202e"
    assert "\x1b" not in outcome.err
    assert "\x1b" not in tix("tickets", "show", ID).err
