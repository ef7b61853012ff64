"""How every command behaves, whatever it does: failures, talk, waiting, and what is never told."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cli import main as entry
from tests.cli.running import DEAD, ID, MOMENT, Run, Stub, order, ticket
from tests.cli.terminal import in_terminal
from tests.cli.tree import commands

PASSES_ON = {"up"}
"""What they do not know they hand to the server."""


@pytest.mark.parametrize("words", sorted(commands().keys() - PASSES_ON))
def test_c05_a_bad_flag_is_one_line_of_json_and_2(tix: Run, stub: Stub, words: str) -> None:
    for form in (["--json"], ["-o", "json"], ["--output=json"], ["--jq", "."]):
        outcome = tix(*words.split(), "--nonsense", *form)
        assert (outcome.code, outcome.out) == (2, "")
        assert outcome.problem["code"] == "usage"
        assert outcome.problem["exitCode"] == 2
        assert outcome.problem["hint"] == f"tix {words} --help"
    assert stub.asked == []


def test_c05_the_environment_can_ask_for_it_too(tix: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIX_ERROR_FORMAT", "json")
    assert tix("tickets", "shwo").problem["exitCode"] == 2


def test_c03_3_when_a_person_says_no(signed_in: Stub) -> None:
    signed_in.answer(f"GET /api/orders/{ID}", 200, order())
    screen = in_terminal("orders", "cancel", ID, typed=[("[y/N]", "n\n")])
    assert screen.code == 3
    assert [call for call, _, _ in signed_in.asked] == [f"GET /api/orders/{ID}"]


class TestC12:
    """A refusal that names a time."""

    def test_c12_what_is_too_long_to_wait_for_is_9_and_says_when(self, tix: Run, signed_in: Stub) -> None:
        signed_in.headers["Retry-After"] = "120"
        signed_in.refuse("POST /api/orders", 503, "unavailable")
        outcome = tix("reserve", ID, "--json")
        assert (outcome.code, len(signed_in.asked)) == (9, 1)
        assert outcome.problem["detail"] == "It is unavailable. Try again in 120 s."
        assert outcome.problem["retryAfter"] == 120

    def test_c12_what_is_not_is_waited_for_with_the_same_key(self, tix: Run, signed_in: Stub) -> None:
        signed_in.headers["Retry-After"] = "2"
        signed_in.refuse("POST /api/orders", 429, "rate_limited")
        signed_in.answer("POST /api/orders", 201, order())
        began = time.monotonic()
        outcome = tix("reserve", ID)
        assert time.monotonic() - began >= 2
        assert outcome.code == 0
        assert "Trying again in 2 s." in outcome.err
        assert len(set(signed_in.keys)) == 1


class TestVerbose:
    """-v says what is decided, -vv also what goes over the wire; neither a secret."""

    @pytest.mark.parametrize("flag", ["-v", "-vv", "--verbose"])
    def test_a_refusal_has_no_traceback(self, tix: Run, signed_in: Stub, flag: str) -> None:
        signed_in.refuse(f"GET /api/tickets/{ID}", 404, "ticket_not_found")
        for arguments in (
            ("tickets", "show", ID),
            ("tickets", "show", ID, "--retries", "0", "--api-url", DEAD),
        ):
            assert "Traceback" not in tix(*arguments, flag).err

    def test_a_bug_has_one(self, tix: Run, signed_in: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(entry, "get_command", lambda _: 1 / 0)
        assert "ZeroDivisionError" in tix("tickets", "show", ID, "-vv").err
        outcome = tix("tickets", "show", ID)
        assert (outcome.code, "Traceback" in outcome.err) == (1, False)
        assert outcome.err.endswith("hint: run it again with --verbose for the traceback\n")

    def test_vv_tells_http_without_what_lets_one_in(self, tix: Run, signed_in: Stub) -> None:
        signed_in.answer("GET /api/orders", 200, {"items": [], "nextCursor": None})
        session: dict[str, object] = {"user": {"id": ID, "email": "a@example.com", "createdAt": MOMENT}}
        signed_in.answer(
            "POST /api/users/signin", 200, {**session, "token": "fresh-token", "expiresAt": MOMENT}
        )
        told = tix("orders", "list", "--limit", "7", "-vv").err
        assert f"> GET {signed_in.url}/api/orders?" in told
        assert "> authorization: ***\n" in told
        assert "< 200 OK\n" in told
        login = ("auth", "login", "--email", "a@example.com", "--password-stdin", "-vv")
        told += tix(*login, stdin="pass word 1\n").err
        assert "> POST" in told
        for secret in ("secret-token", "fresh-token", "pass word 1"):
            assert secret not in told
        assert "> GET" not in tix("tickets", "list", "-v").err


class TestC21:
    """Typos."""

    @pytest.mark.parametrize(
        ("arguments", "meant"),
        [
            (["tickts"], "'tickets'"),
            (["tickets", "lst"], "'list'"),
            (["tickets", "list", "--statsu", "sold"], "--status"),
            (["orders", "list", "--profil", "x"], "--profile"),
            (["help", "exit-code"], "'exit-codes'"),
            (["help", "tickets", "creat"], "'create'"),
        ],
    )
    def test_c21_the_right_word_is_named(self, tix: Run, arguments: list[str], meant: str) -> None:
        outcome = tix(*arguments, "--json")
        assert outcome.code == 2
        assert f"Did you mean {meant}?" in outcome.problem["detail"]


A, B, C = (f"01a20e47-33f0-7000-8000-00000000000{digit}" for digit in "abc")


class TestIds:
    """A wrong id, where the right one was shown lately."""

    @pytest.fixture
    def seen(self, home: Path) -> Callable[..., None]:
        """Let these have been shown, of tickets and of orders."""

        def shown(*ids: str) -> None:
            for kind in ("tickets", "orders"):
                cache = home / "cache" / "tix" / f"{kind}.tsv"
                cache.parent.mkdir(parents=True, exist_ok=True)
                cache.write_text("".join(f"{id_}\tFront row\n" for id_ in ids))

        return shown

    @pytest.mark.parametrize(
        ("noun", "line"),
        [
            ("ticket", "tickets show {}"),
            ("ticket", "tickets update {} --price 45 --profile work"),
            ("ticket", "tickets withdraw {} --dry-run"),
            ("ticket", "reserve {} --max-price 50.00"),
            ("ticket", "orders create {}"),
            ("ticket", "buy {} --max-price 50.00 --method pm_card_visa"),
            ("order", "orders show {}"),
            ("order", "orders watch {}"),
            ("order", "orders extend {}"),
            ("order", "orders cancel {}"),
            ("order", "orders refund {}"),
            ("order", "pay {} --no-wait"),
            ("ticket", "open --ticket {}"),
            ("order", "open --pay {}"),
        ],
    )
    @pytest.mark.parametrize("typed", [A[:8], A[:13].upper(), A[:-1], A + "0", A.replace("a2", "ag")])
    def test_c21_what_is_no_id_names_the_one_it_begins_or_resembles_and_asks_nobody(
        self, tix: Run, signed_in: Stub, seen: Callable[..., None], noun: str, line: str, typed: str
    ) -> None:
        seen(A, ID)
        outcome = tix(*line.format(typed).split(), "--json")
        assert (outcome.code, outcome.problem["code"]) == (5, f"{noun}_not_found")
        assert outcome.problem["detail"] == f"There is no such {noun}. Did you mean {A} (Front row)?"
        assert outcome.problem["hint"] == f"tix {line.format(A)}"
        assert signed_in.asked == []

    def test_c21_an_id_that_the_server_does_not_know_does_so_too_and_the_hint_works(
        self, tix: Run, signed_in: Stub, seen: Callable[..., None]
    ) -> None:
        wrong = A.replace("33f0", "33e0")
        seen(A, ID)
        signed_in.refuse(f"GET /api/tickets/{wrong}", 404, "ticket_not_found")
        signed_in.answer(f"GET /api/tickets/{A}", 200, ticket(id=A))
        lines = tix("tickets", "show", wrong).err.splitlines()
        assert lines == [
            f"error: It is ticket_not_found. Did you mean {A} (Front row)?",
            "request-id: req-1",
            f"hint: tix tickets show {A}",
        ]
        assert tix(*lines[-1].split()[2:], "--json").document["id"] == A

    def test_c21_of_several_that_are_as_likely_three_are_named(
        self, tix: Run, signed_in: Stub, seen: Callable[..., None]
    ) -> None:
        for shown, typed in (
            ((A, B), A[:8]),
            ((A, B, C, ID), A[:-1]),
            ((C, A, B, C[:-1] + "d"), A[:-1] + "x"),
        ):
            seen(*shown)
            problem = tix("tickets", "show", typed, "--json").problem
            names = " or ".join(f"{id_} (Front row)" for id_ in shown[:3] if id_ != ID)
            assert problem["detail"] == f"There is no such ticket. Did you mean {names}?"
            assert problem["hint"] == "tix tickets list"

    @pytest.mark.parametrize("typed", [ID, A, A[:3], "", "not-an-id", A.replace("33f0", "1234")])
    def test_c21_nothing_is_guessed_from_what_is_too_short_too_different_or_right(
        self, tix: Run, signed_in: Stub, seen: Callable[..., None], typed: str
    ) -> None:
        seen(A, B)
        signed_in.refuse(f"GET /api/tickets/{typed}", 404, "ticket_not_found")
        problem = tix("tickets", "show", typed, "--json").problem
        assert (problem["code"], problem["hint"]) == ("ticket_not_found", "tix tickets list")
        assert "mean" not in problem["detail"]

    @pytest.mark.parametrize("command", ["buy", "reserve", "orders create", "tickets show"])
    def test_what_is_no_id_is_the_same_plain_sentence_everywhere(
        self, tix: Run, signed_in: Stub, command: str
    ) -> None:
        outcome = tix(*command.split(), "not-an-id", "--profile", "work")
        assert outcome.code == 5
        assert outcome.err == "error: There is no such ticket.\nhint: tix tickets list --profile work\n"
        assert signed_in.asked == []

    def test_a_token_in_place_of_its_id_is_not_repeated(self, tix: Run, signed_in: Stub) -> None:
        outcome = tix("auth", "token", "revoke", "tix_secret", "--yes")
        assert (outcome.code, outcome.out) == (5, "")
        assert outcome.err == "error: There is no such token.\nhint: tix auth token list\n"


class TestHelp:
    """Topics, and the help of commands."""

    @pytest.mark.parametrize("topic", ["exit-codes", "environment", "formatting"])
    def test_a_topic_fits_a_terminal_and_root_names_it(self, tix: Run, topic: str) -> None:
        outcome = tix("help", topic)
        assert outcome.code == 0
        assert max(map(len, outcome.out.splitlines())) <= 110
        assert topic in tix("--help").out
        assert topic in tix("help").out

    def test_every_exit_code_is_explained(self, tix: Run) -> None:
        said = [int(line.split()[0]) for line in tix("help", "exit-codes").out.split("\n\n")[0].splitlines()]
        assert said == [*range(11), 130]

    @pytest.mark.parametrize("words", ["tickets create", "pay", "orders"])
    def test_help_of_a_command_is_what_its_flag_says(self, tix: Run, words: str) -> None:
        assert tix("help", *words.split()).out == tix(*words.split(), "--help").out

    @pytest.mark.parametrize("words", sorted(commands()))
    def test_c24_every_command_has_an_example_that_begins_as_it_is_typed(self, words: str) -> None:
        command, _ = commands()[words]
        assert f"tix {words}" in command.epilog


def test_c23_the_problem_has_the_request_id_that_the_log_has(tix: Run, signed_in: Stub) -> None:
    signed_in.refuse("GET /api/tickets", 503, "unavailable")
    outcome = tix("tickets", "list", "--retries", "0")
    assert "request-id: req-1\n" in outcome.err
    assert json.loads(tix("tickets", "list", "--retries", "0", "--json").err)["requestId"] == "req-1"
