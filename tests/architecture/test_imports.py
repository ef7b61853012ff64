"""Architecture is a failing test: every import contract holds, and every one of them can fail."""

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

CONTRACTS = {
    contract["id"]: contract["name"]
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
}

FORBIDDEN = [
    ("server-layers", "server/orders/service.py", "import server.payments.models"),
    ("server-layers", "server/payments/models.py", "import server.worker"),
    ("service-layers", "server/orders/models.py", "import server.orders.service"),
    ("service-layers", "server/tickets/service.py", "import server.tickets.schemas"),
    ("kit", "server/kit/bus.py", "from server import events"),
    ("pure", "server/orders/schemas.py", "import sanic"),
    ("pure", "server/events.py", "import server.kit.db"),
    ("no-doors", "server/orders/service.py", "import nats"),
    ("no-doors", "server/payments/models.py", "from server.kit import http"),
    ("foreign", "server/payments/service.py", "import stripe"),
    ("foreign", "server/orders/service.py", "import httpx"),
    ("doors", "server/orders/consumers.py", "import sanic"),
    ("api-no-bus", "server/orders/api.py", "from server.kit import bus"),
    ("sandbox", "server/stripe_sandbox/state.py", "from server import events"),
    ("settings", "server/settings.py", "from server.kit import log"),
    ("settings-by-argument", "server/orders/service.py", "from server import settings"),
    ("embedded", "server/local/servers.py", "from server.kit import log"),
    ("server-no-clients", "server/app.py", "import client"),
    ("web", "server/web/tickets.py", "import server.tickets.service"),
    ("client", "client/__init__.py", "import server.orders.service"),
    ("client", "cli/__init__.py", "import textual"),
    ("client", "cli/platform.py", "import tui.app"),
    ("client-no-cli", "client/__init__.py", "import typer"),
    ("tui", "tui/app.py", "import typer"),
    ("tui", "tui/session.py", "import cli.auth"),
    ("tui", "tui/app.py", "import server.orders.service"),
    ("bench", "server/run.py", "import bench.stage"),
]
"""Contract, file, and the line that breaks it."""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the source that may be broken."""
    copy = tmp_path_factory.mktemp("tree")
    for package in ("server", "client", "cli", "tui", "bench"):
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    yield copy
    shutil.rmtree(copy)


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    """Run the linter there."""
    tool = Path(sys.executable).with_name("lint-imports")
    return subprocess.run([tool, "--no-logo"], cwd=tree, capture_output=True, text=True, check=False)


def test_the_tree_keeps_every_contract(tree: Path) -> None:
    result = lint(tree)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("contract", "file", "line"), FORBIDDEN, ids=[f"{c}: {line}" for c, _, line in FORBIDDEN]
)
def test_a_forbidden_import_breaks_its_contract(tree: Path, contract: str, file: str, line: str) -> None:
    path = tree / file
    source = path.read_text()
    path.write_text(f"{source}\n{line}\n")
    try:
        result = lint(tree)
    finally:
        path.write_text(source)
    assert result.returncode == 1, result.stdout
    assert f"{CONTRACTS[contract]} BROKEN" in result.stdout


def test_every_contract_is_tried() -> None:
    assert {contract for contract, _, _ in FORBIDDEN} == set(CONTRACTS)


def test_a_new_module_must_find_its_layer(tree: Path) -> None:
    new = tree / "server" / "utils.py"
    new.write_text("")
    try:
        result = lint(tree)
    finally:
        new.unlink()
    assert result.returncode == 1
    assert "utils" in result.stdout
