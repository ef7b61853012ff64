"""When a request is sent again, and after how long."""

import random
from enum import Enum, auto

from client.errors import OutcomeUnknown, TixError, Unavailable, Unreachable

LONGEST_WAIT = 60.0
"""Seconds of Retry-After that are waited unless told otherwise; for a longer one the error is the answer."""
FIRST_WAIT, LONGEST_BACKOFF = 0.25, 5.0
NO_USE = frozenset({"too_many_holds"})
"""Refusals by 429 that time alone does not lift: a hold has to be paid or cancelled first."""


class Repeat(Enum):
    """What a call does when it arrives twice."""

    HARMLESS = auto()
    """Nothing more: it reads, ends in the same state, or carries an idempotency key."""
    SEEN = auto()
    """The second is refused because of the first, or makes one more: no repeat after a lost answer."""


def worth_repeating(error: TixError, repeat: Repeat, *, keyed: bool, longest_wait: float) -> bool:
    """Whether to send it again may help and cannot harm; `keyed`: it carries an idempotency key."""
    if error.retry_after is not None and error.retry_after > longest_wait:
        return False
    if isinstance(error, Unreachable):
        return repeat is Repeat.HARMLESS or not error.may_have_arrived
    if error.code == "idempotency_in_flight":
        return keyed  # our own first try is still at work
    return (error.status == 429 and error.code not in NO_USE) or (  # noqa: PLR2004
        isinstance(error, Unavailable) and (repeat is Repeat.HARMLESS or error.status == 503)  # noqa: PLR2004
    )


def pause(attempt: int, error: TixError) -> float:
    """Seconds to wait after `attempt` (from 0).

    Full jitter, on top of what the server asked for: those it turned away come back one by one.
    """
    doublings = min(attempt, 10)  # enough for the longest; 2**1,030 is no float any more
    backoff = random.uniform(0, min(LONGEST_BACKOFF, FIRST_WAIT * 2**doublings))  # noqa: S311 - no secret
    return (error.retry_after or 0) + backoff


def unknown(error: TixError) -> OutcomeUnknown:
    """What a refusal of a repeated request says, if the first one may have been done."""
    return OutcomeUnknown(
        f"{error.detail} That may be the work of the first attempt, which got no clear answer; look first.",
        code=error.code,
        status=error.status,
        request_id=error.request_id,
        extra=error.extra,
    )
