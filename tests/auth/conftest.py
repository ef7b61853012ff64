"""auth's limits are by address, and all tests come from one: here they are out of the way."""

from collections.abc import AsyncIterator

import pytest

from server.kit import limits
from server.settings import Settings
from tests.platform import Platform, started, wipe


@pytest.fixture(scope="module")
async def platform(settings: Settings) -> AsyncIterator[Platform]:
    """The whole platform, with room for a crowd at the door; `test_limits.py` has the real limits."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(limits, "SIGN_INS_PER_ADDRESS", 100_000)
        await wipe(settings)
        async with started(settings) as running:
            yield running
