"""What those print that follow a stream, a journal or a file: the published documents, in every form."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.fields import known_fields
from client import sse
from tests.cli.running import HANG_UP, ID, MOMENT, Outcome, Run, Stub, order, payment, step, ticket
from tests.cli.terminal import in_terminal
from tests.cli.test_formats import validate
from tests.cli.tree import USER, answer_all

OTHER = ID.replace("1", "2")
BY_CARD = ("--method", "pm_card_visa")


def lines(outcome: Outcome) -> list[Any]:
    assert outcome.code == 0, outcome.err
    return [json.loads(line) for line in outcome.out.splitlines()]


class TestResume:
    """Purchases that were cut off: finished, given up, listed."""

    @pytest.fixture
    def cut_off(self, tix: Run, signed_in: Stub) -> Callable[[], None]:
        """Two of them, whose holds there may be; Tix is back."""

        def begin() -> None:
            signed_in.answers["GET /api/users/currentuser"] = [(200, {"currentUser": USER})]
            signed_in.answers["POST /api/orders"] = [(HANG_UP, None)]
            for id_ in (ID, OTHER):
                assert tix("buy", id_, *BY_CARD, "--retries", "0").code == 9
            signed_in.answers.clear()
            answer_all(signed_in)

        begin()
        return begin

    def test_c04_each_that_is_finished_is_a_payment(
        self, tix: Run, signed_in: Stub, cut_off: Callable[[], None]
    ) -> None:
        found = lines(tix("resume", "--json"))
        assert [one["status"] for one in found] == ["captured"] * 2
        for one in found:
            validate(one, "payment")
        cut_off()
        rows = tix("resume", "-o", "csv", "--fields", "status,amount").out
        assert rows == "status,amount\ncaptured,4500\ncaptured,4500\n"

    def test_c04_each_that_is_given_up_is_an_order(
        self, tix: Run, signed_in: Stub, cut_off: Callable[[], None]
    ) -> None:
        over = order(status="cancelled", history=[step("created", "reserved"), step("cancelled", "by buyer")])
        signed_in.answers[f"GET /api/orders/{ID}"] = [(200, over)]
        for one in lines(tix("resume", "--release", "--json")):
            validate(one, "order-with-history")
        cut_off()
        signed_in.answers[f"GET /api/orders/{ID}"] = [(200, over)]
        assert tix("resume", "--release", "--fields", "history", "--jq", ".history[].cause").out == (
            "reserved\nby buyer\n" * 2
        )

    def test_c04_c16_what_is_unfinished_is_a_list_as_the_others_are(
        self, tix: Run, cut_off: Callable[[], None]
    ) -> None:
        listed = tix("resume", "--list", "--json").document
        validate(listed, "purchase-page")
        began = [one["startedAt"] for one in listed["items"]]
        assert [(one["ticketId"], one["orderId"]) for one in listed["items"]] == [(ID, None), (OTHER, None)]
        rows = [f"{ID}\t\tpm_card_visa\t{began[0]}", f"{OTHER}\t\tpm_card_visa\t{began[1]}"]
        for form in ((), ("-o", "tsv")):
            assert tix("resume", "--list", *form).out.splitlines() == rows
        assert tix("resume", "--list", "-o", "name").out == f"{ID}\n{OTHER}\n"
        assert tix("resume", "--list", "-o", "csv", "--fields", "method,ticketId").out == (
            f"method,ticketId\npm_card_visa,{ID}\npm_card_visa,{OTHER}\n"
        )
        assert tix("resume", "--list", "--jq", ".items[].method").out == "pm_card_visa\n" * 2
        shown = in_terminal("resume", "--list", "--no-color").shown.splitlines()
        assert shown[0].split() == ["TICKETID", "METHOD", "STARTEDAT"]
        assert max(map(len, shown)) <= 80
        tix("resume")
        assert tix("resume", "--list", "--json").document == {"items": [], "nextCursor": None}

    def test_c21_its_fields_are_those_of_what_it_prints(self, tix: Run) -> None:
        outcome = tix("resume", "--list", "--fields", "stats", "--json")
        assert (outcome.code, outcome.problem["hint"]) == (2, "tix resume --list --fields help")
        for option in ((), ("--list",), ("--release",)):
            told = tix("resume", *option, "--fields", "help").out.splitlines()
            assert told == known_fields(" ".join(("resume", *option)))


class TestWatch:
    """At a Tix without streams, which is asked again and again."""

    @pytest.fixture
    def shop(self, signed_in: Stub, monkeypatch: pytest.MonkeyPatch) -> Stub:
        """An order that is paid late."""
        monkeypatch.setattr(sse, "RETRY_SECONDS", 0.01)
        signed_in.refuse(f"GET /api/orders/{ID}/events", 404, "not_found")
        signed_in.refuse("GET /api/tickets/events", 404, "not_found")
        signed_in.answer(
            "GET /api/payments", 200, {"items": [payment(status="authorized")], "nextCursor": None}
        )
        return signed_in

    def watch(self, tix: Run, shop: Stub, *more: str) -> Outcome:
        history = [step("created", "reserved"), step("expired", "hold ended")]
        shop.answers[f"GET /api/orders/{ID}"] = [
            (200, order(status="expired", version=2, history=history)),
            (200, order(status="complete", version=4, history=[*history, step("complete", "paid")])),
        ]
        return tix("orders", "watch", ID, *more)

    def test_c04_each_line_of_an_order_is_its_document(self, tix: Run, shop: Stub) -> None:
        for form in ((), ("--json",), ("-o", "json")):
            found = lines(self.watch(tix, shop, *form))
            assert [one["status"] for one in found] == ["expired", "complete"]
            for one in found:
                validate(one, "order-news")

    def test_c16_an_order_in_every_form(self, tix: Run, shop: Stub) -> None:
        assert lines(self.watch(tix, shop, "--fields", "status")) == [
            {"status": "expired"},
            {"status": "complete"},
        ]
        assert self.watch(tix, shop, "--jq", ".status").out == "expired\ncomplete\n"
        assert self.watch(tix, shop, "-o", "name").out == f"{ID}\n{ID}\n"
        chosen = ("--fields", "declineCode,status")
        assert self.watch(tix, shop, "-o", "csv", *chosen).out == "declineCode,status\n,expired\n,complete\n"
        assert self.watch(tix, shop, "-o", "tsv", *chosen).out == "\texpired\n\tcomplete\n"
        whole = [line.split("\t") for line in self.watch(tix, shop, "-o", "tsv").out.splitlines()]
        assert [dict(zip(known_fields("orders watch"), row, strict=True))["status"] for row in whole] == [
            "expired",
            "complete",
        ]
        assert "complete    " in self.watch(tix, shop, "-o", "table", "--no-color").out
        told = (
            tix("orders", "watch", "--fields", "help").code,
            tix("orders", "watch", ID, "--fields", "help").out,
        )
        assert told == (2, "".join(f"{name}\n" for name in known_fields("orders watch")))

    @pytest.mark.parametrize(
        ("form", "said"),
        [
            (("--fields", "price,title"), '{"price": 4500, "title": "Back row"}\n'),
            (("--jq", ".title"), "Back row\n"),
            (("-o", "name"), f"{ID}\n"),
            (("-o", "csv", "--fields", "price,title"), "price,title\n4500,Back row\n"),
            (("-o", "tsv", "--fields", "price,title"), "4500\tBack row\n"),
            (("-o", "table", "--fields", "price,title"), "4500  Back row\n"),
            (("--json",), None),
        ],
    )
    def test_c04_c16_tickets_in_every_form(
        self, tix: Run, shop: Stub, form: tuple[str, ...], said: str | None
    ) -> None:
        for version, title in enumerate(("Front row", "Back row")):
            items = [ticket(title=title, version=version)]
            shop.answer("GET /api/tickets", 200, {"items": items, "nextCursor": None})
        shop.refuse("GET /api/tickets", 401, "unauthenticated")  # which ends it
        outcome = tix("tickets", "watch", *form)
        assert outcome.code == 4
        if said is None:
            validate(outcome.document, "ticket")
        else:
            assert outcome.out == said


def test_c04_what_is_new_of_an_order_may_be_a_declined_card() -> None:
    decline = {"orderId": ID, "paymentId": ID, "declineCode": None, "at": MOMENT}
    validate(decline, "order-news")


class TestImport:
    """The result of an import, and of its dry run."""

    @pytest.fixture
    def file(self, home: Path, signed_in: Stub) -> str:
        """Two rows that are listed and one that is not."""
        rows = [{"externalId": f"seat-{n}", "title": "Front row", "price": 4500} for n in range(2)]
        results = [
            {"index": n, "status": "created", "ticket": ticket(externalId=f"seat-{n}")} for n in range(2)
        ]
        signed_in.answer("POST /api/tickets/batch", 200, {"results": results})
        path = home / "seats.ndjson"
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows) + '{"externalId": 7}\n')
        return str(path)

    @pytest.mark.parametrize(
        ("option", "schema"), [((), "import-result"), (("--dry-run",), "import-preview")]
    )
    def test_c04_c16_it_is_as_its_schema_says_in_every_form(
        self, tix: Run, file: str, option: tuple[str, ...], schema: str
    ) -> None:
        whole = tix("tickets", "import", file, "--json", *option)
        assert whole.code == 10
        validate(whole.document, schema)
        assert whole.document["errors"][0]["externalId"] == 7
        for form, said in (
            (("--json",), '{"failed": 1, "created": 2}\n'),
            (("--jq", ".failed"), "1\n"),
            (("-o", "csv"), "failed,created\n1,2\n"),
            (("-o", "tsv"), "failed\t1\ncreated\t2\n"),
            (("-o", "table"), "failed   1\ncreated  2\n"),
            ((), "failed\t1\ncreated\t2\n"),
        ):
            chosen = tix("tickets", "import", file, *option, *form, "--fields", "failed,created")
            assert (chosen.code, chosen.out) == (10, said)
        assert tix("tickets", "import", file, *option, "-o", "name").out == "2\n"
        told = tix("tickets", "import", file, *option, "--fields", "help").out.splitlines()
        assert told == known_fields(" ".join(("tickets import", *option)))

    def test_where_no_data_is_asked_for_it_is_told(self, tix: Run, file: str) -> None:
        outcome = tix("tickets", "import", file)
        assert (outcome.code, outcome.out) == (10, "")
        assert "2 changed (2 created, 0 updated, 0 unchanged, 1 failed).\n" in outcome.err
