"""Where Tix is and whose token is used, and how a token is kept."""

import json
import stat
from pathlib import Path

import pytest

from tests.cli.running import ID, MOMENT, Outcome, Run, Stub, order, ticket
from tests.cli.terminal import CTRL_C, in_terminal

USER = {"id": ID, "email": "ada@example.com", "createdAt": MOMENT}
SESSION = {"user": USER, "token": "fresh-token", "expiresAt": MOMENT}


def kept(home: Path, profile: str = "default") -> Path:
    return home / "config" / "tix" / "credentials" / f"{profile}.json"


@pytest.fixture
def auth(stub: Stub, home: Path, monkeypatch: pytest.MonkeyPatch) -> Stub:
    """The stub as a place to sign in at."""
    monkeypatch.setenv("TIX_API_URL", stub.url)
    stub.answer("POST /api/users/signin", 200, SESSION)
    stub.answer("POST /api/users/signup", 201, SESSION)
    stub.answer("POST /api/users/signout", 204)
    stub.answer("GET /api/users/currentuser", 200, {"currentUser": USER})
    return stub


def login(tix: Run, *more: str) -> Outcome:
    return tix("auth", "login", "--email", "ada@example.com", "--password-stdin", *more, stdin="pass word\n")


class TestAddress:
    """flag > environment > project file > profile > sign-in > default."""

    def test_each_step_goes_before_the_next(
        self, tix: Run, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        config = home / "config" / "tix" / "config.toml"
        project = home / "work" / ".tix.toml"
        config.parent.mkdir(parents=True)

        def used(*arguments: str) -> str:
            said = tix("tickets", "list", "--retries", "0", "-v", *arguments).err
            return said.split("api: ")[1].splitlines()[0]

        assert used() == "http://127.0.0.1:8080 (from default)"
        config.write_text('[profiles.default]\napi_url = "http://127.0.0.1:1/profile"\n')
        assert used() == "http://127.0.0.1:1/profile (from profile default)"
        project.write_text('api_url = "http://127.0.0.1:1/project"\n')
        assert used() == f"http://127.0.0.1:1/project (from {project})"
        monkeypatch.setenv("TIX_API_URL", "http://127.0.0.1:1/environment")
        assert used() == "http://127.0.0.1:1/environment (from TIX_API_URL)"
        assert used("--api-url", "http://127.0.0.1:1/flag") == "http://127.0.0.1:1/flag (from --api-url)"

    def test_the_global_options_may_stand_anywhere(self, tix: Run, signed_in: Stub) -> None:
        signed_in.answer("GET /api/tickets", 200, {"items": [ticket()], "nextCursor": None})
        for arguments in (
            ["--json", "tickets", "list"],
            ["tickets", "--json", "list"],
            ["tickets", "list", "--json"],
        ):
            assert tix(*arguments).document["nextCursor"] is None

    def test_what_looks_like_an_option_may_be_a_value(self, tix: Run, signed_in: Stub) -> None:
        signed_in.answer("GET /api/tickets", 200, {"items": [], "nextCursor": None})
        assert tix("tickets", "list", "--q", "--json").out == ""

    @pytest.mark.parametrize("text", ["not toml", 'api_url = "nowhere"', "api_url = 7"])
    def test_a_broken_file_is_named(self, tix: Run, home: Path, text: str) -> None:
        (home / "work" / ".tix.toml").write_text(text)
        assert tix("tickets", "list").code == 2

    @pytest.mark.parametrize(
        "url", ["http://ada:hunter2@x.test", "ftp://ada:hunter2@x.test", "ada:hunter2@x"]
    )
    def test_a_password_in_it_is_refused_and_not_shown(self, tix: Run, url: str) -> None:
        for more in ([], ["--json"], ["-v"]):
            outcome = tix("tickets", "list", "--api-url", url, *more)
            assert outcome.code == 2
            assert "hunter2" not in outcome.out + outcome.err


class TestToken:
    """Whose token goes where."""

    def test_a_stored_token_is_only_sent_where_it_came_from(self, tix: Run, auth: Stub) -> None:
        login(tix)
        auth.asked.clear()
        outcome = tix("orders", "list", "--api-url", auth.url.replace("127.0.0.1", "localhost"))
        assert outcome.code == 4
        assert f"You are signed in at {auth.url}." in outcome.err
        assert auth.asked == []

    def test_the_environment_goes_before_the_file(
        self, tix: Run, auth: Stub, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        login(tix)
        tix("auth", "status")
        monkeypatch.setenv("TIX_TOKEN", "from-outside")
        tix("auth", "status")
        assert [token for _, token, _ in auth.asked[-2:]] == ["Bearer fresh-token", "Bearer from-outside"]

    def test_a_directory_one_enters_cannot_have_the_environments_token_sent_to_its_author(
        self, tix: Run, auth: Stub, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (home / "work" / ".tix.toml").write_text(f'api_url = "{auth.url}"\n')
        monkeypatch.delenv("TIX_API_URL")
        monkeypatch.setenv("TIX_TOKEN", "from-outside")
        outcome = tix("orders", "list")
        assert outcome.code == 2
        assert f"hint: export TIX_API_URL={auth.url}" in outcome.err
        assert auth.asked == []

    def test_nor_a_password_or_a_token(
        self, tix: Run, auth: Stub, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (home / "work" / ".tix.toml").write_text(f'api_url = "{auth.url}"\n')
        monkeypatch.delenv("TIX_API_URL")
        for outcome in (login(tix), tix("auth", "login", "--with-token", stdin="secret-token\n")):
            assert outcome.code == 2
            assert f"hint: tix auth login --api-url {auth.url}" in outcome.err
        assert auth.asked == []
        assert login(tix, "--api-url", auth.url).code == 0

    def test_profiles_do_not_mix(self, tix: Run, auth: Stub) -> None:
        login(tix, "--profile", "seller")
        assert tix("auth", "status", "--profile", "seller").code == 0
        assert tix("auth", "status").code == 4

    def test_a_profile_is_no_path(self, tix: Run, auth: Stub) -> None:
        assert login(tix, "--profile", "../evil").code == 2


class TestKeeping:
    """0600 in 0700, never shown."""

    def test_c06_only_its_owner_can_read_it(self, tix: Run, auth: Stub, home: Path) -> None:
        outcome = login(tix, "--json")
        assert stat.S_IMODE(kept(home).stat().st_mode) == 0o600
        assert stat.S_IMODE(kept(home).parent.stat().st_mode) == 0o700
        assert "fresh-token" not in outcome.out + outcome.err
        assert outcome.document["email"] == "ada@example.com"

    def test_c06_a_file_others_could_read_is_closed_and_that_is_said(
        self, tix: Run, auth: Stub, home: Path
    ) -> None:
        login(tix)
        kept(home).chmod(0o644)
        outcome = tix("auth", "status")
        assert outcome.code == 0
        assert "could be read by others" in outcome.err
        assert stat.S_IMODE(kept(home).stat().st_mode) == 0o600

    def test_a_broken_file_is_no_traceback(self, tix: Run, auth: Stub, home: Path) -> None:
        login(tix)
        kept(home).write_text("{")
        outcome = tix("auth", "status")
        assert outcome.code == 4
        assert f"hint: rm {kept(home)}" in outcome.err


class TestSigningIn:
    """signup, login, logout, status."""

    def test_c13_the_password_comes_from_the_first_line_of_stdin(self, tix: Run, auth: Stub) -> None:
        tix("auth", "signup", "--email", "ada@example.com", "--password-stdin", stdin=" pass word \r\nmore\n")
        assert json.loads(auth.asked[0][2]) == {"email": "ada@example.com", "password": " pass word "}

    def test_c13_a_token_comes_from_stdin_and_is_tried_first(self, tix: Run, auth: Stub, home: Path) -> None:
        assert tix("auth", "login", "--with-token", stdin="handed-in\n").code == 0
        assert auth.asked[-1][:2] == ("GET /api/users/currentuser", "Bearer handed-in")
        assert json.loads(kept(home).read_text())["token"] == "handed-in"

    def test_c13_every_way_in_tells_what_status_tells(self, tix: Run, auth: Stub, home: Path) -> None:
        """Nothing that is known is left empty."""
        in_use = {"id": ID, "scopes": ["tickets:read", "account"], "expiresAt": MOMENT}
        auth.answers["GET /api/users/currentuser"] = [(200, {"currentUser": USER, "token": in_use})]
        enter = ("--email", "ada@example.com", "--password-stdin", "--json")
        told = [
            tix("auth", "signup", *enter, stdin="pass word\n").document,
            tix("auth", "login", *enter, stdin="pass word\n").document,
            tix("auth", "login", "--with-token", "--json", stdin="handed-in\n").document,
            tix("auth", "status", "--json").document,
        ]
        assert told == [told[0]] * 4
        assert (told[0]["scopes"], told[0]["source"]) == (["tickets:read", "account"], "profile default")
        assert (told[0]["storage"], None in told[0].values()) == ("file", False)
        piped = tix("auth", "signup", *enter[:-1], stdin="pass word\n").out
        assert "\t\n" not in piped

    def test_what_was_signed_in_is_kept_whatever_the_next_answer_is(
        self, tix: Run, auth: Stub, home: Path
    ) -> None:
        auth.answers["GET /api/users/currentuser"] = [(503, {"code": "unavailable", "detail": "Not now"})]
        outcome = login(tix, "--retries", "0")
        assert outcome.code == 9
        assert "Signed in at" in outcome.err
        assert json.loads(kept(home).read_text())["token"] == "fresh-token"

    def test_a_token_nobody_accepts_is_not_kept(self, tix: Run, stub: Stub, home: Path) -> None:
        stub.refuse("GET /api/users/currentuser", 401, "unauthenticated")
        assert tix("auth", "login", "--with-token", "--api-url", stub.url, stdin="bad\n").code == 4
        assert not kept(home).exists()

    def test_c13_logging_out_ends_the_token_there_and_here(self, tix: Run, auth: Stub, home: Path) -> None:
        login(tix)
        assert tix("auth", "logout").code == 0
        assert auth.asked[-1][:2] == ("POST /api/users/signout", "Bearer fresh-token")
        assert not kept(home).exists()
        assert tix("auth", "status").code == 4

    def test_c07_without_a_terminal_nothing_is_asked_and_the_flag_is_named(
        self, tix: Run, auth: Stub
    ) -> None:
        assert "give --email" in tix("auth", "login").err
        outcome = tix("auth", "login", "--email", "ada@example.com")
        assert outcome.code == 2
        assert "--password-stdin" in outcome.err
        assert auth.asked == []

    def test_c13_on_a_terminal_the_password_is_asked_for_and_not_shown(self, auth: Stub, home: Path) -> None:
        screen = in_terminal(
            "auth", "login", typed=[("E-mail: ", "ada@example.com\n"), ("Password: ", "pass word\n")]
        )
        assert screen.code == 0
        assert "pass word" not in screen.shown
        assert json.loads(auth.asked[0][2])["password"] == "pass word"

    def test_ctrl_c_at_the_question_is_130_without_a_traceback(self, auth: Stub, home: Path) -> None:
        screen = in_terminal("auth", "login", typed=[("E-mail: ", CTRL_C)])
        assert screen.code == 130
        assert "Traceback" not in screen.shown


class TestConfirming:
    """Before something that is hard to take back."""

    def test_no_is_the_default_and_exits_3(self, signed_in: Stub) -> None:
        signed_in.answer(f"GET /api/tickets/{ID}", 200, ticket())
        screen = in_terminal("tickets", "withdraw", ID, typed=[("[y/N]: ", "\n")])
        assert screen.code == 3
        assert "Take “Front row” (45.00 USD) off sale?" in screen.shown

    def test_yes_does_it(self, signed_in: Stub) -> None:
        signed_in.answer(f"GET /api/tickets/{ID}", 200, ticket())
        signed_in.answer(f"DELETE /api/tickets/{ID}", 204)
        screen = in_terminal("tickets", "withdraw", ID, typed=[("[y/N]: ", "y\n")])
        assert screen.code == 0

    def test_a_refund_says_what_it_takes_and_gives_before_it_is_done(self, signed_in: Stub) -> None:
        signed_in.answer(f"GET /api/orders/{ID}", 200, order(status="complete", userId=None))
        signed_in.answer(f"POST /api/orders/{ID}/refund", 202, order(status="revoked", userId=None))
        no = in_terminal("orders", "refund", ID, typed=[("[y/N]: ", "\n")])
        assert (no.code, [call for call, *_ in signed_in.asked]) == (3, [f"GET /api/orders/{ID}"])
        assert "Take “Front row” back and give its buyer 45.00 USD?" in no.shown
        yes = in_terminal("orders", "refund", ID, typed=[("[y/N]: ", "y\n")])
        assert (yes.code, signed_in.asked[-1][0]) == (0, f"POST /api/orders/{ID}/refund")
        assert "The ticket is void for its buyer, and 45.00 USD is on its way back." in yes.shown

    def test_the_flag_answers_in_advance_and_no_input_refuses(self, tix: Run, signed_in: Stub) -> None:
        signed_in.answer(f"GET /api/tickets/{ID}", 200, ticket(status="withdrawn"))
        signed_in.answer(f"DELETE /api/tickets/{ID}", 204)
        assert in_terminal("tickets", "withdraw", ID, "--no-input").code == 2
        assert tix("tickets", "withdraw", ID, "--yes").code == 0
