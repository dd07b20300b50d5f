"""A table for a terminal.

The rule of this file: whatever clients have put into a text, it is shown and does nothing: no
control sequence and no markup reaches the terminal.
"""

import sys
from collections.abc import Sequence
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from history.reports.form import Heading, Kind, Outcome, Row, text_of, time_text

ROWS_SHOWN_MAX = 500  # More than a person reads; the other forms have all.
FILE_WIDTH = 320  # Of a table that is put into a file or read by a program.


class TableOutput:
    """Writes to a terminal or a text file."""

    def __init__(self, file: TextIO | None = None) -> None:
        is_terminal = (file or sys.stdout).isatty()
        width = None if is_terminal else FILE_WIDTH
        self._console = Console(file=file, width=width, highlight=False)
        self._heading: Heading | None = None
        self._shown: list[Row] = []
        self._count = 0

    def begin(self, heading: Heading) -> None:
        self._heading = heading

    def rows(self, rows: Sequence[Row]) -> None:
        self._count += len(rows)
        self._shown += rows[: ROWS_SHOWN_MAX - len(self._shown)]

    def end(self, outcome: Outcome) -> None:
        assert self._heading is not None, "a report begins before it ends"
        heading = self._heading
        self._say(f"{heading.title}, as of {time_text(heading.as_of_ns)}", "bold")
        limits = "".join(f", {name} {value}" for name, value in heading.asked)
        self._say(f"event {heading.sequence}{limits}", "dim")
        self._console.print(self._table(heading))
        if self._count > len(self._shown):
            self._say(f"{self._count - len(self._shown)} more rows: --format csv shows all.")
        self._conclude(outcome)

    def _table(self, heading: Heading) -> Table:
        table = Table(box=None, pad_edge=False)
        for column in heading.columns:
            table.add_column(Text(column.means), overflow="fold")
            table.columns[-1].justify = "left" if column.kind is Kind.TEXT else "right"
        kinds = [column.kind for column in heading.columns]
        for row in self._shown:
            texts = (text_of(cell, kind) for cell, kind in zip(row, kinds, strict=True))
            table.add_row(*(Text(harmless(text) or "-") for text in texts))
        return table

    def _conclude(self, outcome: Outcome) -> None:
        if outcome.totals:
            totals = Table(box=None, pad_edge=False, show_header=False)
            for total in outcome.totals:
                totals.add_row(Text(total.of), Text(total.name), Text(total.value, justify="right"))
            self._console.print()
            self._console.print(totals)
        for check in outcome.checks:
            self._say(harmless(check.says), "green" if check.is_well else "bold red")
        for note in outcome.notes:
            self._say(harmless(note), "dim")

    def _say(self, text: str, style: str = "") -> None:
        self._console.print(Text(text, style=style))


def harmless(text: str) -> str:
    """Return a text with what cannot be printed written as an escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
