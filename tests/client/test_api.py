"""The client against answers of every kind: what it sends, what it makes of them, what it repeats."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from client import (
    BadAnswer,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    OutcomeUnknown,
    PaymentRefused,
    Tix,
    TixError,
    TooMany,
    Unauthenticated,
    Unavailable,
    Unreachable,
)
from server.auth.schemas import NewToken
from server.tickets.schemas import NewTicket, TicketEdit, TicketQuery

ID = "0198c6f0-0000-7000-8000-000000000001"
MOMENT = "2027-05-01T18:00:00.000000Z"
ORDER = {
    "id": ID,
    "userId": ID,
    "sellerId": ID,
    "status": "revoked",
    "ticket": {
        "id": ID,
        "title": "Front row",
        "price": 4500,
        "currency": "usd",
        "venue": None,
        "startsAt": None,
        "seat": None,
    },
    "price": 4500,
    "currency": "usd",
    "expiresAt": MOMENT,
    "extendable": False,
    "serverTime": MOMENT,
    "version": 4,
    "needsReview": False,
    "createdAt": MOMENT,
    "updatedAt": MOMENT,
}
TICKET = {
    "id": ID,
    "title": "Front row",
    "price": 4500,
    "currency": "usd",
    "venue": None,
    "startsAt": None,
    "seat": None,
    "externalId": None,
    "userId": ID,
    "orderId": None,
    "status": "available",
    "version": 0,
    "createdAt": MOMENT,
    "updatedAt": MOMENT,
    "aFieldOfTomorrow": True,
}
USER = {"id": ID, "email": "ada@example.com", "createdAt": MOMENT}
SESSION = {"user": USER, "token": "t0ken", "expiresAt": MOMENT}


class Server:
    """Gives the answers it was told, in turn, and remembers what it was asked."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.asked: list[httpx.Request] = []
        self.waits: list[float] = []
        self._answers: Iterator[httpx.Response | Exception] = iter(answers)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def _wait(self, seconds: float, _: TixError) -> None:
        self.waits.append(seconds)

    def client(self, **settings: Any) -> Tix:
        return Tix(
            "http://tix.test",
            "secret",
            transport=httpx.MockTransport(self._answer),
            wait=self._wait,
            **settings,
        )

    def keys(self) -> list[str | None]:
        return [request.headers.get("idempotency-key") for request in self.asked]


def ok(body: object = None, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=TICKET if body is None else body)


def problem(status: int, code: str, **more: Any) -> httpx.Response:
    headers = {"Retry-After": str(more.pop("retry_after"))} if "retry_after" in more else {}
    body = {
        "type": "urn",
        "title": "T",
        "status": status,
        "detail": "D",
        "code": code,
        "requestId": "r1",
        **more,
    }
    return httpx.Response(status, json=body, headers=headers)


class TestAsking:
    """What goes over the wire."""

    async def test_the_token_and_the_query_are_sent_in_the_contracts_spelling(self) -> None:
        server = Server(ok({"items": [TICKET], "nextCursor": None}))
        async with server.client() as tix:
            page = await tix.list_tickets(TicketQuery(q="a b", min_price=1, cursor=None, user_id=None))
        assert str(server.asked[0].url) == "http://tix.test/api/tickets?q=a+b&minPrice=1"
        assert server.asked[0].headers["authorization"] == "Bearer secret"
        assert page.items[0].title == "Front row"

    async def test_an_edit_sends_what_was_set_and_a_null_takes_away(self) -> None:
        server = Server(ok())
        async with server.client() as tix:
            await tix.update_ticket(ID, TicketEdit(version=3, venue=None))
        assert json.loads(server.asked[0].content) == {"version": 3, "venue": None}

    async def test_an_id_cannot_lead_to_another_path(self) -> None:
        server = Server(problem(404, "ticket_not_found"))
        async with server.client() as tix:
            with pytest.raises(NotFound):
                await tix.show_ticket("../users/tokens")
        assert server.asked[0].url.raw_path == b"/api/tickets/..%2Fusers%2Ftokens"

    async def test_signing_in_makes_the_client_go_on_with_the_new_token_and_signing_out_without(self) -> None:
        server = Server(
            ok(SESSION), ok({"currentUser": USER}), httpx.Response(204), ok({"currentUser": None})
        )
        async with server.client() as tix:
            await tix.sign_in("ada@example.com", "password")
            await tix.current_user()
            await tix.sign_out()
            assert await tix.current_user() is None
        sent = [request.headers.get("authorization") for request in server.asked]
        assert sent == ["Bearer secret", "Bearer t0ken", "Bearer t0ken", None]

    async def test_each_create_has_a_key_of_its_own_unless_given_one(self) -> None:
        server = Server(ok(), ok(), ok())
        listing = NewTicket(title="Front row", price=4500)
        async with server.client() as tix:
            await tix.create_ticket(listing)
            await tix.create_ticket(listing)
            await tix.create_ticket(listing, key="mine")
        first, second, third = server.keys()
        assert first
        assert second
        assert first != second
        assert third == "mine"

    async def test_a_hold_is_extended_and_a_sale_refunded_with_a_key_and_no_body(self) -> None:
        server = Server(ok(ORDER), ok(ORDER), ok(ORDER))
        async with server.client() as tix:
            assert (await tix.extend_order(ID)).status == "revoked"
            await tix.refund_order(ID)
            await tix.refund_order(ID, key="mine")
        asked = [(request.method, request.url.path, request.content) for request in server.asked]
        assert asked[:2] == [("POST", f"/api/orders/{ID}/{verb}", b"") for verb in ("extend", "refund")]
        first, second, third = server.keys()
        assert first
        assert second not in {None, first}
        assert third == "mine"


