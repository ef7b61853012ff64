"""The typed client of the Tix API, for the CLI, the TUI, the web and scripts of one's own."""

from client.api import Tix
from client.errors import (
    BadAnswer,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    OutcomeUnknown,
    PaymentRefused,
    TixError,
    TooMany,
    Unauthenticated,
    Unavailable,
    Unreachable,
)
from client.watch import Anew, watch_order, watch_tickets

__all__ = [
    "Anew",
    "BadAnswer",
    "Conflict",
    "Forbidden",
    "Invalid",
    "NotFound",
    "OutcomeUnknown",
    "PaymentRefused",
    "Tix",
    "TixError",
    "TooMany",
    "Unauthenticated",
    "Unavailable",
    "Unreachable",
    "watch_order",
    "watch_tickets",
]
