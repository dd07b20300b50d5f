"""JSON: one object; its rows are objects, one a line, amounts are decimal text, null is nothing.

The rule of this file: the same cells as in every other form, times and days as ISO text.
"""

from collections.abc import Sequence
from typing import Any, BinaryIO

from msgspec import json

from history.reports.form import Cell, Column, Heading, Kind, Outcome, Row, text_of, time_text

_AS_TEXT = frozenset({Kind.TIME, Kind.DAY})


class JsonOutput:
    """Writes to a binary file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._columns: tuple[Column, ...] = ()
        self._is_first = True

    def begin(self, heading: Heading) -> None:
        self._columns = heading.columns
        head = json.encode(described(heading))
        self._file.write(head.removesuffix(b"}") + b',"rows":[')

    def rows(self, rows: Sequence[Row]) -> None:
        for row in rows:
            named = {
                column.name: _value(cell, column.kind)
                for column, cell in zip(self._columns, row, strict=True)
            }
            self._file.write((b"\n" if self._is_first else b",\n") + json.encode(named))
            self._is_first = False

    def end(self, outcome: Outcome) -> None:
        self._file.write(b"\n]," + json.encode(concluded(outcome)).removeprefix(b"{") + b"\n")
        self._file.flush()


def described(heading: Heading) -> dict[str, Any]:
    """Return what report it is, with names."""
    return {
        "report": heading.name,
        "title": heading.title,
        "definition": heading.definition,
        "asked": dict(heading.asked),
        "as_of": time_text(heading.as_of_ns),
        "as_of_ns": heading.as_of_ns,
        "sequence": heading.sequence,
        "generated_at": time_text(heading.generated_at_ns),
        "columns": {column.name: column.means for column in heading.columns},
    }


def concluded(outcome: Outcome) -> dict[str, Any]:
    """Return what it comes to, with names."""
    return {
        "totals": [total._asdict() for total in outcome.totals],
        "checks": [check._asdict() for check in outcome.checks],
        "notes": outcome.notes,
        "is_well": outcome.is_well,
    }


def _value(cell: Cell, kind: Kind) -> Cell:
    return text_of(cell, kind) if cell is not None and kind in _AS_TEXT else cell
