"""One report as the rest of the house sees it: what it is, what it can be asked, how it is made.

The rule of this file: declarations; each report declares itself beside the function that makes it.
"""

from collections.abc import Callable
from typing import NamedTuple

from history.reports.form import Column, Outcome, Rows
from history.reports.scope import Scope
from history.reports.source import Source

Make = Callable[[Source, Scope, Outcome], Rows]


class ReportKind(NamedTuple):
    """A report: `definition` is what its columns are, in sentences; `options` are those of the
    command line that it heeds, beside the ones of all reports. `make` yields its rows, and what it
    says of `Outcome` is complete when they have all been taken. `head_columns`, where it is not 0:
    rows are of several kinds, and only this many leading columns are what all of them have.
    """

    name: str
    title: str
    definition: tuple[str, ...]
    columns: tuple[Column, ...]
    options: frozenset[str]
    make: Make
    head_columns: int = 0


PERIOD = frozenset({"from", "to", "at"})
PERIOD_AND_MARKET = PERIOD | {"market"}
PERIOD_MARKET_ACCOUNT = PERIOD_AND_MARKET | {"account"}
