"""GET /api/tickets: filters, sorts, words, and pages that stay whole while rows are added."""

from typing import Any
from uuid import uuid4

import pytest

from server.kit import pool
from server.kit.pool import DatabaseUnavailable
from tests.platform import Platform, User
from tests.problems import assert_problem

SORTS = ["createdAt", "-createdAt", "price", "-price", "startsAt"]


async def found(platform: Platform, **query: Any) -> list[dict[str, Any]]:
    """The first page."""
    answer = await platform.http.get("/api/tickets", params={"limit": 100, **query})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def titles(platform: Platform, **query: Any) -> list[str]:
    """Of the first page."""
    return [ticket["title"] for ticket in await found(platform, **query)]


async def pages(platform: Platform, **query: Any) -> list[list[dict[str, Any]]]:
    """Every page, by its cursors."""
    read, cursor = [], None
    while True:
        given = {**query, **({"cursor": cursor} if cursor else {})}
        answer = (await platform.http.get("/api/tickets", params=given)).json()
        read.append(answer["items"])
        cursor = answer["nextCursor"]
        if cursor is None:
            return read
        assert len(read) < 100


@pytest.fixture(scope="module")
async def seller(platform: Platform) -> User:
    """Has twelve tickets of which many agree in price and time."""
    user = platform.user()
    for n in range(12):
        when = None if n % 4 == 0 else f"2030-01-0{n % 3 + 1}T20:00:00Z"
        await user.list_ticket(title=f"Ticket {n}", price=100 * (n % 3 + 1), startsAt=when)
    return user


async def test_p16_an_empty_list_is_a_list(platform: Platform) -> None:
    """`[]`, never null."""
    answer = await platform.http.get("/api/tickets", params={"userId": str(uuid4())})
    assert answer.text == '{"items":[],"nextCursor":null}'


class TestSort:
    """Each sort is total, so that a cursor has one meaning."""

    @pytest.mark.parametrize("sort", SORTS)
    @pytest.mark.parametrize("limit", [1, 5, 12, 100])
    async def test_pages_are_the_whole_list_in_order(
        self, platform: Platform, seller: User, sort: str, limit: int
    ) -> None:
        """No ticket twice, none left out, and in the order asked for, ties included."""
        read = await pages(platform, userId=str(seller.id), sort=sort, limit=limit)
        items = [ticket for page in read for ticket in page]
        assert len(items) == len({ticket["id"] for ticket in items}) == 12
        assert all(len(page) == limit for page in read[:-1])
        name = sort.removeprefix("-")
        keys = [ticket[name] if ticket[name] is not None else "9" for ticket in items]
        assert keys == sorted(keys, reverse=sort.startswith("-"))

    async def test_without_a_sort_the_newest_come_first(self, platform: Platform, seller: User) -> None:
        """Twenty of them."""
        mine = await titles(platform, userId=str(seller.id))
        assert mine == [f"Ticket {n}" for n in reversed(range(12))]
        assert len((await platform.http.get("/api/tickets")).json()["items"]) <= 20

    @pytest.mark.parametrize("sort", SORTS)
    async def test_rows_added_meanwhile_neither_repeat_nor_skip(self, platform: Platform, sort: str) -> None:
        """Between two pages, tickets appear on both sides of the cursor; the others come once."""
        user = platform.user()
        times = ["2030-01-01T00:00:00Z", "2030-01-02T00:00:00Z", None]

        async def add(n: int) -> str:
            made = await user.list_ticket(title=f"T{n}", price=100 + n % 3, startsAt=times[n % 3])
            return str(made["id"])

        first = {await add(n) for n in range(9)}
        seen: list[str] = []
        cursor = None
        for n in range(9, 40):
            query: dict[str, Any] = {
                "userId": str(user.id),
                "sort": sort,
                "limit": 2,
                **({"cursor": cursor} if cursor else {}),
            }
            answer = (await platform.http.get("/api/tickets", params=query)).json()
            seen += [ticket["id"] for ticket in answer["items"]]
            cursor = answer["nextCursor"]
            if cursor is None or n > 30:
                break
            if n < 20:
                await add(n)
        assert len(seen) == len(set(seen))
        assert first <= set(seen)

    async def test_a_cursor_of_another_sort_is_refused(self, platform: Platform, seller: User) -> None:
        """It would point into the middle of nowhere."""
        answer = await platform.http.get("/api/tickets", params={"limit": 1, "sort": "price"})
        query = {"sort": "-price", "cursor": answer.json()["nextCursor"]}
        assert_problem(await platform.http.get("/api/tickets", params=query), 422, "invalid", field="cursor")


