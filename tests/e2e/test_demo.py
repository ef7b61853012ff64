"""`tix demo` for real: it checks its own story, so here only what it promises about itself."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.waiting import slowness, until

ROOT = Path(__file__).parents[2]
DEMO = [sys.executable, "-m", "cli", "demo", "--json"]

pytestmark = [pytest.mark.slow, pytest.mark.alone]


def environment(tmp_path: Path) -> dict[str, str]:
    """Temporary files where we see them, and settings that a demo must not use."""
    tmp_path.chmod(0o711)
    own = Path(tempfile.gettempdir()).resolve()
    for parent in tmp_path.parents:  # pytest's own; PostgreSQL runs as nobody where we are root
        if own in parent.parents:
            parent.chmod(0o711)
    return {
        **os.environ,
        "TMPDIR": str(tmp_path),
        "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
        "STRIPE_KEY": "sk_live_must_not_be_used",
    }


def test_the_story_is_told_in_under_30_seconds_and_leaves_nothing(tmp_path: Path) -> None:
    began = time.monotonic()
    done = subprocess.run(
        DEMO, cwd=ROOT, env=environment(tmp_path), capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began < 30 * slowness()
    assert done.stderr == ""
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    told = Counter(line["event"]["type"] for line in lines if "event" in line)
    assert told["ticket:created"] == told["order:created"] == 3
    assert told["order:completed"] == told["order:cancelled"] == told["order:expired"] == 1
    assert any("409 ticket_reserved" in line.get("did", "") for line in lines)
    assert list(tmp_path.iterdir()) == []


def test_a_story_that_goes_differently_fails_with_a_sentence_and_the_log(tmp_path: Path) -> None:
    program = (
        "import sys; from cli import demo; from cli.main import main; "
        "demo.PROMISED['ticket:created'] = 4; sys.exit(main(['demo']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 1
    assert "error: The bus said ticket:created 3 times, not 4." in done.stderr
    assert "The end of the platform's log:" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("number", "status"), [(2, 130), (15, 143)])
def test_stopped_in_the_middle_it_takes_everything_with_it(tmp_path: Path, number: int, status: int) -> None:
    process = subprocess.Popen(
        DEMO, cwd=ROOT, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout
    process.stdout.readline()  # the platform is up
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == status, err
    assert b"Traceback" not in err
    assert list(tmp_path.iterdir()) == []


async def test_a_kill_leaves_no_process_behind(tmp_path: Path) -> None:
    data = _killed(tmp_path)
    await until(lambda: not _users_of(data), f"no process runs on {data}", 15)


def _killed(tmp_path: Path) -> Path:
    process = subprocess.Popen(
        DEMO, cwd=ROOT, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout
    process.stdout.readline()
    data = next(tmp_path.iterdir())
    seen = _users_of(data)
    process.kill()
    process.communicate()
    assert seen  # else the test could not fail
    return data


def _users_of(path: Path) -> list[str]:
    listing = subprocess.run(["ps", "-eww", "-o", "pid,args"], capture_output=True, text=True, check=True)
    return [line for line in listing.stdout.splitlines() if str(path) in line]
