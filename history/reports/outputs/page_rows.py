"""Rows of a page: a line of a table for each, and what is too much for paper below it, by name.

The rule of this file: a cell is whole and exact wherever it stands, and every text is escaped.
Columns that no row has are left out only where they are named.
"""

from collections.abc import Iterator, Sequence
from html import escape

from history.reports.form import Cell, Column, Heading, Kind, Row, text_of

HEAD_COLUMNS_MAX = 13  # With a time and long amounts: what A4 on its side can hold.
WORD_LENGTH_MAX = 40  # A longer one is some client's text, and is broken rather than cut.
_NUMERIC = frozenset({Kind.COUNT, Kind.DECIMAL})


class PageRows:
    """Makes the rows of one report, one by one."""

    def __init__(self, heading: Heading) -> None:
        count = min(heading.head_columns or len(heading.columns), HEAD_COLUMNS_MAX)
        self._head = heading.columns[:count]
        self._below = heading.columns[count:]
        self._unused = {column.name for column in self._below}

    def names(self) -> str:
        """Return the cells of the line of names."""
        return "".join(
            f"<th{_class_of_kind(column.kind)}>{escape(column.means)}</th>" for column in self._head
        )

    def lines(self, row: Row) -> str:
        """Return a row, which is a group of lines of its own."""
        count = len(self._head)
        cells = "".join(
            _cell("td", cell, column) for cell, column in zip(row[:count], self._head, strict=True)
        )
        named = "".join(self._named(row[count:]))
        below = f'<tr><td colspan="{count}"><dl>{named}</dl></td></tr>' if named else ""
        return f"<tbody><tr>{cells}</tr>{below}</tbody>\n"

    def left_out(self) -> list[str]:
        """Return the names of the columns that none of the rows has had, and that are not shown."""
        return [column.means for column in self._below if column.name in self._unused]

    def _named(self, cells: Sequence[Cell]) -> Iterator[str]:
        for cell, column in zip(cells, self._below, strict=True):
            if cell not in (None, ""):
                self._unused.discard(column.name)
                name = f"<dt>{escape(column.means)}</dt>"
                yield f"<div>{name}{_cell('dd', cell, column)}</div>"


def _cell(tag: str, cell: Cell, column: Column) -> str:
    text = text_of(cell, column.kind)
    is_word = len(text) <= WORD_LENGTH_MAX and " " not in text
    mark = _class_of_kind(column.kind) or (' class="word"' if is_word and text else "")
    return f"<{tag}{mark}>{escape(text)}</{tag}>"


def _class_of_kind(kind: Kind) -> str:
    if kind in _NUMERIC:
        return ' class="number"'
    return "" if kind is Kind.TEXT else ' class="time"'
