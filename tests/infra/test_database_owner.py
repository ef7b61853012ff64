"""The database as CloudNativePG makes it: its owner is no superuser, but may make roles, by one line."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import yaml

from server.kit.pool import connection
from server.local import LocalServers
from server.settings import SERVICES, Settings
from tests.infra.containers import K8S
from tests.platform import command

[CLUSTER] = [
    document["spec"]
    for document in yaml.safe_load_all((K8S / "overlays/production/postgres.yaml").read_text())
    if document["kind"] == "Cluster"
]


@pytest.fixture
async def superuser(open_dir: Path) -> AsyncIterator[str]:
    """A PostgreSQL of its own, since roles are of the whole server; the URL of its superuser."""
    servers = LocalServers(open_dir / "owner", wanted=["postgres"], durable=False)
    try:
        yield (await asyncio.to_thread(servers.start))["DATABASE_URL"]
    finally:
        await asyncio.to_thread(servers.stop)
        await asyncio.to_thread(shutil.rmtree, open_dir / "owner")


async def database_of(superuser: str, statements: list[str]) -> Settings:
    """What the operator does, in its order: the owner, then `postInitSQL`, then the database."""
    session = await asyncpg.connect(superuser)
    await session.execute("CREATE ROLE owner LOGIN PASSWORD 'secret'")
    for statement in statements:
        await session.execute(statement.replace("tix", "owner"))
    await session.execute("CREATE DATABASE made OWNER owner")
    await session.close()
    address = superuser.partition("@")[2].replace("/tix", "/made")
    return Settings.load({"DATABASE_URL": f"postgresql://owner:secret@{address}"})


async def migrated(settings: Settings) -> None:
    """As the Job does it, in a process of its own."""
    status, _, errors = await command("migrate", env={"DATABASE_URL": settings.database_url or ""})
    assert status == 0, errors


async def role_of(settings: Settings, service: str) -> str:
    """As whom a service's connections act."""
    made = connection(service, settings.database(service), role=f"tix_{service}")["credentials"]  # type: ignore[arg-type]
    session = await asyncpg.connect(settings.database_url)
    try:
        await made["init"](session)
        return str(await session.fetchval("SELECT current_user"))
    finally:
        await session.close()


@pytest.mark.slow
async def test_each_service_gets_a_role_of_its_own(superuser: str) -> None:
    settings = await database_of(superuser, CLUSTER["bootstrap"]["initdb"]["postInitSQL"])
    await migrated(settings)
    for service in SERVICES:
        if service != "expiration":
            assert await role_of(settings, service) == f"tix_{service}"


@pytest.mark.slow
async def test_without_that_line_they_all_act_as_the_owner(superuser: str) -> None:
    settings = await database_of(superuser, [])
    await migrated(settings)
    assert await role_of(settings, "orders") == "owner"
