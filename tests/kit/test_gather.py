"""One read for many, and never one that began before it was asked for."""

import asyncio
from collections.abc import Callable, Collection

import pytest

from server.kit.db import rows
from server.kit.gather import Gathered, Shared
from server.kit.log import request_id
from server.kit.pool import POOL_SIZE, busy
from tests.waiting import until


class Source:
    """Answers when told to, with its state at the moment the read began."""

    def __init__(self) -> None:
        self.state = 0
        self.reads: list[list[str]] = []
        self.go = asyncio.Event()
        self.fails = False
        self.on_behalf_of: list[str | None] = []

    async def many(self, keys: Collection[str]) -> dict[str, int]:
        """All but `none`."""
        return {key: await self._seen(list(keys)) for key in keys if key != "none"}

    async def one(self, key: str) -> int:
        return await self._seen([key])

    async def _seen(self, keys: list[str]) -> int:
        if not self.reads or self.reads[-1] != keys or self.go.is_set():
            self.reads.append(keys)
        self.on_behalf_of.append(request_id.get(None))
        seen = self.state
        await self.go.wait()
        if self.fails:
            raise ConnectionError("away")
        return seen


async def turn() -> None:
    """Let everybody go on as far as they can."""
    for _ in range(5):
        await asyncio.sleep(0)


Get = Callable[[str], "asyncio.Task[int | None]"]


@pytest.fixture(params=["gathered", "shared"])
def asked(request: pytest.FixtureRequest) -> tuple[Source, Get]:
    """A source, and a way to ask it through either."""
    source = Source()
    through: Gathered[str, int] | Shared[str, int] = (
        Gathered(source.many) if request.param == "gathered" else Shared(source.one)
    )
    return source, lambda key: asyncio.ensure_future(through.get(key))


async def test_who_asks_together_is_answered_by_one_read(asked: tuple[Source, Get]) -> None:
    source, get = asked
    waiting = [get("a") for _ in range(50)]
    await turn()
    source.go.set()
    assert await asyncio.gather(*waiting) == [0] * 50
    assert source.reads == [["a"]]


async def test_who_asks_during_a_read_is_told_what_is_newer(asked: tuple[Source, Get]) -> None:
    """One has written in between, perhaps oneself."""
    source, get = asked
    early = get("a")
    await turn()
    source.state = 1
    late = [get("a") for _ in range(3)]
    await turn()
    source.go.set()
    assert await early == 0
    assert await asyncio.gather(*late) == [1, 1, 1]
    assert source.reads == [["a"], ["a"]]


async def test_a_failure_is_told_to_all_and_forgotten(asked: tuple[Source, Get]) -> None:
    source, get = asked
    waiting = [get("a") for _ in range(3)]
    await turn()
    source.fails = True
    source.go.set()
    told = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(one) for one in told] == [ConnectionError] * 3
    source.fails = False
    assert await get("a") == 0


async def test_who_hangs_up_takes_nobody_along(asked: tuple[Source, Get]) -> None:
    source, get = asked
    gone, stays = get("a"), get("a")
    await turn()
    gone.cancel()
    await turn()
    source.go.set()
    assert await stays == 0
    assert gone.cancelled()


async def test_what_nobody_waits_for_is_not_read(asked: tuple[Source, Get]) -> None:
    """Neither what has not begun nor, afterwards, anything kept of it; who asks then is answered anew."""
    source, get = asked
    first, gone = get("a"), get("a")
    await turn()
    gone.cancel()
    late = get("a")
    await turn()
    late.cancel()
    await turn()
    again = get("a")
    await turn()
    again.cancel()
    await turn()
    source.go.set()
    assert await first == 0
    await turn()
    assert source.reads == [["a"]]
    source.state = 1
    assert await get("a") == 1


async def test_an_abandoned_search_ends() -> None:
    """Otherwise a stranger who hangs up again and again would have every connection."""
    ended = asyncio.Event()

    async def read(key: str) -> str:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return key

    waiting = [asyncio.ensure_future(shared.get("slow")) for shared in [Shared(read)] for _ in range(2)]
    await turn()
    waiting[0].cancel()
    await turn()
    assert not ended.is_set()
    waiting[1].cancel()
    await turn()
    assert ended.is_set()


@pytest.mark.usefixtures("settings")
async def test_abandoned_reads_leave_their_connections_to_others() -> None:
    """Also those that wait for one."""

    async def read(_: int) -> object:
        return await rows("tickets", "SELECT pg_sleep(2.9)")  # as long as a statement may take, nearly

    shared = Shared(read)
    waiting = [asyncio.ensure_future(shared.get(n)) for n in range(3 * POOL_SIZE)]
    await until(lambda: busy("tickets").in_use == POOL_SIZE, "every connection is taken")
    for one in waiting:
        one.cancel()
    async with asyncio.timeout(2):
        assert await rows("tickets", "SELECT 1 AS one") == [{"one": 1}]
    await until(lambda: busy("tickets").in_use == 0, "every connection came back")


async def test_a_read_is_nobody_s_own(asked: tuple[Source, Get]) -> None:
    """What it logs for many is not logged as the first one's, and it is in no one's trace."""
    source, get = asked
    source.go.set()
    token = request_id.set("of the first")
    try:
        await get("a")
    finally:
        request_id.reset(token)
    assert source.on_behalf_of == [None]


async def test_many_keys_are_one_statement() -> None:
    """And what is not there is None."""
    source = Source()
    source.go.set()
    gathered = Gathered(source.many)
    found = await asyncio.gather(*(gathered.get(key) for key in ("a", "b", "none")))
    assert found == [0, 0, None]
    assert source.reads[0] == ["a", "b", "none"]


async def test_other_reads_do_not_wait_for_a_slow_one() -> None:
    """A search that takes long holds up nobody's first page."""
    slow = asyncio.Event()

    async def read(key: str) -> str:
        if key == "slow":
            await slow.wait()
        return key

    shared = Shared(read)
    waiting = asyncio.ensure_future(shared.get("slow"))
    assert await asyncio.wait_for(shared.get("quick"), 1) == "quick"
    slow.set()
    assert await waiting == "slow"
