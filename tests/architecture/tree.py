"""The files of the project, as git sees them."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


def tracked() -> list[Path]:
    """Every file that is committed or would be."""
    listed = subprocess.check_output(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, text=True
    )
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def modules(*packages: str) -> Iterator[Path]:
    """The Python files of these folders."""
    for package in packages:
        yield from sorted((ROOT / package).rglob("*.py"))


def shown(path: Path) -> str:
    """The path as people write it."""
    return path.relative_to(ROOT).as_posix()


@cache
def names_of_tests() -> frozenset[str]:
    """The names of all test functions, without `test_`."""
    trees = [ast.parse(path.read_text()) for path in modules("tests")]
    functions = (
        node.name
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return frozenset(name.removeprefix("test_") for name in functions if name.startswith("test_"))
