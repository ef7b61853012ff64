"""However the Tix process ends, no server outlives it, and the next start works."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import asyncpg
import pytest

from server import supervisor
from server.local import LocalError
from server.local.postgres import Postgres
from server.supervisor import LAUNCHER, Child, Command, Log, stop_all
from tests.local.conftest import Machine, Parent, kill_all, runs
from tests.waiting import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc; on others the launcher watches")
Start = Callable[..., Parent]


class TestSignals:
    """SIGINT and SIGTERM."""

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    async def test_a_signal_to_tix_stops_everything_in_five_seconds(
        self, parent: Start, machine: Machine, number: signal.Signals
    ) -> None:
        """Even with a client connected to the database."""
        tix = await parent().started()
        database = await asyncpg.connect(tix.environment["DATABASE_URL"])
        os.kill(tix.process.pid, number)
        assert await until(lambda: tix.process.poll() is not None, "Tix ends", timeout=5)
        assert tix.process.returncode == 0
        assert machine.all_gone()
        assert not any(map(runs, tix.pids.values()))
        database.terminate()

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    @pytest.mark.slow
    async def test_a_signal_in_the_middle_of_a_start_leaves_no_child(
        self, parent: Start, machine: Machine, number: signal.Signals
    ) -> None:
        """Before any handler is installed, as in the first second of `up`."""
        tix = parent("bare")
        log = machine.data_dir / "logs" / "postgres.log"
        await until(log.exists, "PostgreSQL is being made")
        os.kill(tix.process.pid, number)
        await until(lambda: tix.process.poll() is not None, "Tix ends", timeout=5)
        await until(machine.all_gone, "no server is left", timeout=3)
        await machine.start()

    @pytest.mark.slow
    async def test_ctrl_c_in_the_terminal_reaches_tix_alone(self, parent: Start) -> None:
        """No server is in its process group or session."""
        tix = await parent().started()
        assert os.getsid(tix.process.pid) not in {os.getsid(pid) for pid in tix.pids.values()}


class TestKill:
    """SIGKILL, which nobody can handle."""

    @pytest.mark.parametrize(
        "flags",
        [
            (),
            pytest.param(("thread",), marks=pytest.mark.slow),
            pytest.param(("watch",), marks=pytest.mark.slow),
        ],
        ids=["main-thread", "worker-thread", "watch"],
    )
    async def test_killing_tix_leaves_no_child(
        self, parent: Start, machine: Machine, flags: tuple[str, ...]
    ) -> None:
        """Within 3 s, in both ways a child is tied to it."""
        tix = await parent(*flags).started()
        assert all(map(runs, tix.pids.values()))
        tix.process.kill()
        await until(machine.all_gone, "no server is left", timeout=3)
        assert not any(map(runs, tix.pids.values()))

    @pytest.mark.slow
    async def test_children_outlive_the_thread_that_started_them(self, parent: Start) -> None:
        """The kernel ties a child to a thread, not to a process."""
        tix = await parent("thread").started()
        threads = Path(f"/proc/{tix.process.pid}/task")
        await until(lambda: len(list(threads.iterdir())) == 2, "only the main thread and the forker are left")
        database = await asyncpg.connect(tix.environment["DATABASE_URL"])
        assert await database.fetchval("SELECT 1") == 1
        await database.close()
        assert all(map(runs, tix.pids.values()))

    @pytest.mark.slow
    async def test_without_the_lasting_thread_they_would_not(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Negative control: forked by a thread that ends, the child ends too."""
        child = await asyncio.to_thread(sleeper, tmp_path)
        await until(lambda: is_sleeping(child.pid), "the launcher has become sleep")
        monkeypatch.setattr(supervisor, "_forker", Passing())
        doomed = await asyncio.to_thread(sleeper, tmp_path)
        assert await until(lambda: doomed.exit_code() is not None, "the child ends with its thread")
        assert child.exit_code() is None
        child.kill()

    @pytest.mark.slow
    async def test_a_server_that_ignores_its_signal_is_killed(self, tmp_path: Path) -> None:
        """The five seconds hold for a server that hangs."""
        deaf = tmp_path / "deaf"
        script = f"trap '' TERM; touch {deaf}; while :; do /bin/sleep 60; done"
        child = await asyncio.to_thread(run_child, tmp_path, "/bin/sh", "-c", script)
        await until(deaf.exists, "it ignores SIGTERM")
        await asyncio.to_thread(stop_all, [child], seconds=0.1)
        assert child.exit_code() == -signal.SIGKILL

    async def test_a_start_after_killing_everything_recovers(self, parent: Start, machine: Machine) -> None:
        """Committed rows are there; postmaster.pid and zombies are no obstacle."""
        tix = await parent().started()
        database = await asyncpg.connect(tix.environment["DATABASE_URL"])
        await database.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        tix.process.kill()
        kill_all(tix.pids)
        database.terminate()

        _, environment = await machine.start()
        assert environment == tix.environment
        database = await asyncpg.connect(environment["DATABASE_URL"])
        assert await database.fetchval("SELECT answer FROM kept") == 42
        await database.close()

    @pytest.mark.slow
    async def test_a_kill_in_the_middle_of_initdb_recovers(self, parent: Start, machine: Machine) -> None:
        """What was half made is thrown away."""
        tix = parent()
        half_made = machine.data_dir.glob
        await until(lambda: list(half_made("postgres.new-*/data/base")), "initdb is at work")
        tix.process.kill()
        assert not (machine.data_dir / "postgres").exists()

        _, environment = await machine.start()
        database = await asyncpg.connect(environment["DATABASE_URL"])
        await database.close()
        assert not list(half_made("postgres.new-*"))

    async def test_the_launcher_ends_if_its_parent_is_already_gone(self, tmp_path: Path) -> None:
        """Death between fork and prctl would otherwise leave an orphan."""
        never = tmp_path / "never"
        not_our_pid = str(os.getppid())
        arguments = ["tie", not_our_pid, "15", "-1", "-1", "--", "/bin/sh", "-c", f"touch {never}"]
        run = subprocess.run  # in a thread: it blocks
        done = await asyncio.to_thread(
            run, [sys.executable, "-I", "-S", str(LAUNCHER), *arguments], capture_output=True, check=False
        )
        assert done.returncode == 1
        assert b"died during the start" in done.stderr
        assert not never.exists()


