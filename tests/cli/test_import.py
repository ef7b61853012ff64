"""`tix tickets import`, `export`, `template` and `--dry-run` against a running platform."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.cli.running import Outcome, Run
from tests.cli.terminal import CTRL_C, ROOT, in_terminal
from tests.platform import Platform, User

Do = Callable[..., Awaitable[Outcome]]
COUNTS = "SELECT (SELECT count(*) FROM tickets) + 1000000 * (SELECT count(*) FROM outbox)"
LEFT = "seats.resume.ndjson"
NOTHING = {"created": 0, "updated": 0, "unchanged": 0, "failed": 0, "left": 0, "errors": [], "resume": None}


@pytest.fixture
async def seller(platform: Platform, home: Path, monkeypatch: pytest.MonkeyPatch) -> User:
    """Somebody new, whose token is in the environment."""
    credentials = {"email": f"{uuid4()}@example.com", "password": "pass word 1"}
    session = (await platform.http.post("/api/users/signup", json=credentials)).json()
    monkeypatch.setenv("TIX_API_URL", platform.api_url)
    monkeypatch.setenv("TIX_TOKEN", session["token"])
    headers = {"Authorization": f"Bearer {session['token']}"}
    return User(UUID(session["user"]["id"]), platform.http, headers)


@pytest.fixture
def do(seller: User, tix: Run) -> Do:
    """Run `tix tickets …` as the seller; the platform shares this thread's loop."""

    async def run(*arguments: str) -> Outcome:
        return await asyncio.to_thread(tix, "tickets", *arguments)

    return run


async def piped(*arguments: str, stdin: str = "") -> Outcome:
    """The same as a process of its own, with something on stdin."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", "tickets", *arguments), cwd=ROOT, stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    out, err = await process.communicate(stdin.encode())
    return Outcome(process.returncode or 0, out.decode(), err.decode())


def seats(count: int, **more: Any) -> list[dict[str, Any]]:
    """Listings as in a file: seat-0, seat-1 and so on."""
    return [{"externalId": f"seat-{n}", "title": f"Seat {n}", "price": 100 + n, **more} for n in range(count)]


def written(rows: Sequence[object], name: str = "seats.ndjson") -> str:
    """A file of these rows, a line each; returns its whole path."""
    path = Path(name).absolute()
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows))
    return str(path)


def edited(name: str, *replaced: tuple[str, str]) -> None:
    """A person corrects it."""
    text = held_in(name)
    for old, new in replaced:
        assert old in text
        text = text.replace(old, new)
    Path(name).write_text(text)


def held_in(name: str) -> str:
    """What a file of the working directory holds."""
    return Path(name).read_text()


def files() -> set[str]:
    """The names of all there are."""
    return {path.name for path in Path().iterdir()}


async def listed(seller: User) -> dict[str, dict[str, Any]]:
    """The seller's listings, by externalId."""
    answer = await seller.get(f"/api/tickets?userId={seller.id}&limit=100")
    return {ticket["externalId"]: ticket for ticket in answer.json()["items"]}


