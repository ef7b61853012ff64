"""GET /api/tickets/events: who follows sees every change, once, and nobody's secrets."""

import asyncio
import random
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from server.kit import limits, sse
from server.kit.feed import Change, Mark
from server.kit.sse import Streams, Told
from tests.platform import Platform, User
from tests.streams.following import Stream, following
from tests.waiting import until

ALL, OWN = "/api/tickets/events", "/api/tickets/events?userId=me"


def streams_of(platform: Platform) -> Streams:
    assert platform.streams is not None
    return platform.streams


async def nobody_follows(platform: Platform) -> None:
    """Those of the test before have hung up, and it was noticed."""
    await until(lambda: streams_of(platform).places.open == 0, "nobody follows")


def place(stream: Stream) -> int:
    """The number of the last message that it was told of."""
    mark = Mark.read(stream.last_id)
    return mark.seq if mark else 0


async def edit(seller: User, ticket_id: str, version: int, **fields: Any) -> None:
    answer = await seller.put(f"/api/tickets/{ticket_id}", {"version": version, **fields})
    assert answer.status_code == 200, answer.text


class TestTold:
    """What a stream says."""

    async def test_a_booking_is_told_as_the_list_shows_it(self, platform: Platform) -> None:
        """Listed, reserved, sold: three changes, although five events moved the order."""
        seller, buyer = platform.user(), platform.user()
        async with following(platform.http, ALL) as stream:
            await stream.has("ready")
            ticket = await seller.list_ticket(title="Night Train")
            order = await buyer.hold(ticket["id"])
            assert (await buyer.pay(order["id"])).status_code == 201
            await buyer.order_in(order["id"], "complete")
            told = await stream.has("ticket", 3)
            await platform.ticket_in(ticket["id"], "sold")
        assert [one["status"] for one in told] == ["available", "reserved", "sold"]
        assert told[-1] == (await platform.http.get(f"/api/tickets/{ticket['id']}")).json()

    async def test_no_buyer_is_named(self, platform: Platform) -> None:
        seller, buyer = platform.user(), platform.user()
        async with following(platform.http, ALL) as stream:
            await stream.has("ready")
            await buyer.hold((await seller.list_ticket())["id"])
            told = await stream.has("ticket", 2)
        assert str(buyer.id) not in str(told)
        assert str(seller.id) in str(told)

    async def test_who_lists_after_ready_has_missed_nothing(self, platform: Platform) -> None:
        """What was written before the list was read is in it; what is written after is told."""
        seller = platform.user()
        made: list[str] = []

        async def list_many() -> None:
            while len(made) < 30:
                made.append((await seller.list_ticket())["id"])

        writing = asyncio.create_task(list_many())
        await until(lambda: len(made) > 5, "some are listed")
        async with following(platform.http, ALL) as stream:
            await stream.has("ready")
            listed = (await seller.get(f"/api/tickets?limit=100&userId={seller.id}")).json()["items"]
            await writing
            known = {one["id"] for one in listed}

            def is_complete() -> bool:
                return known | {one["id"] for one in stream.named("ticket")} >= set(made)

            await until(is_complete, "every ticket was listed or told")

    async def test_a_seller_follows_ones_own_and_sees_them_withdrawn(self, platform: Platform) -> None:
        seller, other = platform.user(), platform.user()
        async with following(platform.http, OWN, headers=seller.headers) as stream:
            await stream.has("ready")
            await other.list_ticket()
            ticket = await seller.list_ticket()
            await stream.has("ticket")
            assert (await seller.delete(f"/api/tickets/{ticket['id']}")).status_code == 204
            told = await stream.has("ticket", 2)
        assert [(one["id"], one["status"]) for one in told] == [
            (ticket["id"], "available"),
            (ticket["id"], "withdrawn"),
        ]

    async def test_news_that_overtook_their_consumer_are_told_as_they_are(self, platform: Platform) -> None:
        """tickets' own consumer is late; the stream does not tell, nor the list show, an old seat."""
        seller, buyer = platform.user(), platform.user()
        async with following(platform.http, ALL) as stream:
            await stream.has("ready")
            ticket = await seller.list_ticket()
            await stream.has("ticket")
            async with platform.database("tickets") as session, session.transaction():
                await session.execute("LOCK TABLE inbox IN EXCLUSIVE MODE")  # its first write
                await buyer.hold(ticket["id"])
                told = await stream.has("ticket", 2)
                shown = (await platform.http.get(f"/api/tickets/{ticket['id']}")).json()
        assert (told[-1]["status"], shown["status"]) == ("reserved", "reserved")

    async def test_the_headers_let_nobody_keep_or_delay_it(self, platform: Platform) -> None:
        async with following(platform.http, ALL) as stream:
            await stream.has("ready")
            assert stream.answer.headers["content-type"].startswith("text/event-stream")
            assert stream.answer.headers["cache-control"] == "no-store"
            assert stream.answer.headers["x-accel-buffering"] == "no"
            assert 1000 <= stream.retries[0] <= 3000

    async def test_silence_is_filled_and_moves_the_place(
        self, platform: Platform, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Who comes back after a quiet hour resumes from there, not from the last change."""
        monkeypatch.setattr(sse, "HEARTBEAT_SECONDS", 0.05)
        nobody, seller = platform.user(), platform.user()
        async with following(platform.http, OWN, headers=nobody.headers) as stream:
            begun = (await stream.has("ready"), stream.last_id)[1]
            await seller.list_ticket()
            await until(lambda: stream.last_id != begun, "the id moves without an event")
            assert stream.comments
            assert stream.named("ticket") == []


class TestResumed:
    """`Last-Event-ID`."""

    async def test_what_changed_meanwhile_is_told_and_nothing_twice(self, platform: Platform) -> None:
        seller = platform.user()
        async with following(platform.http, ALL) as stream:
            await stream.has("ready")
            ticket = await seller.list_ticket()
            await edit(seller, ticket["id"], 0, title="One")
            await stream.has("ticket", 2)
        await edit(seller, ticket["id"], 1, title="Two")
        await edit(seller, ticket["id"], 2, title="Three")
        async with following(platform.http, ALL, last_id=stream.last_id) as again:
            await edit(seller, ticket["id"], 3, title="Four")
            await again.has("ticket", 3)
        assert [event.name for event in again.events] == ["ticket"] * 3
        assert again.named("ticket")[-1]["title"] == "Four"
        assert not {event.id for event in stream.events} & {event.id for event in again.events}

    @pytest.mark.slow
    @pytest.mark.parametrize("resumes", [True, False])
    async def test_200_changes_and_a_client_that_is_cut_off_again_and_again(  # noqa: C901 - two at work
        self, platform: Platform, *, resumes: bool
    ) -> None:
        """Each change has one event. The control comes back without its id, and misses some."""
        seller = platform.user()
        tickets = [await seller.list_ticket(title=f"Seat {number}") for number in range(20)]
        dice = random.Random(20261124)  # noqa: S311 - a seed makes a failure repeatable
        ids: list[str] = []
        seen: Counter[tuple[str, int]] = Counter()
        last_id, done = "", asyncio.Event()

        async def change(ticket: dict[str, Any]) -> None:
            for version in range(10):
                await edit(seller, ticket["id"], version, title=f"Version {version + 1}")

        async def follow() -> None:
            nonlocal last_id
            while True:
                is_last = done.is_set()
                async with following(platform.http, OWN, headers=seller.headers, last_id=last_id) as stream:
                    if not last_id:
                        await stream.has("ready")
                        begun.set()
                    few = dice.randint(1, 12)
                    await until(
                        lambda: len(stream.events) > few or done.is_set(),  # noqa: B023 - awaited here
                        "a few events, or all were made",
                    )
                    if is_last:
                        await marker_told(stream.named)
                edits = [one for one in stream.events if one.name == "ticket" and one.data["version"]]
                ids.extend(one.id for one in edits)
                seen.update((one.data["id"], one.data["version"]) for one in edits)
                last_id = stream.last_id if resumes else ""
                if not resumes:  # so that it surely misses one
                    await until(lambda: feed.seq > place(stream) or done.is_set(), "others hear more")
                if is_last:
                    return

        async def marker_told(named: Any) -> None:
            last = await seller.list_ticket(title="The last")
            await until(lambda: last["id"] in {one["id"] for one in named("ticket")}, "the last is told")

        feed, begun = streams_of(platform).feed, asyncio.Event()
        client = asyncio.create_task(follow())
        await begun.wait()
        await asyncio.gather(*map(change, tickets))
        done.set()
        await client
        if resumes:
            assert len(ids) == len(set(ids)) == 200
            assert all((ticket["id"], 10) in seen for ticket in tickets)
        else:
            assert len(set(ids)) < 200

    @pytest.mark.parametrize("last_id", ["1-7", "nonsense", "0-0.x", "999999999999999-1", "ß"])
    async def test_an_id_of_another_stream_or_of_nobody_is_told_to_read_anew(
        self, platform: Platform, last_id: str
    ) -> None:
        headers = {"Last-Event-ID": last_id.encode()}
        async with following(platform.http, ALL, headers=headers) as stream:  # type: ignore[arg-type]
            assert await stream.has("reset") == [{}]
            assert Mark.read(stream.last_id)
        assert stream.events[0].name == "reset"

    async def test_an_id_too_old_to_resume_is_told_to_read_anew(
        self, platform: Platform, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("server.kit.feed.KEPT", 3)
        seller = platform.user()
        async with following(platform.http, ALL) as stream:
            await stream.has("ready")
            for _ in range(5):
                await seller.list_ticket()
            await stream.has("ticket", 5)
        old, young = stream.events[0].id, stream.events[-1].id
        async with following(platform.http, ALL, last_id=old) as again:
            await again.has("reset")
        async with following(platform.http, ALL, last_id=young) as resumed:
            await seller.list_ticket()
            await resumed.has("ticket")
            assert resumed.named("reset") == []


class TestRefused:
    """Who may follow, and how many."""

    async def test_ones_own_need_a_token_that_may_read(self, platform: Platform) -> None:
        assert (await platform.http.get(OWN)).status_code == 401
        answer = await platform.user("orders:read").get(OWN)
        assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")

    @pytest.mark.parametrize(
        "query", ["userId=0198c6f0-0000-7000-8000-000000000001", "status=sold", "userId="]
    )
    async def test_another_query_is_no_query(self, platform: Platform, query: str) -> None:
        assert (await platform.http.get(f"{ALL}?{query}")).status_code == 422

    async def test_an_address_and_a_user_have_so_many(
        self, platform: Platform, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "STREAMS_PER_ADDRESS", 1)
        monkeypatch.setattr(limits, "STREAMS_PER_USER", 1)
        one, two = platform.user(), platform.user()
        await nobody_follows(platform)
        async with following(platform.http, ALL), following(platform.http, OWN, headers=one.headers):
            for refused in (await platform.http.get(ALL), await one.get(OWN)):
                assert (refused.status_code, refused.json()["code"]) == (429, "too_many_streams")
                assert int(refused.headers["retry-after"]) > 0
            async with following(platform.http, OWN, headers=two.headers) as other:
                await other.has("ready")
        await nobody_follows(platform)
        async with following(platform.http, ALL) as freed:
            await freed.has("ready")

    async def test_a_process_has_so_many(self, platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "STREAMS", 1)
        await nobody_follows(platform)
        async with following(platform.http, ALL):
            refused = await platform.user().get(OWN)
        assert (refused.status_code, refused.json()["code"]) == (503, "streams_full")
        assert int(refused.headers["retry-after"]) > 0


class TestEnds:
    """Nothing stays behind."""

    @pytest.mark.parametrize("clients", [20, pytest.param(200, marks=pytest.mark.slow)])
    async def test_clients_that_hang_up_leave_nothing(
        self, platform: Platform, monkeypatch: pytest.MonkeyPatch, clients: int
    ) -> None:
        monkeypatch.setattr(limits, "STREAMS_PER_ADDRESS", 300)
        streams = streams_of(platform)
        seller = platform.user()

        async def hang_up_after(number: int) -> None:
            async with following(platform.http, ALL) as stream:
                if number % 2:
                    await stream.has("ready")

        async with following(platform.http, ALL) as one:  # so that the feed is open before and after
            await one.has("ready")
            before = len(asyncio.all_tasks())
            await asyncio.gather(*map(hang_up_after, range(clients)))
            await until(lambda: (streams.places.open, streams.feed.followers) == (1, 1), "all are forgotten")
            await until(lambda: len(asyncio.all_tasks()) <= before, "no task is left")
            await seller.list_ticket()
            await one.has("ticket")

    async def test_a_token_that_ends_ends_its_stream(
        self, platform: Platform, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sse, "HEARTBEAT_SECONDS", 0.05)
        short = platform.user(lifetime=timedelta(seconds=1))
        gone = platform.user()
        async with (
            following(platform.http, OWN, headers=short.headers) as expires,
            following(platform.http, OWN, headers=gone.headers) as revoked,
        ):
            await revoked.has("ready")
            assert (await gone.post("/api/users/signout", None)).status_code == 204
            await expires.ended()
            await revoked.ended()
        assert (await gone.get(OWN)).status_code == 401

    async def test_who_takes_nothing_is_cut_off(
        self, platform: Platform, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sse, "SEND_SECONDS", 0.2)
        monkeypatch.setattr(sse, "HEARTBEAT_SECONDS", 0.05)
        streams = streams_of(platform)
        feed = streams.feed
        await nobody_follows(platform)
        _, writer = await asyncio.open_connection("127.0.0.1", platform.settings.tix_api_port)
        writer.write(f"GET {ALL} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await until(lambda: streams.places.open == 1, "it follows")
        await until(feed._ready.is_set, "the feed is open")
        begun = feed.seq
        for number in range(1, 41):  # 8 MB are more than any buffer between us
            feed._changes.append(Change(begun + number, ("tickets",), Told("ticket", "x" * 200_000)))
        feed.seq = begun + 40
        feed._ring(["tickets"])
        await until(lambda: streams.places.open == 0, "it is cut off")
        writer.close()
        feed.begin(feed.stream, begun)
        feed.caught_up()
