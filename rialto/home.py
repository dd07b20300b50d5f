"""RIALTO_HOME: the folder of one exchange, its files, its lock and its secrets.

The rule of this file: whatever the disk refuses becomes one sentence that names the folder.
"""

import contextlib
import fcntl
import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

import shared.home
from rialto.errors import RialtoError

PASSWORD_BYTES = 32  # 256 bits: out of reach of guessing.
LOCK_PATIENCE_S = 0.5  # A run that is just ending holds its lock for a moment longer.
LOCK_POLL_S = 0.05

# All that a home may hold, in the order in which a reset removes it: without its marks a home is
# foreign, so they go last and a reset that was cut short can be repeated.
FOLDERS = ("redis", "secrets", "archive", "snapshots", "parquet", "flights", "logs")
DATABASES = ("users.db", "history.db")
FILES = (
    *(f"{name}{end}" for name in DATABASES for end in ("", "-wal", "-shm", "-journal")),
    "history.lock",
    "run.json",
)
MARKS = ("version.json", "lock")
STRANGERS_ALLOWED = frozenset({"lost+found"})  # An empty disk of its own comes with this.


class _Mark(msgspec.Struct):
    data_version: int
    home_id: str


@dataclass(frozen=True)
class Home:
    """The names of everything that a home holds; making one touches nothing."""

    folder: Path

    @property
    def redis_dir(self) -> Path:
        return self.folder / "redis"

    @property
    def secrets_dir(self) -> Path:
        return shared.home.secrets_dir(self.folder)

    @property
    def logs_dir(self) -> Path:
        return self.folder / "logs"

    @property
    def password_file(self) -> Path:
        return self.secrets_dir / "redis_password"

    @property
    def run_file(self) -> Path:
        return shared.home.run_file(self.folder)

    @property
    def lock_file(self) -> Path:
        return self.folder / "lock"

    @property
    def version_file(self) -> Path:
        return self.folder / "version.json"

    def log_file(self, service: str) -> Path:
        return self.logs_dir / f"{service}.log"


def open_home(path: str | Path) -> Home:
    """Return the home with an absolute folder, so that services started elsewhere find it."""
    return Home(Path(os.path.abspath(os.path.expanduser(path))))


@contextlib.contextmanager
def disk_sentences(home: Home) -> Iterator[None]:
    """Turn an OSError inside into one sentence about this home."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise RialtoError(
            f"Rialto cannot write to its folder {home.folder} ({reason}): "
            "make it writable, or name another with --home or RIALTO_HOME."
        ) from error


def prepare(home: Home) -> None:
    """Make the folders and prove that each can be written; raise RialtoError if not."""
    with disk_sentences(home):
        home.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (home.redis_dir, home.secrets_dir, home.logs_dir):
            folder.mkdir(mode=0o700, exist_ok=True)
        home.secrets_dir.chmod(0o700)
        for folder in (home.folder, home.redis_dir, home.secrets_dir, home.logs_dir):
            with tempfile.NamedTemporaryFile(dir=folder, prefix=".writable-"):
                pass


def is_marked(home: Home) -> bool:
    """Whether a Rialto of any version made this folder its own: its version.json says so. Other
    programs have a file of that name too.
    """
    try:
        msgspec.json.decode(home.version_file.read_bytes(), type=_Mark)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def is_new(home: Home) -> bool:
    """Whether the folder holds nothing but a lock of ours: a first run came no further."""
    return [path.name for path in home.folder.iterdir()] == ["lock"] and _is_our_lock(home)


def _is_our_lock(home: Home) -> bool:
    try:
        content = home.lock_file.read_bytes()
    except OSError:
        return False
    return content == b"" or content.isdigit()


def _refuse_foreign(home: Home) -> None:
    if is_marked(home):
        return
    if home.version_file.exists():
        raise RialtoError(
            f"{home.version_file} cannot be understood as a file of Rialto's: put it back from a "
            "backup, or name a new or empty folder with --home or RIALTO_HOME."
        )
    # The mark is written before all else, so without it even a name that we use is a stranger's.
    known = {"lock", *STRANGERS_ALLOWED} if _is_our_lock(home) else STRANGERS_ALLOWED
    strangers = sorted(path.name for path in home.folder.iterdir() if path.name not in known)
    strangers = [name for name in strangers if not name.startswith(".")]
    if strangers:
        raise RialtoError(
            f"{home.folder} holds other things ({strangers[0]}) and no version.json of Rialto's: "
            "name a new or empty folder with --home or RIALTO_HOME."
        )


@contextlib.contextmanager
def locked(home: Home) -> Iterator[None]:
    """Hold the home for one run; raise RialtoError naming the process that holds it already."""
    with disk_sentences(home):
        home.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _refuse_foreign(home)
        descriptor = _acquire(home)
    try:
        yield
    finally:
        os.close(descriptor)


def _acquire(home: Home) -> int:
    deadline_s = time.monotonic() + LOCK_PATIENCE_S
    while True:
        descriptor = os.open(home.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
            os.close(descriptor)
            if time.monotonic() > deadline_s:
                raise RialtoError(_taken_sentence(home, holder)) from None
            time.sleep(LOCK_POLL_S)
            continue
        if _is_still_the_file(descriptor, home.lock_file):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
            return descriptor
        os.close(descriptor)  # A reset removed the file between our open and our lock.


def _taken_sentence(home: Home, holder: str) -> str:
    who = f"process {holder}" if holder else "another process"
    return (
        f"Rialto already runs on {home.folder} as {who}: "
        "stop that one, or give this one a folder of its own with --home."
    )


def _is_still_the_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def redis_password(home: Home) -> str:
    """Return the secret of the embedded Redis; make it at the first call."""
    return _password(home, home.password_file)


def postgres_password(home: Home) -> str:
    """Return the secret of the history's PostgreSQL in Compose; make it at the first call."""
    return _password(home, home.secrets_dir / "postgres_password")


def _password(home: Home, path: Path) -> str:
    with disk_sentences(home):
        if path.exists():
            path.chmod(0o600)
            password = path.read_text().strip()
            if password.isalnum():
                return password
        password = secrets.token_hex(PASSWORD_BYTES)
        write_private(path, password + "\n")
        return password


def write_private(path: Path, text: str) -> None:
    """Replace a file whole, readable by its owner only; a crash leaves the old or the new one."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
