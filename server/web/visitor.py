"""Who looks at the pages: a cookie that only the web can read, sealed with WEB_SECRET."""

import base64
import binascii
import hmac
import secrets
from datetime import UTC, datetime
from typing import Self

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import BaseModel, ConfigDict, ValidationError
from sanic import HTTPResponse, Request

from server.auth.schemas import Session

CSRF_BYTES = 16


class Visitor(BaseModel):
    """Whoever asks; signed in if there is a token. `csrf` is what a form of theirs must send back."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    csrf: str
    token: str | None = None
    email: str | None = None
    user_id: str | None = None
    expires_at: datetime | None = None

    @classmethod
    def stranger(cls) -> Self:
        """Somebody new."""
        return cls(csrf=secrets.token_hex(CSRF_BYTES))

    @classmethod
    def signed_in(cls, session: Session) -> Self:
        """Whoever just signed in: nothing of the visitor before is kept, so that nobody else can know it."""
        return cls(
            csrf=secrets.token_hex(CSRF_BYTES),
            token=session.token,
            email=session.user.email,
            user_id=str(session.user.id),
            expires_at=session.expires_at,
        )

    @property
    def masked_csrf(self) -> str:
        """The token of a form, another text each time: what is compressed beside it must not reveal it.

        The attack: https://www.breachattack.com.
        """
        token = bytes.fromhex(self.csrf)
        mask = secrets.token_bytes(len(token))
        return (mask + _xor(mask, token)).hex()

    def knows(self, masked: str) -> bool:
        """Whether a form brought this visitor's token."""
        try:
            given = bytes.fromhex(masked)
        except ValueError:
            return False
        mask, hidden = given[:CSRF_BYTES], given[CSRF_BYTES:]
        return len(hidden) == CSRF_BYTES and hmac.compare_digest(_xor(mask, hidden).hex(), self.csrf)


class Cookies:
    """Reads and writes the one cookie."""

    def __init__(self, secret: str, *, secure: bool, previous: str | None = None) -> None:
        """`secure`: people come by https, where the name itself forbids others to set it (`__Host-`).

        What `previous` sealed can be read, and is never written.
        """
        self._fernet = MultiFernet([_seal(one) for one in (secret, previous) if one])
        self._secure = secure
        self.name = "__Host-tix" if secure else "tix"

    def read(self, request: Request) -> Visitor | None:
        """Who sent it; None for no cookie, one of another secret, or one whose sign-in is over."""
        sealed = request.cookies.get(self.name)
        if not sealed:
            return None
        try:
            visitor = Visitor.model_validate_json(self._fernet.decrypt(sealed.encode()))
        except (InvalidToken, ValidationError, binascii.Error, UnicodeEncodeError):
            return None
        over = visitor.expires_at is not None and visitor.expires_at <= datetime.now(UTC)
        return None if over else visitor

    def write(self, response: HTTPResponse, visitor: Visitor) -> None:
        """Give it to the browser, until the sign-in ends."""
        sealed = self._fernet.encrypt(visitor.model_dump_json().encode()).decode()
        response.add_cookie(
            self.name,
            sealed,
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="Lax",
            expires=visitor.expires_at,
            host_prefix=False,  # the name has it already
        )


def _seal(secret: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hmac.digest(secret.encode(), b"tix web session", "sha256")))


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))
