"""The outbox: events commit with the state they tell of, and are published afterwards by `kit.relay`."""

from typing import Any, ClassVar

from tortoise import fields
from tortoise.models import Model
from uuid_utils.compat import uuid7

from server.kit import telemetry
from server.kit.db import current
from server.kit.events import Event
from server.kit.log import request_id

RFC3339 = """'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'"""
"""For SQL's `to_char`: a UTC time as `kit.schemas.rfc3339` writes it, in which form events carry it."""


class OutboxRow(Model):
    """One event of a service; `published_at` is null until JetStream acknowledged it."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    type = fields.CharField(max_length=60)
    data: fields.Field[Any] = fields.JSONField()
    request_id = fields.CharField(max_length=64)
    trace = fields.CharField(max_length=telemetry.LENGTH, null=True)
    occurred_at = fields.DatetimeField(auto_now_add=True)
    published_at = fields.DatetimeField(null=True)

    class Meta:
        """One concrete class per service."""

        abstract = True

    service: ClassVar[str]

    @classmethod
    async def record(cls, *events: Event) -> None:
        """Publish `events` if, and only if, the open transaction commits."""
        current(cls.service).rings("outbox")
        await cls.bulk_create(
            cls(
                type=event.type,
                data=event.model_dump(mode="json", by_alias=True),
                request_id=request_id.get(),
                trace=telemetry.current(),
            )
            for event in events
        )
