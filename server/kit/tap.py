"""A tap on the bus: every event of the stream as it is published, for people who look on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import nats.errors
import nats.js.errors
from pydantic import ValidationError

from server.kit.bus import Bus, pause
from server.kit.events import Envelope
from server.kit.keeper import STREAM
from server.kit.log import log

POLL_SECONDS = 0.1
AWAY_SECONDS = 1


async def events(bus: Bus, stopping: asyncio.Event) -> AsyncIterator[dict[str, Any]]:
    """Every envelope from now on, POLL_SECONDS late; a bus that is away is waited for, with a warning.

    By sequence number, without a consumer: one would be gone after a restart of the broker, in silence.
    """
    seen: int | None = None
    while not stopping.is_set():
        try:
            last = (await bus.jetstream.stream_info(STREAM)).state.last_seq
            if seen is None:
                seen = last
            elif last < seen:  # the stream was made anew
                seen = 0
            while seen < last:
                with suppress(nats.js.errors.NotFoundError, ValidationError):  # deleted, or no event
                    message = await bus.jetstream.get_msg(STREAM, seen + 1)
                    event = Envelope.model_validate_json(message.data or b"")
                    yield event.model_dump(mode="json", by_alias=True)
                seen += 1
        except (TimeoutError, nats.errors.Error, OSError) as error:
            log.warning("trace interrupted; it goes on when the bus answers", error=repr(error))
            await pause(AWAY_SECONDS, stopping)
        await pause(POLL_SECONDS, stopping)
