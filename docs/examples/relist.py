"""List a thousand seats, then reprice them: what a script of a seller looks like.

    TIX_API_URL=http://127.0.0.1:8080 TIX_TOKEN=… python docs/examples/relist.py

Run it as often as you like: each seat has an `externalId` of yours, so there is never a second one of it, and
what is listed just so is left alone. Prices are integers in minor units: 4500 is 45.00 USD.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Iterable, Sequence

from client import Tix
from server.tickets.schemas import BatchItem

SHOW = "night-train-2030-05-01"
ROWS, SEATS = "ABCDEFGHIJKLMNOPQRST", 50


def seats(base: int) -> Iterable[BatchItem]:
    """Every seat of the house; each row further back is 1.00 cheaper than `base`."""
    for number, row in enumerate(ROWS):
        for seat in range(1, SEATS + 1):
            yield BatchItem(
                external_id=f"{SHOW}-{row}{seat}",
                title=f"Night Train, row {row}, seat {seat}",
                price=base - 100 * number,
                venue="Town Hall",
                seat=f"{row} {seat}",
            )


async def bring(tix: Tix, items: Sequence[BatchItem]) -> Counter[str]:
    """Have these be the listings, a thousand at a time; says which could not be and why."""
    done: Counter[str] = Counter()
    for start in range(0, len(items), 1000):
        batch = items[start : start + 1000]
        answer = await tix.upsert_tickets(batch)
        for item, result in zip(batch, answer.results, strict=True):
            done[result.status] += 1
            if result.error is not None:  # held or sold meanwhile: it keeps the price at which it was taken
                print(f"{item.external_id}: {result.error.detail}")
    return done


async def main() -> None:
    """List, reprice, and look."""
    async with Tix(os.environ["TIX_API_URL"], os.environ["TIX_TOKEN"]) as tix:
        for base in (9900, 7900, 7900):
            done = await bring(tix, list(seats(base)))
            print(f"from {base / 100:.2f} USD:", ", ".join(f"{n} {status}" for status, n in done.items()))


if __name__ == "__main__":
    asyncio.run(main())
