"""Configuration is read once, and everything that can be set is written down."""

import ast
import re
from itertools import pairwise

from server.settings import Settings
from tests.architecture.tree import ROOT, modules, shown

EXAMPLE = (ROOT / ".env.example").read_text()
KEYS = re.findall(r"^([A-Z][A-Z0-9_]*)=", EXAMPLE, re.MULTILINE)

MAY_READ = {
    "server/__main__.py": "the composition root passes it to Settings.load",
    "server/kit/migrate.py": "sets, not reads, the variable that quiets aerich's import",
    "server/stripe_sandbox/__main__.py": "a program of its own: its secret must not be in argv",
}


def test_the_example_lists_every_setting_and_nothing_else() -> None:
    assert sorted(KEYS) == sorted(name.upper() for name in Settings.model_fields)


def test_the_example_explains_every_setting() -> None:
    bare = [
        line
        for before, line in pairwise(EXAMPLE.splitlines())
        if "=" in line and line[0] != "#" and before[:2] != "# "
    ]
    assert bare == []


def test_the_example_shows_the_defaults_and_no_secret() -> None:
    example = dict(re.findall(r"^([A-Z][A-Z0-9_]*)=(.*)$", EXAMPLE, re.MULTILINE))
    assert Settings.load(example) == Settings()


def test_only_settings_read_the_environment() -> None:
    readers = {shown(path) for path in modules("server") if _reads_environment(ast.parse(path.read_text()))}
    assert readers == set(MAY_READ)


def test_reading_the_environment_is_noticed() -> None:
    for source in ("import os\nos.environ['A']", "from os import getenv", "import os\nos.getenv('A')"):
        assert _reads_environment(ast.parse(source)), source
    assert not _reads_environment(ast.parse("def f(environ): return environ['A']"))


def _reads_environment(tree: ast.AST) -> bool:
    names = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in names and ast.unparse(node.value) == "os":
            return True
        if (
            isinstance(node, ast.ImportFrom)
            and node.module == "os"
            and names & {alias.name for alias in node.names}
        ):
            return True
    return False
