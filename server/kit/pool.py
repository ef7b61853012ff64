"""One pool of PostgreSQL connections per service.

A service's connection sees only its own schema (`search_path`) and acts as its own role `tix_<service>`
where `migrate` could make one, so a stray query into another service's tables is an error.
"""

from collections import Counter
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient
from tortoise.backends.base.client import PoolConnectionWrapper
from tortoise.backends.base.config_generator import expand_db_url
from tortoise.connection import get_connection

from server.kit.errors import Unavailable

POOL_SIZE = 10
"""Connections a service keeps at most; two cores of PostgreSQL are busy with far fewer."""
ACQUIRE_SECONDS = 5
"""Wait for a free connection at most this long: a queue longer than that is an overload, not a burst."""

# Nothing Tix does takes a second; a statement that does is stuck, and must not hold its locks for ever.
SESSION = {
    "timezone": "UTC",
    "statement_timeout": "3s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "8s",
}
COMMAND_SECONDS = 10


class DatabaseUnavailable(Unavailable):
    """PostgreSQL does not answer, or not in time."""

    code = "database_unavailable"
    title = "The database does not answer at the moment"


_waiting: Counter[str] = Counter()
_opened: Counter[str] = Counter()


async def acquire(client: AsyncpgDBClient) -> Any:  # noqa: ANN401 - asyncpg's proxy of a connection
    """A connection of the pool, which is there. Raises DatabaseUnavailable."""
    pool: asyncpg.Pool[Any] = client._pool  # type: ignore[assignment]  # noqa: SLF001 - made by the callers
    _waiting[client.connection_name] += 1
    try:
        return await pool.acquire(timeout=ACQUIRE_SECONDS)
    except TimeoutError as error:
        raise DatabaseUnavailable("All database connections are busy; try again in a moment.") from error
    except OSError as error:
        raise DatabaseUnavailable from error
    finally:
        _waiting[client.connection_name] -= 1


class Pool(NamedTuple):
    """A service's connections; `waiting` are those who want one."""

    in_use: int
    idle: int
    waiting: int


def busy(service: str) -> Pool:
    """How busy this process's pool of the service is now."""
    client = get_connection(service)
    assert isinstance(client, AsyncpgDBClient)  # noqa: S101 - narrows the type; the config says asyncpg
    made = client._pool  # noqa: SLF001 - made at first use
    size, idle = (made.get_size(), made.get_idle_size()) if made else (0, 0)
    return Pool(size - idle, idle, _waiting[service])


def opened(service: str) -> int:
    """How many connections of the service this process has opened so far, all of them counted."""
    return _opened[service]


class _Borrowed(PoolConnectionWrapper[Any]):
    """A connection for one statement; Tortoise itself would wait for a free one without end."""

    async def __aenter__(self) -> Any:  # noqa: ANN401 - as Tortoise has it
        await self.ensure_connection()
        assert isinstance(self.client, AsyncpgDBClient)  # noqa: S101 - narrows the type; `_Client` made this
        self.connection = await acquire(self.client)
        return self.connection


class _Client(AsyncpgDBClient):
    async def create_connection(self, with_db: bool) -> None:  # noqa: FBT001 - as Tortoise has it
        """Whatever keeps us from the server may pass: no route, a socket file that is not there yet."""
        try:
            await super().create_connection(with_db)
        except OSError as error:
            raise DatabaseUnavailable from error

    def acquire_connection(self) -> _Borrowed:
        return _Borrowed(self, self._pool_init_lock)


client_class = _Client
"""What Tortoise looks for in the module that a connection's `engine` names: this one."""


async def _begin(raw: "asyncpg.Connection[Any]", service: str, role: str | None) -> None:
    """Count it, and take the service's own role, where it exists and we may."""
    _opened[service] += 1
    if role is not None:
        with suppress(asyncpg.InvalidParameterValueError, asyncpg.InsufficientPrivilegeError):
            await raw.execute(f'SET ROLE "{role}"')


async def _reset(_: "asyncpg.Connection[Any]") -> None:
    """Nothing to reset: we keep no session state, and asyncpg's default costs a round trip per use."""


def connection(
    service: str, url: str, *, role: str | None, size: int = POOL_SIZE, patient: bool = False
) -> dict[str, Any]:
    """Tortoise's settings for one service's pool, acting as `role` if that exists and we may.

    A `patient` one's statements take as long as they take, as a migration's do; for locks it waits as all do.
    """
    parsed = expand_db_url(url)
    parsed["engine"] = __name__
    parsed["credentials"].update(
        schema=service,
        minsize=1,
        maxsize=size,
        timeout=ACQUIRE_SECONDS,
        command_timeout=None if patient else COMMAND_SECONDS,
        server_settings={
            **SESSION,
            **({"statement_timeout": "0"} if patient else {}),
            "application_name": f"tix-{service}",
        },
        init=partial(_begin, service=service, role=role),
        reset=_reset,
    )
    return parsed