class TestStalePid:
    """A postmaster.pid that names a process which is not our PostgreSQL."""

    @pytest.mark.slow
    async def test_a_reused_pid_does_not_block_the_start(self, machine: Machine) -> None:
        """As after kill -9 of a container, where pids begin again."""
        stranger = await self.leave_pid_of_a_stranger(machine, cwd=Path("/"))
        try:
            await machine.start("postgres")
        finally:
            end(stranger)

    @pytest.mark.slow
    async def test_without_our_look_it_would(self, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
        """Negative control: PostgreSQL itself takes any live process of its user for its predecessor."""
        monkeypatch.setattr(Postgres, "clear_stale_pid", lambda _: None)
        monkeypatch.setattr("server.local.servers.RELEASE_SECONDS", 0.5)
        stranger = await self.leave_pid_of_a_stranger(machine, cwd=Path("/"))
        try:
            with pytest.raises(LocalError, match=r"postmaster.pid"):
                await machine.start("postgres")
        finally:
            end(stranger)

    @pytest.mark.slow
    async def test_a_postgres_that_a_person_started_is_respected(
        self, machine: Machine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It works in the data directory; two servers on it would destroy it."""
        monkeypatch.setattr("server.local.servers.RELEASE_SECONDS", 0.5)
        stranger = await self.leave_pid_of_a_stranger(machine, cwd=machine.data_dir / "postgres")
        try:
            with pytest.raises(LocalError, match=r"lock file .postmaster.pid. already exists"):
                await machine.start("postgres")
        finally:
            end(stranger)

    async def leave_pid_of_a_stranger(self, machine: Machine, *, cwd: Path) -> subprocess.Popen[bytes]:
        """Make a cluster and write a sleeping process of the same user into its postmaster.pid."""
        servers, _ = await machine.start("postgres")
        file = machine.data_dir / "postgres" / "postmaster.pid"
        lines = file.read_text().splitlines()
        owner = file.stat()
        await asyncio.to_thread(servers.stop)
        stranger = sleep_as(owner, cwd)
        file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        file.chmod(0o600)
        os.chown(file, owner.st_uid, owner.st_gid)
        return stranger


def sleep_as(owner: os.stat_result, cwd: Path) -> subprocess.Popen[bytes]:
    """A process of this user, or of ours if we may not choose."""
    command = ["/bin/sleep", "60"]
    if os.geteuid() != 0:
        return subprocess.Popen(command, cwd=cwd)
    return subprocess.Popen(command, cwd=cwd, user=owner.st_uid, group=owner.st_gid)


class Passing:
    """A forker that uses a new thread each time, which ends once the launcher has become the child."""

    def submit(self, function: Callable[[int], subprocess.Popen[bytes]], lock: int) -> Future[object]:
        """Run it in a pool of its own."""

        def spawn() -> subprocess.Popen[bytes]:
            process = function(lock)
            asyncio.run(until(lambda: is_sleeping(process.pid), "the launcher has become sleep"))
            return process

        with ThreadPoolExecutor(max_workers=1) as pool:
            return pool.submit(spawn)


def is_sleeping(pid: int) -> bool:
    """Whether this process is already the sleep that the launcher runs."""
    return Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"/bin/sleep\0")


def sleeper(directory: Path) -> Child:
    """A child that does nothing for a minute."""
    return run_child(directory, "/bin/sleep", "60")


def run_child(directory: Path, *argv: str) -> Child:
    """A child that runs this."""
    lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT)
    try:
        return Child(Command(argv), Log(directory / "child.log"), lock=lock)
    finally:
        os.close(lock)


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill and reap."""
    process.kill()
    process.wait()
