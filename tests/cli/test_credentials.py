"""Where a token is kept, and that it is never shown: in a keyring, in a file, and while things go wrong."""

import json
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keyring
import pytest
from keyring.backend import KeyringBackend
from typer.main import get_command

from cli import credentials
from cli.main import app
from tests.cli.running import HANG_UP, ID, MOMENT, Outcome, Run, Stub
from tests.cli.terminal import in_terminal

if TYPE_CHECKING:
    from typer._click.core import Command

CANARY = "canary-7f3a"
USER = {"id": ID, "email": "ada@example.com", "createdAt": MOMENT}
SESSION = {"user": USER, "token": CANARY, "expiresAt": MOMENT}
IN_USE = {"id": ID, "scopes": ["orders:read", "tickets:read"], "expiresAt": MOMENT}


class Memory(KeyringBackend):
    """A keyring that works."""

    priority = 5.0

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


class Forgetful(Memory):
    """One that takes everything and keeps nothing."""

    def set_password(self, service: str, username: str, password: str) -> None:
        pass


class Failing(Memory):
    """One that fails, and tells what it was given."""

    def set_password(self, service: str, username: str, password: str) -> None:
        raise OSError(f"no way for {password}")


class Unfit(Memory):
    """One that keyring itself would not choose."""

    priority = 0.5


class Hanging(Memory):
    """One that waits for somebody to unlock it."""

    def __init__(self) -> None:
        super().__init__()
        self.unlocked = threading.Event()

    def set_password(self, service: str, username: str, password: str) -> None:
        self.unlocked.wait()


@pytest.fixture
def auth(stub: Stub, home: Path, monkeypatch: pytest.MonkeyPatch) -> Stub:
    """The stub as a place to sign in at."""
    monkeypatch.setenv("TIX_API_URL", stub.url)
    stub.answer("POST /api/users/signin", 200, SESSION)
    stub.answer("POST /api/users/signout", 204)
    stub.answer("GET /api/users/currentuser", 200, {"currentUser": USER, "token": IN_USE})
    return stub


@pytest.fixture
def use() -> Iterator[Callable[[KeyringBackend], KeyringBackend]]:
    """Make this the machine's keyring."""
    before = keyring.get_keyring()

    def chosen(backend: KeyringBackend) -> KeyringBackend:
        keyring.set_keyring(backend)
        return backend

    yield chosen
    keyring.set_keyring(before)


Use = Callable[[KeyringBackend], KeyringBackend]


def kept(home: Path) -> Path:
    return home / "config" / "tix" / "credentials" / "default.json"


def login(tix: Run, *more: str) -> Outcome:
    return tix("auth", "login", "--email", "ada@example.com", "--password-stdin", *more, stdin="pass word\n")


