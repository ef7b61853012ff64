"""The list of revoked tokens is read every second, whatever happens."""

from dataclasses import replace
from uuid import uuid4

import pytest

from server.kit.auth import Revocations
from server.settings import Settings
from tests.auth.tokens import bearing, made, signed_up
from tests.platform import Platform, User, started
from tests.waiting import until


async def test_a_broken_look_at_the_revocations_is_not_the_last(
    empty: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tables that are not migrated yet, say: the watch goes on, and a later sign-out is heard of."""
    real, failures = Revocations.refresh, 0

    async def refresh(self: Revocations) -> None:
        nonlocal failures
        if self.service == "orders" and failures < 1:
            failures += 1
            raise LookupError("no such table yet")
        await real(self)

    monkeypatch.setattr(Revocations, "refresh", refresh)
    async with started(empty) as running:
        user = running.user()
        await until(lambda: failures == 1, "the first look failed")
        assert (await user.get("/api/orders")).status_code == 200
        assert (await user.post("/api/users/signout", {})).status_code == 204

        async def refused() -> bool:
            return (await user.get("/api/orders")).status_code == 401

        await until(refused, "orders refuses the token")


class TestPersonalTokens:
    """They live for up to a year, longer than any process: a revocation must outlive those, too."""

    @pytest.mark.slow
    async def test_a_service_that_was_away_hears_of_it_when_it_is_back(self, empty: Settings) -> None:
        """orders and payments are down while it is revoked; the news waits for them on the bus."""
        async with started(empty) as running:
            owner = await signed_up(running)
            token = await made(owner)
            script = bearing(owner, token)
            assert (await script.get("/api/orders")).status_code == 200
        async with started(empty, services=("auth", "tickets")) as running:
            revoked = await at(running, owner).delete(f"/api/users/tokens/{token['id']}")
            assert revoked.status_code == 204
        async with started(empty) as running:
            for path in ("/api/orders", f"/api/payments?orderId={uuid4()}"):

                async def refused(path: str = path) -> bool:
                    return (await at(running, script).get(path)).status_code == 401

                await until(refused, f"{path} refuses")

    async def test_a_restarted_service_refuses_from_its_first_answer_on(self, empty: Settings) -> None:
        """The list is read before the door opens, not a moment later."""
        async with started(empty) as running:
            owner = await signed_up(running)
            script = bearing(owner, await made(owner))
            assert (await script.ask("POST", "/api/users/signout")).status_code == 204
            known = "SELECT count(*) FROM revocations"
            await until(lambda: running.count("orders", known), "orders knows")
        async with started(empty, background=False) as running:
            assert (await at(running, script).get("/api/orders")).status_code == 401


def at(running: Platform, user: User) -> User:
    """The same person, at a platform that was started anew."""
    return replace(user, http=running.http)
