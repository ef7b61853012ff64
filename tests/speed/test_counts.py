"""What is asked often is a known number of statements; a hot path that grows fails here, anywhere."""

import asyncio
from itertools import count

import pytest

from bench.seed import ticket_id
from tests.platform import Platform, User
from tests.speed.conftest import SEEDED, seed
from tests.speed.statements import counted
from tests.waiting import until

_numbers = count(1)


@pytest.fixture
def ticket() -> str:
    """Another for each test."""
    return ticket_id(next(_numbers))


@pytest.fixture
def buyer(quiet: Platform) -> User:
    return quiet.user()


class TestReads:
    """One statement each, beside the snapshot, which is nobody's own; and none again before a write."""

    @pytest.mark.parametrize(
        "path",
        ["/{}", "", "?limit=100", "?sort=price&minPrice=1", "?sort=startsAt", "?q=Concert", "?status=sold"],
    )
    async def test_tickets(self, quiet: Platform, ticket: str, path: str) -> None:
        with counted() as seen:
            answer = await quiet.http.get(f"/api/tickets{path.format(ticket)}", headers=seen.headers)
        assert answer.status_code == 200
        assert seen.words == ["SELECT"]

    @pytest.mark.parametrize("path", ["/{}", "", "?q=Concert&limit=100"])
    async def test_tickets_again(self, quiet: Platform, ticket: str, path: str) -> None:
        """In a quiet second; PostgreSQL's own housekeeping writes, too."""

        async def again() -> bool:
            with counted() as seen:
                answer = await quiet.http.get(f"/api/tickets{path.format(ticket)}", headers=seen.headers)
            return answer.status_code == 200 and not seen.ran

        await until(again, "it is kept")

    async def test_an_order(self, buyer: User, ticket: str) -> None:
        """It, its history and the time."""
        order = await buyer.hold(ticket)
        with counted() as seen:
            await buyer.get(f"/api/orders/{order['id']}", headers=seen.headers)
        assert seen.words == ["SELECT"] * 3

    async def test_ones_orders(self, buyer: User, ticket: str) -> None:
        """They and the time, however many."""
        await buyer.hold(ticket)
        with counted() as seen:
            await buyer.get("/api/orders?limit=100", headers=seen.headers)
        assert seen.words == ["SELECT"] * 2

    async def test_a_crowd_shares_its_statements(self, quiet: Platform) -> None:
        """Though it asks for different tickets."""
        with counted() as seen:
            get = quiet.http.get
            crowd = (get(f"/api/tickets/{ticket_id(1 + n % 50)}", headers=seen.headers) for n in range(100))
            answers = await asyncio.gather(*crowd)
        assert {answer.status_code for answer in answers} == {200}
        assert len(seen.ran) <= 60


class TestWrites:
    """One statement, too, with the event in it: no BEGIN, no COMMIT, no second trip."""

    async def test_a_new_ticket(self, buyer: User) -> None:
        with counted() as seen:
            answer = await buyer.post("/api/tickets", {"title": "T", "price": 100}, headers=seen.headers)
        assert answer.status_code == 201
        assert seen.words == ["WITH"]

    async def test_a_hold(self, buyer: User, ticket: str) -> None:
        with counted() as seen:
            answer = await buyer.post("/api/orders", {"ticketId": ticket}, headers=seen.headers)
        assert answer.status_code == 201
        assert seen.words == ["WITH"]

    async def test_a_hold_under_a_key(self, buyer: User, ticket: str) -> None:
        """The key's lock, its row, and the transaction that keeps them together."""
        with counted() as seen:
            more = {**seen.headers, "Idempotency-Key": ticket}
            answer = await buyer.post("/api/orders", {"ticketId": ticket}, headers=more)
        assert answer.status_code == 201
        assert seen.words == ["BEGIN", "SELECT", "SELECT", "WITH", "INSERT", "COMMIT"]

    async def test_a_hold_that_is_refused(self, quiet: Platform, buyer: User, ticket: str) -> None:
        """The first one who is too late tries it; whoever follows looks, and all who follow look once."""
        await buyer.hold(ticket)
        with counted() as first:
            answer = await quiet.user().post("/api/orders", {"ticketId": ticket}, headers=first.headers)
        assert answer.json()["code"] == "ticket_reserved"
        assert first.words == ["WITH", "SELECT"]
        crowd = [quiet.user() for _ in range(50)]
        body = {"ticketId": ticket}
        with counted() as seen:
            asking = (one.post("/api/orders", body, headers=seen.headers) for one in crowd)
            late = await asyncio.gather(*asking)
        assert {answer.json()["code"] for answer in late} == {"ticket_reserved"}
        assert set(seen.words) == {"SELECT"}
        assert len(seen.ran) <= 30

    async def test_a_ticket_given_up_is_held_at_once(self, quiet: Platform, buyer: User, ticket: str) -> None:
        """However many were refused it a moment ago."""
        order = await buyer.hold(ticket)
        late = quiet.user()
        for _ in range(2):
            assert (await late.reserve(ticket)).status_code == 409
        assert (await buyer.delete(f"/api/orders/{order['id']}")).status_code == 204
        assert (await late.reserve(ticket)).status_code == 201


async def test_p27_a_crowd_shares_the_connections_of_the_pool(quiet: Platform) -> None:
    """A hundred buyers at once are served by the ten of one process: none opens one of his own."""
    wanted = [ticket_id(n) for n in range(SEEDED + 1, SEEDED + 101)]
    await seed(quiet, SEEDED + 1, SEEDED + 100)
    bodies = [(quiet.user(), {"ticketId": wanted_id}) for wanted_id in wanted]
    answers = await asyncio.gather(*(buyer.post("/api/orders", body) for buyer, body in bodies))
    assert {answer.status_code for answer in answers} == {201}
    opened = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tix-orders'"
    assert await quiet.count("orders", opened) <= quiet.settings.database_connections
