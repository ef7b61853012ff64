"""`tix completion`: a script for each shell, and ids that were shown lately."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli import completion
from tests.cli.running import ID, Run, Stub, order, ticket
from tests.cli.terminal import ROOT, in_terminal

OTHER = ID[:-1] + "2"


def offered(*words: str) -> list[str]:
    """What bash is told for these words; the last is incomplete."""
    done = subprocess.run(
        [sys.executable, "-m", "cli"],
        cwd=ROOT,
        env={
            **os.environ,
            "_TIX_COMPLETE": "complete_bash",
            "COMP_WORDS": " ".join(("tix", *words)),
            "COMP_CWORD": str(len(words)),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "pwsh"])
def test_c22_it_prints_a_script_and_edits_no_file(tix: Run, home: Path, shell: str) -> None:
    before = sorted(home.rglob("*"))
    outcome = tix("completion", shell)
    assert (outcome.code, outcome.err) == (0, "")
    assert "_TIX_COMPLETE" in outcome.out
    assert sorted(home.rglob("*")) == before
    if path := shutil.which(shell):
        check = subprocess.run([path, "-n"], input=outcome.out, capture_output=True, text=True, check=False)
        assert (check.returncode, check.stderr) == (0, "")


def test_c22_commands_and_options_are_completed(home: Path) -> None:
    assert offered("tick") == ["tickets"]
    assert offered("orders", "list", "--stat") == ["--status"]
    assert offered("tickets", "list", "-o", "c") == ["csv"]


@pytest.mark.slow  # six processes
def test_c22_ids_that_a_person_was_shown_are_completed_and_nothing_is_asked(signed_in: Stub) -> None:
    assert offered("tickets", "show", "") == []
    signed_in.answer("GET /api/tickets", 200, {"items": [ticket(), ticket(id=OTHER)], "nextCursor": None})
    signed_in.answer(f"GET /api/orders/{OTHER}", 200, order(id=OTHER))
    in_terminal("tickets", "list")
    in_terminal("orders", "show", OTHER)
    asked = len(signed_in.asked)
    assert offered("tickets", "show", "") == [ID, OTHER]
    assert offered("reserve", OTHER[:-1] + "2") == [OTHER]
    assert offered("pay", "") == [OTHER]
    assert len(signed_in.asked) == asked


def test_c22_what_was_shown_long_ago_or_to_a_program_is_not_offered(tix: Run, signed_in: Stub) -> None:
    signed_in.answer(f"GET /api/tickets/{ID}", 200, ticket())
    tix("tickets", "show", ID)
    assert completion.tickets("") == []
    in_terminal("tickets", "show", ID)
    assert completion.tickets("") == [(ID, "Front row")]
    path = completion._file("ticket")
    assert path.stat().st_mode & 0o077 == 0
    old = time.time() - completion.FRESH_SECONDS - 1
    os.utime(path, (old, old))
    assert completion.tickets("") == []


def test_c22_where_nothing_can_be_kept_nothing_is_said(
    signed_in: Stub, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "file"))
    signed_in.answer(f"GET /api/tickets/{ID}", 200, ticket())
    assert in_terminal("tickets", "show", ID).code == 0
    assert offered("tickets", "show", "") == []


@pytest.mark.parametrize("shell", ["zsh", "fish", "pwsh"])
def test_c22_a_title_is_text_to_every_shell(home: Path, shell: str) -> None:
    """A seller may name a ticket anything; the ids of others stay on offer."""
    cache = home / "cache" / "tix" / "tickets.tsv"
    cache.parent.mkdir(parents=True)
    cache.write_text(f'{ID}\tRow 1, \\$(touch pwned) `id` [/x] "a"\n$(touch pwned)\tno id\n')
    done = subprocess.run(
        [sys.executable, "-m", "cli"],
        cwd=ROOT,
        env={
            **os.environ,
            "_TIX_COMPLETE": f"complete_{shell}",
            "_TYPER_COMPLETE_ARGS": "tix tickets show ",
            "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert ID in done.stdout
    assert "touch pwned" in done.stdout
    assert not set("$`[\\") & set(done.stdout.partition(ID)[2])
