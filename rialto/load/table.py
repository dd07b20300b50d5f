"""The table of a measurement: figures, goals, and whether they are reached. Pure.

The rule of this file: a figure is the median of its rounds, and a goal is never bent to it.
"""

import statistics
from collections.abc import Iterator, Sequence
from enum import StrEnum

from msgspec import Struct


class Goal(StrEnum):
    """Which way is good; a figure without a goal is only told."""

    AT_LEAST = "at least"
    BELOW = "below"
    NONE = ""


class Row(Struct, frozen=True, kw_only=True):
    """One figure; `rounds` are what its median is of."""

    what: str
    unit: str
    rounds: list[float]
    goal: Goal = Goal.NONE
    limit: float = 0
    digits: int = 0

    @property
    def value(self) -> float:
        return statistics.median(self.rounds)

    @property
    def reached(self) -> bool | None:
        """Whether the goal is; None when there is none."""
        if self.goal is Goal.NONE:
            return None
        below = self.goal is Goal.BELOW
        return self.value < self.limit if below else self.value >= self.limit

    def as_dict(self) -> dict[str, object]:
        """Return the row for a machine."""
        goal = f"{self.goal} {self.limit:g}" if self.goal else ""
        figures = {"what": self.what, "value": self.value, "unit": self.unit}
        return {**figures, "goal": goal, "reached": self.reached, "rounds": self.rounds}


def lines(rows: Sequence[Row]) -> Iterator[str]:
    """Yield the table for a person."""
    wide = max((len(row.what) for row in rows), default=0)
    yield f"{'':<{wide}}  {'figure':>14}  {'rounds':^23}  {'goal':<19}"
    for row in rows:
        figure = _number(row.value, row)
        span = f"{_number(min(row.rounds), row)} to {_number(max(row.rounds), row)}"
        goal = f"{row.goal} {_number(row.limit, row)} {row.unit}" if row.goal else ""
        verdict = {True: "reached", False: "NOT reached", None: ""}[row.reached]
        shown = f"{figure} {row.unit}".strip()
        line = f"{row.what:<{wide}}  {shown:>14}  {span:^23}  {goal:<19}  {verdict}"
        yield line.rstrip()


def _number(value: float, row: Row) -> str:
    return f"{value:,.{row.digits}f}"