class TestErrors:
    """Every answer that is no success."""

    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (400, Invalid),
            (401, Unauthenticated),
            (402, PaymentRefused),
            (403, Forbidden),
            (404, NotFound),
            (409, Conflict),
            (413, Invalid),
            (422, Invalid),
            (429, TooMany),
            (503, Unavailable),
            (500, TixError),
        ],
    )
    async def test_each_status_is_a_class_that_carries_the_problem(
        self, status: int, kind: type[TixError]
    ) -> None:
        errors = [{"field": "price", "message": "too low"}]
        server = Server(problem(status, "some_code", errors=errors, currentVersion=4, retry_after=7))
        async with server.client(retries=0) as tix:
            with pytest.raises(kind) as caught:
                await tix.show_ticket(ID)
        error = caught.value
        assert (error.code, error.status, error.detail, error.request_id) == ("some_code", status, "D", "r1")
        assert (error.errors, error.extra, error.retry_after) == (errors, {"currentVersion": 4}, 7)

    @pytest.mark.parametrize(
        "answer", [httpx.Response(200, text="<html>"), ok({"hello": 1}), httpx.Response(404, text="nginx")]
    )
    async def test_what_another_program_answers_is_not_taken_for_tix(self, answer: httpx.Response) -> None:
        async with Server(answer).client() as tix:
            with pytest.raises(BadAnswer) as caught:
                await tix.show_ticket(ID)
        assert caught.value.code == "bad_answer"

    async def test_a_word_of_tomorrow_is_named_and_the_address_not_blamed(self) -> None:
        async with Server(ok({**TICKET, "status": "auctioned"})).client() as tix:
            with pytest.raises(BadAnswer, match="status 'auctioned', which this tix does not know"):
                await tix.show_ticket(ID)


def refused(_: int = 0) -> Exception:
    return httpx.ConnectError("refused")


def cut(_: int = 0) -> Exception:
    return httpx.ReadError("cut")


async def read(tix: Tix) -> object:
    return await tix.show_ticket(ID)


async def create(tix: Tix) -> object:
    return await tix.create_ticket(NewTicket(title="Front row", price=4500))


async def edit(tix: Tix) -> object:
    return await tix.update_ticket(ID, TicketEdit(version=0, price=1))


