"""What lies where in a backup: as in a home, but for Redis. The rule of this file: names only."""

import functools
from importlib import metadata
from pathlib import Path

from shared.settings import Settings

RDB_FILE = "redis/dump.rdb"
VERSION_FILE = "version.json"


def parquet_path(settings: Settings) -> Path:
    """Where the days are as Parquet files."""
    if settings.parquet_dir:
        return Path(settings.parquet_dir).expanduser()
    return settings.home_path / "parquet"


@functools.cache
def program_version() -> str:
    """Return the version of this program."""
    try:
        return metadata.version("rialto")
    except metadata.PackageNotFoundError:
        return "unknown"
