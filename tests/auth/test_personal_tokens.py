"""Personal tokens: made, listed, used and revoked; what they may not do; how many there may be."""

import asyncio
from uuid import UUID

import httpx
import jwt
import pytest

from server.auth import service
from server.auth.models import User as Account
from server.kit.auth import SCOPES, SIGN_IN_SCOPES
from tests.auth.tokens import READ_ORDERS, bearing, made, signed_up
from tests.platform import Platform, User, gather_outcomes
from tests.problems import assert_problem
from tests.waiting import until

ELSEWHERE = ["/api/orders", "/api/payments?orderId=0190f5b2-0000-4000-8000-000000000000"]


async def ids(owner: User, query: str = "") -> list[str]:
    """The tokens in a list."""
    answer = await owner.get(f"/api/users/tokens{query}")
    assert answer.status_code == 200, answer.text
    return [token["id"] for token in answer.json()["items"]]


class TestMaking:
    """POST /api/users/tokens."""

    async def test_it_is_answered_once_with_all_that_it_is(self, platform: Platform) -> None:
        """Ninety days unless told otherwise; the id is the token's own."""
        owner = await signed_up(platform)
        token = await made(owner, name="  report ", scopes=["tickets:write", "orders:read"])
        assert token.keys() == {"id", "name", "scopes", "createdAt", "expiresAt", "token"}
        assert (token["name"], token["scopes"]) == ("report", ["orders:read", "tickets:write"])
        said = jwt.decode(token["token"], options={"verify_signature": False})
        assert said["jti"] == token["id"]
        assert said["sub"] == str(owner.id)
        assert said["scope"] == "orders:read tickets:write"
        assert said["exp"] - said["iat"] == 90 * 24 * 3600

    @pytest.mark.parametrize("days", [1, 365])
    async def test_it_lives_as_many_days_as_asked_for(self, platform: Platform, days: int) -> None:
        """To the second."""
        token = await made(await signed_up(platform), expiresInDays=days)
        said = jwt.decode(token["token"], options={"verify_signature": False})
        assert said["exp"] - said["iat"] == days * 24 * 3600

    async def test_the_token_itself_is_stored_nowhere(self, platform: Platform) -> None:
        """Not in its row, not in an event, not under an idempotency key."""
        owner = await signed_up(platform)
        token = await made(owner)
        signature = token["token"].rpartition(".")[2]
        async with platform.database("auth") as session:
            for table in ("api_tokens", "outbox", "revocations", "users"):
                stored = str(await session.fetch(f"SELECT * FROM {table}"))
                assert signature not in stored, table
        assert "token" not in (await owner.get("/api/users/tokens")).json()["items"][0]

    async def test_an_idempotency_key_is_ignored(self, platform: Platform) -> None:
        """To answer a repeat, the token would have to be kept."""
        owner, key = await signed_up(platform), {"Idempotency-Key": "the-same"}
        first = await owner.post("/api/users/tokens", READ_ORDERS, headers=key)
        second = await owner.post("/api/users/tokens", READ_ORDERS, headers=key)
        assert (first.status_code, second.status_code) == (201, 201)
        assert first.json()["token"] != second.json()["token"]
        assert "idempotency-replayed" not in second.headers

    async def test_one_without_an_account_makes_none(self, platform: Platform) -> None:
        """A token of ours that names nobody."""
        assert_problem(await platform.user().post("/api/users/tokens", READ_ORDERS), 401, "unauthenticated")

    async def test_scopes_are_those_of_the_schema(self, platform: Platform) -> None:
        """Which says them again, since it may import nothing; all together they are still no sign-in."""
        token = await made(await signed_up(platform), scopes=list(SCOPES))
        assert set(token["scopes"]) == set(SCOPES) < set(SIGN_IN_SCOPES)


