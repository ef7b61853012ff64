"""A token's signature is checked once a minute, whatever else could end it at every request."""

import time
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from server.kit.auth import LEEWAY_SECONDS, Revocations, SigningKey, Verified, verify
from server.kit.errors import Unauthenticated


class Keys:
    """A key set that counts how often it is asked, and can be empty."""

    def __init__(self, key: SigningKey) -> None:
        self.key: SigningKey | None = key
        self.asked = 0

    async def find(self, kid: str) -> Ed25519PublicKey | None:
        """The key, if it is still there."""
        self.asked += 1
        return await self.key.find(kid) if self.key else None


@pytest.fixture
def key() -> SigningKey:
    return SigningKey("a secret of at least 32 characters")


def minted(key: SigningKey, lifetime: timedelta = timedelta(hours=1)) -> tuple[str, UUID]:
    """A token and its jti."""
    token, principal = key.mint(user_id=uuid4(), email="a@example.com", lifetime=lifetime)
    return token, principal.jti


async def test_a_signature_is_checked_once(key: SigningKey) -> None:
    """Of a hundred requests the first pays for it."""
    (token, _), keys, verified = minted(key), Keys(key), Verified()
    said = [await verify(token, keys, Revocations("orders"), verified) for _ in range(100)]
    assert keys.asked == 1
    assert len(set(said)) == 1


async def test_a_withdrawn_key_counts_for_a_minute_at_most(
    key: SigningKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    (token, _), keys, verified = minted(key), Keys(key), Verified()
    await verify(token, keys, Revocations("orders"), verified)
    keys.key = None
    later = time.time() + Verified.SECONDS + 1
    monkeypatch.setattr("server.kit.auth.time.time", lambda: later)
    with pytest.raises(Unauthenticated):
        await verify(token, keys, Revocations("orders"), verified)


async def test_a_revoked_token_is_refused_although_its_signature_is_known(key: SigningKey) -> None:
    (token, jti), verified, revocations = minted(key), Verified(), Revocations("orders")
    await verify(token, key, revocations, verified)
    revocations._ids = frozenset({jti})
    with pytest.raises(Unauthenticated, match="revoked"):
        await verify(token, key, revocations, verified)


async def test_a_token_expires_although_its_signature_is_known(key: SigningKey) -> None:
    """Within the minute, too."""
    (token, _), verified = minted(key, timedelta(seconds=-LEEWAY_SECONDS + 1)), Verified()
    principal = await verify(token, key, Revocations("orders"), verified)
    verified.add(token, principal)
    ends = principal.expires_at.timestamp() + LEEWAY_SECONDS
    assert verified._seen[token][1] <= ends < time.time() + Verified.SECONDS


async def test_a_false_token_is_checked_each_time(key: SigningKey) -> None:
    """And is not remembered: it would push the true ones out."""
    (token, _), verified = minted(SigningKey("another secret of 32 characters!")), Verified()
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await verify(token, key, Revocations("orders"), verified)
    assert not verified._seen


def test_the_oldest_are_forgotten(key: SigningKey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Verified, "MOST", 3)
    verified = Verified()
    _, principal = key.mint(user_id=uuid4(), email="a@example.com", lifetime=timedelta(hours=1))
    for name in "abcd":
        verified.add(name, principal)
    assert [name for name in "abcd" if verified.find(name)] == ["b", "c", "d"]
