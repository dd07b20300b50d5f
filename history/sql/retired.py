"""Since when the database has everything: days before that may be in Parquet files alone.

The rule of this file: the note lies beside those files; who lets rows go writes it, and everybody
reads it here.
"""

from datetime import date
from pathlib import Path

from msgspec import DecodeError, Struct, json

NOTE = "retired.json"
_FIRST_ORDINAL = 719_163  # Of 1970-01-01.


class RetiredError(Exception):
    """The note cannot be read; one sentence for the operator."""


class _Retired(Struct, frozen=True):
    before: str  # The first day that is whole in the database.


def whole_since_day(folder: Path) -> int:
    """Return the first day, counted from 1970-01-01, that is whole in the database, 0 if all are;
    raises RetiredError.
    """
    path = folder / NOTE
    if not path.is_file():
        return 0
    try:
        before = json.decode(path.read_bytes(), type=_Retired).before
        return date.fromisoformat(before).toordinal() - _FIRST_ORDINAL
    except (OSError, DecodeError, ValueError) as error:
        raise RetiredError(f"{path} cannot be read: {error}") from None


def note_of(day: int) -> bytes:
    """Return what is noted when rows of days before this one go."""
    return json.encode(_Retired(date.fromordinal(_FIRST_ORDINAL + day).isoformat())) + b"\n"
