"""CSV as RFC 4180 has it: a line of names, then a line a row, each ending with CR LF, in UTF-8.

The rule of this file: nothing but names and rows, so that any program reads it; totals and checks
are in the other forms. Text that a spreadsheet would calculate, or that begins with an apostrophe,
gets an apostrophe before it: who takes away one apostrophe at the beginning has the text again.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import BinaryIO

from history.reports.form import Column, Heading, Kind, Outcome, Row, text_of

_CALCULATED = ("=", "+", "-", "@", "\t", "\r", "\n", "'")


class CsvOutput:
    """Writes to a binary file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._columns: tuple[Column, ...] = ()

    def begin(self, heading: Heading) -> None:
        self._columns = heading.columns
        self._write([[column.name for column in heading.columns]])

    def rows(self, rows: Sequence[Row]) -> None:
        kinds = [column.kind for column in self._columns]
        self._write(
            [_field(text_of(cell, kind), kind) for cell, kind in zip(row, kinds, strict=True)]
            for row in rows
        )

    def end(self, outcome: Outcome) -> None:
        self._file.flush()

    def _write(self, lines: Iterable[list[str]]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\r\n").writerows(lines)
        self._file.write(text.getvalue().encode())


def _field(text: str, kind: Kind) -> str:
    return f"'{text}" if kind is Kind.TEXT and text.startswith(_CALCULATED) else text
