"""What a written day says of itself: `days/2026-11-21.json`.

The rule of this file: a day is written when its manifest is there, which is last; nothing that it
names is touched after that.
"""

import os
import re
from pathlib import Path

import msgspec
from msgspec import Struct

from history.parquet.days import day_named, name_of
from history.parquet.errors import ParquetError
from history.projection.rows import AssetRow, MarketRow
from history.sql.retired import NOTE, RetiredError, note_of, whole_since_day

DAYS = "days"
_NAME = re.compile(r"\d{4}-\d\d-\d\d\.json")


class DayFile(Struct, frozen=True, kw_only=True):
    """A table of a day. `file` is "" where it has no row; sequences are 0 where it has none."""

    table: str
    rows: int
    file: str = ""
    bytes: int = 0
    sha256: str = ""
    first_sequence: int = 0
    last_sequence: int = 0


class Day(Struct, frozen=True, kw_only=True):
    """A day; assets and markets as they were when it was written, to read its integers by."""

    day: str
    schema_version: int
    program_version: str
    files: list[DayFile]
    assets: list[AssetRow]
    markets: list[MarketRow]


def manifest_path(folder: Path, day: int) -> Path:
    return folder / DAYS / f"{name_of(day)}.json"


def written_days(folder: Path) -> list[int]:
    """Return the days that are written, oldest first."""
    place = folder / DAYS
    if not place.is_dir():
        return []
    names = (path.name for path in place.iterdir() if _NAME.fullmatch(path.name))
    return sorted(day_named(name.removesuffix(".json")) for name in names)


def retired_before(folder: Path) -> int:
    """Return the day before which rows were let go from the database, 0: none were."""
    try:
        return whole_since_day(folder)
    except RetiredError as error:
        raise ParquetError(str(error)) from error


def note_retired(folder: Path, before_day: int) -> None:
    """Note it, after the proof and before the first row goes."""
    write_whole(folder / NOTE, note_of(before_day))


def read_day(folder: Path, day: int) -> Day:
    """Read the manifest of a day; raises ParquetError."""
    path = manifest_path(folder, day)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Day)
    except (OSError, msgspec.DecodeError) as error:
        raise ParquetError(f"{path} cannot be read ({error}).") from error


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that appears under its name with every byte on disk."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}")
    with partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    rename_whole(partial, path)


def rename_whole(partial: Path, path: Path) -> None:
    """Give a file that is on disk its name, on disk too."""
    partial.replace(path)
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def day_bytes(day: Day) -> bytes:
    return msgspec.json.format(msgspec.json.encode(day), indent=1) + b"\n"
