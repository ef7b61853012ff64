"""One ticket that buyers take and give up while its seller edits it and somebody watches."""

import asyncio
import random
from collections.abc import Sequence
from typing import Any

from tests.concurrency.races import verdict
from tests.platform import Platform, User

PAUSE = 0.1
"""Seconds at most between two tries of a buyer; without them the ticket is never free to be edited."""


async def edit(seller: User, ticket_id: str, **fields: Any) -> str:
    """Read the ticket and edit what was read, as a seller's page does; the verdict."""
    seen = (await seller.get(f"/api/tickets/{ticket_id}")).json()
    return verdict(await seller.put(f"/api/tickets/{ticket_id}", {"version": seen["version"], **fields}))


class Bustle:
    """Who holds the ticket at each moment, as its buyers know it."""

    def __init__(self, platform: Platform, ticket: dict[str, Any]) -> None:
        self.most_at_once = self.held = self.edited = 0
        self.seen: list[tuple[int, int]] = []
        self._platform = platform
        self._ticket_id = ticket["id"]
        self._holders: set[str] = set()
        self._over = asyncio.Event()
        self._wanted = (0, 0)

    async def run(self, seller: User, buyers: Sequence[User], *, holds: int, edits: int = 0) -> None:
        """Until the ticket was held and edited that often."""
        self._wanted = (holds, edits)
        others = [asyncio.create_task(self._edit(seller)), asyncio.create_task(self._watch())]
        try:
            # Seeded: each buyer comes in a rhythm of his own.
            await asyncio.gather(*(self._buy(buyer, random.Random(n)) for n, buyer in enumerate(buyers)))  # noqa: S311
        finally:
            self._over.set()
        await asyncio.gather(*others)

    async def _buy(self, buyer: User, rng: random.Random) -> None:
        holds, edits = self._wanted
        while self.held < holds or self.edited < edits:
            await asyncio.sleep(rng.uniform(0, PAUSE))
            answer = await buyer.reserve(self._ticket_id)
            if answer.status_code != 201:
                assert verdict(answer) == "409 ticket_reserved"
                continue
            id_ = answer.json()["id"]
            # Surely ours from the answer until we ask for its end: nobody else's such time may overlap.
            self._holders.add(id_)
            self.held += 1
            self.most_at_once = max(self.most_at_once, len(self._holders))
            await buyer.order(id_)
            self._holders.discard(id_)
            assert (await buyer.delete(f"/api/orders/{id_}")).status_code == 204

    async def _edit(self, seller: User) -> None:
        price = 4500
        while not self._over.is_set():
            price += 1
            told = await edit(seller, self._ticket_id, price=price)
            assert told in {"200", "409 ticket_reserved", "409 version_conflict"}
            self.edited += told == "200"

    async def _watch(self) -> None:
        while not self._over.is_set():
            answer = await self._platform.http.get(f"/api/tickets/{self._ticket_id}")
            version, seat_version = answer.headers["etag"].strip('"').split(".")
            self.seen.append((int(version), int(seat_version)))
