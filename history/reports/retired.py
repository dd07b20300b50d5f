"""Since when the database has everything: older days may be in Parquet files alone.

The rule of this file: it reads the note that whoever let rows go has left beside the files.
"""

from pathlib import Path

from msgspec import DecodeError, Struct, json

from history.reports.scope import ScopeError, day_ns
from history.reports.source import ReportError

NOTE = "retired.json"


class _Retired(Struct, frozen=True):
    before: str  # The first day that is whole in the database.


def kept_from(folder: Path) -> int:
    """Return when the first day begins that is whole in the database, 0 if all are; raises
    ReportError.
    """
    path = folder / NOTE
    if not path.is_file():
        return 0
    try:
        return day_ns(json.decode(path.read_bytes(), type=_Retired).before)
    except (OSError, DecodeError, ScopeError) as error:
        raise ReportError(f"{path} cannot be read: {error}") from None
