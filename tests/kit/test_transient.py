"""What is worth another try, and what only looks like it, told apart on failures of a real PostgreSQL."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any, cast

import asyncpg
import pytest
from tortoise import Tortoise
from tortoise.connection import get_connection
from tortoise.exceptions import DBConnectionError, IntegrityError, OperationalError

from server.kit.db import rows, transaction
from server.kit.errors import NotFound, Unavailable
from server.kit.migrate import in_own_context
from server.kit.pool import DatabaseUnavailable, connection
from server.kit.transient import is_transient
from server.settings import Settings
from tests.waiting import until

PASSES: list[BaseException] = [
    Unavailable(),
    DatabaseUnavailable(),
    ConnectionResetError(),
    ConnectionRefusedError(),
    BrokenPipeError(),
    TimeoutError(),
    socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
    DBConnectionError("no such database yet"),
    asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
    asyncpg.CannotConnectNowError("the database system is starting up"),
    asyncpg.AdminShutdownError("terminating connection due to administrator command"),
    asyncpg.TooManyConnectionsError("sorry, too many clients already"),
    asyncpg.DeadlockDetectedError("deadlock detected"),
    asyncpg.SerializationError("could not serialize access"),
    asyncpg.LockNotAvailableError("canceling statement due to lock timeout"),
    asyncpg.QueryCanceledError("canceling statement due to statement timeout"),
    asyncpg.IdleInTransactionSessionTimeoutError("terminating connection"),
    asyncpg.InterfaceError("connection is closed"),
    asyncpg.InterfaceError("cannot perform operation: connection is closed"),
    asyncpg.InterfaceError("cannot call PreparedStatement.fetch(): the underlying connection is closed"),
    asyncpg.InterfaceError("pool is closing"),
    asyncpg.InterfaceError("pool is closed"),
    asyncpg.InternalClientError("cannot switch to state 11; another operation (2) is in progress"),
]
STAYS: list[BaseException] = [
    ValueError(),
    NotFound(),
    FileNotFoundError(2, "No such file or directory"),
    PermissionError(13, "Permission denied"),
    IsADirectoryError(21, "Is a directory"),
    OSError(28, "No space left on device"),
    asyncpg.InterfaceError("cannot perform operation: another operation is in progress"),
    asyncpg.InterfaceError("cannot call PreparedStmt.fetch(): the prepared statement is closed"),
    asyncpg.InterfaceError("the server expects 2 arguments for this query, 1 was passed"),
    asyncpg.DataError("invalid input for query argument $1"),
    asyncpg.InternalClientError("got result for unknown protocol state"),
    asyncpg.InternalClientError("cannot switch to state 11; another operation (12) is in progress"),
    asyncpg.UniqueViolationError("duplicate key value"),
    asyncpg.UndefinedTableError("relation does not exist"),
    asyncpg.DivisionByZeroError("division by zero"),
    IntegrityError(asyncpg.CheckViolationError("violates check constraint")),
]


@pytest.mark.parametrize("error", PASSES, ids=repr)
def test_worth_another_try(error: BaseException) -> None:
    assert is_transient(error)


@pytest.mark.parametrize("error", STAYS, ids=repr)
def test_a_bug_is_not(error: BaseException) -> None:
    assert not is_transient(error)


def test_what_tortoise_wraps_is_looked_into() -> None:
    wrapped = OperationalError("wrapped")
    wrapped.__cause__ = asyncpg.DeadlockDetectedError("deadlock detected")
    assert is_transient(wrapped)
    wrapped.__cause__ = asyncpg.UndefinedColumnError("column does not exist")
    assert not is_transient(wrapped)


async def raised(step: Callable[[], Awaitable[object]]) -> Exception:
    """What it raises."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the caller looks at it
        await step()
    return caught.value


class TestReally:
    """The words of asyncpg, as this version says them."""

    async def test_two_statements_at_once_on_one_connection_are_a_bug(self, settings: Settings) -> None:
        session = await asyncpg.connect(settings.database_url)
        error = await raised(lambda: asyncio.gather(session.execute("SELECT 1"), session.execute("SELECT 2")))
        await session.close()
        assert "another operation" in str(error)
        assert not is_transient(error)

    async def test_a_connection_that_dies_inside_a_transaction_passes(self, settings: Settings) -> None:
        """asyncpg has put it away by the time of the next statement, and says it was released."""
        admin = await asyncpg.connect(settings.database_url)

        async def orphaned() -> None:
            async with transaction("tickets"):
                [mine] = await rows("tickets", "SELECT pg_backend_pid() AS pid")
                proxy = cast("Any", get_connection("tickets"))._connection
                await admin.execute("SELECT pg_terminate_backend($1)", mine["pid"])
                await until(lambda: proxy._con is None, "asyncpg noticed")
                await rows("tickets", "SELECT 1")

        error = await raised(orphaned)
        await admin.close()
        assert "released back to the pool" in str(error)
        assert is_transient(error)
        assert await rows("tickets", "SELECT 1 AS one") == [{"one": 1}]

    @pytest.mark.parametrize(
        "url",
        [
            "postgres://tix@127.0.0.1:1/tix",
            "postgres://tix@localhost:1/tix",
            "postgres://tix@no-such-host.invalid:5432/tix",
            "postgres://tix@/tix?host=/no/such/directory",
        ],
    )
    async def test_a_server_that_cannot_be_reached_passes(self, url: str) -> None:
        """Refused, without a name, or behind a socket file that is not there: nobody's bug."""

        async def ask() -> Exception:
            config = {
                "connections": {"tickets": connection("tickets", url, role=None)},
                "apps": {"tickets": {"models": ["server.tickets.models"], "default_connection": "tickets"}},
            }
            await Tortoise.init(config=config)
            try:
                outside = await raised(lambda: rows("tickets", "SELECT 1"))
                inside = await raised(lambda: transaction("tickets").__aenter__())
            finally:
                await Tortoise.close_connections()
            assert type(inside) is type(outside)
            return outside

        error = await in_own_context(ask())
        assert isinstance(error, DatabaseUnavailable)
        assert is_transient(error)
