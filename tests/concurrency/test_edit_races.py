"""The seller edits while buyers reserve: versions only rise, prices are real, no ticket has two holders."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from server.orders import statements
from tests.concurrency.bustle import Bustle, edit
from tests.concurrency.races import MOST_ROUNDS, known_to_orders, rounds, storm, verdict
from tests.platform import Platform
from tests.waiting import until

CEILING = 1005
"""What the buyers of `TestMaxPrice` are ready to pay for a ticket whose price rises from 1000 to 1015."""


class TestSeat:
    """A held ticket is shown and treated as held."""

    async def test_p07_held_ticket_is_reserved_until_it_is_given_up(self, platform: Platform) -> None:
        """Shown `reserved`, not editable; after the cancel available and editable; versions only rise."""
        seller, buyer = platform.user(), platform.user()
        ticket = await seller.list_ticket(price=4500)
        path = f"/api/tickets/{ticket['id']}"
        tags = []
        for round_ in range(3):
            free = await platform.ticket_in(ticket["id"], "available")
            assert free["orderId"] is None
            tags.append((await seller.get(path)).headers["etag"])
            order = await buyer.hold(ticket["id"])
            held = await platform.ticket_in(ticket["id"], "reserved")
            assert held["orderId"] == order["id"]
            tags.append((await seller.get(path)).headers["etag"])
            body = {"version": held["version"], "price": 9900}
            assert verdict(await seller.put(path, body)) == "409 ticket_reserved"
            assert verdict(await seller.delete(path)) == "409 ticket_reserved"
            assert (await buyer.delete(f"/api/orders/{order['id']}")).status_code == 204
            freed = await platform.ticket_in(ticket["id"], "available")
            tags.append((await seller.get(path)).headers["etag"])
            answer = await seller.put(path, {"version": freed["version"], "price": 4501 + round_})
            assert (answer.status_code, answer.json()["version"]) == (200, round_ + 1)
        assert tags == [f'"{edits}.{2 * edits + moves}"' for edits in range(3) for moves in range(3)]
        await platform.doctor()


class TestEditAgainstReserve:
    """PUT /api/tickets/:id while the ticket is reserved, given up and reserved again."""

    @pytest.mark.slow
    async def test_p08_never_two_holders_and_versions_only_rise(self, platform: Platform) -> None:
        """Twelve buyers take and give up one ticket while its seller edits it: one holder at any moment."""
        holds, seller = 80, platform.user()
        bustle = Bustle(platform, await seller.list_ticket())
        await bustle.run(seller, [platform.user() for _ in range(12)], holds=holds, edits=3)
        assert bustle.most_at_once == 1
        assert len(set(bustle.seen)) > holds / 2, "the versions were seen moving"
        for part in zip(*bustle.seen, strict=True):
            assert list(part) == sorted(part), "a version went backwards"
        await platform.doctor()

    @pytest.mark.parametrize(
        "tickets",
        [3, pytest.param(6, marks=pytest.mark.slow), pytest.param(15, marks=pytest.mark.exhaustive)],
    )
    async def test_p25_price_edits_do_not_oversell(self, platform: Platform, tickets: int) -> None:
        """Fifty buyers and a seller who edits: one winner a ticket, at a price that the listing had."""
        paid: Counter[int] = Counter()
        for number in range(MOST_ROUNDS * tickets):
            if number >= tickets and len(paid) > 1:
                break
            sale = await rising_sale(platform, random.Random(number), buyers=50)  # noqa: S311
            assert sale.told == {"201": 1, "409 ticket_reserved": 49}
            order = sale.orders[0]
            assert order["price"] == order["ticket"]["price"]
            assert order["price"] in sale.prices
            paid[order["price"]] += 1
        assert len(paid) > 1, f"the edits never met the buyers: {paid}"
        await platform.doctor()


class TestMaxPrice:
    """`maxPrice` while the price rises."""

    async def test_nobody_holds_above_their_maximum(self, platform: Platform) -> None:
        """Every hold is at or below it; who comes too late is told the price."""
        told: Counter[str] = Counter()
        for number in range(8):
            sale = await rising_sale(platform, random.Random(number), buyers=3, maxPrice=CEILING)  # noqa: S311
            assert set(sale.told) <= {"201", "409 ticket_reserved", "409 price_changed"}
            assert sale.told["201"] <= 1
            assert all(order["price"] <= CEILING for order in sale.orders)
            told += sale.told
        assert told["201"], told
        assert told["409 price_changed"], told

    async def test_without_the_check_somebody_does(
        self, platform: Platform, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Negative control: the statement without its look at the price."""
        blind = statements.RESERVE.replace("t.price <= coalesce($4, t.price)", "$4::bigint IS NOT NULL")
        assert blind != statements.RESERVE
        monkeypatch.setattr(statements, "RESERVE", blind)
        above = 0
        for number in range(8):
            sale = await rising_sale(platform, random.Random(number), buyers=3, maxPrice=CEILING)  # noqa: S311
            above += sum(order["price"] > CEILING for order in sale.orders)
        assert above


