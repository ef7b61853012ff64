"""auth's use-cases: accounts, sessions and personal tokens."""

import asyncio
import base64
import hashlib
import hmac
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import bcrypt
from tortoise.exceptions import IntegrityError

from server import events
from server.auth.models import ApiToken, Outbox, User
from server.kit.auth import Principal, Revocations, SigningKey
from server.kit.db import transaction, violated
from server.kit.errors import Conflict, NotFound, Unauthenticated
from server.kit.limits import HASHES_AT_ONCE, HASHES_WAITING, Queue

MAX_LIVE_TOKENS = 50
MAX_UNEXPIRED_TOKENS = 500
"""Revoked ones included: each process of each service keeps those in memory until they would have expired."""


class EmailTaken(Conflict):
    """There is an account with this address."""

    code = "email_taken"
    title = "There is already an account with this e-mail address"


class InvalidCredentials(Unauthenticated):
    """Wrong password, or no such account: the same answer, after the same time."""

    code = "invalid_credentials"
    title = "The e-mail address or the password is not right"


class TokenNotFound(NotFound):
    """The caller has no such personal token."""

    code = "token_not_found"
    title = "You have no such token"


class TooManyTokens(Conflict):
    """The user has as many personal tokens as one may have."""

    code = "too_many_tokens"
    title = f"You have {MAX_LIVE_TOKENS} tokens; revoke one first"


class Hasher:
    """Passwords to bcrypt hashes and back to yes or no.

    bcrypt reads 72 bytes and stops at NUL, so it is given the base64 of an HMAC-SHA256 under the pepper; the
    pepper also makes a stolen table useless by itself. At most HASHES_AT_ONCE run, each in a thread.
    """

    def __init__(self, pepper: str, cost: int, *, previous_pepper: str | None = None) -> None:
        """`cost` 12 is about 0.25 s; less is for tests. A hash under `previous_pepper` counts too."""
        self._pepper = pepper.encode()
        self._previous_pepper = previous_pepper.encode() if previous_pepper else None
        self._cost = cost
        self._queue = Queue(HASHES_AT_ONCE, HASHES_WAITING)
        self._decoy = bcrypt.gensalt(cost) + b"." * 31  # of no password; to compare with it takes as long

    async def hash(self, password: str) -> str:
        """A hash to store. Raises TooMany when too many wait."""
        async with self._queue.turn():
            hashed = await asyncio.to_thread(
                bcrypt.hashpw, _digest(password, self._pepper), bcrypt.gensalt(self._cost)
            )
        return hashed.decode()

    async def matches(self, password: str, hashed: str | None) -> bool:
        """Whether it is the password; without a hash the same work is done for nothing. Raises TooMany."""
        return await self._compare(password, hashed, self._pepper)

    async def matched_before(self, password: str, hashed: str | None) -> bool:
        """The same under the previous pepper, if there is one. Raises TooMany."""
        pepper = self._previous_pepper
        return pepper is not None and await self._compare(password, hashed, pepper)

    async def _compare(self, password: str, hashed: str | None, pepper: bytes) -> bool:
        against = self._decoy if hashed is None else hashed.encode()
        async with self._queue.turn():
            same = await asyncio.to_thread(bcrypt.checkpw, _digest(password, pepper), against)
        return same and hashed is not None


def _digest(password: str, pepper: bytes) -> bytes:
    normal = unicodedata.normalize("NFC", password).encode(errors="surrogatepass")
    return base64.b64encode(hmac.new(pepper, normal, hashlib.sha256).digest())


@dataclass(frozen=True)
class SignedIn:
    """A user and a fresh token."""

    user: User
    token: str
    expires_at: datetime


async def sign_up(
    *, email: str, password: str, hasher: Hasher, key: SigningKey, lifetime: timedelta
) -> SignedIn:
    """Make an account and sign it in. Raises EmailTaken."""
    hashed = await hasher.hash(password)
    try:
        async with transaction("auth"):
            user = await User.create(email=email, password_hash=hashed)
    except IntegrityError as error:
        if violated(error) is None:
            raise
        raise EmailTaken from error
    return _signed_in(user, key, lifetime)


async def sign_in(
    *, email: str, password: str, hasher: Hasher, key: SigningKey, lifetime: timedelta
) -> SignedIn:
    """Sign an account in. Raises InvalidCredentials."""
    user = await User.get_or_none(email=email)
    hashed = user.password_hash if user else None
    is_right = await hasher.matches(password, hashed)
    if not is_right and await hasher.matched_before(password, hashed):
        is_right = True
        renewed = await hasher.hash(password)
        async with transaction("auth"):  # does nothing if another sign-in was first
            await User.filter(email=email, password_hash=hashed).update(password_hash=renewed)
    if user is None or not is_right:
        raise InvalidCredentials
    return _signed_in(user, key, lifetime)


def _signed_in(user: User, key: SigningKey, lifetime: timedelta) -> SignedIn:
    token, principal = key.mint(user_id=user.id, email=user.email, lifetime=lifetime)
    return SignedIn(user, token, principal.expires_at)


async def sign_out(*, principal: Principal) -> None:
    """Revoke the token that is asked with, also a personal one."""
    async with transaction("auth"):
        await _revoke(principal.jti, principal.expires_at)


async def _revoke(jti: UUID, until: datetime) -> None:
    """Everywhere: here in the open transaction, elsewhere by `token:revoked`."""
    await ApiToken.mark_revoked(jti)
    await Revocations.add("auth", jti, until)
    await Outbox.record(events.TokenRevoked(jti=jti, until=until))


async def find_user(*, user_id: UUID) -> User | None:
    """The account, if there is one."""
    return await User.get_or_none(id=user_id)


async def create_token(
    *, user_id: UUID, name: str, scopes: Collection[str], lifetime: timedelta, key: SigningKey
) -> tuple[ApiToken, str]:
    """Make a personal token; returns what is kept of it, and the token. Raises TooManyTokens."""
    async with transaction("auth"):
        user = await User.locked(user_id)
        if user is None:
            raise Unauthenticated("There is no such account; sign in again.")
        live, unexpired = await ApiToken.counted(user_id)
        if live >= MAX_LIVE_TOKENS:
            raise TooManyTokens
        if unexpired >= MAX_UNEXPIRED_TOKENS:
            raise TooManyTokens(
                f"You made and revoked {unexpired} tokens that are not over yet; ask for fewer days."
            )
        token, principal = key.mint(user_id=user.id, email=user.email, lifetime=lifetime, scopes=scopes)
        made = await ApiToken.create(
            id=principal.jti,
            user_id=user.id,
            name=name,
            scopes=sorted(scopes),
            expires_at=principal.expires_at,
        )
    return made, token


async def list_tokens(*, user_id: UUID, after: UUID | None, limit: int) -> list[ApiToken]:
    """The user's personal tokens that work, newest first."""
    return await ApiToken.live(user_id, after=after, limit=limit)


async def revoke_token(*, token_id: UUID, user_id: UUID) -> None:
    """End a personal token everywhere; again does nothing. Raises TokenNotFound."""
    async with transaction("auth"):
        token = await ApiToken.select_for_update().get_or_none(id=token_id, user_id=user_id)
        if token is None:
            raise TokenNotFound
        if token.revoked_at is None:
            await _revoke(token.id, token.expires_at)
