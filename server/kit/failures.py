"""How often a message failed for good, counted at the broker: replicas share the count, and it outlives them.

JetStream's own `num_delivered` is no such count: it also rises while the database is away, and when a process
dies. A table would serve only services with a database, and need a purge; this bucket forgets by itself.
"""

from uuid import NAMESPACE_OID, uuid5

from nats.js import JetStreamContext
from nats.js.errors import KeyNotFoundError

BUCKET = "TIX_FAILURES"


async def count_failure(jetstream: JetStreamContext, consumer: str, message_id: str) -> int:
    """One more failure of this message at this consumer; returns how many that makes.

    A message is with one worker at a time, so nobody else counts it meanwhile. Raises nats errors.
    """
    bucket = await jetstream.key_value(BUCKET)
    key = f"{consumer}.{uuid5(NAMESPACE_OID, message_id)}"  # an id may hold what a key may not
    try:
        count = int((await bucket.get(key)).value or b"0") + 1
    except (KeyNotFoundError, ValueError):  # none yet, or no number: not ours
        count = 1
    await bucket.put(key, str(count).encode())
    return count
