"""Days: UTC, [00:00, 24:00), of the journal's time, numbered from 1970-01-01.

The rule of this file: nothing but the calendar.
"""

from datetime import date

from history.parquet.errors import ParquetError

SECOND_NS = 1_000_000_000
DAY_NS = 86_400 * SECOND_NS
FIRST_ORDINAL = 719_163  # Of 1970-01-01, as Python counts days.


def day_of(at_ns: int) -> int:
    return at_ns // DAY_NS


def begin_ns(day: int) -> int:
    return day * DAY_NS


def end_ns(day: int) -> int:
    """The first nanosecond behind it."""
    return (day + 1) * DAY_NS


def name_of(day: int) -> str:
    """Return it as 2026-11-21."""
    return date.fromordinal(FIRST_ORDINAL + day).isoformat()


def day_named(name: str) -> int:
    """Read 2026-11-21; raises ParquetError."""
    try:
        return date.fromisoformat(name).toordinal() - FIRST_ORDINAL
    except ValueError:
        raise ParquetError(f"{name} is no day: write it as 2026-11-21.") from None
