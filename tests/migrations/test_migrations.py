"""Migrations on an empty database: up, down, up; by many at once; in step with the models; least rights."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from server.kit.db import rows
from server.settings import Settings

ROOT = Path(__file__).parents[2]
SERVICES = ("auth", "tickets", "orders", "payments")


def in_database(url: str, name: str) -> str:
    """The same server, another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@pytest.fixture
async def fresh(settings: Settings) -> AsyncIterator[str]:
    """The URL of an empty database."""
    admin = await asyncpg.connect(settings.database_url)
    await admin.execute('DROP DATABASE IF EXISTS "fresh" WITH (FORCE)')
    await admin.execute('CREATE DATABASE "fresh"')
    yield in_database(settings.database("orders"), "fresh")
    await admin.execute('DROP DATABASE "fresh" WITH (FORCE)')
    await admin.close()


async def tables(url: str, service: str) -> set[str]:
    """The service's tables."""
    session = await asyncpg.connect(url)
    try:
        found = await session.fetch("SELECT tablename FROM pg_tables WHERE schemaname = $1", service)
    finally:
        await session.close()
    return {row["tablename"] for row in found}


async def python(*arguments: str, url: str) -> str:
    """Run Python in a process of its own, since aerich takes the models over; returns its stdout."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "DATABASE_URL": url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


UP = ("-m", "server", "migrate")
FILE = re.compile(r"\w+\.py")
NEWER_THAN_THE_FILES = """
import asyncio, os, sys, tempfile
from aerich.migrate import Migrate
from server.kit import migrate

async def draft(service):
    async with migrate.command(service, os.environ["DATABASE_URL"]) as aerich:
        await aerich.init()
        Migrate.migrate_location = migrate.Path(tempfile.mkdtemp())
        return await Migrate.migrate("probe", empty=False, no_input=True)

async def main():
    for service in sys.argv[1:]:
        print(service, repr(await migrate.in_own_context(draft(service))))

asyncio.run(main())
"""

IN_A_HURRY = """
import asyncio, os
from server.kit import migrate, pool

pool.SESSION["statement_timeout"] = "1ms"
pool.COMMAND_SECONDS = 0.001
print(asyncio.run(migrate.upgrade({"tickets": os.environ["DATABASE_URL"]})))
"""


class TestUpgrade:
    """From nothing."""

    @pytest.mark.slow
    async def test_up_down_and_up_again(self, fresh: str) -> None:
        """Down takes back one of each, in the end all but aerich's own table; up finds nothing in its way."""
        first = await python(*UP, url=fresh)
        assert first.count("_init.py") == 4
        after_up = {service: await tables(fresh, service) for service in SERVICES}
        assert after_up["orders"] >= {"orders", "order_history", "tickets", "outbox", "inbox"}
        undone: list[str] = []
        while not undone or undone[-1].count("nothing to do") < 4:
            undone.append(await python(*UP, "--down", "--yes", url=fresh))
        assert sorted(FILE.findall("".join(undone))) == sorted(FILE.findall(first))
        for service in SERVICES:
            assert await tables(fresh, service) == {"aerich"}
        assert await python(*UP, url=fresh) == first
        assert {service: await tables(fresh, service) for service in SERVICES} == after_up
        assert (await python(*UP, url=fresh)).count("nothing to do") == 4

    @pytest.mark.slow
    async def test_p02_many_at_once_on_an_empty_database(self, fresh: str) -> None:
        """Four processes migrate together: each succeeds, and each file was applied once."""
        said = await asyncio.gather(*(python(*UP, url=fresh) for _ in range(4)))
        assert sum(one.count("_init.py") for one in said) == 4
        assert sum(one.count("nothing to do") for one in said) == 12

    async def test_p01_models_agree_with_the_migrations(self, fresh: str) -> None:
        """aerich would have nothing to change: what the code asks for is what the files make."""
        await python(*UP, url=fresh)
        assert await python("-c", NEWER_THAN_THE_FILES, *SERVICES, url=fresh) == "".join(
            f"{service} ''\n" for service in SERVICES
        )

    async def test_it_takes_its_time_and_builds_anew_what_was_left_half_done(self, fresh: str) -> None:
        """However short a service's statements must be; who is killed leaves an invalid index behind."""
        assert "search_indexes.py" in await python("-c", IN_A_HURRY, url=fresh)
        session = await asyncpg.connect(fresh)
        try:
            await session.execute(
                "UPDATE pg_index SET indisvalid = false "
                "WHERE indexrelid = 'tickets.tickets_by_words'::regclass"
            )
            await session.execute("DELETE FROM tickets.aerich WHERE version LIKE '4%'")
            assert FILE.findall(await python("-c", IN_A_HURRY, url=fresh)) == [
                "4_20261129111100_search_indexes.py"
            ]
            assert await session.fetchval("SELECT bool_and(indisvalid) FROM pg_index")
        finally:
            await session.close()


class TestRights:
    """What a service's role may do."""

    async def test_a_service_reaches_only_its_own_schema(self, settings: Settings) -> None:
        """tix_orders reads and writes orders, and is refused tickets; it may not change a table."""
        session = await asyncpg.connect(settings.database_url)
        try:
            await session.execute("SET ROLE tix_orders")
            assert await session.fetchval("SELECT count(*) FROM orders.orders") >= 0
            for forbidden in (
                "SELECT count(*) FROM tickets.tickets",
                "SELECT count(*) FROM auth.users",
                "UPDATE payments.payments SET status = 'captured'",
                "DROP TABLE orders.orders",
                "ALTER TABLE orders.orders ADD COLUMN hole int",
            ):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await session.execute(forbidden)
        finally:
            await session.close()

    async def test_services_really_use_their_role(self, settings: Settings) -> None:
        """The pool's connections act as tix_<service>, not as the URL's owner."""
        for service in SERVICES:
            assert (await rows(service, "SELECT current_user AS name"))[0]["name"] == f"tix_{service}"

    async def test_the_auditor_only_reads(self, settings: Settings) -> None:
        """doctor's role sees every schema and changes none."""
        session = await asyncpg.connect(settings.database_url)
        try:
            await session.execute("SET ROLE tix_auditor")
            assert await session.fetchval("SELECT count(*) FROM payments.ledger") >= 0
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await session.execute("DELETE FROM payments.ledger")
        finally:
            await session.close()
