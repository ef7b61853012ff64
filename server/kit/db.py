"""PostgreSQL: statements, and shielded transactions."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar

import asyncpg
from tortoise import Tortoise
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.connection import get_connection, get_connections
from tortoise.exceptions import IntegrityError
from tortoise.models import Model

from server.kit.log import log
from server.kit.pool import ACQUIRE_SECONDS, POOL_SIZE, acquire, connection

T = TypeVar("T")
M = TypeVar("M", bound=Model)


class LostWrite(Exception):
    """COMMIT was answered by ROLLBACK: an earlier error was swallowed inside the transaction."""


class Once(Protocol):
    """What makes a use-case run once: an inbox row or an idempotency key."""

    async def claim(self, service: str) -> None:
        """Called first in the transaction; raises to leave it with nothing done."""

    async def keep(self, service: str, result: object) -> None:
        """Called last, before COMMIT."""


class Transaction:
    """An open transaction; `done(result)` names what the use-case answers."""

    def __init__(self, service: str) -> None:
        """Made by `transaction` only."""
        self.service = service
        self.result: object = None
        self.bells: set[str] = set()

    def done(self, result: T) -> T:
        """Hand over what a repeated idempotency key will be answered with."""
        self.result = result
        return result

    def rings(self, bell: str) -> None:
        """After COMMIT, wake whoever waits for this: `outbox` the relay, `ops` the calls to Stripe."""
        self.bells.add(bell)


_current: ContextVar[Transaction | None] = ContextVar("transaction", default=None)
_unfinished: set[asyncio.Task[Any]] = set()
_bells: defaultdict[tuple[str, str], set[Callable[[], None]]] = defaultdict(set)


def current(service: str) -> Transaction:
    """The open transaction of this service. Raises RuntimeError outside of one."""
    tx = _current.get()
    if tx is None or tx.service != service:
        raise RuntimeError(f"no transaction of {service} is open")
    return tx


def on_bell(service: str, bell: str, wake: Callable[[], None]) -> Callable[[], None]:
    """Call `wake` after each commit in this process that rang this bell; returns its undo."""
    _bells[service, bell].add(wake)
    return lambda: _bells[service, bell].discard(wake)


def violated(error: IntegrityError) -> str | None:
    """The name of the constraint that refused the write."""
    return getattr(error.__cause__ or (error.args[0] if error.args else None), "constraint_name", None)


async def rows(service: str, sql: str, *values: object) -> list[dict[str, Any]]:
    """Run one statement: in the open transaction if there is one, else by itself."""
    return await get_connection(service).execute_query_dict(sql, list(values))


def loaded(model: type[M], row: Mapping[str, Any]) -> M:
    """The model of a row that was read or written; its constructor takes five times as long, 50 us."""
    return model._init_from_db(**row)  # noqa: SLF001 - Tortoise offers it for its own statements only


async def write(service: str, sql: str, *values: object, bell: str) -> list[dict[str, Any]]:
    """Run a statement that writes all there is to write, and ring `bell` when that is committed.

    Without an open transaction it is one by itself: BEGIN, COMMIT and their tasks would double what it costs
    here. It runs to its end, whoever hangs up meanwhile.
    """
    tx = _current.get()
    if tx is None:
        return await _unbroken(_alone(service, sql, values, bell))
    current(service).rings(bell)
    return await rows(service, sql, *values)


async def _alone(service: str, sql: str, values: tuple[object, ...], bell: str) -> list[dict[str, Any]]:
    written = await rows(service, sql, *values)
    _ring(service, bell)
    return written


@asynccontextmanager
async def transaction(
    service: str, *, once: Once | None = None, dry_run: bool = False
) -> AsyncIterator[Transaction]:
    """The only way to a transaction, for use-cases only; COMMIT at the end, ROLLBACK on any error.

    A `dry_run` ends in ROLLBACK too: all checks ran, the constraints' included, and nothing happened.

    A handler that is cancelled (its client hung up) rolls back and gives its connection back: BEGIN, COMMIT
    and ROLLBACK run in tasks of their own. Tortoise's own context leaks the connection when it is cancelled
    during BEGIN; 400 hung-up requests then empty a pool for good.
    Raises what `once` raises, DatabaseUnavailable, and LostWrite.
    """
    if _current.get() is not None:
        raise RuntimeError("one use-case, one transaction: they do not nest")
    pool_client = get_connection(service)
    assert isinstance(pool_client, AsyncpgDBClient)  # noqa: S101 - narrows the type; the config says asyncpg
    client = await _unbroken(_begin(pool_client), undo=_roll_back)
    tx = Transaction(service)
    token = get_connections().set(service, client)
    tx_token = _current.set(tx)
    try:
        if once is not None:
            await once.claim(service)
        yield tx
        if once is not None:
            await once.keep(service, tx.result)
    except BaseException:
        await _unbroken(_roll_back(client))
        raise
    else:
        await _unbroken(_roll_back(client) if dry_run else _commit(client, tx))
    finally:
        _current.reset(tx_token)
        get_connections().reset(token)


async def _begin(pool_client: AsyncpgDBClient) -> TransactionWrapper:
    async with pool_client._pool_init_lock:  # noqa: SLF001 - Tortoise makes its pool lazily, under this lock
        if pool_client._pool is None:  # noqa: SLF001
            await pool_client.create_connection(with_db=True)
    pool: asyncpg.Pool[Any] = pool_client._pool  # type: ignore[assignment]  # noqa: SLF001
    connection = await acquire(pool_client)
    client = TransactionWrapper(pool_client)
    client._connection = connection  # noqa: SLF001
    try:
        await connection.execute("BEGIN")
    except BaseException:
        await pool.release(connection)
        raise
    return client


async def _commit(client: TransactionWrapper, tx: Transaction) -> None:
    try:
        answer = await client._connection.execute("COMMIT")  # noqa: SLF001
    finally:
        await _release(client)
    # After an error PostgreSQL answers COMMIT with ROLLBACK and no error: the writes would vanish silently.
    if answer != "COMMIT":
        raise LostWrite(f"a transaction of {tx.service} was rolled back at COMMIT")
    for bell in tx.bells:
        _ring(tx.service, bell)


def _ring(service: str, bell: str) -> None:
    for wake in tuple(_bells[service, bell]):
        wake()


async def _roll_back(client: TransactionWrapper) -> None:
    try:
        with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):  # a dead connection has none
            await client._connection.execute("ROLLBACK")  # noqa: SLF001
    finally:
        await _release(client)


async def _release(client: TransactionWrapper) -> None:
    pool = client._parent._pool  # noqa: SLF001
    if pool is not None:
        await pool.release(client._connection)  # type: ignore[arg-type]  # noqa: SLF001 - a proxy, as in _begin


async def _unbroken(
    step: Coroutine[Any, Any, T], *, undo: Callable[[T], Coroutine[Any, Any, None]] | None = None
) -> T:
    """Await `step` in a task that our own cancellation does not reach; then `undo` what it gave."""
    task = _kept_alive(step)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if undo is not None and not task.cancelled():
            _kept_alive(_undo(task, undo))
        raise


async def _undo(task: asyncio.Task[T], undo: Callable[[T], Coroutine[Any, Any, None]]) -> None:
    try:
        result = await task
    except Exception as error:  # noqa: BLE001 - nobody waits for this step any more; its own caller was cancelled
        log.debug("abandoned step failed", error=repr(error))
    else:
        await undo(result)


def _kept_alive(step: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    task = asyncio.create_task(step)
    _unfinished.add(task)
    task.add_done_callback(_unfinished.discard)
    return task


async def connect(databases: Mapping[str, str], *, size: int = POOL_SIZE) -> None:
    """Make the services' pools known to this process; connections are opened at first use, `size` at most."""
    config = {
        "connections": {
            name: connection(name, url, role=f"tix_{name}", size=size) for name, url in databases.items()
        },
        "apps": {of: {"models": [f"server.{of}.models"], "default_connection": of} for of in databases},
        "use_tz": True,
        "timezone": "UTC",
    }
    await Tortoise.init(config=config, _enable_global_fallback=True)


async def disconnect() -> None:
    """Finish what cancelled handlers left behind, then close every pool."""
    while _unfinished:
        await asyncio.wait(_unfinished, timeout=ACQUIRE_SECONDS)
    await Tortoise.close_connections()


async def ping(service: str) -> None:
    """Raise unless the service's database answers."""
    await rows(service, "SELECT 1")
