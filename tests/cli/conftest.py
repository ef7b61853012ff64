"""`tix` as a person or a script runs it, in a home of its own."""

import io
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cli.main import main
from tests.cli.running import Outcome, Run, Stub


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home and working directory, and no setting from outside."""
    tix = ("TIX_API_URL", "TIX_TOKEN", "TIX_PROFILE", "TIX_ERROR_FORMAT")
    for name in (*tix, "XDG_STATE_HOME", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")  # never the developer's own
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path


@pytest.fixture
def tix(home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run `tix` in this process, its streams pipes; from a thread, for it has an event loop of its own."""

    def run(*arguments: str, stdin: str = "") -> Outcome:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capfd.readouterr()
        with ThreadPoolExecutor(1) as thread:
            try:
                code = thread.submit(main, arguments).result()
            except SystemExit as ended:
                code = int(ended.code or 0)
        return Outcome(code, *capfd.readouterr())

    return run


@pytest.fixture
def stub() -> Iterator[Stub]:
    """A server on loopback that answers as told."""
    with Stub() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def signed_in(stub: Stub, home: Path, monkeypatch: pytest.MonkeyPatch) -> Stub:
    """The stub, with its address and a token in the environment."""
    monkeypatch.setenv("TIX_API_URL", stub.url)
    monkeypatch.setenv("TIX_TOKEN", "secret-token")
    return stub
