"""A real PostgreSQL for tests: a cluster in a temporary folder, on a unix socket of its own.

The rule of this file: PostgreSQL refuses to run as root, so there it runs as `nobody`, in a folder
that is nobody's.
"""

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.support.deadlines import DEADLINE_S, PAUSE_S, eventually

DEBIAN = Path("/usr/lib/postgresql")
USER = "rialto"
STOP_TIMEOUT_S = 30
# Nothing here outlives the test, so nothing has to reach the disk.
OPTIONS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200")


class NoPostgresError(Exception):
    """There is no PostgreSQL on this machine, or none that runs; the text says which."""


@dataclass(frozen=True)
class Postgres:
    """A cluster that runs."""

    binaries: Path
    folder: Path

    def fresh(self) -> str:
        """Return the URL of a new, empty database."""
        name = f"test_{uuid.uuid4().hex}"
        self.psql(f"CREATE DATABASE {name}")
        return f"postgresql://{USER}@/{name}?host={self.folder}"

    def psql(self, statement: str) -> str:
        """Carry out a statement as the owner and return what it prints."""
        command = (self.binaries / "psql", "-h", self.folder, "-U", USER, "-qAt", "-d", "postgres")
        done = subprocess.run(
            [*command, "-c", statement], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise NoPostgresError(done.stderr)
        return done.stdout


class MortalPostgres:
    """A cluster that a test may kill and start again."""

    def __init__(self, cluster: Postgres, account: pwd.struct_passwd | None) -> None:
        self.cluster = cluster
        self._account = account
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; raises NoPostgresError."""
        end = time.monotonic() + DEADLINE_S
        while self._process is None:
            try:
                self._process = _started(self.cluster.binaries, self.cluster.folder, self._account)
            except NoPostgresError:
                # The processes of the one that was killed need a moment to notice it.
                if time.monotonic() > end:
                    raise
                time.sleep(PAUSE_S)

    def kill(self) -> None:
        """Kill it with SIGKILL, as a machine that loses its power."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @contextlib.contextmanager
    def standing_still(self) -> Iterator[None]:
        """Let every process of it stand still: it takes connections and says nothing."""
        assert self._process is not None, "it runs"
        server = psutil.Process(self._process.pid)
        family = [server, *server.children()]
        for process in family:
            process.suspend()
        try:
            yield
        finally:
            for process in family:
                process.resume()

    def kill_connections(self) -> None:
        """Kill what serves one of the connections: the server throws out all others then."""
        found = self.cluster.psql(
            "SELECT pid FROM pg_stat_activity WHERE datname LIKE 'test_%' LIMIT 1"
        )
        for pid in found.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)


def find_binaries() -> Path | None:
    """Return the folder of PostgreSQL's programs, the newest of Debian's first, or None."""
    folders = sorted(DEBIAN.glob("*/bin"), key=lambda path: path.parent.name, reverse=True)
    on_path = shutil.which("initdb")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    wheel = importlib.util.find_spec("pgserver")
    if wheel is not None and wheel.origin is not None:
        folders.append(Path(wheel.origin).parent / "pginstall" / "bin")
    usable = (path for path in folders if (path / "initdb").exists() and (path / "psql").exists())
    return next(usable, None)


@contextlib.contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Give a cluster that runs; raises NoPostgresError."""
    with (
        _initialised() as (cluster, account),
        _served(cluster.binaries, cluster.folder, account),
    ):
        yield cluster


@contextlib.contextmanager
def _initialised() -> Iterator[tuple[Postgres, pwd.struct_passwd | None]]:
    binaries = find_binaries()
    if binaries is None:
        raise NoPostgresError(
            "There is no PostgreSQL: install Debian's postgresql, or pgserver from the extra dev."
        )
    # Its own folder, short for a socket's name, and open for the user that it belongs to.
    folder = Path(tempfile.mkdtemp(prefix="rialto-pg-", dir="/tmp"))
    try:
        account = _account()
        if account is not None:
            os.chown(folder, account.pw_uid, account.pw_gid)
        _initialise(binaries, folder, account)
        yield Postgres(binaries, folder), account
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def mortal_postgres() -> Iterator[MortalPostgres]:
    """Give a cluster of the test's own that runs; raises NoPostgresError."""
    with _initialised() as (cluster, account):
        mortal = MortalPostgres(cluster, account)
        mortal.start()
        try:
            yield mortal
        finally:
            mortal.kill()


def _account() -> pwd.struct_passwd | None:
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _initialise(binaries: Path, folder: Path, account: pwd.struct_passwd | None) -> None:
    command: list[str | Path] = [
        binaries / "initdb",
        "-D",
        folder / "data",
        "-U",
        USER,
        "-A",
        "trust",
    ]
    command += ["--no-sync", "-E", "UTF8", "--locale=C"]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
    )
    if done.returncode:
        raise NoPostgresError(f"initdb does not run here: {done.stderr.strip()}")


@contextlib.contextmanager
def _served(binaries: Path, folder: Path, account: pwd.struct_passwd | None) -> Iterator[None]:
    process = _started(binaries, folder, account)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _started(
    binaries: Path, folder: Path, account: pwd.struct_passwd | None
) -> subprocess.Popen[bytes]:
    command: list[str | Path] = [
        binaries / "postgres",
        "-D",
        folder / "data",
        "-k",
        folder,
        "-h",
        "",
    ]
    for option in OPTIONS:
        command += ["-c", option]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            cwd=folder,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
        )
    ready = (binaries / "pg_isready", "-h", folder, "-U", USER, "-q")

    def is_ready() -> bool:
        if process.poll() is not None:
            raise NoPostgresError((folder / "log").read_text(errors="replace")[-2_000:])
        return subprocess.run(ready, check=False).returncode == 0

    try:
        eventually(is_ready)
    except BaseException:
        process.kill()
        process.wait()
        raise
    return process
