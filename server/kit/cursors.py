"""Keyset cursors: where a page ended, opaque to clients."""

import base64
import binascii
import json
from uuid import UUID

from server.kit.errors import Invalid


def encode_cursor(*parts: object) -> str:
    """A keyset cursor: opaque to clients."""
    return base64.urlsafe_b64encode(json.dumps([str(part) for part in parts]).encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None, length: int) -> list[str] | None:
    """The parts of a cursor made by `encode_cursor`. Raises Invalid."""
    if cursor is None:
        return None
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error):
        parts = None
    if not isinstance(parts, list) or len(parts) != length or not all(isinstance(p, str) for p in parts):
        raise Invalid.field("cursor", "not a cursor of this list")
    return parts


def decode_id_cursor(cursor: str | None) -> UUID | None:
    """The id in a cursor that is nothing but one. Raises Invalid."""
    parts = decode_cursor(cursor, 1)
    try:
        return UUID(parts[0]) if parts else None
    except ValueError as error:
        raise Invalid.field("cursor", "not a cursor of this list") from error
