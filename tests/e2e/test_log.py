"""What the log of a running platform says of a call."""

import os
import re
import sys
from asyncio import create_subprocess_exec
from asyncio.subprocess import PIPE
from uuid import uuid4

import pytest

from tests.e2e.conftest import Up
from tests.platform import ROOT


@pytest.mark.slow
async def test_c23_a_failure_leads_to_one_line_of_the_log(up: Up) -> None:
    """By the request id that `tix` shows."""
    up.environ["LOG_LEVEL"] = "INFO"
    await up.start()
    process = await create_subprocess_exec(
        *(sys.executable, "-m", "cli", "tickets", "show", str(uuid4())),
        cwd=ROOT,
        env={**os.environ, "TIX_API_URL": up.api_url, "HOME": str(up.data)},
        stdout=PIPE,
        stderr=PIPE,
    )
    out, errors = await process.communicate()
    assert (process.returncode, out) == (5, b"")
    shown = re.search(rb"request-id: (\S+)", errors)
    assert shown is not None, errors
    [line] = [line for line in up.log.read_text().splitlines() if shown[1].decode() in line]
    assert "ticket_not_found" in line or '"status": 404' in line
