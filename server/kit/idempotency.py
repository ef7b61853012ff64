"""Idempotency keys: the answer commits with the effect, so the same key gets the same answer."""

import hashlib
import json
from collections.abc import Callable
from typing import Any, ClassVar

from tortoise import fields
from tortoise.models import Model

from server.kit.db import rows
from server.kit.errors import Conflict, Invalid

MAX_LENGTH = 255


class IdempotencyRow(Model):
    """A stored 2xx answer; failures are not kept and run again."""

    id = fields.CharField(max_length=64, primary_key=True)
    body_hash = fields.CharField(max_length=64)
    answer: fields.Field[Any] = fields.JSONField()
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        """One concrete class per service."""

        abstract = True

    service: ClassVar[str]


class IdempotencyKeyReused(Invalid):
    """The same key came with another body."""

    code = "idempotency_key_reused"
    title = "This Idempotency-Key was already used with another body"


class IdempotencyInFlight(Conflict):
    """The first request with this key is still running."""

    code = "idempotency_in_flight"
    title = "A request with this Idempotency-Key is still running; ask again in a moment"


class Replayed(Exception):
    """The use-case ran before: `answer` is what `render` made of its result then."""

    def __init__(self, answer: Any) -> None:  # noqa: ANN401 - whatever JSON was stored
        """`answer` as stored."""
        super().__init__()
        self.answer = answer


class KeyedOnce:
    """Makes a request's transaction happen once per user, route and key.

    `render` turns the use-case's result into the JSON that a repeat is answered with; it runs before COMMIT.
    """

    def __init__(self, *, user: str, route: str, key: str, body: bytes, render: Callable[[Any], Any]) -> None:
        """`key` is the client's header, ≤ 255 characters."""
        self.id = hashlib.sha256(f"{user}\0{route}\0{key}".encode()).hexdigest()
        self.body_hash = hashlib.sha256(body).hexdigest()
        self.render = render

    async def claim(self, service: str) -> None:
        """Raises Replayed, IdempotencyKeyReused or IdempotencyInFlight."""
        lock = int.from_bytes(bytes.fromhex(self.id)[:8], signed=True)
        if not (await rows(service, "SELECT pg_try_advisory_xact_lock($1) AS got", lock))[0]["got"]:
            raise IdempotencyInFlight
        found = await rows(service, "SELECT body_hash, answer FROM idempotency_keys WHERE id = $1", self.id)
        if not found:
            return
        if found[0]["body_hash"] != self.body_hash:
            raise IdempotencyKeyReused(
                errors=[{"field": "Idempotency-Key", "message": "was used with another body"}]
            )
        raise Replayed(json.loads(found[0]["answer"]))

    async def keep(self, service: str, result: object) -> None:
        """Store the answer with the effect."""
        await rows(
            service,
            "INSERT INTO idempotency_keys (id, body_hash, answer, created_at) VALUES ($1, $2, $3, now())",
            self.id,
            self.body_hash,
            json.dumps(self.render(result)),
        )
