"""`make dev-…` runs the code as it is now: at each change anew, and nothing is left behind."""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from server.local.datadir import is_free
from server.up import NEIGHBOURS, _write_env
from tests.platform import ROOT, free_port
from tests.waiting import slowness, until

pytestmark = pytest.mark.slow

ALIVE = '{"status": "alive"}'


@dataclass
class Served:
    """`make dev-web` in a copy of the tree."""

    tree: Path
    port: int
    make: "subprocess.Popen[bytes]"
    log: Path

    def write(self, line: str) -> None:
        """What /livez answers, in the code."""
        code = (ROOT / "server/app.py").read_text()
        (self.tree / "server/app.py").write_text(code.replace(ALIVE, line))

    async def says(self, status: str) -> bool:
        """Whether it answers so."""
        with contextlib.suppress(httpx.HTTPError):
            async with httpx.AsyncClient(trust_env=False) as http:
                answer = await http.get(f"http://127.0.0.1:{self.port}/livez", timeout=1)
                return bool(answer.json() == {"status": status})
        return False

    def is_gone(self) -> bool:
        """With all its processes, by their port."""
        return self.make.poll() is not None and is_free(self.port)


def start(tree: Path, data: Path, log: Path) -> "subprocess.Popen[bytes]":
    """As a shell would, in a process group of its own."""
    with log.open("wb") as out:
        return subprocess.Popen(
            ["make", "dev-web"],
            cwd=tree,
            env={"PATH": os.environ["PATH"], "TIX_DATA_DIR": str(data)},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    """It answers."""
    tree, data, log, port = tmp_path / "tix", tmp_path / "data", tmp_path / "log", free_port()
    for name in ("server", "client"):
        shutil.copytree(ROOT / name, tree / name)
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy2(ROOT / name, tree)
    (tree / ".venv").symlink_to(ROOT / ".venv")
    data.mkdir()
    secrets = dict.fromkeys(("WEB_SECRET", "FORWARDED_SECRET"), "of the tests, " * 3)
    _write_env(data / "env", {**NEIGHBOURS, **secrets, "PORT": str(port)})
    make = start(tree, data, log)
    made = Served(tree, port, make, log)
    try:
        await until(lambda: made.says("alive"), "it is up", 10 * slowness())
        yield made
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(make.pid, signal.SIGKILL)
        make.wait()


async def test_a_change_is_seen_a_mistake_is_survived_and_ctrl_c_ends_all(served: Served) -> None:
    served.write('{"status": "changed"}')
    await until(lambda: served.says("changed"), "the change is seen", 4 * slowness())
    served.write("a syntax error {")
    await until(lambda: "SyntaxError" in served.log.read_text(), "the mistake is told", 4 * slowness())
    assert served.make.poll() is None
    served.write('{"status": "mended"}')
    await until(lambda: served.says("mended"), "it is up again", 4 * slowness())
    os.killpg(served.make.pid, signal.SIGINT)  # as a terminal sends Ctrl-C: to all of them
    await until(served.is_gone, "all are gone", 5 * slowness())