class TestUsing:
    """What a personal token may do."""

    async def test_it_may_do_what_it_was_made_for_and_no_more(self, platform: Platform) -> None:
        """In the name of who made it."""
        owner = await signed_up(platform)
        script = bearing(owner, await made(owner, scopes=["tickets:write"]))
        ticket = await script.list_ticket()
        assert ticket["userId"] == str(owner.id)
        assert_problem(await script.get("/api/orders"), 403, "insufficient_scope")

    @pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
    async def test_it_makes_lists_and_revokes_no_tokens(self, platform: Platform, method: str) -> None:
        """Not even with every scope there is: whoever steals it cannot prolong it."""
        owner = await signed_up(platform)
        token = await made(owner, scopes=list(SCOPES))
        path = f"/api/users/tokens/{token['id']}" if method == "DELETE" else "/api/users/tokens"
        answer = await bearing(owner, token).ask(method, path, json=READ_ORDERS if method == "POST" else None)
        assert assert_problem(answer, 403, "insufficient_scope")["scope"] == "account"
        assert await ids(owner) == [token["id"]]

    async def test_it_is_told_what_it_is(self, platform: Platform) -> None:
        """`currentuser` says whose, which, what for and until when."""
        owner = await signed_up(platform)
        token = await made(owner)
        told = (await bearing(owner, token).get("/api/users/currentuser")).json()
        assert told["currentUser"]["id"] == str(owner.id)
        assert told["token"] == {
            "id": token["id"],
            "scopes": ["orders:read"],
            "expiresAt": token["expiresAt"],
        }


class TestListing:
    """GET /api/users/tokens."""

    async def test_ones_own_that_work_newest_first_and_in_pages(self, platform: Platform) -> None:
        """Neither another's nor revoked ones nor those whose time is over."""
        owner, other = await signed_up(platform), await signed_up(platform)
        await made(other)
        tokens = [(await made(owner, name=f"token {n}"))["id"] for n in range(5)]
        await owner.delete(f"/api/users/tokens/{tokens[3]}")
        async with platform.database("auth") as session:
            await session.execute("UPDATE api_tokens SET expires_at = now() WHERE id = $1", UUID(tokens[1]))
        assert await ids(owner) == [tokens[4], tokens[2], tokens[0]]
        first = (await owner.get("/api/users/tokens?limit=2")).json()
        assert [token["id"] for token in first["items"]] == [tokens[4], tokens[2]]
        rest = (await owner.get(f"/api/users/tokens?limit=2&cursor={first['nextCursor']}")).json()
        assert ([token["id"] for token in rest["items"]], rest["nextCursor"]) == ([tokens[0]], None)

    @pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "cursor=nonsense", "page=2"])
    async def test_a_bad_query_is_422(self, platform: Platform, query: str) -> None:
        """As in every list."""
        answer = await platform.user().get(f"/api/users/tokens?{query}")
        assert_problem(answer, 422, "invalid", field=query.partition("=")[0])


class TestRevoking:
    """DELETE /api/users/tokens/:id."""

    async def test_it_works_nowhere_within_two_seconds_and_no_other_is_touched(
        self, platform: Platform
    ) -> None:
        """At once at auth; by the same event as a sign-out elsewhere. The session that did it goes on."""
        owner = await signed_up(platform)
        one, two = await made(owner), await made(owner)
        script, other = bearing(owner, one), bearing(owner, two)
        for path in ELSEWHERE:
            assert (await script.get(path)).status_code in {200, 404}
        answer = await owner.delete(f"/api/users/tokens/{one['id']}")
        assert (answer.status_code, answer.content) == (204, b"")
        assert_problem(await script.get("/api/users/currentuser"), 401, "unauthenticated")
        for path in ELSEWHERE:
            await until(lambda p=path: is_refused(script, p), f"{path} refuses", 2)  # type: ignore[misc]
        for user in (owner, other):
            assert (await user.get("/api/orders")).status_code == 200
        assert await ids(owner) == [two["id"]]

    async def test_again_is_204_and_says_nothing_again(self, platform: Platform) -> None:
        """As the contract's other deletes; one event, the moment of the first."""
        owner = await signed_up(platform)
        id_ = (await made(owner))["id"]
        told = "SELECT count(*) FROM outbox WHERE data->>'jti' = $1"
        answers = [await owner.delete(f"/api/users/tokens/{id_}") for _ in range(2)]
        at_once = await gather_outcomes(*(lambda: owner.delete(f"/api/users/tokens/{id_}") for _ in range(5)))
        assert {answer.status_code for answer in [*answers, *at_once]} == {204}
        assert await platform.count("auth", told, id_) == 1

    async def test_another_s_is_404_and_goes_on_working(self, platform: Platform) -> None:
        """Nobody can find out that it exists."""
        owner = await signed_up(platform)
        token = await made(owner)
        stranger = await signed_up(platform)
        assert_problem(await stranger.delete(f"/api/users/tokens/{token['id']}"), 404, "token_not_found")
        assert (await bearing(owner, token).get("/api/orders")).status_code == 200

    async def test_signing_out_with_one_revokes_it(self, platform: Platform) -> None:
        """And it is not listed as if it still worked."""
        owner = await signed_up(platform)
        script = bearing(owner, await made(owner))
        assert (await script.ask("POST", "/api/users/signout")).status_code == 204
        assert_problem(await script.get("/api/users/currentuser"), 401, "unauthenticated")
        assert await ids(owner) == []

    async def test_a_sign_in_is_no_personal_token(self, platform: Platform) -> None:
        """It is ended by signing out, not by its id."""
        owner = await signed_up(platform)
        own = (await owner.get("/api/users/currentuser")).json()["token"]["id"]
        assert_problem(await owner.delete(f"/api/users/tokens/{own}"), 404, "token_not_found")


