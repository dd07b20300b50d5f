"""What a report is: columns, rows that come one by one, and what is said when they have come.

The rule of this file: cells are exact: text, whole numbers, decimal text, journal times in
nanoseconds and days; no output changes one, and `text_of` is how all but Parquet write them.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import NamedTuple

from history.projection.intervals import DAY_S, SECOND_NS

DAY_NS = DAY_S * SECOND_NS
_EPOCH_ORDINAL = 719_163  # Of 1970-01-01.

Cell = str | int | None
Row = tuple[Cell, ...]
Rows = AsyncIterator[Row]


class Kind(StrEnum):
    """What a column's cells are; None is a cell that there is not."""

    TEXT = "text"
    COUNT = "count"  # A whole number below 2**63.
    DECIMAL = "decimal"  # An amount, a price: decimal text.
    TIME = "time"  # Unix nanoseconds.
    DAY = "day"  # Days since the epoch, of UTC.


class Column(NamedTuple):
    """`has_json`: texts of it may be JSON objects, which are for programs and long."""

    name: str
    kind: Kind
    means: str
    has_json: bool = False


class Check(NamedTuple):
    """Something that must be so; `says` names the difference where it is not."""

    is_well: bool
    says: str


class Total(NamedTuple):
    """A sum over the rows: of what (`name`, `of`: a market or an asset, or "") and how much."""

    name: str
    of: str
    value: str


@dataclass(slots=True)
class Outcome:
    """What is known of a report when its last row has come."""

    totals: list[Total] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def is_well(self) -> bool:
        return all(check.is_well for check in self.checks)

    def total(self, name: str, of: str, value: str | int) -> None:
        self.totals.append(Total(name, of, str(value)))

    def check(self, says: str, differences: Sequence[str]) -> None:
        """Note that something holds, or where it does not."""
        if not differences:
            self.checks.append(Check(True, says))
        for difference in differences:
            self.checks.append(Check(False, f"NOT SO: {says} {difference}"))


class Heading(NamedTuple):
    """Of what a report is: `as_of_ns` is the journal time, `sequence` the event that it ends with.

    `asked` are the limits that were given, as (name, value). `generated_at_ns` is the wall's clock.
    `head_columns` is as a ReportKind has it.
    """

    name: str
    title: str
    definition: tuple[str, ...]
    asked: tuple[tuple[str, str], ...]
    as_of_ns: int
    sequence: int
    generated_at_ns: int
    columns: tuple[Column, ...]
    head_columns: int = 0


def date_of(day: int) -> date:
    """Return a day that is counted from the epoch."""
    return date.fromordinal(_EPOCH_ORDINAL + day)


def day_text(day: int) -> str:
    """Return a day, counted from the epoch, as 2026-03-01."""
    return date_of(day).isoformat()


def time_text(at_ns: int) -> str:
    """Return a moment as 2026-03-01T12:00:00.000000000Z, to the nanosecond."""
    seconds, rest_ns = divmod(at_ns, SECOND_NS)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest_ns:09d}Z"


def text_of(cell: Cell, kind: Kind) -> str:
    """Return a cell as text, "" for None."""
    if cell is None:
        return ""
    if kind is Kind.TIME:
        assert isinstance(cell, int), "a time is a number of nanoseconds"
        return time_text(cell)
    if kind is Kind.DAY:
        assert isinstance(cell, int), "a day is a number of days"
        return day_text(cell)
    return str(cell)
