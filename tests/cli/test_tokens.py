"""Signing in and personal tokens against a running platform, as over SSH: no browser anywhere."""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cli.running import Outcome, Run
from tests.platform import Platform
from tests.waiting import until

Do = Callable[..., Awaitable[Outcome]]
PASSWORD = "pass word 1\n"
READ = ("--scope", "orders:read")


@pytest.fixture
async def do(platform: Platform, tix: Run, monkeypatch: pytest.MonkeyPatch) -> Do:
    """Run `tix` against the platform, which shares this thread's loop."""
    monkeypatch.setenv("TIX_API_URL", platform.api_url)

    async def run(*arguments: str, stdin: str = "") -> Outcome:
        return await asyncio.to_thread(tix, *arguments, "--json", stdin=stdin)

    return run


async def signed_up(do: Do) -> tuple[str, ...]:
    """Somebody new, who is signed in; returns what to enter again."""
    enter = ("--email", f"{uuid.uuid4()}@example.com", "--password-stdin")
    done = await do("auth", "signup", *enter, stdin=PASSWORD)
    assert done.code == 0, done.err
    return enter


async def made(do: Do, *more: str) -> dict[str, str]:
    """A new token, as printed."""
    done = await do("auth", "token", "create", "--name", "report", *READ, *more)
    assert done.code == 0, done.err
    return done.document  # type: ignore[no-any-return]


async def test_c13_login_status_and_logout_which_ends_the_token_at_the_server(
    do: Do, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter = await signed_up(do)
    assert (await do("auth", "login", *enter, stdin=PASSWORD)).code == 0
    told = (await do("auth", "status")).document
    assert (told["email"], told["source"], told["storage"]) == (enter[1], "profile default", "file")
    assert {"account", "orders:read"} < set(told["scopes"])
    token = json.loads((home / "config" / "tix" / "credentials" / "default.json").read_text())["token"]
    monkeypatch.setenv("TIX_TOKEN", token)
    assert (await do("auth", "status")).document["source"] == "TIX_TOKEN"
    monkeypatch.delenv("TIX_TOKEN")
    assert (await do("auth", "logout")).code == 0
    assert (await do("auth", "status")).code == 4
    monkeypatch.setenv("TIX_TOKEN", token)
    refused = await do("auth", "status")
    assert (refused.code, refused.problem["code"]) == (4, "unauthenticated")


async def test_c13_status_is_4_when_the_token_has_expired(
    do: Do, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = platform.user(lifetime=timedelta(minutes=-1)).headers["Authorization"]
    monkeypatch.setenv("TIX_TOKEN", old.removeprefix("Bearer "))
    refused = await do("auth", "status")
    assert refused.code == refused.problem["exitCode"] == 4
    assert "expired" in refused.problem["detail"]
    assert refused.problem["hint"] == "tix auth login"


async def test_c13_a_script_signs_in_with_a_token_from_stdin_and_may_do_what_it_was_made_for(do: Do) -> None:
    enter = await signed_up(do)
    token = await made(do, "--expires-days", "7")
    as_script = ("--profile", "script")
    done = await do("auth", "login", "--with-token", *as_script, stdin=token["token"] + "\n")
    assert (done.code, done.document["email"], done.document["expiresAt"]) == (
        0,
        enter[1],
        token["expiresAt"],
    )
    told = (await do("auth", "status", *as_script)).document
    assert (told["scopes"], told["tokenId"]) == (["orders:read"], token["id"])
    assert (await do("orders", "list", *as_script)).code == 0
    forbidden = await do("tickets", "create", "--title", "x", "--price", "1.00", *as_script)
    assert (forbidden.code, forbidden.problem["code"]) == (4, "insufficient_scope")
    no_more = await do("auth", "token", "create", "--name", "x", *READ, *as_script)
    assert (no_more.code, no_more.problem["code"]) == (4, "insufficient_scope")


async def test_tokens_are_listed_and_revoked_and_the_script_is_out(
    do: Do, monkeypatch: pytest.MonkeyPatch
) -> None:
    await signed_up(do)
    one, two = await made(do), await made(do)
    listed = (await do("auth", "token", "list")).document["items"]
    assert [token["id"] for token in listed] == [two["id"], one["id"]]
    assert all("token" not in token for token in listed)
    for _ in range(2):  # again does nothing
        assert (await do("auth", "token", "revoke", one["id"], "--yes")).document["revoked"] is True
    assert [token["id"] for token in (await do("auth", "token", "list")).document["items"]] == [two["id"]]
    unknown = await do("auth", "token", "revoke", str(uuid.uuid4()), "--yes")
    assert (unknown.code, unknown.problem["code"]) == (5, "token_not_found")
    monkeypatch.setenv("TIX_TOKEN", one["token"])

    async def refused() -> bool:
        return (await do("orders", "list")).code == 4

    await until(refused, "orders refuses the script", 5)


async def test_logging_out_with_a_token_of_the_environment_keeps_the_stored_sign_in(
    do: Do, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends the token that is in use, and only that."""
    await signed_up(do)
    token = await made(do)
    monkeypatch.setenv("TIX_TOKEN", token["token"])
    assert (await do("auth", "logout")).document["source"] == "TIX_TOKEN"
    assert (await do("auth", "status")).code == 4
    monkeypatch.delenv("TIX_TOKEN")
    assert (await do("auth", "status")).code == 0
    assert (await do("auth", "token", "list")).document["items"] == []
