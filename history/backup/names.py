"""What lies where in a backup: as in a home, but for Redis. The rule of this file: names only."""

import functools
from importlib import metadata

RDB_FILE = "redis/dump.rdb"
VERSION_FILE = "version.json"
USERS_FILE = "users.db"


@functools.cache
def program_version() -> str:
    """Return the version of this program."""
    try:
        return metadata.version("rialto")
    except metadata.PackageNotFoundError:
        return "unknown"
