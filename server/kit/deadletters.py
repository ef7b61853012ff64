"""Messages a consumer could not act on: kept with the reason until they were acted on, never dropped."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from tortoise import fields
from tortoise.models import Model
from uuid_utils.compat import uuid7

from server.kit.db import rows

BURY = """
INSERT INTO dead_letters (id, consumer, subject, event_id, headers, payload, error, created_at)
SELECT $1, $2::varchar, $3, $4::varchar, $5, $6::text, $7, now()
WHERE NOT EXISTS (SELECT FROM dead_letters WHERE consumer = $2 AND event_id = $4 AND payload = $6)
"""


class DeadLetterRow(Model):
    """A message that failed for good, whole: subject, headers, payload and the last error."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    consumer = fields.CharField(max_length=80)
    subject = fields.CharField(max_length=80)
    event_id = fields.CharField(max_length=64)
    headers = fields.TextField()
    payload = fields.TextField()
    error = fields.TextField()
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        """One concrete class per service."""

        abstract = True

    service: ClassVar[str]


async def letters(service: str) -> list[dict[str, Any]]:
    """The service's dead letters, oldest first, each with all columns."""
    return await rows(service, "SELECT * FROM dead_letters ORDER BY id")


async def discard(service: str, id_: UUID) -> None:
    """Forget a letter that was acted on: the effect and its inbox row are the record."""
    await rows(service, "DELETE FROM dead_letters WHERE id = $1", id_)


async def bury(  # noqa: PLR0913 - the parts of a message
    service: str,
    *,
    consumer: str,
    subject: str,
    event_id: str,
    headers: Mapping[str, str],
    payload: bytes,
    error: str,
) -> None:
    """Store a message in the service's `dead_letters`, once: we may die before JetStream hears of it."""
    await rows(
        service,
        BURY,
        uuid7(),
        consumer,
        subject,
        event_id.replace("\0", "\ufffd"),
        json.dumps(dict(headers)),
        payload.decode(errors="replace").replace("\0", "\ufffd"),
        error,
    )
