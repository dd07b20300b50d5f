"""How rows are laid out for a width: a line of columns for each, and what is too much below it.

The rule of this file: numbers and times are never broken, and columns are never squeezed: the
leading ones that fit whole are the table, and of the others a row has only what is there, by name.
"""

import textwrap
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.cells import cell_len, chop_cells

from history.reports.form import Column, Kind
from history.reports.outputs.table_cells import lean_json

GAP = "  "
INDENT = " " * 4
NOTHING = "-"
BELOW_WIDTH_MAX = 120  # Longer lines are hard to read, whatever the terminal has.
_TO_THE_LEFT = frozenset({Kind.TEXT, Kind.TIME, Kind.DAY})
Texts = Sequence[str]  # Of one row, by column; "" is nothing.


class Layout(NamedTuple):
    """The leading columns, which are a table, how wide each is, and the columns below."""

    head: tuple[Column, ...]
    widths: tuple[int, ...]
    below: tuple[Column, ...]
    below_width: int


def layout_of(columns: Sequence[Column], rows: Sequence[Texts], width: int, most: int) -> Layout:
    """Return how these rows are laid out; `most` columns are the table at most, and one is."""
    longest = [
        max((cell_len(row[index]) for row in rows), default=0) for index in range(len(columns))
    ]
    floors = [
        max(longest[index], len(NOTHING), *(len(word) for word in column.means.split()))
        for index, column in enumerate(columns)
    ]
    count = 1
    while count < min(most, len(columns)) and _line(floors[: count + 1]) <= width:
        count += 1
    head = tuple(columns[:count])
    # Names stand on several lines, unless there is room for all of them whole.
    whole = [max(wide, len(c.means)) for wide, c in zip(floors[:count], head, strict=True)]
    widths = whole if _line(whole) <= width else floors[:count]
    return Layout(head, tuple(widths), tuple(columns[count:]), min(width, BELOW_WIDTH_MAX))


def _line(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def names_of(layout: Layout) -> Iterator[str]:
    """Yield the lines above the table: the names of its columns, at its bottom."""
    names = [
        textwrap.wrap(column.means, width)
        for column, width in zip(layout.head, layout.widths, strict=True)
    ]
    height = max(len(lines) for lines in names)
    for index in range(height):
        # A name of fewer lines than the highest begins farther down.
        starts = [index - (height - len(lines)) for lines in names]
        yield _joined(
            layout, [lines[at] if at >= 0 else "" for lines, at in zip(names, starts, strict=True)]
        )


def head_of(layout: Layout, row: Texts) -> str:
    """Return the line of a row."""
    return _joined(layout, [text or NOTHING for text in row[: len(layout.head)]])


def _joined(layout: Layout, texts: Sequence[str]) -> str:
    cells = zip(layout.head, layout.widths, texts, strict=True)
    return GAP.join(_padded(text, width, column.kind) for column, width, text in cells).rstrip()


def _padded(text: str, width: int, kind: Kind) -> str:
    room = " " * (width - cell_len(text))
    return text + room if kind in _TO_THE_LEFT else room + text


def below_of(layout: Layout, row: Texts) -> list[str]:
    """Return the lines below that of a row: what it has of the other columns."""
    width = layout.below_width - len(INDENT)
    lines: list[str] = []
    for column, text in zip(layout.below, row[len(layout.head) :], strict=True):
        named = f"{column.means}: {text}"
        if not text:
            continue
        if column.has_json and text.startswith("{"):
            lines += _flowed([f"{column.means}: ", *lean_json(text)], width)
        elif lines and cell_len(f"{lines[-1]}{GAP}{named}") <= width:
            lines[-1] += f"{GAP}{named}"
        else:
            lines += chop_cells(named, width) if column.kind is Kind.TEXT else [named]
    return [f"{INDENT}{line}" for line in lines]


def _flowed(pieces: Sequence[str], width: int) -> list[str]:
    lines = [""]
    for piece in pieces:
        if cell_len(lines[-1] + piece) <= width:
            lines[-1] += piece
        else:
            lines += [f"{GAP}{part}" for part in chop_cells(piece, width - len(GAP))]
    return lines
