"""The workflow of GitHub: against the schema of workflows, and against what it runs."""

import copy
import json
import re
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.infra.containers import ROOT

Workflow = dict[str, Any]
CI_RUN = (ROOT / ".ci/run").read_text()


@pytest.fixture(scope="module")
def workflow() -> Workflow:
    """YAML 1.1 takes its key `on` for a yes."""
    loaded = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    return {"on" if key is True else key: value for key, value in loaded.items()}


def steps(workflow: Workflow) -> list[dict[str, Any]]:
    """Of all jobs."""
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_it_is_a_workflow(workflow: Workflow) -> None:
    vendor = resources.files("check_jsonschema.builtin_schemas.vendor")
    schema = json.loads((vendor / "github-workflows.json").read_text())
    jsonschema.validate(workflow, schema)
    wrong = copy.deepcopy(workflow)
    wrong["jobs"]["audit"]["run-on"] = "ubuntu-24.04"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, schema)


def test_its_lanes_are_those_of_ci_run(workflow: Workflow) -> None:
    """All that one machine runs, by the same program, and what would take it too long."""
    lanes = workflow["jobs"]["lanes"]
    default = re.search(r"lanes=\(([a-z -]+)\)", CI_RUN)
    assert default is not None
    assert lanes["strategy"]["matrix"]["lane"] == [*default[1].split(), "test-exhaustive"]
    assert lanes["steps"][-1] == {"run": ".ci/run ${{ matrix.lane }}"}


def test_the_rest_is_make(workflow: Workflow) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for step in steps(workflow):
        if not (line := step.get("run", ".ci/run")).startswith(".ci/run"):
            command, *targets = line.split()
            assert command == "make"
            assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets), line


def test_it_may_do_nothing_but_read(workflow: Workflow) -> None:
    """No job widens it, no secret is in it, no credentials stay on the disk."""
    assert workflow["permissions"] == {"contents": "read"}
    assert not any("permissions" in job for job in workflow["jobs"].values())
    assert "secrets." not in json.dumps(workflow)
    for step in steps(workflow):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"] == {"persist-credentials": False}


def test_every_action_is_githubs_own_and_pinned(workflow: Workflow) -> None:
    used = {step["uses"] for step in steps(workflow) if "uses" in step}
    assert used
    assert [action for action in used if not re.fullmatch(r"actions/[a-z-]+@v\d+", action)] == []


def test_every_job_ends(workflow: Workflow) -> None:
    assert all(job["timeout-minutes"] <= 30 for job in workflow["jobs"].values())


def test_the_scripts_are_sound() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("shellcheck"), ROOT / ".ci/run"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("", 0)


def test_a_lane_that_is_none_is_refused() -> None:
    done = subprocess.run([ROOT / ".ci/run", "nonsense"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "There is no lane 'nonsense'.\n")
