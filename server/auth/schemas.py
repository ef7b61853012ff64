"""auth's public contract."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from server.kit.schemas import Answer, Body, Moment, Text

LowerCase = Annotated[Text, StringConstraints(to_lower=True)]
# The length is that of the lower case: İ becomes two characters.
Email = Annotated[LowerCase, StringConstraints(max_length=254, pattern=r"^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$")]
Password = Annotated[str, StringConstraints(min_length=8, max_length=128)]


class Credentials(Body):
    """To sign up: an e-mail address and a password of 8 to 128 characters."""

    email: Email
    password: Password


class SignIn(Body):
    """To sign in: whatever was typed; a wrong length is a wrong password, not a malformed one."""

    email: Annotated[LowerCase, StringConstraints(max_length=254)]
    password: Annotated[str, StringConstraints(max_length=1024)]


class UserOut(Answer):
    """An account."""

    id: UUID
    email: str
    created_at: Moment


class Session(Answer):
    """A fresh sign-in: the token works until `expiresAt`."""

    user: UserOut
    token: str
    expires_at: Moment


class TokenInUse(Answer):
    """What the token of a request may do, and until when."""

    id: UUID
    scopes: list[str]
    expires_at: Moment


class CurrentUser(Answer):
    """Who the token speaks for, and the token; null without one."""

    current_user: UserOut | None
    token: TokenInUse | None = None


Scope = Literal["tickets:read", "tickets:write", "orders:read", "orders:write", "payments:write"]


def _unlike(scopes: list[Scope]) -> list[Scope]:
    if len(set(scopes)) < len(scopes):
        raise ValueError("name each scope once")
    return scopes


class NewToken(Body):
    """A personal token to be: what it is called, what it may do and for how many days (1 to 365)."""

    name: Annotated[Text, StringConstraints(min_length=1, max_length=100)]
    scopes: Annotated[list[Scope], Field(min_length=1), AfterValidator(_unlike)]
    expires_in_days: Annotated[int, Field(ge=1, le=365)] = 90


class TokenQuery(Body):
    """How the list of tokens is paged."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    cursor: Annotated[str, StringConstraints(max_length=500)] | None = None


class TokenOut(Answer):
    """A personal token that works; what it is called and may do, not the token itself."""

    id: UUID
    name: str
    scopes: list[str]
    created_at: Moment
    expires_at: Moment


class CreatedToken(TokenOut):
    """A fresh personal token: the only answer that holds the token itself."""

    token: str
