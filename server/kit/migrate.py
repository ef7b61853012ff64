"""Migrations: aerich per service, under an advisory lock, then the least rights each role needs.

Every service has its own history in `migrations/<service>/` and keeps it in its own schema. Two migrators at
once take turns; services started together on an empty database therefore cannot race on CREATE TABLE.
"""

import asyncio
import contextvars
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg

from server.kit.log import log
from server.kit.pool import connection

if TYPE_CHECKING:
    from aerich import Command

LOCK = 0x7469785F6D696772
"""`tix_migr` in ASCII."""
AGAIN_SECONDS = 0.2
"""So often a migrator looks whether it is its turn."""
LOCATION = Path(__file__).parents[2] / "migrations"
AUDITOR = "tix_auditor"


async def upgrade(databases: Mapping[str, str]) -> dict[str, list[str]]:
    """Bring every schema up to date; returns service → the files applied. Raises asyncpg's errors."""
    applied = {}
    for service, url in databases.items():
        session = await asyncpg.connect(url)
        try:
            await _take_turn(session)
            await session.execute(f'CREATE SCHEMA IF NOT EXISTS "{service}"')
            behind = await _is_behind(session, service)
            applied[service] = await in_own_context(_upgrade(service, url)) if behind else []
            await _grant(session, service)
        finally:
            await session.close()  # which also unlocks
    return applied


async def downgrade(databases: Mapping[str, str]) -> dict[str, list[str]]:
    """Take back the newest migration of each service; returns service → the files undone."""
    undone = {}
    for service, url in databases.items():
        session = await asyncpg.connect(url)
        try:
            await _take_turn(session)
            undone[service] = await in_own_context(_downgrade(service, url))
        finally:
            await session.close()
    return undone


async def draft(service: str, url: str, name: str) -> list[str]:
    """Write the migration that brings the newest one to today's models; for developers."""
    written: list[str] = await in_own_context(_draft(service, url, name))
    return written


def command(service: str, url: str) -> "Command":
    """aerich for one service, as the URL's own role: a service's role may not change its tables."""
    os.environ.setdefault("AERICH_NO_TORTOISE_V1_WARNING", "1")  # it reads that when it is imported
    from aerich import Command  # noqa: PLC0415 - only where there is something to do
    from aerich.models import Aerich  # noqa: PLC0415 - likewise

    # aerich's own model is one class for all services: each takes it over, under one connection name for all.
    Aerich._meta.app = None  # noqa: SLF001
    config = {
        # One connection: what a file sets for its session is set for its next statement.
        "connections": {"default": connection(service, url, role=None, size=1, patient=True)},
        "apps": {
            service: {
                "models": [f"server.{service}.models", "aerich.models"],
                "default_connection": "default",
            }
        },
        "use_tz": True,
        "timezone": "UTC",
    }
    return Command(config, app=service, location=str(LOCATION))


async def _take_turn(session: "asyncpg.Connection[Any]") -> None:
    """By asking again: who waits inside a statement has a snapshot, for whose end CONCURRENTLY waits."""
    while not await session.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):  # noqa: ASYNC110 - no event here
        await asyncio.sleep(AGAIN_SECONDS)


async def _is_behind(session: "asyncpg.Connection[Any]", service: str) -> bool:
    """Whether a file was not applied yet; aerich asks the same, but to import and connect it takes 0.1 s."""
    try:
        applied = await session.fetch(f'SELECT version FROM "{service}".aerich')  # noqa: S608 - our own names
    except asyncpg.UndefinedTableError:
        return True
    return not _files(service) <= {row["version"] for row in applied}


def _files(service: str) -> set[str]:
    return {path.name for path in (LOCATION / service).glob("[0-9]*.py")}


async def _upgrade(service: str, url: str) -> list[str]:
    async with command(service, url) as aerich:
        await aerich.init()
        return await aerich.upgrade(run_in_transaction=True)


async def _downgrade(service: str, url: str) -> list[str]:
    from aerich.exceptions import DowngradeError  # noqa: PLC0415 - as above

    async with command(service, url) as aerich:
        await aerich.init()
        try:
            return await aerich.downgrade(version=-1, delete=False)
        except DowngradeError:  # there is none left
            return []


async def _draft(service: str, url: str, name: str) -> list[str]:
    async with command(service, url) as aerich:
        if not _files(service):
            await aerich.init_db(safe=True)
            return sorted(_files(service))
        await aerich.init()
        return [str(await aerich.migrate(name, no_input=True))]


async def in_own_context(step: Any) -> Any:  # noqa: ANN401 - gives back what the step gives
    """Tortoise keeps its connections in a context variable: a second service in the same one would fail."""
    return await asyncio.create_task(step, context=contextvars.Context())


async def _grant(session: "asyncpg.Connection[Any]", service: str) -> None:
    """A role per service that reaches only its own schema, and one that reads all for doctor."""
    role = f"tix_{service}"
    try:
        for name in (role, AUDITOR):
            if not await session.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", name):
                await session.execute(f'CREATE ROLE "{name}" NOLOGIN')
            await session.execute(f'GRANT "{name}" TO CURRENT_USER')
    except asyncpg.InsufficientPrivilegeError:
        log.warning("this database URL may not create roles; its own role is used", service=service)
        return
    await session.execute(
        f"""
        REVOKE ALL ON SCHEMA "{service}" FROM PUBLIC;
        GRANT USAGE ON SCHEMA "{service}" TO "{role}", "{AUDITOR}";
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "{service}" TO "{role}";
        GRANT USAGE ON ALL SEQUENCES IN SCHEMA "{service}" TO "{role}";
        GRANT SELECT ON ALL TABLES IN SCHEMA "{service}" TO "{AUDITOR}";
        """
    )
