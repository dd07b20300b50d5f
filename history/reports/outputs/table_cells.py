"""Cells as a terminal shows them: short, and harmless.

The rule of this file: shorter is never less exact: only zeros at the end of a fraction go, and of
JSON the fields that say nothing.
"""

import re
from typing import Any

from msgspec import DecodeError, json

from history.reports.form import Cell, Column, text_of

_ZEROS = re.compile(r"(?<=:\d\d)(?:\.0+|(\.\d*[1-9])0+)(?=Z)", re.ASCII)


def cell_text(cell: Cell, column: Column) -> str:
    """Return a cell as a terminal shows it, "" where there is nothing."""
    text = text_of(cell, column.kind)
    if column.has_json:
        return "".join(lean_json(text))
    return harmless(short_times(text) if isinstance(cell, int) else text)


def short_times(text: str) -> str:
    """Return a text with the times in it without zeros at the end of a second's fraction."""
    return _ZEROS.sub(r"\1", text)


def lean_json(text: str) -> list[str]:
    """Return a JSON object in pieces, a field each, without those that are 0, "", null or false.

    What is no JSON object is one piece, as it is.
    """
    try:
        found = json.decode(text) if text.startswith("{") else None
    except DecodeError:
        found = None
    if not isinstance(found, dict):
        return [harmless(text)]
    fields = [harmless(_field(name, value)) for name, value in _lean(found).items()]
    last = len(fields) - 1
    pieces = [field if index == last else f"{field}," for index, field in enumerate(fields)]
    pieces = pieces or [""]
    pieces[0] = "{" + pieces[0]
    pieces[-1] += "}"
    return pieces


def _field(name: str, value: Any) -> str:
    return f"{json.encode(name).decode()}:{json.encode(value).decode()}"


def _lean(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _lean(each) for name, each in value.items() if not _is_nothing(each)}
    return [_lean(each) for each in value] if isinstance(value, list) else value


def _is_nothing(value: Any) -> bool:
    return value is None or value in ("", 0, False)


def harmless(text: str) -> str:
    """Return a text with what cannot be printed written as an escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
