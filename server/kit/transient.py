"""Which failures are worth another try."""

import socket

import asyncpg
from tortoise.exceptions import DBConnectionError

from server.kit.errors import Unavailable

LOST = (
    "connection is closed",
    "connection has been released back to the pool",
    "pool is closed",
    "pool is closing",
    "another operation (2) is in progress",
)
"""asyncpg has one class for a connection that is gone and for one used wrongly; only the words differ.

"Released" is what it says of a connection that died between two statements of a transaction, and operation 2
is to take in an error nobody asked for: the server's last word before it hangs up.
"""


def is_transient(error: BaseException) -> bool:
    """Whether trying the same again later can succeed: PostgreSQL away, restarting, full or deadlocked.

    Not what only looks alike: a missing file is an OSError too, two statements at once on one connection are
    an InterfaceError, and both fail again. What keeps us from connecting is DatabaseUnavailable.
    """
    cause = error if isinstance(error, asyncpg.PostgresError) else error.__cause__ or error
    if isinstance(cause, asyncpg.InterfaceError | asyncpg.InternalClientError):
        return any(words in str(cause) for words in LOST)
    return isinstance(error, Unavailable | ConnectionError | TimeoutError | DBConnectionError) or isinstance(
        cause,
        asyncpg.PostgresConnectionError
        | asyncpg.OperatorInterventionError
        | asyncpg.InsufficientResourcesError
        | asyncpg.TransactionRollbackError
        | asyncpg.LockNotAvailableError
        | asyncpg.IdleInTransactionSessionTimeoutError
        | ConnectionError
        | TimeoutError
        | socket.gaierror,
    )