class TestKeyring:
    """Where there is one."""

    def test_c06_the_keyring_has_the_token_and_the_file_has_not(
        self, tix: Run, auth: Stub, home: Path, use: Use
    ) -> None:
        memory = Memory()
        use(memory)
        done = login(tix)
        assert done.code == 0
        assert done.err == f"Signed in at {auth.url} as ada@example.com.\n"
        assert memory.kept == {("tix", str(kept(home))): CANARY}
        assert CANARY not in kept(home).read_text()
        assert stat.S_IMODE(kept(home).stat().st_mode) == 0o600
        told = tix("auth", "status", "--json")
        assert auth.asked[-1][1] == f"Bearer {CANARY}"
        assert (told.document["storage"], told.document["source"]) == ("keyring", "profile default")

    def test_c13_logging_out_empties_it(self, tix: Run, auth: Stub, home: Path, use: Use) -> None:
        memory = Memory()
        use(memory)
        login(tix)
        assert tix("auth", "logout").code == 0
        assert auth.asked[-1][:2] == ("POST /api/users/signout", f"Bearer {CANARY}")
        assert memory.kept == {}
        assert not kept(home).exists()

    def test_a_token_that_is_gone_from_it_is_4_and_signing_in_again_helps(
        self, tix: Run, auth: Stub, use: Use
    ) -> None:
        memory = Memory()
        use(memory)
        login(tix)
        memory.kept.clear()
        outcome = tix("auth", "status", "--json")
        assert (outcome.code, outcome.problem["code"]) == (4, "credentials_unreadable")
        assert outcome.problem["hint"] == "tix auth login --profile default"
        assert login(tix, "--profile", "default").code == 0
        assert tix("auth", "status").code == 0

    def test_one_kept_in_a_file_before_moves_at_the_next_sign_in(
        self, tix: Run, auth: Stub, home: Path, use: Use
    ) -> None:
        login(tix)
        assert CANARY in kept(home).read_text()
        use(Memory())
        assert tix("auth", "status", "--json").document["storage"] == "file"
        login(tix)
        assert CANARY not in kept(home).read_text()

    def test_what_needs_no_token_asks_no_keyring_and_sends_none(
        self, tix: Run, auth: Stub, use: Use, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What is on sale is public."""
        use(Memory())
        login(tix)
        monkeypatch.setattr(credentials, "_with_keyring", None)
        auth.answer("GET /api/tickets", 200, {"items": [], "nextCursor": None})
        assert tix("tickets", "list").code == 0
        assert auth.asked[-1][1] is None

    def test_who_keeps_it_in_a_file_or_brings_it_along_waits_for_no_keyring(
        self, tix: Run, auth: Stub, use: Use, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Loading it takes 0.25 s: only a token that is in it is worth that."""
        login(tix)
        monkeypatch.setattr(credentials, "_with_keyring", None)
        assert tix("auth", "status").code == 0
        monkeypatch.setenv("TIX_TOKEN", CANARY)
        assert tix("auth", "status", "--json").document["storage"] == "environment"


class TestFile:
    """Where there is no keyring, or none that works."""

    @pytest.mark.parametrize(
        ("backend", "why"),
        [
            (None, "this machine has no keyring"),
            (Unfit, "this machine has no keyring"),
            (Forgetful, "the keyring does not keep what it is given"),
            (Failing, "the keyring fails (OSError)"),
        ],
    )
    def test_c06_it_is_a_file_only_you_can_read_and_one_line_says_so(
        self, tix: Run, auth: Stub, home: Path, use: Use, backend: type[Memory] | None, why: str
    ) -> None:
        if backend is not None:
            use(backend())
        outcome = login(tix, "-v")
        assert outcome.code == 0
        warnings = [line for line in outcome.err.splitlines() if line.startswith("warning:")]
        assert warnings == [f"warning: the token is kept in {kept(home)} (mode 0600), since {why}."]
        assert json.loads(kept(home).read_text())["token"] == CANARY
        assert stat.S_IMODE(kept(home).stat().st_mode) == 0o600
        for folder in (kept(home).parent, kept(home).parent.parent):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert CANARY not in outcome.out + outcome.err

    def test_c06_a_keyring_that_hangs_is_not_waited_for_longer_than_its_time(
        self, tix: Run, auth: Stub, home: Path, use: Use, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hanging = Hanging()
        use(hanging)
        assert credentials.KEYRING_SECONDS == 3
        monkeypatch.setattr(credentials, "KEYRING_SECONDS", 0.05)
        outcome = login(tix)
        assert outcome.code == 0
        assert "since the keyring does not answer within 0.05 s" in outcome.err
        assert json.loads(kept(home).read_text())["token"] == CANARY
        hanging.unlocked.set()

    def test_c06_without_the_extra_it_is_named(
        self, tix: Run, auth: Stub, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "keyring", None)
        assert 'pip install "tix[keyring]"' in login(tix).err

    def test_c06_quiet_and_json_are_not_disturbed(self, tix: Run, auth: Stub) -> None:
        """The document says it instead."""
        outcome = login(tix, "--json")
        assert (outcome.err, outcome.document["storage"]) == ("", "file")
        assert login(tix, "--quiet").err == ""


class TestCanary:
    """A token, or a password, is in nothing that is written: stdout, stderr, -v, tracebacks."""

    @pytest.mark.parametrize("source", ["environment", "file", "keyring"])
    @pytest.mark.parametrize(
        "answer",
        [
            (200, {"currentUser": USER, "token": IN_USE}),
            (200, {"currentUser": {"id": CANARY}, "token": CANARY}),
            (200, {"hello": "world"}),
            (401, {"code": "unauthenticated", "detail": "This token has expired; sign in again."}),
            (500, {"code": "internal_error", "detail": "Something went wrong."}),
            (HANG_UP, None),
        ],
        ids=["well", "wrong", "foreign", "expired", "broken", "gone"],
    )
    def test_c06_whatever_becomes_of_a_request(
        self,
        tix: Run,
        auth: Stub,
        use: Use,
        monkeypatch: pytest.MonkeyPatch,
        source: str,
        answer: tuple[int, Any],
    ) -> None:
        if source == "environment":
            monkeypatch.setenv("TIX_TOKEN", CANARY)
        else:
            if source == "keyring":
                use(Memory())
            login(tix)
        auth.answers["GET /api/users/currentuser"] = [answer]
        for more in ([], ["-v"], ["--json"]):
            outcome = tix("auth", "status", "--retries", "0", *more)
            assert auth.asked[-1][1] == f"Bearer {CANARY}"
            assert CANARY not in outcome.out + outcome.err

    @pytest.mark.parametrize(
        "token", [f"{CANARY}\x01", f"{CANARY} x", f"{CANARY}é", f"x\n{CANARY}"], ids=["a", "b", "c", "d"]
    )
    def test_c06_a_token_that_cannot_be_sent_is_refused_without_being_repeated(
        self, tix: Run, auth: Stub, monkeypatch: pytest.MonkeyPatch, token: str
    ) -> None:
        """h11 and the codec would quote it."""
        monkeypatch.setenv("TIX_TOKEN", token)
        outcome = tix("auth", "status", "-v")
        assert outcome.code == 4
        assert "it has characters that no token has" in outcome.err
        assert CANARY not in outcome.out + outcome.err
        assert auth.asked == []

    def test_c06_an_answer_that_is_not_understood(self, tix: Run, auth: Stub) -> None:
        """With a token in it, of which pydantic would show a part."""
        auth.answers["POST /api/users/signin"] = [(200, {"token": CANARY})]
        outcome = login(tix, "-v")
        assert outcome.code == 1
        assert CANARY not in outcome.out + outcome.err

    def test_c06_a_password_that_is_refused_before_it_is_sent(self, tix: Run, auth: Stub) -> None:
        outcome = tix(
            *("auth", "signup", "--email", "ada@example.com", "--password-stdin", "-v"), stdin="hunter2\n"
        )
        assert outcome.code == 7
        assert "hunter2" not in outcome.out + outcome.err

    def test_c06_a_traceback_of_tix_itself(
        self, tix: Run, auth: Stub, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whatever it says of what it has at hand, that hides the token."""
        login(tix)

        def broken(run: Any, *_: Any) -> None:
            raise RuntimeError(f"{run.target} {run.target.signed_in}")

        monkeypatch.setattr("cli.run.Run._converse", broken)
        outcome = tix("auth", "status", "-v")
        assert "ada@example.com" in outcome.err
        assert CANARY not in outcome.out + outcome.err

    def test_c06_no_option_or_argument_takes_a_token_or_a_password(self, tix: Run, auth: Stub) -> None:
        """Everybody on the machine can read a command line; who gives a token for its id is stopped."""
        named = [param for param in _params(get_command(app)) if param.name and _is_secret(param.name)]
        assert {param.name for param in named} == {"password_stdin", "with_token"}
        assert all(getattr(param, "is_flag", False) for param in named)
        outcome = tix("auth", "token", "revoke", CANARY, "--yes", "-v")
        assert (outcome.code, auth.asked) == (5, [])
        assert CANARY not in outcome.err


def _is_secret(name: str) -> bool:
    return "token" in name or "password" in name


def _params(command: "Command") -> Iterator[Any]:
    yield from command.params
    for below in getattr(command, "commands", {}).values():
        yield from _params(below)


class TestTokenCommands:
    """`tix auth token`, as far as no server is needed for it."""

    MADE = {  # noqa: RUF012 - read only
        "id": ID,
        "name": "report",
        "scopes": ["orders:read"],
        "createdAt": MOMENT,
        "expiresAt": MOMENT,
    }

    def test_a_token_is_asked_for_as_typed_and_once(self, tix: Run, signed_in: Stub) -> None:
        """Without an idempotency key, and not again after a lost answer: that would make a second one."""
        signed_in.answer("POST /api/users/tokens", 201, {**self.MADE, "token": CANARY})
        scopes = ("--scope", "orders:read", "--scope", "tickets:write")
        done = tix("auth", "token", "create", "--name", "report", *scopes, "--expires-days", "7", "--json")
        assert done.document["token"] == CANARY
        body = {"name": "report", "scopes": ["orders:read", "tickets:write"], "expiresInDays": 7}
        assert (json.loads(signed_in.asked[-1][2]), signed_in.keys) == (body, [None])
        signed_in.answers["POST /api/users/tokens"] = [(HANG_UP, None)]
        signed_in.asked.clear()
        assert tix("auth", "token", "create", "--name", "report", *scopes).code == 9
        assert len(signed_in.asked) == 1

    @pytest.mark.parametrize(
        "wrong",
        [
            ["--name", "x"],
            ["--scope", "orders:read"],
            ["--name", "x", "--scope", "admin"],
            ["--name", "x", "--scope", "orders:read", "--expires-days", "366"],
        ],
    )
    def test_wrong_usage_is_2(self, tix: Run, signed_in: Stub, wrong: list[str]) -> None:
        assert tix("auth", "token", "create", *wrong).code == 2
        assert signed_in.asked == []

    def test_a_list_fits_80_columns_and_is_tab_separated_in_a_pipe(self, tix: Run, signed_in: Stub) -> None:
        every = ["orders:read", "orders:write", "payments:write", "tickets:read", "tickets:write"]
        page = {"items": [{**self.MADE, "scopes": every}], "nextCursor": None}
        signed_in.answer("GET /api/users/tokens", 200, page)
        piped = tix("auth", "token", "list").out
        assert piped == f"{ID}\treport\t{' '.join(every)}\t{MOMENT}\t{MOMENT}\n"
        shown = in_terminal("auth", "token", "list").shown.splitlines()
        assert ID in shown[1]
        assert max(map(len, shown)) <= 80

    def test_c07_revoking_asks_and_without_a_terminal_names_the_flag(self, tix: Run, signed_in: Stub) -> None:
        signed_in.answer(f"DELETE /api/users/tokens/{ID}", 204)
        refused = tix("auth", "token", "revoke", ID)
        assert (refused.code, signed_in.asked) == (2, [])
        assert "--yes" in refused.err
        assert in_terminal("auth", "token", "revoke", ID, "--no-input").code == 2
        assert in_terminal("auth", "token", "revoke", ID, typed=[("[y/N]: ", "\n")]).code == 3
        assert signed_in.asked == []
        assert tix("auth", "token", "revoke", ID, "--yes", "--json").document == {"id": ID, "revoked": True}
