"""auth's tables: the accounts, and what is known of their personal tokens."""

from typing import Self
from uuid import UUID

from tortoise import fields
from tortoise.models import Model
from uuid_utils.compat import uuid7

from server.kit.auth import RevocationRow
from server.kit.db import rows
from server.kit.outbox import OutboxRow


class User(Model):
    """An account. `email` is kept in lower case, so that no second spelling makes a second account."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    email = fields.CharField(max_length=254, unique=True)
    password_hash = fields.CharField(max_length=60)
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "users"

    @classmethod
    async def locked(cls, id_: UUID) -> Self | None:
        """The account, locked for this transaction; its tokens are counted under this lock."""
        return await cls.select_for_update().get_or_none(id=id_)


class ApiToken(Model):
    """A personal token, by its `jti`: what it is called and may do. The token itself is kept nowhere."""

    id = fields.UUIDField(primary_key=True)
    user_id = fields.UUIDField()
    name = fields.CharField(max_length=100)
    scopes: fields.Field[list[str]] = fields.JSONField()
    created_at = fields.DatetimeField(auto_now_add=True)
    expires_at = fields.DatetimeField()
    revoked_at = fields.DatetimeField(null=True)

    class Meta:
        table = "api_tokens"

    @classmethod
    async def counted(cls, user_id: UUID) -> tuple[int, int]:
        """How many of the user's tokens work, and how many would, had none been revoked."""
        sql = (
            "SELECT count(*) FILTER (WHERE revoked_at IS NULL) AS live, count(*) AS unexpired "
            "FROM api_tokens WHERE user_id = $1 AND expires_at > now()"
        )
        found = (await rows("auth", sql, user_id))[0]
        return found["live"], found["unexpired"]

    @classmethod
    async def live(cls, user_id: UUID, *, after: UUID | None, limit: int) -> list[Self]:
        """The user's tokens that work, newest first (UUIDv7 sorts by time)."""
        sql = (
            "SELECT * FROM api_tokens WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > now() "
            "AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3"
        )
        return [cls(**row) for row in await rows("auth", sql, user_id, after, limit)]

    @classmethod
    async def mark_revoked(cls, id_: UUID) -> None:
        """Note the moment, if it is a personal token and the first time."""
        sql = "UPDATE api_tokens SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL"
        await rows("auth", sql, id_)


class Outbox(OutboxRow):
    """auth's events."""

    service = "auth"

    class Meta:
        table = "outbox"


class Revocation(RevocationRow):
    """Tokens that were given back."""

    service = "auth"

    class Meta:
        table = "revocations"
