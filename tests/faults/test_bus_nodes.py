"""Bookings on a cluster of three while its nodes are killed: nothing is lost, and all goes on by itself."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import pytest

from server import worker
from server.kit.bus import Bus
from server.kit.events import Envelope
from server.kit.keeper import STREAM
from server.settings import Settings
from tests.concurrency.races import audit
from tests.infra.nodes import AWAY, Nodes, leader
from tests.platform import Platform, User, started
from tests.waiting import until

BUYERS = 4
SECONDS = 60
"""For a step: a vote takes some 4 s, and a busy machine takes its time."""
ALONE_SECONDS = 6
"""For the control, where nobody is left to vote."""


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[Nodes]:
    """All three, until the end of the test."""
    made = Nodes(tmp_path)
    try:
        for number in range(3):
            made.start(number)
        yield made
    finally:
        made.end_all()


class Bookings:
    """People who book one ticket after the other, whatever happens to the bus."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self.done = 0
        self._enough = asyncio.Event()
        self._people = [asyncio.create_task(self._book()) for _ in range(BUYERS)]

    async def _book(self) -> None:
        seller, buyer = self._platform.user(), self._platform.user()
        while not self._enough.is_set():
            ticket = await seller.list_ticket()
            order = await self._post(buyer, "/api/orders", {"ticketId": ticket["id"]})
            await self._post(buyer, "/api/payments", {"orderId": order, "paymentMethod": "pm_card_visa"})
            await buyer.order_in(order, "complete", timeout=SECONDS)
            self.done += 1

    @staticmethod
    async def _post(buyer: User, path: str, body: dict[str, str]) -> str:
        """Again while what it is about is on its way, over the bus that is away."""
        made: list[str] = []

        async def visible() -> bool:
            answer = await buyer.post(path, body)
            assert answer.status_code in {201, 404, 503}, answer.text
            made.extend([answer.json()["id"]] if answer.status_code == 201 else [])
            return bool(made)

        await until(visible, f"{path} knows what it is about", SECONDS)
        return made[0]

    async def go_on(self, more: int = BUYERS) -> None:
        """Return when so many more were made."""
        wanted = self.done + more

        def enough() -> bool:
            for person in self._people:
                if person.done():
                    person.result()
            return self.done >= wanted

        await until(enough, f"{more} more bookings", SECONDS)

    async def end(self) -> None:
        """Each makes the last one to its end."""
        self._enough.set()
        await asyncio.gather(*self._people)


async def stored(link: Bus) -> Counter[UUID]:
    """How often each event is in the stream."""
    last = (await link.jetstream.stream_info(STREAM)).state.last_seq
    found = [await link.jetstream.get_msg(STREAM, seq, direct=True) for seq in range(1, last + 1)]
    return Counter(Envelope.model_validate_json(message.data or b"").id for message in found)


async def said(platform: Platform) -> set[UUID]:
    """The ids of all events in the outboxes of those that have one."""
    ids: set[UUID] = set()
    for service in ("auth", "tickets", "orders", "payments"):
        async with platform.database(service) as session:
            ids |= {row["id"] for row in await session.fetch("SELECT id FROM outbox")}
    return ids


async def led_by(link: Bus, *, copies: int = 3) -> int:
    """The leader's number, once every copy is whole."""
    found: list[int] = []

    async def is_led() -> bool:
        found.extend([] if (number := await leader(link, copies=copies)) is None else [number])
        return bool(found)

    await until(is_led, f"{copies} copies are whole", SECONDS)
    return found[0]


async def publishes(link: Bus) -> bool:
    """Whether the stream takes something."""
    with suppress(*AWAY):
        await link.jetstream.publish("ticket.probed", b"{}")
        return True
    return False


# nats-py 2.16 forgets the socket to a node that dies while it connects.
@pytest.mark.filterwarnings("ignore:unclosed <StreamWriter:ResourceWarning")
@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.timeout(300)
async def test_nodes_are_killed_during_bookings(empty: Settings, nodes: Nodes) -> None:
    """The only one we were told of, then the leader. The control: with one copy all stands still."""
    settings = nodes.settings(empty, 0)
    async with started(settings) as platform:
        link = platform.bus
        assert link is not None
        await led_by(link)
        bookings = Bookings(platform)
        await bookings.go_on()
        nodes.end(0)
        await bookings.go_on()
        nodes.start(0)
        leading = await led_by(link)
        nodes.end(leading)
        await bookings.go_on()
        nodes.start(leading)
        await led_by(link)
        await bookings.end()
        assert await audit(platform, timeout=SECONDS) == {"complete": bookings.done}
        events = await stored(link)
        assert events.keys() >= await said(platform)
        assert set(events.values()) == {1}

        await worker.keeper_of(nodes.settings(empty, replicas=1)).start()
        alone = await led_by(link, copies=1)
        nodes.end(alone)
        with pytest.raises(AssertionError, match="nobody else has it"):
            await until(lambda: publishes(link), "nobody else has it", ALONE_SECONDS)
        nodes.start(alone)
        await until(lambda: publishes(link), "its disk is back", SECONDS)
