"""Every example of every `--help` is typed into a shell, against a running platform."""

import asyncio
import os
import re
import sys
import uuid
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping
from pathlib import Path

import pytest
from typer.main import get_command

from cli.main import app
from tests.cli.terminal import ROOT
from tests.cli.tree import commands
from tests.platform import Platform, User, environment

SKIPPED: Mapping[str, str] = {
    "demo": "starts a platform of its own; tests/e2e/test_demo.py",
    "orders watch": "waits for an outcome; tests/cli/test_watch.py",
    "tickets watch": "runs until Ctrl-C; tests/cli/test_watch.py",
    "tix buy TICKET --max-price 50.00": "waits for the buyer at Stripe's page; tests/cli/test_buying.py",
    "tix buy TICKET": "waits for the buyer at Stripe's page; tests/cli/test_buying.py",
    "tix pay ORDER": "waits for the buyer at Stripe's page; tests/cli/test_paying.py",
    "up": "runs until Ctrl-C; tests/e2e/test_up.py",
}
SELLING = frozenset(
    {
        *("orders refund", "tickets create", "tickets update", "tickets withdraw"),
        *("tickets import", "tickets export", "tickets template"),
    }
)
"""Typed by the seller; all others by a buyer."""
ACCOUNTS = frozenset(
    {
        *("auth login", "auth logout", "auth signup", "auth status", "tickets list"),
        *("auth token create", "auth token list", "auth token revoke", "buy", "resume", "tickets export"),
    }
)
"""These need one that exists, not only a token."""
PASSWORD = "pass word 1"
NOBODY = "There is nobody to ask here"
"""What a question says in a pipe; that the example got so far is what can be tested of it."""
FILES = (".config/fish/completions", ".local/share/bash-completion/completions", ".zfunc")

EPILOGS = {"": get_command(app).epilog or "", **{words: one.epilog for words, (one, _) in commands().items()}}
LINES = [(words, line) for words, epilog in EPILOGS.items() for line in epilog.splitlines()]


def what(words: str, line: str) -> str:
    """The command that an example is about: its own, or for the root's the longest that it names."""
    named = [each for each in commands() if f"tix {each} " in f"{line} "]
    return words or max(named, key=len)


async def signed_up(platform: Platform) -> tuple[str, str]:
    """A fresh account's address and token."""
    email = f"{uuid.uuid4()}@example.com"
    answer = await platform.http.post("/api/users/signup", json={"email": email, "password": PASSWORD})
    assert answer.status_code == 201, answer.text
    return email, answer.json()["token"]


async def token_of_its_own(platform: Platform, token: str) -> str:
    """The id of a personal token, made with this one of a sign-in."""
    asked = {"name": "script", "scopes": ["tickets:read"]}
    answer = await platform.http.post(
        "/api/users/tokens", json=asked, headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def prepared(platform: Platform, line: str, seller: User, buyer: User) -> str:
    """The example with the ids of a ticket, a hold or a sale made for it."""
    if "TICKET" not in line and "ORDER" not in line:
        return line
    ticket = await seller.list_ticket()
    if version := re.search(r"--version (\d+)", line):
        for number in range(int(version[1])):
            await seller.put(f"/api/tickets/{ticket['id']}", {"version": number, "title": f"Row {number}"})
    if "ORDER" in line:
        order = (await buyer.hold(ticket["id"]))["id"]
        if "refund" in line:
            assert (await buyer.pay(order)).status_code == 201
            await buyer.order_in(order, "complete")
        line = line.replace("ORDER", order)
    return line.replace("TICKET", ticket["id"])


def home(path: Path, token: str) -> dict[str, str]:
    """A home with the files that examples read and the directories they write to, and its environment."""
    for folder in FILES:
        (path / folder).mkdir(parents=True)
    (path / "password.txt").write_text(PASSWORD + "\n")
    (path / "token.txt").write_text(token + "\n")
    (path / "seats.csv").write_text("externalId,title,price\nA1,Row A seat 1,45.00\n")
    (path / "seats.resume.ndjson").write_text('{"externalId": "A2", "title": "Seat 2", "price": 4500}\n')
    (path / "tix").write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m cli "$@"\n')
    (path / "tix").chmod(0o700)
    return {
        "HOME": str(path),
        "PATH": f"{path}:{os.environ['PATH']}",
        "PROFILE": str(path / "profile.ps1"),
        "PYTHONPATH": str(ROOT),
    }


@pytest.mark.slow  # a process each
@pytest.mark.parametrize(("words", "line"), LINES, ids=[line for _, line in LINES])
async def test_c24_an_example_does_what_it_says(
    platform: Platform, tmp_path: Path, words: str, line: str
) -> None:
    words = what(words, line)
    if why := SKIPPED.get(words) or SKIPPED.get(line):
        pytest.skip(why)
    seller, buyer = platform.user(), platform.user()
    typist = seller if words in SELLING else buyer
    token = typist.headers["Authorization"].partition(" ")[2]
    email = f"{uuid.uuid4()}@example.com"
    if words in ACCOUNTS:
        existing, token = await signed_up(platform)
        email = email if words == "auth signup" else existing
    if words == "auth token revoke":
        line = line.replace("ID", await token_of_its_own(platform, token))
    typed = (await prepared(platform, line, seller, buyer)).replace("you@example.com", email)
    where = {"TIX_API_URL": platform.api_url, "TIX_TOKEN": token, "NO_COLOR": "1"}
    if "config" in words:  # what is set must be seen to count
        where = {}
    if words == "doctor":
        where |= environment(platform.settings)
    process = await asyncio.create_subprocess_shell(
        typed, cwd=tmp_path, env={**home(tmp_path, token), **where}, stdin=DEVNULL, stdout=PIPE, stderr=PIPE
    )
    out, err = (text.decode() for text in await asyncio.wait_for(process.communicate(), 60))
    asks = process.returncode == 2 and NOBODY in err
    assert process.returncode == 0 or asks, err
    assert "Traceback" not in err
    if asks:
        assert out == ""


def test_c24_an_example_that_does_not_work_is_noticed() -> None:
    """The examples are those of the tree: one that names no command would have no command to be about."""
    assert {words for words, _ in LINES} == {"", *commands()}
    with pytest.raises(ValueError, match="empty"):
        what("", "tix tickts list")