class TestFilters:
    """Each alone and together."""

    async def test_by_price(self, platform: Platform, seller: User) -> None:
        """Both bounds are included; crossed, they hold nothing."""
        mine = {"userId": str(seller.id)}
        assert {t["price"] for t in await found(platform, **mine, minPrice=200)} == {200, 300}
        assert {t["price"] for t in await found(platform, **mine, maxPrice=200)} == {100, 200}
        assert {t["price"] for t in await found(platform, **mine, minPrice=200, maxPrice=200)} == {200}
        assert await found(platform, **mine, minPrice=300, maxPrice=200) == []
        assert len(await found(platform, **mine, minPrice=0)) == 12

    async def test_by_status(self, platform: Platform) -> None:
        """Each ticket is in exactly one, and the withdrawn one only when asked for."""
        user, buyer = platform.user(), platform.user()
        made = [await user.list_ticket(title=title) for title in ("free", "held", "gone", "sold")]
        await buyer.hold(made[1]["id"])
        await user.delete(f"/api/tickets/{made[2]['id']}")
        await buyer.pay((await buyer.hold(made[3]["id"]))["id"])
        await platform.ticket_in(made[1]["id"], "reserved")
        await platform.ticket_in(made[3]["id"], "sold")
        mine = {"userId": str(user.id)}
        assert set(await titles(platform, **mine)) == {"free", "held", "sold"}
        shown = {"available": "free", "reserved": "held", "withdrawn": "gone", "sold": "sold"}
        for status, title in shown.items():
            assert await titles(platform, **mine, status=status) == [title]

    async def test_by_external_id(self, platform: Platform) -> None:
        """Of all sellers, or of one."""
        one, two = platform.user(), platform.user()
        for user in (one, two):
            await user.list_ticket(externalId="shared-1", title=str(user.id))
            await user.list_ticket(externalId="shared-2")
        assert len(await found(platform, externalId="shared-1")) == 2
        assert await titles(platform, externalId="shared-1", userId=str(one.id)) == [str(one.id)]
        assert await found(platform, externalId="shared-") == []


class TestWords:
    """`q` looks into title and venue, literally, whatever the case."""

    @pytest.mark.parametrize(
        ("title", "q"),
        [
            ("Été à Zürich", "ÉTÉ À ZÜRICH"),
            ("ÉTÉ INDIEN", "été indien"),
            ("Straßenfest", "STRAßENFEST"),
            ("Большой театр", "БОЛЬШОЙ"),
            ("ΑΘΗΝΑ", "αθηνα"),
            ("東京ドーム", "京ド"),
            ("🎟 Emoji night", "🎟 emoji"),
            ("Front row", "ont r"),
            ("Front row", "  front  "),
            ("Recital, No 000777", "no 000777"),
            ("Row 4 2 1, R2D2", "4 2 1, r2d"),
            ("İzmir 1234", "r 1234"),
        ],
    )
    async def test_letters_are_found_whatever_their_case(
        self, platform: Platform, title: str, q: str
    ) -> None:
        """Not only those of ASCII."""
        user = platform.user()
        await user.list_ticket(title=title)
        await user.list_ticket(title="Something else")
        assert await titles(platform, userId=str(user.id), q=q) == [title]

    @pytest.mark.parametrize(
        "sign", ["%", "_", "\\", "%%", "\\%", "'", '"', ";", "--", "100%", "a_b", "$1", "{}", "{0}"]
    )
    async def test_signs_are_taken_literally(self, platform: Platform, sign: str) -> None:
        """SQL's wildcards find themselves and nothing else."""
        user = platform.user()
        await user.list_ticket(title=f"with {sign} sign")
        await user.list_ticket(title="plain aXb 1000")
        assert await titles(platform, userId=str(user.id), q=sign) == [f"with {sign} sign"]

    async def test_the_venue_is_searched_too(self, platform: Platform) -> None:
        """And its absence is no obstacle."""
        user = platform.user()
        await user.list_ticket(title="One", venue="Grande Arène")
        await user.list_ticket(title="Two")
        assert await titles(platform, userId=str(user.id), q="GRANDE ARÈNE") == ["One"]
        assert await titles(platform, userId=str(user.id), q="two") == ["Two"]
        assert len(await titles(platform, userId=str(user.id), q="")) == 2


@pytest.mark.parametrize(
    ("path", "status"),
    [("/not-a-uuid", 404), ("?limit=0", 422), ("?limit=1&limit=2", 422), ("?nope=1", 422)],
)
async def test_bad_input_is_told_while_the_database_is_away(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, path: str, status: int
) -> None:
    """It is not needed for that."""

    async def away(_: object) -> None:
        raise DatabaseUnavailable

    monkeypatch.setattr(pool, "acquire", away)
    assert (await platform.http.get(f"/api/tickets{path}")).status_code == status
    assert (await platform.http.get("/api/tickets")).status_code == 503
