"""`-o`, `--fields` and `--jq`, on every command the tree holds."""

import csv
import io
import json
import sys
from typing import Any

import jsonschema
import pytest

from cli.fields import known_fields
from cli.schemas import NAMES, PRINTS
from server.doctor import Finding, Report, checks
from tests.architecture.published import SCHEMAS
from tests.cli.running import ID, Outcome, Run, Stub, order, ticket
from tests.cli.terminal import in_terminal
from tests.cli.tree import CALLS, OTHERS, answer_all, commands

LISTS = [words for words in CALLS if words.endswith(" list")]
LONG = "A very long title, " * 12


@pytest.fixture
def all_of_it(signed_in: Stub) -> Stub:
    answer_all(signed_in)
    return signed_in


def call(tix: Run, words: str, *more: str) -> Outcome:
    return tix(*CALLS[words], *more, stdin="pass word 1\n")


def validate(document: Any, name: str) -> None:
    jsonschema.validate(document, json.loads((SCHEMAS / f"{name}.json").read_text()))


def test_every_command_is_called_here_or_says_why_not() -> None:
    assert commands().keys() == CALLS.keys() | OTHERS.keys()
    assert CALLS.keys() <= PRINTS.keys()


@pytest.mark.parametrize("words", CALLS)
def test_c02_c04_what_it_prints_is_as_its_schema_says(tix: Run, all_of_it: Stub, words: str) -> None:
    outcome = call(tix, words, "--json")
    assert outcome.code == 0, outcome.err
    validate(outcome.document, NAMES[PRINTS[words]])
    assert "secret" not in outcome.out
    with pytest.raises(jsonschema.ValidationError):  # a schema that takes anything would prove nothing
        validate({name: {} for name in outcome.document}, NAMES[PRINTS[words]])


@pytest.mark.slow  # eight calls of each command
@pytest.mark.parametrize("words", CALLS)
def test_c16_every_form_has_the_chosen_fields_in_the_order_asked_for(
    tix: Run, all_of_it: Stub, words: str
) -> None:
    first, last = known_fields(words)[0], known_fields(words)[-1]
    chosen = ("--fields", f"{last},{first}")
    found = call(tix, words, "--json", *chosen).document
    for one in found["items"] if words in LISTS else [found]:
        assert list(one) == [last, first]
    heads = next(csv.reader(io.StringIO(call(tix, words, "-o", "csv", *chosen).out)))
    assert heads == [last, first]
    assert call(tix, words, "-o", "tsv", *chosen).code == 0
    named = call(tix, words, "-o", "name", *chosen)
    whole = call(tix, words, "--json").document
    ones = whole["items"] if words in LISTS else [whole]
    assert named.out.splitlines() == [one.get("id") or next(iter(one.values())) for one in ones]
    table = call(tix, words, "-o", "table", *chosen)
    assert (last.upper() if words in LISTS else last) in table.out
    assert call(tix, words, "--fields", "help").out.splitlines() == known_fields(words)


@pytest.mark.parametrize("words", CALLS)
def test_c21_an_unknown_field_names_the_nearest_and_nothing_is_sent(
    tix: Run, all_of_it: Stub, words: str
) -> None:
    meant = known_fields(words)[1]
    outcome = call(tix, words, "--json", "--fields", meant + "x")
    assert (outcome.code, outcome.problem["code"]) == (2, "unknown_field")
    assert f"Did you mean '{meant}'? The fields are: {known_fields(words)[0]}, " in outcome.problem["detail"]
    assert outcome.problem["hint"] == f"tix {words} --fields help"
    assert all_of_it.asked == []


@pytest.mark.parametrize("words", ["orders list", "tickets list"])
def test_c04_an_empty_list_is_an_empty_page_in_json_and_nothing_elsewhere(
    tix: Run, signed_in: Stub, words: str
) -> None:
    for noun in ("tickets", "orders"):
        signed_in.answer(f"GET /api/{noun}", 200, {"items": [], "nextCursor": None})
    assert call(tix, words, "--json").out == '{"items": [], "nextCursor": null}\n'
    for form in ("tsv", "name", "table"):
        assert call(tix, words, "-o", form).out == ""
    assert len(call(tix, words, "-o", "csv").out.splitlines()) == 1


