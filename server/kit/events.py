"""The base class of events and their envelope: typed, closed when published, tolerant when heard."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from server.kit.schemas import Moment


class Payload(BaseModel):
    """A part of an event; unknown fields are refused when building it."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


class Event(Payload):
    """A fact in the past tense; its fields are the envelope's `data`.

    Consumers read with `hear`, which ignores fields of newer publishers, so adding an optional field is
    the only legal change; anything else is a new class.
    """

    type: ClassVar[str]
    """Wire name, `noun:verb`."""

    @classmethod
    def subject(cls) -> str:
        """The NATS subject: `ticket:created` → `ticket.created`, since `:` is no token separator."""
        return cls.type.replace(":", ".")

    @classmethod
    def hear(cls, data: Mapping[str, Any]) -> Self:
        """Read an envelope's `data`. Raises pydantic's ValidationError."""
        return cls.model_validate(data, extra="ignore")


class Envelope(BaseModel):
    """What travels: `id` is also the Nats-Msg-Id, so JetStream and the inboxes know a repeat."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True)

    id: UUID
    type: str
    occurred_at: Moment
    data: dict[str, Any]
