"""Somebody with an account, and their scripts with personal tokens."""

from typing import Any
from uuid import UUID, uuid4

from tests.platform import Platform, User

READ_ORDERS = {"name": "report", "scopes": ["orders:read"]}


async def signed_up(platform: Platform) -> User:
    """Somebody with an account and a sign-in token."""
    body = {"email": f"{uuid4()}@example.com", "password": "correct horse battery"}
    answer = await platform.http.post("/api/users/signup", json=body)
    assert answer.status_code == 201, answer.text
    session = answer.json()
    bearer = {"Authorization": f"Bearer {session['token']}"}
    return User(UUID(session["user"]["id"]), platform.http, bearer)


async def made(owner: User, **fields: Any) -> dict[str, Any]:
    """A new token, as answered."""
    answer = await owner.post("/api/users/tokens", {**READ_ORDERS, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()  # type: ignore[no-any-return]


def bearing(owner: User, token: dict[str, Any]) -> User:
    """The owner's script, which has this token only."""
    return User(owner.id, owner.http, {"Authorization": f"Bearer {token['token']}"})
