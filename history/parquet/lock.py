"""One at a time: who writes days and lets rows go holds the folder.

The rule of this file: the lock is the system's, so it ends with whoever holds it, however that
ends; who comes second does nothing.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from history.parquet.errors import ParquetError

LOCK = ".lock"  # A name with a dot is in no backup.


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a folder of days, which is made if need be; raises ParquetError if somebody has it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sentence = f"Days are being written in {folder} just now: nothing was done."
            raise ParquetError(sentence) from None
        yield
    finally:
        os.close(descriptor)
