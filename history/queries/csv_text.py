"""Answers as CSV, by RFC 4180. Pure.

The rule of this file: the columns are the fields of the JSON, null is nothing, and no text is ever
a formula. What a spreadsheet would take for one gets an apostrophe before it; a number never does,
whatever its sign.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence

from msgspec import Struct, structs

LINE_END = "\r\n"
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_FORMULA = re.compile(r"[=+\-@\t\r\n]")


def csv_header(kind: type[Struct]) -> bytes:
    """Return the line of the columns' names."""
    return _written([kind.__struct_fields__])


def csv_lines(rows: Iterable[Struct]) -> bytes:
    """Return a line for each row."""
    return _written([_text(value) for value in structs.astuple(row)] for row in rows)


def _written(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=LINE_END).writerows(rows)
    return text.getvalue().encode()


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text
