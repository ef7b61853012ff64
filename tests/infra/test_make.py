"""What a developer types: the targets of make, and the menu."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.infra.containers import OURS, ROOT

MENU = ROOT / "dev.sh"
PROMISED = frozenset(
    (
        *("run", "demo", "test", "check", "bench", "test-coverage", "test-web", "build", "clean", "docs"),
        *("dev-infra", "dev-infra-down", "dev-all", *(f"dev-{name}" for name in OURS)),
        *("migrate-up", "migrate-down", "docker-build-all", *(f"docker-build-{name}" for name in OURS)),
        *("k8s-apply", "k8s-delete", "audit", "sbom"),
    )
)


def said(*command: str | Path, typed: str = "", env: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of a command in the tree."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **(env or {})},
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_make_has_every_promised_target_and_explains_it() -> None:
    _, listed, _ = said("make", "help")
    assert {line.split()[0] for line in listed.splitlines()} >= PROMISED
    phony = re.search(r"^\.PHONY: ((?:.*\\\n)*.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony is not None
    named = {name for name in PROMISED if not name.startswith(("dev-", "docker-build-"))}
    assert named <= set(phony[1].split())


@pytest.mark.parametrize(
    ("answer", "status", "expected"),
    [
        ("echo No known vulnerabilities found", 0, "No known vulnerabilities found"),
        ("echo 'jinja2 2.0 PYSEC-1 3.1'; exit 1", 2, "PYSEC-1"),
        ("echo 'jinja2: could not be audited'", 2, "Not audited"),
        ("echo 'Traceback (most recent call last)' >&2; exit 1", 2, "Not audited"),
    ],
    ids=["clean", "vulnerable", "passed over", "no network"],
)
def test_an_audit_that_was_none_is_no_good_news(
    answer: str, status: int, expected: str, tmp_path: Path
) -> None:
    """pip-audit ends with 0 where it could look up nothing at all."""
    stub = tmp_path / "pip-audit"
    stub.write_text(f"#!/bin/sh\n{answer}\n")
    stub.chmod(0o755)
    code, out, errors = said("make", "audit", f"BIN={tmp_path}")
    assert (code, expected in out + errors) == (status, True)


class TestTheMenu:
    """dev.sh."""

    def test_shellcheck_has_nothing_to_say(self) -> None:
        assert said(Path(sys.executable).with_name("shellcheck"), MENU) == (0, "", "")

    def test_what_it_offers_exists(self) -> None:
        listed = said("make", "help")[1]
        names = [line.split()[1] for line in said(MENU, "help")[1].splitlines() if line]
        own = {"psql", "redis", "doctor", "trace", "reset"}
        assert names
        assert {*names} - own <= {line.split()[0] for line in listed.splitlines()}

    def test_a_number_or_a_name_is_chosen_and_q_leaves(self) -> None:
        """What fails is told, and the menu comes back."""
        code, out, errors = said(MENU, typed="99\nnonsense\nq\n")
        assert (code, out.count(" 1  run ")) == (0, 3)
        assert "There is no 'nonsense'." in errors

    def test_an_argument_is_done_at_once(self, tmp_path: Path) -> None:
        """With what follows it."""
        stub = tmp_path / "make"
        stub.write_text('#!/bin/sh\n[ "$1" = help ] && echo "  test  x" || echo "$@"\n')
        stub.chmod(0o755)
        env = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
        assert said(MENU, "test", "T=tests/orders", env=env)[:2] == (
            0,
            "--no-print-directory test T=tests/orders\n",
        )

    def test_nothing_is_deleted_unasked(self, tmp_path: Path) -> None:
        data = tmp_path / "data"
        data.mkdir()
        env = {"TIX_DATA_DIR": str(data)}
        assert said(MENU, "reset", typed="\n", env=env)[0] == 1
        assert data.exists()
        assert said(MENU, "reset", typed="y\n", env=env)[0] == 0
        assert not data.exists()

    def test_what_is_not_there_is_said(self, tmp_path: Path) -> None:
        for name in ("psql", "redis"):
            code, _, errors = said(MENU, name, env={"TIX_DATA_DIR": str(tmp_path)})
            assert (code, errors.startswith("There is nothing to connect to")) == (1, True)


@pytest.mark.parametrize("service", OURS)
def test_a_service_restarts_at_a_change_of_its_own(service: str, tmp_path: Path) -> None:
    """Not at one in another's folder; web knows the schemas of all."""
    (tmp_path / "env").touch()
    _, out, _ = said("make", "--dry-run", f"dev-{service}", env={"TIX_DATA_DIR": str(tmp_path)})
    ignored = set(re.findall(r"server/(\w+)(?=[, ])", out.partition("--ignore-paths")[2].partition('"')[0]))
    assert ignored == (set() if service == "web" else OURS.keys() - {service})
    assert out.rstrip().endswith(f'".venv/bin/python -m server run {service}" server client')


@pytest.mark.slow
def test_the_list_of_parts_is_whole_and_the_same_each_time(tmp_path: Path) -> None:
    """Every pinned package with its hashes."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy2(ROOT / name, tmp_path)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    made = []
    for _ in range(2):
        assert said("make", f"--directory={tmp_path}", "sbom", "ARGS=--no-validate")[0] == 0
        made.append((tmp_path / "dist/sbom.cdx.json").read_bytes())
    assert made[0] == made[1]
    bom = json.loads(made[0])
    pinned = set(re.findall(r"^([\w.-]+)==([^ ;]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    assert bom["bomFormat"] == "CycloneDX"
    assert {(part["name"], part["version"]) for part in bom["components"]} == pinned
    assert all(part["externalReferences"][0]["hashes"] for part in bom["components"])
