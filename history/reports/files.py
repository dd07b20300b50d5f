"""Where a report goes: the terminal, a pipe, or a file.

The rule of this file: a file is there whole or not at all, and its name says its form.
"""

import contextlib
import sys
from collections.abc import Callable, Iterator
from enum import StrEnum
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO

from history.reports.outputs.csv_form import CsvOutput
from history.reports.outputs.json_form import JsonOutput
from history.reports.outputs.output import Output
from history.reports.outputs.page import PageOutput
from history.reports.outputs.parquet_form import ParquetOutput
from history.reports.outputs.table_form import TableOutput
from history.reports.source import ReportError
from shared.whole_file import whole_file


class Form(StrEnum):
    """The forms that a report takes."""

    TABLE = "table"
    CSV = "csv"
    PARQUET = "parquet"
    PAGE = "page"
    JSON = "json"


_BY_SUFFIX = {
    ".csv": Form.CSV,
    ".parquet": Form.PARQUET,
    ".html": Form.PAGE,
    ".htm": Form.PAGE,
    ".json": Form.JSON,
}
_TEXT = ("", ".txt")  # Of a table; a pipe has no suffix.
_MADE: dict[Form, Callable[[BinaryIO], Output]] = {
    Form.CSV: CsvOutput,
    Form.PARQUET: ParquetOutput,
    Form.PAGE: PageOutput,
    Form.JSON: JsonOutput,
}


@contextlib.contextmanager
def opened_output(form: Form | None, out: Path | None) -> Iterator[Output]:
    """Give where to write; the file is in its place when the `with` ends without an error.

    Raises ReportError.
    """
    if form is None:
        form = _form_of(out) if out is not None else Form.TABLE
    if out is None:
        with _terminal(form) as output:
            yield output
        return
    with _replacing(out) as file:
        if form is Form.TABLE:
            text = TextIOWrapper(file, "utf-8")
            try:
                yield TableOutput(text)
            finally:
                text.detach()  # Which writes what it has; the file is closed where it was opened.
        else:
            yield _MADE[form](file)


def _form_of(out: Path) -> Form:
    suffix = out.suffix.lower()
    if suffix in _TEXT:
        return Form.TABLE
    if suffix not in _BY_SUFFIX:
        known = ", ".join([*_BY_SUFFIX, ".txt"])
        raise ReportError(f"{out}: {suffix} is no form of a report; there is {known}.")
    return _BY_SUFFIX[suffix]


@contextlib.contextmanager
def _terminal(form: Form) -> Iterator[Output]:
    if form is Form.PARQUET and sys.stdout.isatty():
        raise ReportError("Parquet is nothing for a terminal: give a file with --out.")
    if form is not Form.TABLE:
        yield _MADE[form](sys.stdout.buffer)
        return
    table = TableOutput()
    with table.held() as held:
        yield table
    try:
        sys.stdout.write(held.get())
        sys.stdout.flush()
    except OSError as error:
        raise ReportError(f"The report cannot be written: {error}") from error


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    try:
        with whole_file(path) as file:
            yield file
    except OSError as error:
        raise ReportError(f"{path} cannot be written: {error.strerror}.") from None
