"""Files that are copied, hashed and sealed.

The rule of this file: what is called copied is on disk (fsync), and readable by its owner only.
A folder is sealed by SHA256SUMS, which is written last and lists every file in it but itself, in
the format of sha256sum: without it, or with anything else than what it lists, there is no backup.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from history.backup.errors import BackupError

SEAL = "SHA256SUMS"
CHUNK_BYTES = 1024 * 1024  # Large for a disk, little to hold.
_LINE = re.compile(r"([0-9a-f]{64})  ([^\n]+)\n")


def make_folder(folder: Path) -> None:
    """Make a folder for its owner only, those above it too, unless it is there."""
    # `parents=True` makes those above it as the umask has it.
    for place in (*reversed(folder.parents), folder):
        if not place.is_dir():
            place.mkdir(mode=0o700, exist_ok=True)


def copy_file(source: Path, target: Path, *, size: int | None = None) -> str:
    """Copy a file, or its first `size` bytes, onto disk and return the SHA-256 of the copy.

    Raises FileExistsError; OSError of either side; BackupError if the source is shorter.
    """
    make_folder(target.parent)
    digest, left = hashlib.sha256(), size
    with source.open("rb") as read, create(target) as written:
        while left != 0:
            chunk = read.read(CHUNK_BYTES if left is None else min(CHUNK_BYTES, left))
            if not chunk:
                break
            left = None if left is None else left - len(chunk)
            digest.update(chunk)
            written.write(chunk)
        written.flush()
        os.fsync(written.fileno())
    if left:
        raise BackupError(f"{source} is shorter than it was.")
    return digest.hexdigest()


def create(path: Path):  # type: ignore[no-untyped-def]
    """Open a new file for its owner only, to write bytes."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def write_file(path: Path, data: bytes) -> None:
    """Write a small new file onto disk."""
    make_folder(path.parent)
    with create(path) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folders(folder: Path) -> None:
    """Bring the names in a folder, and in all below it, onto disk."""
    for place in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        descriptor = os.open(place, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def hash_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_of(folder: Path) -> Iterator[Path]:
    """Yield all files in a folder and below it, by name; what is no plain file is refused."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise BackupError(f"{path} is neither a file nor a folder.")
        if path.is_file():
            yield path


def size_of(folder: Path) -> int:
    """Return how many bytes the files in a folder have."""
    return sum(path.stat().st_size for path in files_of(folder))


def seal(folder: Path) -> None:
    """Hash every file once more, from the disk's side, and write the list; the folder is a backup
    from then on.
    """
    sync_folders(folder)
    lines = [f"{hash_of(path)}  {path.relative_to(folder)}\n" for path in files_of(folder)]
    partial = folder / f".{SEAL}"
    write_file(partial, "".join(lines).encode())
    partial.rename(folder / SEAL)
    sync_folders(folder)


def check_seal(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file by its name; raises BackupError naming the first that is
    missing, changed, or too many.
    """
    listed = _read_seal(folder)
    for path in files_of(folder):
        name = str(path.relative_to(folder))
        if name != SEAL and name not in listed:
            raise BackupError(f"{path} does not belong to this backup.")
    for name, wanted in listed.items():
        path = folder / name
        if not path.is_file():
            raise BackupError(f"{path} is missing: this backup is not whole.")
        if hash_of(path) != wanted:
            raise BackupError(f"{path} was changed: its SHA-256 is another one.")
    return listed


def _read_seal(folder: Path) -> dict[str, str]:
    path = folder / SEAL
    if not path.is_file():
        raise BackupError(
            f"{folder} is no backup, or one that was cut short: it has no {SEAL}, which is written "
            "last."
        )
    listed: dict[str, str] = {}
    try:
        lines = path.read_bytes().decode().splitlines(keepends=True)
    except UnicodeDecodeError:
        lines = [""]
    for line in lines:
        found = _LINE.fullmatch(line)
        if found is None or found.group(2) in listed or ".." in Path(found.group(2)).parts:
            raise BackupError(f"{path} was changed: it cannot be understood.")
        listed[found.group(2)] = found.group(1)
    return listed
