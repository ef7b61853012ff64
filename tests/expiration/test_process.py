"""`python -m server run expiration`: a service without a database in a process of its own."""

from pathlib import Path

import pytest

from server.settings import Settings
from tests.platform import Process, environment, free_port


@pytest.mark.slow
async def test_it_starts_and_ends_by_itself(empty: Settings, tmp_path: Path) -> None:
    """Ready on its port, and gone with status 0."""
    port = free_port()
    process = Process("run", "expiration", env=environment(empty, port=port), log=tmp_path / "run.log")
    await process.ready(f"http://127.0.0.1:{port}")
    assert await process.end() == 0
