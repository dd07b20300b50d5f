"""A report made in a test: its rows by name, and what it comes to.

The rule of this file: a report is made as the command makes it, into an output that keeps all.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from history.reports.catalogue import REPORTS
from history.reports.form import Heading, Outcome, Row
from history.reports.running import make_of
from history.reports.scope import Scope
from history.sql.database import HistoryDatabase


class KeptOutput:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.heading: Heading | None = None
        self.taken: list[Row] = []
        self.outcome: Outcome | None = None

    def begin(self, heading: Heading) -> None:
        self.heading = heading

    def rows(self, rows: Sequence[Row]) -> None:
        self.taken += rows

    def end(self, outcome: Outcome) -> None:
        self.outcome = outcome

    @property
    def named(self) -> list[dict[str, Any]]:
        """The rows by the names of their columns."""
        assert self.heading is not None
        names = [column.name for column in self.heading.columns]
        return [dict(zip(names, row, strict=True)) for row in self.taken]

    @property
    def totals(self) -> dict[tuple[str, str], str]:
        """The totals by (name, of what)."""
        assert self.outcome is not None
        return {(total.name, total.of): total.value for total in self.outcome.totals}

    @property
    def faults(self) -> list[str]:
        """What did not hold."""
        assert self.outcome is not None
        return [check.says for check in self.outcome.checks if not check.is_well]


async def report(
    database: HistoryDatabase,
    name: str,
    scope: Scope | None = None,
    archive: Path | None = None,
    kept_from_ns: int = 0,
) -> KeptOutput:
    """Make a report of a history."""
    kept = KeptOutput()
    await make_of(
        database,
        REPORTS[name],
        scope or Scope(),
        kept,
        archive=archive,
        kept_from_ns=kept_from_ns,
    )
    return kept
