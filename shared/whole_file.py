"""A file that is there whole or not at all, at a name that a person has given.

The rule of this file: what has the name stays what it is. A link goes on to where it leads, and a
device or a pipe is written to: a file in its place would be the end of it.
"""

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Give a file to write to, which takes its place when the `with` ends without an error.

    It is its owner's alone (0600): what is written is somebody's business. Raises OSError.
    """
    target = Path(os.path.realpath(path))
    if target.is_symlink():  # Of links that lead in a circle.
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    if target.exists() and not target.is_file() and not target.is_dir():
        with target.open("wb") as file:
            yield file
        return
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    beside = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