class TestImport:
    """A file of listings."""

    async def test_c10_a_second_import_says_0_changed(self, do: Do, seller: User, platform: Platform) -> None:
        """Exit 0 both times; the second writes nothing and tells nobody."""
        file = written(seats(30))
        first = await do("import", file)
        assert (first.code, first.out, first.err) == (
            0,
            "",
            "30 changed (30 created, 0 updated, 0 unchanged).\n",
        )
        before = await platform.count("tickets", COUNTS)
        second = await do("import", file)
        assert (second.code, second.err) == (0, "0 changed (0 created, 0 updated, 30 unchanged).\n")
        assert await platform.count("tickets", COUNTS) == before
        as_json = await do("import", file, "--json")
        assert (as_json.document, as_json.err) == ({**NOTHING, "unchanged": 30}, "")
        assert len(await listed(seller)) == 30

    async def test_an_edited_file_changes_what_was_edited(self, do: Do, seller: User) -> None:
        rows = seats(3)
        await do("import", written(rows))
        rows[1]["price"] = 7
        outcome = await do("import", written(rows), "--json")
        assert outcome.document == {**NOTHING, "updated": 1, "unchanged": 2}
        assert (await listed(seller))["seat-1"]["price"] == 7

    @pytest.mark.slow
    async def test_c09_csv_json_and_ndjson_come_by_file_or_by_pipe(self, do: Do, seller: User) -> None:
        """The same rows in each: the first lists them, the others change nothing."""
        csv = "externalId,title,price\n" + "".join(
            f"seat-{n},Seat {n},{(100 + n) / 100:.2f}\n" for n in range(3)
        )
        ndjson = "".join(json.dumps(row) + "\n" for row in seats(3))
        outcomes = [
            (await piped("import", "-", "--json", stdin=text)).document
            for text in (csv, ndjson, json.dumps(seats(3), indent=2))
        ]
        assert outcomes == [{**NOTHING, "created": 3}, *[{**NOTHING, "unchanged": 3}] * 2]
        excel = written([f"\ufeff{csv.strip()}"], "seats.csv")
        assert (await do("import", excel, "--json")).document == {**NOTHING, "unchanged": 3}
        assert len(await listed(seller)) == 3

    async def test_c09_errors_name_line_and_field(self, do: Do, seller: User, platform: Platform) -> None:
        """What the CLI finds and what only the server knows; the other rows are listed."""
        held = await seller.list_ticket(externalId="held")
        await platform.user().hold(held["id"])
        await platform.ticket_in(held["id"], "reserved")
        good, *rest = seats(4)
        rows = [
            good,
            {**rest[0], "price": 0},
            "{broken",
            {**rest[1], "startsAt": "tomorrow"},
            {"externalId": "held", "title": "x", "price": 1},
            good,
            rest[2],
        ]
        outcome = await do("import", written(rows), "--json")
        assert outcome.code == 10
        assert outcome.document["created"] == 2
        assert [(e["line"], e["field"], e["code"]) for e in outcome.document["errors"]] == [
            (2, "price", "invalid"),
            (3, None, "invalid"),
            (4, "startsAt", "invalid"),
            (6, "externalId", "invalid"),
            (5, None, "ticket_reserved"),
        ]
        problem = outcome.problem
        assert (problem["code"], problem["exitCode"]) == ("partial_failure", 10)
        assert problem["hint"] == f"tix tickets import --resume {Path.cwd() / LEFT}"
        told = await do("import", "seats.ndjson")
        assert "line 2, price: must be greater than or equal to 1\n" in told.err
        assert "line 3: this is not JSON\n" in told.err
        assert "error: 5 of 7 rows are left in seats.2.resume.ndjson" in told.err

    async def test_c10_what_failed_is_left_in_a_file_that_completes_it(self, do: Do, seller: User) -> None:
        """Corrected there and imported with --resume; then the file is gone."""
        rows = seats(5)
        rows[1]["price"] = "1,00"
        rows[3]["title"] = ""
        partial = await do("import", written(rows), "--json")
        assert (partial.code, partial.document["resume"]) == (10, str(Path.cwd() / LEFT))
        left = held_in(LEFT).splitlines()
        assert [json.loads(line)["externalId"] for line in left] == ["seat-1", "seat-3"]
        again = await do("import", "--resume", LEFT)
        assert (again.code, held_in(LEFT).splitlines()) == (10, left)
        edited(LEFT, ("1,00", "1.00"), ('"title": ""', '"title": "Seat 3"'))
        completed = await do("import", "--resume", LEFT, "--json")
        assert (completed.code, completed.document) == (0, {**NOTHING, "created": 2})
        assert LEFT not in files()
        assert len(await listed(seller)) == 5

    async def test_c10_what_another_import_left_stays(self, do: Do, seller: User) -> None:
        """Whatever succeeds or fails meanwhile under the same name."""
        bad = [{**row, "price": 0} for row in seats(2)]
        assert (await do("import", written(bad), "--json")).code == 10
        left = held_in(LEFT)
        assert (await do("import", written(seats(1)), "--json")).code == 0
        second = await do("import", written(bad), "--json")
        assert second.document["resume"] == str(Path.cwd() / "seats.2.resume.ndjson")
        assert held_in(LEFT) == left

    async def test_c10_it_stops_after_max_errors_and_leaves_the_rest(self, do: Do, seller: User) -> None:
        """What was not tried is left too, and needs no correction."""
        rows = [{**row, "price": 0} if n in {1, 2} else row for n, row in enumerate(seats(6))]
        stopped = await do("import", written(rows), "--max-errors", "2", "--json")
        assert (stopped.code, stopped.document["failed"], stopped.document["left"]) == (10, 2, 4)
        assert await listed(seller) == {}
        edited(LEFT, ('"price": 0', '"price": 9'))
        assert (await do("import", "--resume", LEFT, "--json")).document["created"] == 6

    async def test_c10_a_server_that_goes_away_leaves_a_file_too(
        self, tix: Run, signed_in: Any, home: Path
    ) -> None:
        """Exit 9, and what to run when it is back; nothing of the list is lost."""
        signed_in.refuse("POST /api/tickets/batch", 503, "unavailable")
        file = written(seats(3))
        outcome = await asyncio.to_thread(tix, "tickets", "import", file, "--retries", "0")
        assert outcome.code == 9
        assert f"hint: tix tickets import --resume {Path.cwd() / LEFT}" in outcome.err
        assert held_in(LEFT) == held_in(file)
        assert files() == {"seats.ndjson", LEFT}

    async def test_c08_a_batch_whose_answer_was_lost_is_not_done_twice(
        self, tix: Run, signed_in: Any, home: Path
    ) -> None:
        """It is sent again with its idempotency key, which is of this run and of its content."""
        signed_in.answer("POST /api/tickets/batch", 0)
        signed_in.answer("POST /api/tickets/batch", 200, {"results": []})
        file = written(seats(1))
        await asyncio.to_thread(tix, "tickets", "import", file)
        await asyncio.to_thread(tix, "tickets", "import", file, "--idempotency-key", "nightly")
        lost, again, other = signed_in.keys
        assert lost == again
        assert other.partition("-")[0] == "nightly"
        assert other[-64:] == lost[-64:]
        assert other != lost

    async def test_a_file_that_cannot_be_read_is_refused_with_its_line(self, do: Do) -> None:
        written(["externalId,title,prize"], "seats.csv")
        outcome = await do("import", "seats.csv", "--json")
        assert (outcome.code, outcome.problem["code"]) == (7, "unreadable_file")
        assert outcome.problem["detail"].startswith("seats.csv, line 1: no such column: prize")
        assert (await do("import", "nowhere.csv", "--json")).problem["exitCode"] == 2
        assert (await do("import", "--json")).problem["code"] == "usage"
        for slip in ("seats.csv", "seats.ndjson"):
            assert (await do("import", "--resume", slip, "--json")).problem["code"] == "usage"
        assert (await do("export", "-f", "no/such/dir.csv", "--json")).problem["code"] == "unwritable_file"
        away = await do("import", written(["{broken"]), "--resume", "no/such/left.resume.ndjson", "--json")
        assert (away.code, away.problem["code"]) == (2, "unwritable_file")
        assert (await do("import", written(["[]"]), "--json")).document == NOTHING
        assert files() == {"seats.csv", "seats.ndjson"}

    async def test_what_a_terminal_would_obey_is_shown_harmless(self, do: Do, seller: User) -> None:
        """In errors and in what a dry run shows, on a terminal too."""
        row = {"externalId": "\u202eevil", "title": "\u202e gnp.exe", "price": 1}
        file = written([row, {**row, "externalId": "x", "\x1b[31mred": 1}])
        screen = await asyncio.to_thread(in_terminal, "tickets", "import", file, "--dry-run")
        assert screen.code == 10
        assert "\\x1b[31mred: is no field of a listing" in screen.shown
        assert "\\u202eevil" in screen.shown
        assert not {"\x1b", "\u202e"} & set(screen.shown)


