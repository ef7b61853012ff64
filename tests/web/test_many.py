"""A list of 10,000 tickets, and one of none: pages of 20, each with its way on, and none of them heavy."""

import gzip
from collections.abc import AsyncIterator

import pytest

from server.web.tickets import PER_PAGE
from tests.platform import Platform
from tests.web.conftest import Web, shop
from tests.web.visiting import html

MANY = 10_000
LIST = """
INSERT INTO tickets (id, user_id, title, price, currency, withdrawn, version, seat_status, seat_version,
    created_at, updated_at)
SELECT uuidv7(), uuidv7(), 'Pass ' || n, n, 'usd', false, 1, 'available', 0, now(), now()
FROM generate_series(1, $1::int) n
"""
MOST_BYTES = 10_000
"""Of a page of the list, compressed, its styles and scripts apart."""


@pytest.fixture(scope="module")
async def many(platform: Platform) -> AsyncIterator[Web]:
    """A shop with very many tickets."""
    async with platform.database("tickets") as session:
        await session.execute(LIST, MANY)
    async with shop(platform) as running:
        yield running


@pytest.fixture
async def none(many: Web) -> None:
    """A shop that has sold out for good."""
    async with many.platform.database("tickets") as session:
        await session.execute("TRUNCATE tickets")


class TestMany:
    """10,000 tickets."""

    async def test_a_page_has_20_and_a_way_on_and_back(self, many: Web) -> None:
        visitor = many.visitor()
        page, seen = html(await visitor.get("/tickets?sort=price")), list[str]()
        for number in range(3):
            if number:
                page = html(await visitor.get(page.links["Next page"]))
            cards = [card["data-ticket"] for card in page.all("li", **{"class": "card"})]
            assert len(cards) == PER_PAGE
            assert ("First page" in page.links) == (number > 0)
            assert f"{PER_PAGE} tickets on this page, more on the next." in page.text
            seen += cards
        assert len(set(seen)) == 3 * PER_PAGE
        first = html(await visitor.get(page.links["First page"]))
        assert [card["data-ticket"] for card in first.all("li", **{"class": "card"})] == seen[:PER_PAGE]

    async def test_the_last_page_says_so(self, many: Web) -> None:
        page = html(await many.visitor().get(f"/tickets?from={(MANY - 4) / 100}&sort=price"))
        assert len(page.all("li", **{"class": "card"})) == 5
        assert "5 tickets on this page." in page.text
        assert "Next page" not in page.links

    async def test_a_page_weighs_what_its_20_weigh(self, many: Web) -> None:
        async with many.visitor().http.stream("GET", "/tickets") as answer:
            packed = b"".join([piece async for piece in answer.aiter_raw()])
        assert gzip.decompress(packed).count(b'class="card"') == PER_PAGE
        assert len(packed) <= MOST_BYTES


class TestNone:
    """Nothing is for sale."""

    @pytest.mark.parametrize("path", ["/", "/tickets"])
    async def test_an_empty_shop_asks_for_the_first_ticket(self, many: Web, none: None, path: str) -> None:
        page = html(await many.visitor().get(path))
        assert page.links["List the first ticket"] == "/sell/new"
        assert page.all("li", **{"class": "card"}) == []
        assert "Next page" not in page.links