async def is_refused(user: User, path: str) -> bool:
    """Whether this service has heard."""
    return (await user.get(path)).status_code == 401


class TestTooMany:
    """A bound on those that work, and on those that all services must remember as revoked."""

    async def crowd(self, platform: Platform) -> list[httpx.Response]:
        """Twenty at the same moment, by one user who may have five."""
        owner = await signed_up(platform)
        answers = await asyncio.gather(*(owner.post("/api/users/tokens", READ_ORDERS) for _ in range(20)))
        assert len(await ids(owner)) == sum(answer.status_code == 201 for answer in answers)
        return answers

    async def test_no_more_than_allowed_also_at_once(
        self, platform: Platform, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Counted under the lock of the account."""
        monkeypatch.setattr(service, "MAX_LIVE_TOKENS", 5)
        answers = await self.crowd(platform)
        assert sum(answer.status_code == 201 for answer in answers) == 5
        for answer in answers:
            if answer.status_code != 201:
                assert_problem(answer, 409, "too_many_tokens")

    async def test_without_the_lock_there_are_more(
        self, platform: Platform, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Negative control: two that count the same number both go on."""
        monkeypatch.setattr(service, "MAX_LIVE_TOKENS", 5)
        monkeypatch.setattr(Account, "locked", lambda id_: Account.get_or_none(id=id_))
        for _ in range(20):
            if sum(answer.status_code == 201 for answer in await self.crowd(platform)) > 5:
                return
        raise AssertionError("the count alone held twenty times")

    async def test_a_revoked_one_makes_room(
        self, platform: Platform, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """At the bound, the next is refused until one is revoked."""
        monkeypatch.setattr(service, "MAX_LIVE_TOKENS", 2)
        owner = await signed_up(platform)
        first, _ = await made(owner), await made(owner)
        assert_problem(await owner.post("/api/users/tokens", READ_ORDERS), 409, "too_many_tokens")
        await owner.delete(f"/api/users/tokens/{first['id']}")
        await made(owner)

    async def test_made_and_revoked_without_end_is_refused(
        self, platform: Platform, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Until the revoked ones would have expired: each is in every service's memory so long."""
        monkeypatch.setattr(service, "MAX_UNEXPIRED_TOKENS", 3)
        owner = await signed_up(platform)
        for _ in range(3):
            await owner.delete(f"/api/users/tokens/{(await made(owner))['id']}")
        assert_problem(await owner.post("/api/users/tokens", READ_ORDERS), 409, "too_many_tokens")
        async with platform.database("auth") as session:
            await session.execute("UPDATE api_tokens SET expires_at = now() WHERE user_id = $1", owner.id)
        await made(owner)
