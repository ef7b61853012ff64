"""Tokens: EdDSA JWTs that only auth can sign and everyone can verify, and the list of revoked ones.

The options close what JWT libraries leave open by default: only EdDSA, every claim required, the key taken
from our own set by `kid` and never from the token.
"""

import asyncio
import base64
import sys
import time
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Protocol
from uuid import UUID

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tortoise import fields
from tortoise.models import Model
from uuid_utils.compat import uuid7

from server.kit.db import rows
from server.kit.errors import Forbidden, Unauthenticated, Unavailable
from server.kit.hiding import hiding
from server.kit.log import log
from server.kit.transient import is_transient

with hiding("click"):  # for httpx's command line: 50 ms, 4 MB
    import httpx
# httpcore looks for it at each request; where it is not installed, each look would search the whole path.
sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]

ISSUER = "tix"
AUDIENCE = "tix"
ALGORITHM = "EdDSA"
LEEWAY_SECONDS = 10
STILL_REVOKED = "SELECT jti FROM revocations WHERE until > now() - interval '1 minute'"
"""Longer than the leeway: a revoked token must not come back to life in it."""
MAX_TOKEN_LENGTH = 4096
CLAIMS = ("sub", "email", "jti", "iat", "exp", "iss", "aud", "scope")

SCOPES = ("tickets:read", "tickets:write", "orders:read", "orders:write", "payments:write")
"""What a personal token may be allowed to do."""
ACCOUNT = "account"
"""To make and revoke tokens: only a sign-in token may, so that a stolen script cannot renew itself."""
SIGN_IN_SCOPES = (*SCOPES, ACCOUNT)


class InsufficientScope(Forbidden):
    """The token is good, but was not given this scope."""

    code = "insufficient_scope"
    title = "This token may not do that"


@dataclass(frozen=True)
class Principal:
    """Who is asking, by a verified token."""

    id: UUID
    email: str
    jti: UUID
    scopes: frozenset[str]
    expires_at: datetime

    def need(self, scope: str) -> None:
        """Raises InsufficientScope."""
        if scope not in self.scopes:
            raise InsufficientScope(f"This token lacks the scope {scope}.", scope=scope)


class RevocationRow(Model):
    """A token that no longer works; `until` is when it would have expired anyway."""

    jti = fields.UUIDField(primary_key=True)
    until = fields.DatetimeField()

    class Meta:
        """One concrete class per service."""

        abstract = True

    service: ClassVar[str]


class Revocations:
    """The revoked token ids of one service, in memory; `refresh` runs every second."""

    def __init__(self, service: str) -> None:
        """`service` owns the table that is read."""
        self.service = service
        self._ids: frozenset[UUID] = frozenset()

    def __contains__(self, jti: UUID) -> bool:
        """Whether the token was revoked, as of the last refresh."""
        return jti in self._ids

    async def refresh(self) -> None:
        """Read the table; keeps what it has while the database is away."""
        try:
            found = await rows(self.service, STILL_REVOKED)
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("revocations not refreshed", service=self.service, error=repr(error))
        else:
            self._ids = frozenset(row["jti"] for row in found)

    @staticmethod
    async def add(service: str, jti: UUID, until: datetime) -> None:
        """Remember a revoked token, in the open transaction."""
        await rows(
            service, "INSERT INTO revocations (jti, until) VALUES ($1, $2) ON CONFLICT DO NOTHING", jti, until
        )


class Keys(Protocol):
    """Where public keys come from."""

    async def find(self, kid: str) -> Ed25519PublicKey | None:
        """The key of that id, or None."""


class SigningKey:
    """auth's key pair, derived from JWT_SECRET so that nothing but the secret needs keeping."""

    def __init__(self, secret: str, *, previous: str | None = None) -> None:
        """`secret` ≥ 32 characters; what the key of `previous` signed is believed too."""
        self._other = SigningKey(previous) if previous else None
        seed = HKDF(hashes.SHA256(), 32, salt=None, info=b"tix token signing key v1").derive(secret.encode())
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self._public = self._private.public_key()
        raw = self._public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        self._x = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
        digest = hashes.Hash(hashes.SHA256())
        digest.update(raw)
        self.kid = digest.finalize().hex()[:16]

    async def find(self, kid: str) -> Ed25519PublicKey | None:
        """This key or the other, whichever it is."""
        if kid == self.kid:
            return self._public
        return await self._other.find(kid) if self._other else None

    def jwks(self) -> dict[str, Any]:
        """The public halves as a JSON Web Key Set (RFC 8037)."""
        key = {"kty": "OKP", "crv": "Ed25519", "alg": ALGORITHM, "use": "sig", "kid": self.kid, "x": self._x}
        return {"keys": [key, *(self._other.jwks()["keys"] if self._other else ())]}

    def mint(
        self, *, user_id: UUID, email: str, lifetime: timedelta, scopes: Collection[str] = SIGN_IN_SCOPES
    ) -> tuple[str, Principal]:
        """Sign a token; returns it with what it says."""
        now = datetime.now(UTC).replace(microsecond=0)
        principal = Principal(user_id, email, uuid7(), frozenset(scopes), now + lifetime)
        claims = {
            "sub": str(user_id),
            "email": email,
            "jti": str(principal.jti),
            "iat": now,
            "exp": principal.expires_at,
            "iss": ISSUER,
            "aud": AUDIENCE,
            "scope": " ".join(sorted(scopes)),
        }
        return jwt.encode(claims, self._private, ALGORITHM, headers={"kid": self.kid}), principal


