"""A table for a terminal.

The rule of this file: whatever clients have put into a text, it is shown and does nothing: no
control sequence and no markup reaches the terminal. Columns that no row has are named, not shown.
"""

import sys
from collections.abc import Sequence
from typing import TextIO

from rich.console import Capture, Console
from rich.table import Table
from rich.text import Text

from history.reports.form import Heading, Outcome, Row, time_text
from history.reports.outputs.table_cells import cell_text, harmless, short_times
from history.reports.outputs.table_layout import (
    Layout,
    Texts,
    below_of,
    head_of,
    layout_of,
    names_of,
)
from shared.words import counted

ROWS_SHOWN_MAX = 500  # More than a person reads; the other forms have all.
FILE_WIDTH = 320  # Of a table that is put into a file or read by a program.


class TableOutput:
    """Writes to a terminal or a text file."""

    def __init__(self, file: TextIO | None = None) -> None:
        width = None if (file or sys.stdout).isatty() else FILE_WIDTH
        self._console = Console(file=file, width=width, highlight=False)
        self._heading: Heading | None = None
        self._shown: list[Row] = []
        self._count = 0
        self._unused: list[int] = []  # Columns that no row has, by number.

    def held(self) -> Capture:
        """Keep what is written, for as long as the `with` goes on, for `get`.

        A line that moves on the same terminal would get in between.
        """
        return self._console.capture()

    def begin(self, heading: Heading) -> None:
        self._heading = heading
        self._unused = list(range(len(heading.columns)))

    def rows(self, rows: Sequence[Row]) -> None:
        self._count += len(rows)
        self._shown += rows[: ROWS_SHOWN_MAX - len(self._shown)]
        for row in rows:
            if not self._unused:
                return
            self._unused = [index for index in self._unused if row[index] in (None, "")]

    def end(self, outcome: Outcome) -> None:
        assert self._heading is not None, "a report begins before it ends"
        heading = self._heading
        self._say(f"{heading.title}, as of {short_times(time_text(heading.as_of_ns))}", "bold")
        limits = "".join(f", {name} {short_times(value)}" for name, value in heading.asked)
        self._say(harmless(f"event {heading.sequence}{limits}"), "dim")
        self._console.print()
        self._say_rows(heading)
        if self._count > len(self._shown):
            more = counted(self._count - len(self._shown), "more row")
            self._say(f"{more}: --format csv shows all.")
        self._conclude(outcome)

    def _say_rows(self, heading: Heading) -> None:
        if not self._count:
            self._say("No rows.")
            return
        used = [i for i in range(len(heading.columns)) if i not in self._unused]
        columns = [heading.columns[i] for i in used]
        rows = [[cell_text(row[i], heading.columns[i]) for i in used] for row in self._shown]
        head_columns = heading.head_columns or len(heading.columns)
        most = sum(i < head_columns for i in used)
        self._say_laid_out(rows, layout_of(columns, rows, self._console.width, most))
        # Of rows of several kinds nobody expects every column.
        if self._unused and not heading.head_columns:
            names = ", ".join(heading.columns[i].means for i in self._unused)
            self._say(f"No row has: {names}.", "dim")

    def _say_laid_out(self, rows: Sequence[Texts], layout: Layout) -> None:
        for line in names_of(layout):
            self._say_line(line, "bold")
        for row in rows:
            self._say_line(head_of(layout, row), "bold" if layout.below else "")
            for line in below_of(layout, row):
                self._say_line(line)

    def _conclude(self, outcome: Outcome) -> None:
        if outcome.totals:
            totals = Table(box=None, pad_edge=False, show_header=False)
            for total in outcome.totals:
                totals.add_row(Text(total.of), Text(total.name), Text(total.value, justify="right"))
            self._console.print()
            self._console.print(totals)
        if outcome.checks or outcome.notes:
            self._console.print()
        for check in outcome.checks:
            self._say(harmless(check.says), "green" if check.is_well else "bold red")
        for note in outcome.notes:
            self._say(short_times(harmless(note)), "dim")

    def _say(self, text: str, style: str = "") -> None:
        self._console.print(Text(text, style=style))

    def _say_line(self, text: str, style: str = "") -> None:
        self._console.print(Text(text, style=style), no_wrap=True, overflow="ignore", crop=False)
