"""`transaction()`: commits, rolls back, refuses to nest, notices lost writes, runs once, leaks nothing."""

import asyncio
from contextlib import suppress
from uuid import UUID, uuid4

import pytest
from uuid_utils.compat import uuid7

from server.kit.db import LostWrite, current, rows, transaction
from server.kit.errors import NotFound
from server.kit.inbox import AlreadyHeard, HeardOnce
from server.kit.pool import POOL_SIZE
from server.settings import Settings

pytestmark = pytest.mark.usefixtures("empty")
INSERT = "INSERT INTO revocations (jti, until) VALUES ($1, now())"


async def stored(jti: UUID) -> bool:
    """Whether that row is there, as others see it."""
    return bool(await rows("tickets", "SELECT 1 FROM revocations WHERE jti = $1", jti))


async def test_a_block_that_ends_is_committed(settings: Settings) -> None:
    """And not before: another connection sees nothing of it."""
    jti = uuid4()
    async with transaction("tickets"):
        await rows("tickets", INSERT, jti)
        assert await stored(jti)
        assert not await asyncio.create_task(_elsewhere(settings, jti))
    assert await stored(jti)


async def _elsewhere(settings: Settings, jti: UUID) -> int:
    from tests.platform import database  # noqa: PLC0415 - only here

    async with database(settings, "tickets") as session:
        return int(await session.fetchval("SELECT count(*) FROM revocations WHERE jti = $1", jti))


@pytest.mark.parametrize("error", [ValueError("x"), NotFound(), KeyboardInterrupt()])
async def test_any_error_rolls_back(error: BaseException) -> None:
    """Domain errors, bugs and interrupts alike."""
    jti = uuid4()
    with pytest.raises(type(error)):  # noqa: PT012 - leaving the block is what raises
        async with transaction("tickets"):
            await rows("tickets", INSERT, jti)
            raise error
    assert not await stored(jti)


async def test_a_dry_run_ends_and_leaves_nothing() -> None:
    """What it did it saw; nobody else ever does."""
    jti = uuid4()
    async with transaction("tickets", dry_run=True) as tx:
        await rows("tickets", INSERT, jti)
        assert await stored(jti)
        assert tx.done(7) == 7
    assert not await stored(jti)


@pytest.mark.parametrize("inner", ["tickets", "orders"])
async def test_transactions_do_not_nest(inner: str) -> None:
    """Neither in one service nor across two; the outer one is rolled back."""
    jti = uuid4()
    with pytest.raises(RuntimeError, match="do not nest"):  # noqa: PT012 - leaving the block is what raises
        async with transaction("tickets"):
            await rows("tickets", INSERT, jti)
            async with transaction(inner):
                pass
    assert not await stored(jti)


async def test_a_swallowed_database_error_is_noticed_at_the_end() -> None:
    """PostgreSQL answers such a COMMIT with ROLLBACK and no error: the writes would be lost in silence."""
    jti = uuid4()
    with pytest.raises(LostWrite):  # noqa: PT012 - leaving the block is what raises
        async with transaction("tickets"):
            await rows("tickets", INSERT, jti)
            with suppress(Exception):
                await rows("tickets", INSERT, jti)
    assert not await stored(jti)


async def test_outside_of_a_transaction_there_is_none() -> None:
    """An event recorded there would not commit with anything."""
    with pytest.raises(RuntimeError, match="no transaction of tickets"):
        current("tickets")
    async with transaction("orders"):
        with pytest.raises(RuntimeError, match="no transaction of tickets"):
            current("tickets")


async def test_every_ending_gives_the_connection_back() -> None:
    """More endings of each kind than the pool has connections."""
    for _ in range(POOL_SIZE + 2):
        jti = uuid4()
        with suppress(ValueError):
            async with transaction("tickets"):
                raise ValueError
        with suppress(LostWrite):
            async with transaction("tickets"):
                with suppress(Exception):
                    await rows("tickets", "SELECT 1 / 0")
        with suppress(RuntimeError):
            async with transaction("tickets"), transaction("tickets"):
                pass
        async with transaction("tickets"):
            await rows("tickets", INSERT, jti)
    assert await rows("tickets", "SELECT 1 AS one") == [{"one": 1}]


async def test_p20_cancelled_blocks_roll_back_and_leak_no_connection() -> None:
    """Cancelled at every moment from BEGIN to COMMIT, thirty times over a pool of ten."""

    async def work(jti: UUID) -> None:
        async with transaction("tickets"):
            await rows("tickets", INSERT, jti)
            await asyncio.Event().wait()

    for turns in range(30):
        jti = uuid4()
        task = asyncio.create_task(work(jti))
        for _ in range(turns):
            await asyncio.wait({task}, timeout=0.0005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not await stored(jti)
    async with asyncio.timeout(2):
        await asyncio.gather(*(rows("tickets", "SELECT 1") for _ in range(POOL_SIZE * 2)))


class TestInbox:
    """`HeardOnce`: the event's id commits with its effect."""

    async def test_the_second_time_does_nothing(self) -> None:
        """The block is not even entered."""
        event, ran = uuid7(), []
        async with transaction("tickets", once=HeardOnce(event)):
            ran.append(1)
        with pytest.raises(AlreadyHeard):
            async with transaction("tickets", once=HeardOnce(event)):
                ran.append(2)
        assert ran == [1]

    async def test_after_a_failure_it_is_heard_again(self) -> None:
        """The row is rolled back with the effect."""
        event, ran = uuid7(), []
        with pytest.raises(ValueError, match="broken"):
            async with transaction("tickets", once=HeardOnce(event)):
                raise ValueError("broken")
        async with transaction("tickets", once=HeardOnce(event)):
            ran.append(1)
        assert ran == [1]

    async def test_two_replicas_at_once_run_it_once(self) -> None:
        """The second waits for the first's row, and then there is nothing left to do."""
        event, ran = uuid7(), []

        async def hear() -> None:
            async with transaction("tickets", once=HeardOnce(event)):
                ran.append(1)

        outcomes = await asyncio.gather(*(hear() for _ in range(8)), return_exceptions=True)
        assert ran == [1]
        assert sum(isinstance(outcome, AlreadyHeard) for outcome in outcomes) == 7

    async def test_services_hear_for_themselves(self) -> None:
        """One inbox each: two services may hear the same event."""
        event = uuid7()
        for service in ("tickets", "orders", "payments"):
            async with transaction(service, once=HeardOnce(event)):
                pass
