"""Signing in, up and out in the terminal app."""

import asyncio
import json
from pathlib import Path
from uuid import uuid4

import pytest
from textual.worker import WorkerFailed

from cli.config import Config
from client import TooMany
from client.http import Connection
from tests.platform import Platform
from tests.tui.conftest import Open
from tests.tui.driving import Driver, person
from tests.waiting import until
from tui.app import Tui
from tui.memory import Memory

PASSWORD = "correct horse battery"


async def account(platform: Platform) -> str:
    """The address of a fresh one."""
    email = f"{uuid4().hex[:8]}@example.com"
    answer = await platform.http.post("/api/users/signup", json={"email": email, "password": PASSWORD})
    assert answer.status_code == 201, answer.text
    return email


async def type_into(tui: Driver, email: str, password: str) -> None:
    """Fill the form in and send it."""
    await tui.sees("E-mail", "Password")
    await tui.type(email, "email")
    await tui.press("enter")
    await tui.type(password, "password")
    await tui.press("enter")


def kept(home: Path) -> dict[str, str]:
    """What `tix auth login` keeps."""
    return json.loads((home / ".config/tix/credentials/default.json").read_text())  # type: ignore[no-any-return]


async def test_a_sign_in_is_kept_as_the_command_keeps_it(
    platform: Platform, open_tui: Open, home: Path
) -> None:
    email = await account(platform)
    async with open_tui(platform) as tui:
        await tui.sees("signed out")
        await tui.press("a")
        await type_into(tui, email, PASSWORD)
        await tui.hears(f"Signed in as {email}.")
        await tui.hears("The token is kept in")  # there is no keyring here
        await tui.sees(email, "newest first")
    path = home / ".config/tix/credentials/default.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert (kept(home)["email"], kept(home)["api_url"]) == (email, platform.api_url)


async def test_an_account_is_made(platform: Platform, open_tui: Open, home: Path) -> None:
    email = f"{uuid4().hex[:8]}@example.com"
    async with open_tui(platform) as tui:
        await tui.press("a")
        await tui.sees("E-mail")
        await tui.press("ctrl+t")
        await type_into(tui, email, "short")
        await tui.sees("At least 8 characters.")  # beside the field
        await tui.type("er is longer", "password")
        await tui.press("enter")
        await tui.hears(f"Signed in as {email}.")
    assert kept(home)["email"] == email


async def test_a_wrong_password_is_refused_in_neutral_words(platform: Platform, open_tui: Open) -> None:
    email = await account(platform)
    async with open_tui(platform) as tui:
        for address in (email, "nobody@example.com"):
            await tui.press("a")
            await type_into(tui, address, "not the password")
            await tui.sees("The e-mail address or the password is not right")
            await tui.press("escape")
            await tui.sees("newest first")


async def test_a_field_that_was_left_out_is_asked_for(platform: Platform, open_tui: Open) -> None:
    async with open_tui(platform) as tui:
        await tui.press("a")
        await tui.sees("E-mail")
        await tui.type("", "email")
        await tui.press("enter")
        await tui.type("", "password")
        await tui.press("enter")
        await tui.sees("Your e-mail address is needed.", "A password is needed.")


async def test_who_tries_too_often_is_told_how_long_to_wait(
    platform: Platform, open_tui: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise TooMany("Too many attempts.", code="too_many_attempts", status=429, retry_after=40)

    async with open_tui(platform) as tui:
        await tui.sees("newest first")
        monkeypatch.setattr(tui.app.session.tix, "sign_in", refuse)
        await tui.press("a")
        await type_into(tui, "ada@example.com", PASSWORD)
        await tui.sees("Too many attempts. Try again in 40 s.")


async def test_signing_out_asks_first_and_ends_the_token(
    platform: Platform, open_tui: Open, home: Path
) -> None:
    email = await account(platform)
    async with open_tui(platform) as tui:
        await tui.press("a")
        await type_into(tui, email, PASSWORD)
        await tui.sees(email, "newest first")
        token = kept(home)["token"]
        await tui.press("a")
        await tui.sees(f"Signed in as {email}")
        await tui.press("o")
        await tui.sees(f"Sign {email} out?")
        await tui.press("y")
        await tui.sees("signed out", "E-mail")
    assert not (home / ".config/tix/credentials/default.json").exists()
    bearer = {"Authorization": f"Bearer {token}"}

    async def is_over() -> bool:
        return (await platform.http.get("/api/users/currentuser", headers=bearer)).status_code == 401

    await until(is_over, "the token is not accepted any more")


async def test_a_sign_in_that_has_ended_is_said_once(platform: Platform, open_tui: Open) -> None:
    seller, user = platform.user(), await person(platform)
    await seller.list_ticket(title="Front row")
    assert (await user.post("/api/users/signout", {})).status_code == 204
    async with open_tui(platform, user) as tui:
        await tui.hears("Sign in again: press a.")
        await tui.sees("Front row", "signed out")
        assert len([toast for toast in tui.toasts if "again" in toast]) == 1
        await tui.press("b")
        await tui.hears("Sign in first: press a.")


async def test_no_password_goes_to_an_address_that_a_directory_names(platform: Platform, home: Path) -> None:
    (home / ".tix.toml").write_text(f'api_url = "{platform.api_url}"\n')
    environ = {"HOME": str(home)}
    config = Config(environ, home)
    target = config.resolve(profile=None, api_url=None, warn=lambda _: None)
    app = Tui(config, target, Memory.of(environ, "default"))
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        tui = Driver(app, pilot)
        await tui.press("a")
        await type_into(tui, "ada@example.com", PASSWORD)
        await tui.sees("Nothing secret is sent", f"--api-url {platform.api_url}")


async def test_t23_a_crash_log_has_no_password_of_any_view(
    open_tui: Open, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of one that another view hides, and where a worker failed."""
    async with open_tui("http://127.0.0.1:9") as tui:
        await tui.press("a")
        await tui.sees("Password")
        await tui.type("kim", "email")
        await tui.press("enter")
        await tui.type(PASSWORD, "password")
        tui.app.action_view("activity")
        await tui.sees("[4 activity]")
        monkeypatch.setattr(Tui, "is_headless", False)
        try:
            raise RuntimeError(f"broken with {PASSWORD}")
        except RuntimeError as error:
            tui.app._handle_exception(WorkerFailed(error))
    text = (home / ".local/state/tix/tui/crash.log").read_text()
    assert "RuntimeError: broken with …" in text
    assert "in test_t23" in text


async def test_who_is_signed_in_is_known_before_tix_answers(
    platform: Platform, open_tui: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not called signed out, nor told to sign in."""
    email = await account(platform)
    await platform.user().list_ticket(title="Front row")
    async with open_tui(platform) as tui:
        await tui.press("a")
        await type_into(tui, email, PASSWORD)
        await tui.sees(email, "Front row", "newest first")

    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Connection, "_send", never)
    async with open_tui(platform) as tui:
        await tui.sees(email, "Front row")
        assert "signed out" not in tui.screen
        await tui.press("b")
        await tui.hears("Tix is being asked who you are")