class TestProgress:
    """On stderr only."""

    @pytest.mark.slow
    async def test_a_bar_on_a_terminal_and_lines_elsewhere(self, do: Do) -> None:
        """A line per tenth of the file; with --json and --quiet none."""
        file = written(seats(2500))
        lines = (await do("import", file, "--timeout", "30")).err.splitlines()
        assert [line.split(":")[1] for line in lines[:-1]] == [" 1,000 rows", " 2,000 rows", " 2,500 rows"]
        assert lines[-2].startswith("100 %")
        for silent in ("--json", "--quiet"):
            assert (await do("import", file, silent)).err == ""
        screen = await asyncio.to_thread(in_terminal, "tickets", "import", file)
        assert "[##############################] 100 %  2,500 rows" in screen.shown
        assert screen.shown.endswith("\r0 changed (0 created, 0 updated, 2500 unchanged).\r\n")

    @pytest.mark.slow
    async def test_c20_ctrl_c_says_what_was_done(self, do: Do, seller: User) -> None:
        """Exit 130, no traceback; and there is nothing to clean up."""
        file = written(seats(20_000))
        screen = await asyncio.to_thread(in_terminal, "tickets", "import", file, typed=[(" rows", CTRL_C)])
        assert screen.code == 130
        assert "Interrupted: " in screen.shown
        assert "Traceback" not in screen.shown
        assert files() == {"seats.ndjson"}


