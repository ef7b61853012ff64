"""What comes out: data for pipes, tables for people, and nothing a terminal would obey."""

import json

import pytest

from cli.output import harmless
from cli.table import shorten, width
from tests.cli.running import ID, MOMENT, Run, Stub, order, payment, step, ticket
from tests.cli.terminal import in_terminal

EVIL = "\x1b]0;owned\x07\x9b31m\u202egnp.exe\ttab\nline"


class TestPipes:
    """TSV and JSON."""

    def test_a_list_is_tab_separated_without_a_header_in_minor_units(self, tix: Run, signed_in: Stub) -> None:
        signed_in.answer("GET /api/tickets", 200, {"items": [ticket(venue="Hall A")], "nextCursor": None})
        outcome = tix("tickets", "list")
        assert outcome.out == f"{ID}\tFront row\t4500\tusd\tHall A\t\t\tavailable\n"

    def test_an_empty_list_is_nothing_and_in_json_an_empty_page(self, tix: Run, signed_in: Stub) -> None:
        signed_in.answer("GET /api/orders", 200, {"items": [], "nextCursor": None})
        assert tix("orders", "list").out == ""
        assert tix("orders", "list", "--json").document == {"items": [], "nextCursor": None}

    def test_one_object_is_field_tab_value(self, tix: Run, signed_in: Stub) -> None:
        signed_in.answer(f"GET /api/tickets/{ID}", 200, ticket())
        lines = dict(line.split("\t") for line in tix("tickets", "show", ID).out.splitlines())
        assert lines["price"] == "4500"
        assert lines["createdAt"] == "2027-05-01T18:00:00.000000Z"
        assert lines["venue"] == ""

    def test_json_is_what_the_api_says(self, tix: Run, signed_in: Stub) -> None:
        signed_in.answer(f"GET /api/orders/{ID}", 200, order())
        assert tix("orders", "show", ID, "--json").document == order()

    def test_the_next_page_is_told_on_stderr(self, tix: Run, signed_in: Stub) -> None:
        signed_in.answer("GET /api/orders", 200, {"items": [order()], "nextCursor": "abc"})
        outcome = tix("orders", "list", "--status", "created")
        assert "tix orders list --role buyer --status created --cursor abc" in outcome.err
        assert "abc" not in outcome.out

    def test_the_next_page_is_asked_for_as_this_one_was(self, tix: Run, signed_in: Stub) -> None:
        user = {"id": ID, "email": "ada@example.com", "createdAt": MOMENT}
        signed_in.answer("GET /api/users/currentuser", 200, {"currentUser": user})
        for noun, item in (("orders", order()), ("tickets", ticket())):
            signed_in.answer(f"GET /api/{noun}", 200, {"items": [item], "nextCursor": "abc"})
        address = ("--api-url", signed_in.url)
        outcome = tix("orders", "list", "--limit", "1", *address)
        assert f"tix orders list --role buyer --limit 1 --api-url {signed_in.url} --cursor abc" in outcome.err
        asked = ("--q", "night train", "--sort=-price", "--mine", "--limit", "1")
        outcome = tix("tickets", "list", *asked, *address)
        assert "tix tickets list --q 'night train' --sort=-price --mine --limit 1 --api-url" in outcome.err

    def test_quiet_says_nothing(self, tix: Run, signed_in: Stub) -> None:
        signed_in.answer("POST /api/orders", 201, order())
        assert tix("reserve", ID, "-q").err == ""

    def test_the_secret_for_a_browser_form_is_not_shown(self, tix: Run, signed_in: Stub) -> None:
        signed_in.answer("POST /api/payments", 201, payment())
        signed_in.answer(f"GET /api/payments/{ID}", 200, payment(status="captured"))
        signed_in.answer(f"GET /api/orders/{ID}", 200, order(status="complete"))
        for more in ([], ["--json"]):
            outcome = tix("pay", ID, "--method", "pm_card_visa", *more)
            assert outcome.code == 0
            assert "secret" not in outcome.out


class TestTerminal:
    """Tables, timelines, colours."""

    def test_a_list_fits_80_columns_and_keeps_the_ids(self, signed_in: Stub) -> None:
        signed_in.answer("GET /api/tickets", 200, {"items": [ticket(title="x" * 200)], "nextCursor": None})
        shown = in_terminal("tickets", "list", "--no-color").shown
        assert all(len(line) <= 80 for line in shown.splitlines())
        assert f"{ID}  xxx" in shown
        assert "45.00 USD" in shown

    @pytest.mark.parametrize("off", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {}])
    @pytest.mark.slow
    def test_colours_can_be_turned_off_in_every_usual_way(self, signed_in: Stub, off: dict[str, str]) -> None:
        signed_in.answer("GET /api/tickets", 200, {"items": [ticket()], "nextCursor": None})
        assert "\x1b" in in_terminal("tickets", "list").shown
        arguments = ["tickets", "list"] if off else ["tickets", "list", "--no-color"]
        assert "\x1b" not in in_terminal(*arguments, environment=off).shown


class TestHarmless:
    """Text from the server cannot command the terminal or forge a column."""

    def test_in_a_pipe_in_json_and_on_a_terminal(self, tix: Run, signed_in: Stub) -> None:
        signed_in.answer("GET /api/tickets", 200, {"items": [ticket(title=EVIL)], "nextCursor": None})
        piped = tix("tickets", "list").out
        assert piped.count("\t") == 7
        as_json = tix("tickets", "list", "--json")
        assert as_json.document["items"][0]["title"] == EVIL
        shown = in_terminal("tickets", "list", "--no-color").shown
        history = [step("expired", EVIL, requestId=EVIL)]
        signed_in.answer(f"GET /api/orders/{ID}", 200, order(history=history))
        story = in_terminal("orders", "show", ID, "-v", "--no-color").shown
        assert "owned" in story
        for text in (piped.replace("\t", ""), as_json.out, shown, story):
            assert all(char.isprintable() or char in "\r\n" for char in text)

    def test_ordinary_text_of_any_language_stays_as_it_is(self) -> None:
        text = "Fête 🎟️ 東京 عرض"
        assert harmless(text) == text
        assert json.dumps(harmless("a\ud800")) == '"a\\\\ud800"'

    def test_wide_characters_count_double(self) -> None:
        assert width("東京") == 4
        assert shorten("東京タワー", 5) == "東京…"
