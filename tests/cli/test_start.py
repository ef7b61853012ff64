"""How fast `tix` starts, what it loads for it, and how it is started."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli.completion import MOST
from tests.cli.running import DEAD, ID
from tests.waiting import slowness

ROOT = Path(__file__).parents[2]


TELLS_WHAT_IS_SLOW = """\
import atexit, sys
from cli.main import main
slow = {"httpx", "pydantic", "rich", "asyncio", "server", "keyring"}
atexit.register(lambda: sys.stderr.write(",".join(slow & sys.modules.keys())))
"""
"""To begin a program with: what it has loaded, at its end."""
IMPORTS_ASYNCIO = ("-c", "import asyncio")
ASYNCIO_SECONDS = 0.06
"""What that takes on an idle machine of the kind on which the limits were set."""


def start(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def is_within(cache: Path, seconds: float, *arguments: str, **environment: str) -> bool:
    """Processor time of the best of six; more on a machine on which a yardstick takes more than it should."""
    # As installed: compiled once, whatever the environment of the tests says about writing bytecode.
    compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(cache)}

    def cpu(*arguments: str, **environment: str) -> float:
        before = os.times()
        assert start(*arguments, **compiled, **environment).returncode == 0
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    yardstick, tix = [], []
    for _ in range(6):
        yardstick.append(cpu(*IMPORTS_ASYNCIO))
        tix.append(cpu("-m", "cli", *arguments, **environment))
    return min(tix) < seconds * max(1, min(yardstick) / ASYNCIO_SECONDS)


@pytest.mark.slow
@pytest.mark.parametrize(("flag", "seconds"), [("--help", 0.25), ("--version", 0.15)])
def test_c01_it_answers_at_once(tmp_path: Path, flag: str, seconds: float) -> None:
    assert is_within(tmp_path, seconds, flag)


COMPLETIONS = {
    "bash": {"_TIX_COMPLETE": "complete_bash", "COMP_WORDS": "tix tickets show 01", "COMP_CWORD": "3"},
    "zsh": {"_TIX_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "tix tickets show 01"},
}


@pytest.fixture
def seen(home: Path) -> None:
    """As many tickets as are remembered."""
    cache = home / "cache" / "tix" / "tickets.tsv"
    cache.parent.mkdir(parents=True)
    cache.write_text("".join(f"{ID[:-2]}{n}\tFront row {n}\n" for n in range(10, 10 + MOST)))


@pytest.mark.usefixtures("seen")
@pytest.mark.slow
@pytest.mark.parametrize("shell", COMPLETIONS)
def test_c22_ids_are_completed_at_once(tmp_path: Path, shell: str) -> None:
    assert is_within(tmp_path, 0.15, **COMPLETIONS[shell])


@pytest.mark.usefixtures("seen")
@pytest.mark.parametrize("shell", COMPLETIONS)
def test_c22_completion_loads_neither_http_nor_models_nor_rich(shell: str) -> None:
    done = start("-c", f"{TELLS_WHAT_IS_SLOW}main([])", **COMPLETIONS[shell])
    assert (done.stdout.count(ID[:-2]), done.stderr) == (MOST, "")


def test_help_loads_neither_http_nor_models_nor_rich() -> None:
    assert start("-c", f"{TELLS_WHAT_IS_SLOW}main(['--help']); main(['--version'])").stderr == ""


def test_c01_help_in_a_pipe_is_plain_ascii() -> None:
    for arguments in (["--help"], ["tickets", "create", "--help"], ["pay", "--help"]):
        assert start("-m", "cli", *arguments).stdout.isascii()


@pytest.mark.parametrize("status", [0, 6])
def test_doctor_passes_on_its_exit_status_and_its_output(tmp_path: Path, status: int) -> None:
    assert doctor(tmp_path, f"print('[]'); print('oh', file=sys.stderr); sys.exit({status})") == (
        status,
        "[]\n",
        "oh\n",
    )


def test_a_doctor_that_failed_itself_is_not_taken_for_one_that_cannot_look(tmp_path: Path) -> None:
    status, _, err = doctor(tmp_path, "1 / 0")
    assert status == 1
    assert "ZeroDivisionError" in err


def test_doctor_is_asked_for_what_was_asked_for(tmp_path: Path) -> None:
    _, said, _ = doctor(tmp_path, "print(sys.argv[1:])", "--repair", "--no-stripe")
    assert said == "['doctor', '--json', '--repair', '--no-stripe']\n"


def doctor(path: Path, program: str, *options: str) -> tuple[int, str, str]:
    """`tix doctor` with this program for a server: exit status, stdout, stderr."""
    (path / "server").mkdir()
    (path / "server" / "__init__.py").touch()
    (path / "server" / "__main__.py").write_text(f"import sys\n{program}\n")
    replaced = (
        "import sys; from cli import main, platform; "
        f"platform.server_environment = lambda: {{'PYTHONPATH': {str(path)!r}}}; "
        f"sys.exit(main.main({['doctor', '--json', *options]!r}))"
    )
    done = start("-c", replaced)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "where", [{}, {"DATABASE_URL": "postgres://tix@127.0.0.1:1/tix"}], ids=["no platform", "database away"]
)
@pytest.mark.slow
def test_a_doctor_that_cannot_look_is_9_and_says_it_as_every_failure(
    tmp_path: Path, where: dict[str, str]
) -> None:
    done = start("-m", "cli", "doctor", "--json", TIX_DATA_DIR=str(tmp_path / "none"), **where)
    assert (done.returncode, done.stdout) == (9, "")
    problem = json.loads(done.stderr)
    assert (problem["exitCode"], problem["hint"]) == (9, "tix up")


@pytest.mark.slow
def test_up_hands_on_what_it_does_not_know() -> None:
    done = start("-m", "cli", "up", "--no-such-flag")
    assert done.returncode == 2
    assert "python -m server" in done.stderr


@pytest.mark.slow
def test_a_server_package_in_the_current_directory_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "server").mkdir()
    (tmp_path / "server" / "__main__.py").write_text("print('not Tix')")
    done = subprocess.run(
        [sys.executable, "-m", "cli", "doctor"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TIX_DATA_DIR": str(tmp_path / "none")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "not Tix" not in done.stdout


@pytest.mark.parametrize(
    ("package", "arguments"), [("typer", ["--help"]), ("httpx", ["tickets", "list", "--api-url", DEAD])]
)
def test_ctrl_c_during_an_import_is_130_without_a_traceback(
    tmp_path: Path, package: str, arguments: list[str]
) -> None:
    """Of what every command imports, and of what only some do."""
    (tmp_path / f"{package}.py").write_text("import time; print('importing', flush=True); time.sleep(60)")
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "importing\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (130, "", "")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_reason_to_fail(closed: str) -> None:
    for arguments, status in (("--version", 0), (f"tickets list --api-url {DEAD} --retries 0", 9)):
        command = f'"$0" -m cli {arguments} {closed}'
        done = subprocess.run(
            ["sh", "-c", command, sys.executable], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == status
        assert "Traceback" not in done.stderr


def test_ctrl_c_during_a_request_is_130_at_once() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", "tickets", "list"],
            cwd=ROOT,
            env={**os.environ, "TIX_API_URL": f"http://127.0.0.1:{silent.getsockname()[1]}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        connection, _ = silent.accept()  # it now waits for an answer that never comes
        with connection:
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=10)
        assert process.returncode == 130
        assert time.monotonic() - began < 2 * slowness()
        assert b"Traceback" not in out + err


def test_c16_the_doctors_report_is_chosen_from_as_everything_is(tmp_path: Path) -> None:
    report = {
        "checked": 3,
        "clean": True,
        "findings": [],
        "review": [],
        "stripeUnasked": None,
        "repaired": [],
    }
    program = f"import json; print(json.dumps({report!r})) if '--json' in sys.argv else 1 / 0; sys.exit(6)"
    assert doctor(tmp_path, program, "--jq", ".checked") == (6, "3\n", "")
