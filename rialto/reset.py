"""`rialto reset`: empties a home.

The rule of this file: it removes what it knows by name, in a folder that a Rialto has marked as
its own.
"""

import contextlib
import shutil
from pathlib import Path

from rialto.errors import RialtoError
from rialto.home import FILES, FOLDERS, MARKS, Home, disk_sentences, locked
from rialto.runs import end_leftovers


def known_contents(home: Home) -> list[Path]:
    """Return what a reset would remove; refuse a folder that no Rialto has marked."""
    if not home.folder.is_dir():
        return []
    known = [home.folder / name for name in (*FOLDERS, *FILES, *MARKS)]
    present = [path for path in known if path.is_symlink() or path.exists()]
    if home.version_file.is_file() or present == [home.lock_file]:
        return present
    if not present and not any(home.folder.iterdir()):
        return []
    raise RialtoError(
        f"{home.folder} is not a folder of Rialto's (it has no version.json): nothing was removed."
    )


def reset(home: Home) -> list[Path]:
    """Remove the data of a home that does not run; return what was there of others and stays."""
    with locked(home):
        present = known_contents(home)
        end_leftovers(home)
        with disk_sentences(home):
            for path in present:
                _remove(path)
            left = sorted(home.folder.iterdir())
            if not left:
                home.folder.rmdir()
    return left


def _remove(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()  # A link is removed and what it points to is not ours.
