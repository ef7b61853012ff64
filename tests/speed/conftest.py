"""A platform with tickets on sale and nothing going on in the background."""

from collections.abc import AsyncIterator

import pytest

from bench.seed import LISTINGS, TICKETS
from server.settings import Settings
from server.worker import Jobs
from tests.platform import Platform, started, wipe

SEEDED = 100


@pytest.fixture(scope="module")
async def quiet(settings: Settings) -> AsyncIterator[Platform]:
    """No event leaves its outbox, so all that runs is what a request asks for."""
    await wipe(settings)
    nothing = Jobs(sweeper=False, alarms=False, relays=False, payments=False)
    async with started(settings, jobs=nothing) as running:
        await seed(running, 1, SEEDED)
        yield running


async def seed(platform: Platform, first: int, last: int) -> None:
    """Put the tickets of these numbers on sale, in both services, and have the planner know of it."""
    for service, sql in (("tickets", TICKETS), ("orders", LISTINGS)):
        async with platform.database(service) as session:
            await session.execute(sql.replace("$1", str(first)).replace("$2", str(last)), timeout=60)
            await session.execute("VACUUM ANALYZE tickets", timeout=60)
