"""`rialto reset`: empties a home.

The rule of this file: it removes what it knows by name, in a folder that a Rialto has marked as
its own.
"""

import contextlib
import shutil
from pathlib import Path

from rialto.errors import RialtoError
from rialto.home import FILES, FOLDERS, MARKS, Home, disk_sentences, is_marked, is_new, locked
from rialto.runs import end_leftovers
from shared.settings import Settings


def known_contents(home: Home) -> list[Path]:
    """Return what a reset would remove; refuse a folder that no Rialto has marked."""
    if not home.folder.is_dir():
        return []
    known = [home.folder / name for name in (*FOLDERS, *FILES, *MARKS)]
    present = [path for path in known if path.is_symlink() or path.exists()]
    if is_marked(home) or is_new(home):
        return present
    if not present and not any(home.folder.iterdir()):
        return []
    raise RialtoError(
        f"{home.folder} is not a folder of Rialto's (it has no version.json of Rialto's): "
        "nothing was removed."
    )


def refuse_half(settings: Settings) -> None:
    """Refuse when a part of the data lies elsewhere: users and balances go together, or a new
    user is given the account, and the balances, of one that was removed.
    """
    if settings.redis_url:
        raise RialtoError(
            "Nothing was removed: the Redis that redis_url names would keep the balances, for new "
            "users to inherit. Empty that Redis first, then reset without redis_url."
        )
    if settings.database_url:
        raise RialtoError(
            "Nothing was removed: the database that database_url names would keep the users, "
            "without their balances. Empty that database first, then reset without database_url."
        )
    if settings.history_database_url:
        raise RialtoError(
            "Nothing was removed: the database that history_database_url names would keep the "
            "history of what is gone. Drop its schema `history` first, then reset without "
            "history_database_url."
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
