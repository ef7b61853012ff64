"""One ticket, two hundred buyers: what guards it, and four processes that share nothing but the database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from server.settings import Settings
from tests.concurrency.bustle import Bustle
from tests.concurrency.races import (
    NO_ALARMS,
    ONE_LIVE_ORDER,
    ONE_WINNER,
    TWO_HUNDRED,
    race_for_one_ticket,
    without_index,
    without_seat_check,
)
from tests.platform import Platform, Process, User, client, environment, free_port, started


class TestGuards:
    """Negative controls: the row check and the index each suffice; without both, tickets are sold twice."""

    @pytest.mark.parametrize(
        ("index", "check"),
        [(True, False), (False, True)],
        ids=["only the index", "only the row check"],
    )
    @pytest.mark.slow
    async def test_either_guard_suffices(self, empty: Settings, *, index: bool, check: bool) -> None:
        """One guard taken away changes nothing for the buyers."""
        assert await guarded_race(empty, index=index, check=check) == ONE_WINNER

    async def test_without_both_a_ticket_is_sold_twice(self, empty: Settings) -> None:
        """The race is real: with neither guard, more than one buyer is told 201."""
        told = await guarded_race(empty, index=False, check=False)
        assert told["201"] > 1, told


async def guarded_race(settings: Settings, *, index: bool, check: bool) -> dict[str, int]:
    """The race with the guards that are left."""
    async with AsyncExitStack() as stack:
        if not index:
            await stack.enter_async_context(without_index(settings, ONE_LIVE_ORDER))
        stack.enter_context(nullcontext() if check else without_seat_check())
        platform = await stack.enter_async_context(started(settings, jobs=NO_ALARMS))
        return await race_for_one_ticket(platform, [platform.user() for _ in range(TWO_HUNDRED)])


class TestTurns:
    """Negative control of the one holder at any moment in test_edit_races.py."""

    @pytest.mark.slow
    async def test_without_both_two_hold_at_once(self, empty: Settings) -> None:
        """Buyers who take turns under the seller's edits hold the ticket at the same time."""
        async with without_index(empty, ONE_LIVE_ORDER), started(empty, jobs=NO_ALARMS) as platform:
            seller = platform.user()
            bustle = Bustle(platform, await seller.list_ticket())
            with without_seat_check():
                await bustle.run(seller, [platform.user() for _ in range(12)], holds=15)
        assert bustle.most_at_once > 1


class TestFourProcesses:
    """Replicas share nothing but the database."""

    @pytest.mark.parametrize("tickets", [1, 6])
    @pytest.mark.slow
    async def test_p24_four_processes_sell_a_ticket_once(
        self, empty: Settings, tmp_path: Path, tickets: int
    ) -> None:
        """Two hundred buyers spread over four processes: one winner a ticket, as with one process."""
        async with started(empty) as platform, replicas(platform, tmp_path) as doors:
            for _ in range(tickets):
                assert await race_for_one_ticket(platform, spread(platform, doors)) == ONE_WINNER
            await platform.doctor()

    @pytest.mark.slow
    async def test_p24_without_guards_four_processes_sell_it_twice(
        self, empty: Settings, tmp_path: Path
    ) -> None:
        """The same race with neither guard in any process: more than one buyer is told 201."""
        # Imported by every Python that starts with this directory on its path.
        (tmp_path / "sitecustomize.py").write_text(
            "from server.orders import statements\nstatements.SEAT_IS_FREE = 'true'\n"
        )
        async with (
            without_index(empty, ONE_LIVE_ORDER),
            started(empty, jobs=NO_ALARMS) as platform,
            replicas(platform, tmp_path, pythonpath=tmp_path) as doors,
        ):
            told = await race_for_one_ticket(platform, spread(platform, doors))
        assert told["201"] > 1, told


@asynccontextmanager
async def replicas(
    platform: Platform, directory: Path, **more: object
) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Four processes of orders' HTTP side on the platform's database, each on a port of its own."""
    jwks = f"{platform.api_url}/.well-known/jwks.json"
    async with AsyncExitStack() as stack:
        processes, doors = [], []
        for number in range(4):
            port = free_port()
            env = environment(platform.settings, port=port, jwks_url=jwks, **more)
            process = Process(
                "run", "orders", "--only", "api", env=env, log=directory / f"orders{number}.log"
            )
            stack.push_async_callback(process.end)
            processes.append(process)
            doors.append(await stack.enter_async_context(client(f"http://127.0.0.1:{port}")))
        await asyncio.gather(
            *(process.ready(str(door.base_url)) for process, door in zip(processes, doors, strict=True))
        )
        yield doors


def spread(platform: Platform, doors: list[httpx.AsyncClient]) -> list[User]:
    """Two hundred buyers, each at the next door."""
    return [replace(platform.user(), http=doors[number % len(doors)]) for number in range(TWO_HUNDRED)]
