"""Files that hold a key: made once, whole, and for their owner alone.

The rule of this file: however many gateways start at once, there is one file: the first to link it
into place wins, and the others read it. Never a part of a file, never one over another.
"""

import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from shared.home import secrets_dir

FOLDER_MODE = 0o700
PRIVATE_MODE = 0o600


class KeyFileError(Exception):
    """A key cannot be read or made; the message is one sentence for the operator."""


def read_or_create(home: Path, path: Path, make: Callable[[], bytes]) -> bytes:
    """Return what is in `path`, which is made of `make()` when there is none; raises OSError."""
    for folder in (home, secrets_dir(home)):
        folder.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
    if not path.exists():
        with contextlib.suppress(FileExistsError):
            _create(path, make())
    return path.read_bytes()


def replace_whole(path: Path, data: bytes, mode: int) -> None:
    """Put `data` in the place of what `path` was: a reader sees the one or the other."""
    _write_aside(path, data, mode).replace(path)


def _create(path: Path, data: bytes) -> None:
    temporary = _write_aside(path, data, PRIVATE_MODE)
    try:
        os.link(temporary, path)
    finally:
        temporary.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _write_aside(path: Path, data: bytes, mode: int) -> Path:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return temporary
