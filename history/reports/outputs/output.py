"""What every form of a report is to the one who makes it.

The rule of this file: rows come in pages and are not kept, so that a report of any length fits.
"""

from collections.abc import Sequence
from typing import Protocol

from history.reports.form import Heading, Outcome, Row


class Output(Protocol):
    """Takes a report: `begin`, then `rows` as often as there are some, then `end`."""

    def begin(self, heading: Heading) -> None:
        """Say what report it is."""

    def rows(self, rows: Sequence[Row]) -> None:
        """Write some more rows."""

    def end(self, outcome: Outcome) -> None:
        """Write what is known now, and finish; the file behind it is the caller's to close."""