class TestExport:
    """One's listings as a file, and the example of one."""

    @pytest.mark.parametrize("format_", ["csv", "json", "ndjson"])
    @pytest.mark.slow
    async def test_what_was_exported_changes_nothing_when_imported(
        self, do: Do, seller: User, format_: str
    ) -> None:
        """Every field, several pages, any characters; those withdrawn or without an id stay out."""
        for n in range(103):
            await seller.list_ticket(
                title=f"Seat {n}, “x”; \u202e", price=100 + n, externalId=f"=é {n}", currency="jpy"
            )
        await seller.list_ticket(
            externalId="full", venue="Hall, A", seat="B\u20282", startsAt="2030-05-01T20:00Z"
        )
        gone = await seller.list_ticket(externalId="gone")
        await seller.delete(f"/api/tickets/{gone['id']}")
        await seller.list_ticket()
        file = f"mine.{format_}"
        told = await do("export", "-f", file)
        assert (told.code, told.out) == (0, "")
        assert told.err.splitlines()[0] == f"104 listings in {file}."
        assert "1 have no externalId" in told.err
        assert (await do("export", "--format", format_)).out == held_in(file)
        again = await do("import", file, "--json")
        assert (again.code, again.document) == (0, {**NOTHING, "unchanged": 104})

    @pytest.mark.parametrize("format_", ["csv", "json", "ndjson"])
    async def test_the_template_can_be_imported(self, do: Do, format_: str) -> None:
        file = written([(await do("template", "--format", format_)).out], "template")
        outcome = await do("import", file, "--dry-run", "--json")
        assert (outcome.code, outcome.document["created"], outcome.document["errors"]) == (0, 1, [])

    async def test_nothing_is_exported_as_an_empty_list(self, do: Do) -> None:
        assert json.loads((await do("export", "--json")).out) == []
        assert (await do("export")).out == "externalId,title,price,currency,venue,startsAt,seat\n"


class TestDryRun:
    """The server checks, nothing changes, and the difference is shown."""

    async def test_c15_an_import_shows_what_would_change(self, do: Do, platform: Platform) -> None:
        await do("import", written(seats(3)))
        before = await platform.count("tickets", COUNTS)
        rows = seats(4)
        rows[1] |= {"price": 7, "venue": "Hall A"}
        file = written(rows)
        told = await do("import", file, "--dry-run")
        assert told.err == "2 would be changed (1 created, 1 updated, 2 unchanged).\n"
        assert [line.split("\t") for line in told.out.splitlines()] == [
            ["updated", "seat-1", "price", "101", "7"],
            ["updated", "seat-1", "venue", "", "Hall A"],
            ["created", "seat-3", "title", "", "Seat 3"],
            ["created", "seat-3", "price", "", "103"],
            ["created", "seat-3", "currency", "", "usd"],
            ["created", "seat-3", "externalId", "", "seat-3"],
        ]
        changed, created = (await do("import", file, "--dry-run", "--json")).document["changes"]
        assert changed == {
            "line": 2,
            "externalId": "seat-1",
            "status": "updated",
            "changes": {"price": [101, 7], "venue": [None, "Hall A"]},
        }
        assert created["status"] == "created"
        rows[0]["currency"] = "eur"
        refused = await do("import", written(rows), "--dry-run", "--json")
        assert (refused.code, refused.document["errors"][0]["code"]) == (10, "currency_immutable")
        assert files() == {"seats.ndjson"}
        assert await platform.count("tickets", COUNTS) == before

    async def test_c15_each_write_of_one_ticket_shows_what_would_change(
        self, do: Do, seller: User, platform: Platform
    ) -> None:
        ticket = await seller.list_ticket(externalId="a")
        before = await platform.count("tickets", COUNTS)
        create = await do("create", "--title", "Matinee", "--price", "20", "--dry-run")
        assert create.out == "title\t\tMatinee\nprice\t\t2000\ncurrency\t\tusd\n"
        update = await do("update", ticket["id"], "--price", "40", "--dry-run")
        assert (update.code, update.out) == (0, "price\t4500\t4000\n")
        withdraw = await do("withdraw", ticket["id"], "--dry-run")
        assert (withdraw.code, withdraw.out) == (0, "status\tavailable\twithdrawn\n")
        as_json = await do("update", ticket["id"], "--price", "40", "--dry-run", "--json")
        assert as_json.document.items() >= {"dryRun": True, "price": 4000, "version": 1}.items()
        same = await do("update", ticket["id"], "--price", "45", "--dry-run")
        assert (same.out, same.err) == (
            "",
            "This was a dry run: nothing was done, and nothing would change.\n",
        )
        stale = await do("update", ticket["id"], "--price", "1", "--version", "7", "--dry-run", "--json")
        assert (stale.code, stale.problem["code"]) == (6, "version_conflict")
        taken = ("create", "--title", "x", "--price", "1", "--external-id", "a", "--dry-run", "--json")
        assert (await do(*taken)).problem["code"] == "external_id_taken"
        screen = await asyncio.to_thread(
            in_terminal, "tickets", "update", ticket["id"], "--price", "40", "--venue", "Hall", "--dry-run"
        )
        assert screen.shown.splitlines()[0] == "price 45.00 USD → 40.00 USD; venue nothing → “Hall”"
        assert await platform.count("tickets", COUNTS) == before