class RemoteKeys:
    """auth's public keys by its JWKS address; asked again for an unknown `kid`, at most every 5 s.

    A known `kid` never waits: anyone can invent an unknown one, also while auth hangs. `watch` notices which
    are withdrawn; while auth is away what is known counts.
    """

    WATCH_SECONDS = 60
    AGAIN_SECONDS = 5
    RETRY_SECONDS = 0.5
    """Before the first keys were fetched; who asks meanwhile is answered 503 at once."""

    def __init__(self, url: str) -> None:
        """`url` of the key set."""
        self._url = url
        self._keys: dict[str, Ed25519PublicKey] = {}
        self._again_at = 0.0
        self._lock = asyncio.Lock()

    async def find(self, kid: str) -> Ed25519PublicKey | None:
        """The key of that id. Raises Unavailable when none was ever fetched and auth does not answer."""
        if kid not in self._keys:
            async with self._lock:
                if kid not in self._keys and time.monotonic() >= self._again_at:
                    await self._fetch()
        if not self._keys:
            raise Unavailable("Tokens cannot be verified at the moment; try again.")
        return self._keys.get(kid)

    async def watch(self) -> None:
        """Ask again and again, for as long as the process runs."""
        while True:
            await asyncio.sleep(self.WATCH_SECONDS)
            async with self._lock:
                await self._fetch()

    async def _fetch(self) -> None:
        try:
            async with httpx.AsyncClient(timeout=2) as client:
                answer = await client.get(self._url)
                answer.raise_for_status()
            self._keys = {key["kid"]: _public_key(key) for key in answer.json()["keys"]}
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            log.warning("signing keys not fetched", url=self._url, error=repr(error))
        self._again_at = time.monotonic() + (self.AGAIN_SECONDS if self._keys else self.RETRY_SECONDS)


def _public_key(key: Mapping[str, str]) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(key["x"] + "=="))


class Verified:
    """Tokens whose signature was checked a moment ago: checking one costs 150 µs, more than most requests."""

    SECONDS = 60
    """Then it is checked again: a key that is known no longer does not count."""
    MOST = 10_000
    """About 1 kB each; the oldest are forgotten."""

    def __init__(self) -> None:
        """None yet."""
        self._seen: OrderedDict[str, tuple[Principal, float]] = OrderedDict()

    def find(self, token: str) -> Principal | None:
        """Who it speaks for, if it was checked not long ago and has not expired since."""
        principal, until = self._seen.get(token, (None, 0.0))
        return principal if time.time() < until else None

    def add(self, token: str, principal: Principal) -> None:
        """It was checked just now."""
        ends = principal.expires_at.timestamp() + LEEWAY_SECONDS
        self._seen[token] = principal, min(time.time() + self.SECONDS, ends)
        self._seen.move_to_end(token)
        if len(self._seen) > self.MOST:
            self._seen.popitem(last=False)


async def verify(token: str, keys: Keys, revocations: Revocations, verified: Verified) -> Principal:
    """Who this token speaks for. Raises Unauthenticated, whatever is wrong with it."""
    principal = verified.find(token)
    if principal is None:
        principal = await _checked(token, keys)
        verified.add(token, principal)
    if principal.jti in revocations:
        raise Unauthenticated("This token was revoked; sign in again.")
    return principal


async def _checked(token: str, keys: Keys) -> Principal:
    refused = Unauthenticated("This token is not valid; sign in again.")
    if len(token) > MAX_TOKEN_LENGTH:
        raise refused
    try:
        # The header alone: PyJWT looks at each character of what it is given, and will at all of them below.
        header = jwt.get_unverified_header(f"{token.partition('.')[0]}..")
        key = await keys.find(str(header.get("kid", "")))
        if key is None or header.get("alg") != ALGORITHM:
            raise refused
        claims = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            leeway=LEEWAY_SECONDS,
            options={"require": list(CLAIMS)},
        )
        return Principal(
            id=UUID(claims["sub"]),
            email=str(claims["email"]),
            jti=UUID(claims["jti"]),
            scopes=frozenset(str(claims["scope"]).split()) & frozenset(SIGN_IN_SCOPES),
            expires_at=datetime.fromtimestamp(int(claims["exp"]), UTC),
        )
    except jwt.ExpiredSignatureError as error:
        raise Unauthenticated("This token has expired; sign in again.") from error
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as error:
        raise refused from error
