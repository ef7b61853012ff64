"""Signing out ends the token everywhere, and only that token (P14)."""

from typing import Any

import jwt

from tests.platform import Platform, User
from tests.problems import assert_problem
from tests.waiting import until

EVERYWHERE = [
    ("GET", "/api/users/currentuser"),
    ("POST", "/api/tickets"),
    ("GET", "/api/orders"),
    ("GET", "/api/payments?orderId=0190f5b2-0000-4000-8000-000000000000"),
]


async def refused(user: User, method: str, path: str) -> bool:
    """Whether this service has heard."""
    answer = await user.ask(method, path, json={} if method == "POST" else None)
    return answer.status_code == 401


async def test_p14_after_signing_out_the_token_works_nowhere(platform: Platform) -> None:
    """At once at auth, within two seconds at every other service."""
    user, other = platform.user(), platform.user()
    for method, path in EVERYWHERE:
        assert not await refused(user, method, path)
    answer = await user.ask("POST", "/api/users/signout")
    assert (answer.status_code, answer.content) == (204, b"")
    assert_problem(await user.get("/api/users/currentuser"), 401, "unauthenticated")
    for method, path in EVERYWHERE:
        await until(lambda m=method, p=path: refused(user, m, p), f"{path} refuses", 2)  # type: ignore[misc]
    assert "revoked" in (await user.get("/api/orders")).json()["detail"]
    for method, path in EVERYWHERE:
        assert not await refused(other, method, path)


async def test_p14_signing_out_twice_is_401(platform: Platform) -> None:
    """The second time the token is not one any more."""
    user = platform.user()
    assert (await user.ask("POST", "/api/users/signout")).status_code == 204
    assert_problem(await user.ask("POST", "/api/users/signout"), 401, "unauthenticated")


async def test_p14_another_session_of_the_same_account_stays(platform: Platform) -> None:
    """Signing out on the phone leaves the desk signed in."""
    body = {"email": "two-sessions@example.com", "password": "correct horse"}
    one: Any = (await platform.http.post("/api/users/signup", json=body)).json()
    two: Any = (await platform.http.post("/api/users/signin", json=body)).json()
    phone, desk = ({"Authorization": f"Bearer {session['token']}"} for session in (one, two))
    assert (await platform.http.post("/api/users/signout", headers=phone)).status_code == 204
    me = await platform.http.get("/api/users/currentuser", headers=desk)
    assert me.json()["currentUser"]["email"] == body["email"]
    assert_problem(await platform.http.get("/api/users/currentuser", headers=phone), 401, "unauthenticated")


async def test_a_revocation_ends_with_the_token(platform: Platform) -> None:
    """It is kept as long as the token would have worked, in every service's own table."""
    user = platform.user()
    token = user.headers["Authorization"].removeprefix("Bearer ")
    said = jwt.decode(token, options={"verify_signature": False})
    await user.ask("POST", "/api/users/signout")
    known = "SELECT count(*) FROM revocations WHERE jti = $1 AND until = to_timestamp($2)"
    for service in ("auth", "tickets", "orders", "payments"):
        await until(
            lambda s=service: platform.count(s, known, said["jti"], said["exp"]),  # type: ignore[misc]
            f"{service} knows until when",
        )