Met = tuple[str, str, bool]
"""What the seller and the buyer were told, and whether orders knew before the buyer came."""


class TestWithdrawAgainstReserve:
    """DELETE /api/tickets/:id while somebody reserves."""

    @pytest.mark.parametrize(
        "races",
        [12, pytest.param(60, marks=pytest.mark.slow), pytest.param(200, marks=pytest.mark.exhaustive)],
    )
    async def test_the_hold_wins_or_is_refused(self, platform: Platform, races: int) -> None:
        """Held at its price, or told it is withdrawn; a withdrawal that crossed a hold comes after it."""
        outcomes = await self._compete(platform, races, lambda seen: len(seen) > 1)
        assert set(outcomes) <= {
            ("204", "201", False),  # crossed on their way: the hold wins
            ("204", "409 ticket_withdrawn", False),
            ("204", "409 ticket_withdrawn", True),
            ("409 ticket_reserved", "201", False),
        }
        assert len(outcomes) > 1, outcomes
        await platform.doctor()

    @pytest.mark.slow
    async def test_without_the_check_a_withdrawn_ticket_is_held(
        self, platform: Platform, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Negative control: the statement does not look at `withdrawn`, though orders knew before it ran."""
        blind = statements.RESERVE.replace("AND NOT t.withdrawn", "")
        assert blind != statements.RESERVE
        monkeypatch.setattr(statements, "RESERVE", blind)
        sold_after_all = ("204", "201", True)
        outcomes = await self._compete(platform, 24, lambda seen: sold_after_all in seen)
        assert outcomes[sold_after_all], outcomes

    async def _compete(
        self, platform: Platform, count: int, until_seen: Callable[[Counter[Met]], bool]
    ) -> Counter[Met]:
        return await rounds(partial(self._race, platform), count, 4, until_seen=until_seen)

    @staticmethod
    async def _race(platform: Platform, number: int) -> Met:
        rng = random.Random(number)  # noqa: S311 - a repeatable race, no secret
        seller, buyer = platform.user(), platform.user()
        ticket = await seller.list_ticket(price=4500)
        await known_to_orders(platform, ticket["id"])

        async def withdraw() -> Any:
            await asyncio.sleep(rng.uniform(0, 0.08))  # the offset that makes it a race
            return await seller.delete(f"/api/tickets/{ticket['id']}")

        async def known() -> bool:
            sql = "SELECT count(*) FROM tickets WHERE id = $1 AND withdrawn"
            return await platform.count("orders", sql, ticket["id"]) == 1

        async def reserve() -> tuple[bool, Any]:
            if rng.random() < 0.2:  # some come when it is gone
                await until(known, "orders knows of the withdrawal")
            await asyncio.sleep(rng.uniform(0, 0.08))
            return await known(), await buyer.reserve(ticket["id"])

        gone, (knew, held) = await asyncio.gather(withdraw(), reserve())
        if held.status_code == 201:
            assert held.json()["price"] == 4500
            await platform.ticket_in(ticket["id"], "reserved")
            assert (await buyer.delete(f"/api/orders/{held.json()['id']}")).status_code == 204
        left = "withdrawn" if gone.status_code == 204 else "available"
        await platform.ticket_in(ticket["id"], left)
        return verdict(gone), verdict(held), knew


class Sale:
    """A ticket whose price rose while buyers came: the prices it had, what they were told, who holds it."""

    def __init__(self, prices: set[int], told: Counter[str], orders: list[dict[str, Any]]) -> None:
        self.prices = prices
        self.told = told
        self.orders = orders


async def rising_sale(platform: Platform, rng: random.Random, *, buyers: int, **fields: Any) -> Sale:
    """The seller raises the price from 1000 to 1015, a step at a time; meanwhile the buyers come at once."""
    seller = platform.user()
    ticket = await seller.list_ticket(price=1000)
    await known_to_orders(platform, ticket["id"])
    prices = {1000}
    meeting, met = rng.randrange(1001, 1016), asyncio.Event()  # not a moment: machines differ in speed

    async def reprice() -> None:
        for price in range(1001, 1016):
            if price == meeting:
                met.set()
            prices.add(price)
            await edit(seller, ticket["id"], price=price)

    async def arrive() -> list[Any]:
        await met.wait()
        return await storm([platform.user() for _ in range(buyers)], ticket["id"], **fields)

    _, answers = await asyncio.gather(reprice(), arrive())
    orders = [answer.json() for answer in answers if answer.status_code == 201]
    return Sale(prices, Counter(verdict(answer) for answer in answers), orders)
