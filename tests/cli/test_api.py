"""`tix api`: any call, with the manners of every command."""

import json
import uuid
from pathlib import Path

import pytest

from tests.cli.running import DEAD, HANG_UP, ID, Run, Stub, ticket

TICKETS = {"items": [ticket()], "nextCursor": None}


def sent(stub: Stub) -> dict[str, object]:
    """The JSON of the last request."""
    found: dict[str, object] = json.loads(stub.asked[-1][2])
    return found


class TestC17:
    """It can do what the commands do."""

    def test_c17_a_get_prints_what_the_api_says_and_sends_the_token(self, tix: Run, signed_in: Stub) -> None:
        signed_in.answer("GET /api/tickets", 200, TICKETS)
        assert tix("api", "/api/tickets?limit=5", "-X", "GET", "-f", "status=sold").document == TICKETS
        assert signed_in.asked[0][1] == "Bearer secret-token"
        assert signed_in.paths == ["/api/tickets?limit=5&status=sold"]
        assert signed_in.keys == [None]

    def test_c17_fields_make_a_post_with_a_key_that_a_repetition_keeps(
        self, tix: Run, signed_in: Stub
    ) -> None:
        signed_in.answer("POST /api/tickets", HANG_UP)
        signed_in.answer("POST /api/tickets", 201, ticket())
        outcome = tix("api", "/api/tickets", "-f", "title=007", "-F", "price=4500", "-F", "venue=null")
        assert outcome.code == 0, outcome.err
        assert sent(signed_in) == {"title": "007", "price": 4500, "venue": None}
        first, second = signed_in.keys
        assert first == second
        assert str(uuid.UUID(first)) == first

    def test_c17_an_edit_whose_answer_was_lost_is_not_repeated(self, tix: Run, signed_in: Stub) -> None:
        signed_in.answer(f"PUT /api/tickets/{ID}", HANG_UP)
        outcome = tix("api", f"/api/tickets/{ID}", "-X", "put", "-F", "version=0", "--json")
        assert (outcome.code, outcome.problem["code"], len(signed_in.asked)) == (9, "unreachable", 1)

    def test_c17_input_is_the_body_as_it_stands(self, tix: Run, signed_in: Stub, home: Path) -> None:
        signed_in.answer("POST /api/orders", 201, {"id": ID})
        body = f'{{"ticketId": "{ID}"}}'
        assert tix("api", "/api/orders", "--input", "-", stdin=body).code == 0
        (home / "body.json").write_text(body)
        assert tix("api", "/api/orders", "--input", str(home / "body.json")).code == 0
        assert [asked[2].decode() for asked in signed_in.asked] == [body, body]

    def test_c17_pages_are_followed_and_their_items_come_one_a_line(self, tix: Run, signed_in: Stub) -> None:
        for number, cursor in enumerate(("a", "b", None)):
            page = {"items": [ticket(version=number)] * 2, "nextCursor": cursor}
            signed_in.answer("GET /api/tickets", 200, page)
        lines = tix("api", "/api/tickets", "-f", "limit=2", "--paginate").out.splitlines()
        assert [json.loads(line)["version"] for line in lines] == [0, 0, 1, 1, 2, 2]
        assert signed_in.paths[1:] == ["/api/tickets?limit=2&cursor=a", "/api/tickets?limit=2&cursor=b"]

    def test_c17_jq_sees_each_item_and_include_shows_the_head(self, tix: Run, signed_in: Stub) -> None:
        signed_in.answer("GET /api/tickets", 200, TICKETS)
        assert tix("api", "/api/tickets", "--paginate", "--jq", ".id").out == f"{ID}\n"
        head, _, body = tix("api", "/api/tickets", "-i").out.partition("\n\n")
        assert head.startswith("HTTP/1.0 200 OK\n")
        assert json.loads(body) == TICKETS

    def test_c17_no_content_prints_nothing(self, tix: Run, signed_in: Stub) -> None:
        signed_in.answer(f"DELETE /api/tickets/{ID}", 204)
        outcome = tix("api", f"/api/tickets/{ID}", "-X", "DELETE")
        assert (outcome.code, outcome.out) == (0, "")


@pytest.mark.parametrize(
    ("status", "code", "exit_code"),
    [(401, "unauthenticated", 4), (404, "ticket_not_found", 5), (409, "ticket_sold", 6), (422, "invalid", 7)],
)
def test_a_refusal_is_as_everywhere(
    tix: Run, signed_in: Stub, status: int, code: str, exit_code: int
) -> None:
    signed_in.refuse("GET /api/tickets", status, code)
    outcome = tix("api", "/api/tickets", "--json")
    assert (outcome.out, outcome.problem["code"], outcome.code) == ("", code, exit_code)


@pytest.mark.parametrize(
    "arguments",
    [
        [f"{DEAD}/api/tickets"],
        ["//elsewhere.test/api/tickets"],
        ["api/tickets"],
        ["/api/tickets", "-H", "Authorization: Bearer x"],
        ["/api/tickets", "-F", "price=many"],
        ["/api/tickets", "-f", "price"],
        ["/api/tickets", "--input", "-", "-f", "a=b"],
        ["/api/tickets", "--input", "/no/such/file"],
        ["/api/tickets", "-f", "a=b", "-X", "POST", "--paginate"],
        ["/api/tickets", "-o", "csv"],
        ["/api/tickets", "--fields", "id"],
    ],
)
def test_what_makes_no_request_is_refused_and_the_token_goes_nowhere(
    tix: Run, signed_in: Stub, arguments: list[str]
) -> None:
    outcome = tix("api", *arguments, "--json")
    assert (outcome.code, outcome.problem["exitCode"], signed_in.asked) == (2, 2, [])
