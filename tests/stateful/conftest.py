"""By what rules Hypothesis plays."""

from pathlib import Path

import hypothesis
import pytest
from hypothesis.configuration import set_hypothesis_home_dir


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """The first of a test's seeds: the same in each run; `--hypothesis-seed=100` plays others."""
    return int(request.config.getoption("--hypothesis-seed") or 0)


@pytest.fixture
def rules(tmp_path: Path) -> hypothesis.settings:
    """Ten examples of a seed; no files are left, and all depends on the seed alone."""
    set_hypothesis_home_dir(tmp_path)
    return hypothesis.settings(
        max_examples=10,
        stateful_step_count=25,
        database=None,
        deadline=None,  # a step waits for five services
        derandomize=False,  # not by the text of the machine, as in CI
        print_blob=True,
        report_multiple_bugs=False,  # each is sought, and shrunk, for minutes
        suppress_health_check=list(hypothesis.HealthCheck),
    )