class TestC14:
    """A pipe gets all of it, a terminal what fits."""

    def test_c14_a_piped_list_is_untruncated_rfc_3339_and_minor_units(
        self, tix: Run, signed_in: Stub
    ) -> None:
        signed_in.answer(
            "GET /api/orders", 200, {"items": [order(ticket={**order()["ticket"], "title": LONG})]}
        )
        signed_in.answers["GET /api/orders"][0][1]["nextCursor"] = None
        cells = tix("orders", "list").out.rstrip("\n").split("\t")
        assert cells == [ID, LONG, "4500", "usd", "2027-05-01T18:15:00.000000Z", "created"]

    def test_c14_a_table_fits_80_columns_whatever_is_in_it(self, signed_in: Stub) -> None:
        signed_in.answer(
            "GET /api/tickets", 200, {"items": [ticket(title=LONG, venue=LONG)], "nextCursor": None}
        )
        for more in ([], ["--fields", "id,title,venue"]):
            shown = in_terminal("tickets", "list", "--no-color", *more).shown
            assert max(map(len, shown.splitlines())) <= 80
            assert ID in shown

    def test_csv_keeps_what_a_comma_and_a_quote_would_break(self, tix: Run, signed_in: Stub) -> None:
        title = 'Say "hi", then go'
        signed_in.answer("GET /api/tickets", 200, {"items": [ticket(title=title)], "nextCursor": None})
        rows = list(csv.DictReader(io.StringIO(tix("tickets", "list", "-o", "csv").out)))
        assert rows[0]["title"] == title


class TestC16Jq:
    """A filter on the JSON."""

    def test_text_comes_out_bare_and_the_rest_as_json(self, tix: Run, all_of_it: Stub) -> None:
        assert tix("tickets", "list", "--jq", ".items[].id, .nextCursor").out == f"{ID}\nnull\n"
        assert tix("tickets", "list", "--fields", "price", "--jq", ".items[0]").document == {"price": 4500}

    def test_a_program_that_is_none_is_refused_before_anything_is_sent(
        self, tix: Run, all_of_it: Stub
    ) -> None:
        outcome = tix("reserve", ID, "--jq", ".items[")
        assert (outcome.code, outcome.problem["code"], all_of_it.asked) == (2, "usage", [])

    def test_one_that_fails_on_the_answer_says_that_the_command_was_done(
        self, tix: Run, all_of_it: Stub
    ) -> None:
        outcome = tix("reserve", ID, "--jq", ".price | keys")
        assert (outcome.code, outcome.problem["code"]) == (1, "jq_failed")
        assert "the command itself was done" in outcome.problem["detail"]

    def test_without_the_package_the_line_that_installs_it_is_said(
        self, tix: Run, all_of_it: Stub, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "jq", None)
        outcome = tix("tickets", "list", "--jq", ".")
        assert (outcome.code, outcome.problem["hint"]) == (2, 'pip install "tix[jq]"')


def test_two_forms_at_once_are_refused(tix: Run, all_of_it: Stub) -> None:
    outcome = tix("tickets", "list", "--json", "-o", "csv")
    assert (outcome.code, outcome.problem["detail"]) == (2, "--json and --output csv exclude each other.")


def test_c05_a_problem_is_as_its_schema_says(tix: Run, signed_in: Stub) -> None:
    errors = [{"field": "title", "message": "too long"}]
    signed_in.refuse("POST /api/tickets", 422, "invalid", errors=errors)
    refused = call(tix, "tickets create", "-o", "json")
    misused = tix("tickets", "list", "--nonsense", "-o", "json")
    for outcome in (refused, misused):
        validate(outcome.problem, "problem")


@pytest.mark.slow
def test_c19_colour_is_forced_into_pipes_and_never_where_it_is_forbidden(
    tix: Run, all_of_it: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b" in tix("tickets", "list", "-o", "table").out
    for words in CALLS:
        outcome = call(tix, words, "--no-color", "-o", "table")
        assert "\x1b" not in outcome.out + outcome.err
    for name, value in (("NO_COLOR", "1"), ("TERM", "dumb")):
        with monkeypatch.context() as forbidden:
            forbidden.setenv(name, value)
            assert "\x1b" not in tix("tickets", "list", "-o", "table").out


def test_c04_the_doctors_report_is_as_its_schema_says() -> None:
    finding = Finding(checks()[0], [{"order_id": ID, "seen": 2}])
    for report in (Report(3), Report(3, [finding], [finding], "STRIPE_KEY is not set.")):
        validate(json.loads(report.as_json(repaired=["a hold"])), "doctor-report")