class TestRetries:
    """What is repeated, when, and what is not."""

    @pytest.mark.parametrize("call", [read, create])
    @pytest.mark.parametrize(
        "failure", [refused, cut, lambda: problem(429, "rate_limited"), lambda: problem(503, "x")]
    )
    async def test_reads_and_keyed_creates_are_tried_four_times_with_one_key(
        self, call: Callable[[Tix], Any], failure: Callable[[], httpx.Response | Exception]
    ) -> None:
        server = Server(failure(), failure(), failure(), ok())
        async with server.client() as tix:
            await call(tix)
        assert len(server.asked) == 4
        assert len(set(server.keys())) == 1
        assert all(0 <= wait <= 1 for wait in server.waits)

    async def test_the_fifth_failure_is_the_answer_and_retries_can_be_turned_off(self) -> None:
        for retries in (3, 0):
            server = Server(*(problem(503, "unavailable") for _ in range(retries + 1)))
            async with server.client(retries=retries) as tix:
                with pytest.raises(Unavailable):
                    await read(tix)
            assert len(server.asked) == retries + 1

    async def test_who_tries_for_ever_waits_no_longer_each_time(self) -> None:
        tries = 1_200  # 2**1,030 is more than a float can be
        server = Server(*(refused() for _ in range(tries)), ok())
        async with server.client(retries=tries) as tix:
            await read(tix)
        assert max(server.waits[1_000:]) <= 5

    async def test_retry_after_is_waited_in_full(self) -> None:
        server = Server(problem(429, "rate_limited", retry_after=2), ok())
        async with server.client() as tix:
            await read(tix)
        assert 2 <= server.waits[0] <= 3

    async def test_who_has_no_time_for_it_hears_at_once(self) -> None:
        server = Server(problem(429, "rate_limited", retry_after=3))
        async with server.client(longest_wait=2) as tix:
            with pytest.raises(TooMany) as refused:
                await read(tix)
        assert (refused.value.retry_after, server.waits) == (3, [])

    @pytest.mark.parametrize(
        "answer",
        [
            problem(503, "unavailable", retry_after=61),
            problem(429, "too_many_holds", retry_after=1),
            problem(409, "ticket_reserved"),
            problem(409, "idempotency_in_flight"),
            problem(500, "internal_error"),
        ],
    )
    async def test_what_waiting_does_not_cure_is_not_repeated(self, answer: httpx.Response) -> None:
        server = Server(answer)
        async with server.client() as tix:
            with pytest.raises(TixError):
                await read(tix)
        assert len(server.asked) == 1

    async def test_a_create_whose_first_try_is_still_running_waits_for_it(self) -> None:
        server = Server(cut(), problem(409, "idempotency_in_flight"), ok())
        async with server.client() as tix:
            await create(tix)
        assert len(server.asked) == 3

    async def test_an_edit_that_may_have_arrived_is_not_sent_again(self) -> None:
        server = Server(cut())
        async with server.client() as tix:
            with pytest.raises(Unreachable) as caught:
                await edit(tix)
        assert caught.value.may_have_arrived
        assert len(server.asked) == 1

    async def test_an_edit_that_surely_did_not_arrive_is(self) -> None:
        server = Server(refused(), problem(503, "unavailable"), ok())
        async with server.client() as tix:
            await edit(tix)
        assert len(server.asked) == 3

    async def test_a_conflict_after_an_unclear_first_try_says_that_it_may_be_our_own(self) -> None:
        server = Server(problem(503, "unavailable"), problem(409, "version_conflict", currentVersion=1))
        async with server.client() as tix:
            with pytest.raises(OutcomeUnknown) as caught:
                await edit(tix)
        assert caught.value.code == "version_conflict"
        assert caught.value.extra == {"currentVersion": 1}

    async def test_a_conflict_at_the_first_try_is_just_that(self) -> None:
        async with Server(problem(409, "version_conflict")).client() as tix:
            with pytest.raises(Conflict) as caught:
                await edit(tix)
        assert not isinstance(caught.value, OutcomeUnknown)


class TestTokens:
    """Personal tokens, and the token that is sent."""

    TOKEN: Any = {  # noqa: RUF012 - read only
        "id": ID,
        "name": "report",
        "scopes": ["orders:read", "a:scope-of-tomorrow"],
        "createdAt": MOMENT,
        "expiresAt": MOMENT,
    }

    async def test_they_are_made_listed_and_revoked(self) -> None:
        page = {"items": [self.TOKEN], "nextCursor": None}
        server = Server(ok({**self.TOKEN, "token": "t0ken"}, 201), ok(page), httpx.Response(204))
        async with server.client() as tix:
            made = await tix.create_token(NewToken(name="report", scopes=["orders:read"]))
            assert (made.token, tix.token) == ("t0ken", "secret")
            assert (await tix.list_tokens()).items[0].scopes == self.TOKEN["scopes"]
            await tix.revoke_token(made.id)
        asked = [(request.method, request.url.path) for request in server.asked]
        path = "/api/users/tokens"
        assert asked == [("POST", path), ("GET", path), ("DELETE", f"{path}/{ID}")]
        assert json.loads(server.asked[0].content) == {"name": "report", "scopes": ["orders:read"]}
        assert server.keys() == [None, None, None]

    async def test_one_is_not_asked_for_again_after_a_lost_answer(self) -> None:
        """There would be two, and nobody would have the first."""
        server = Server(httpx.ReadError("gone"))
        async with server.client() as tix:
            with pytest.raises(Unreachable):
                await tix.create_token(NewToken(name="report", scopes=["orders:read"]))
        assert len(server.asked) == 1

    @pytest.mark.parametrize("token", ["t0ken\n", "t0 ken", "t0ken\x00", "t\u00f6ken", "\u2028"])
    async def test_what_is_no_token_is_neither_sent_nor_repeated(self, token: str) -> None:
        """With its last line's end from a file, say."""
        server = Server()
        async with server.client() as tix:
            tix.token = token
            with pytest.raises(Unauthenticated) as caught:
                await tix.list_orders()
        assert caught.value.code == "malformed_token"
        assert token not in str(caught.value)
        assert server.asked == []


class TestReadiness:
    """Asking once whether the platform is there."""

    @pytest.mark.parametrize(
        ("answer", "expected"), [(ok({}), True), (httpx.Response(503, json={}), False), (refused(), False)]
    )
    async def test_it_is_a_yes_or_a_no(self, answer: httpx.Response | Exception, *, expected: bool) -> None:
        async with Server(answer).client() as tix:
            assert await tix.is_ready() is expected
