"""A report on a terminal can be read, at the widths that terminals have."""

import io
import re
from collections.abc import Sequence

import pytest
from rich.cells import cell_len

from history.reports.catalogue import REPORTS
from history.reports.form import Column, Heading, Kind, Outcome, Row
from history.reports.outputs.table_cells import cell_text
from history.reports.outputs.table_form import ROWS_SHOWN_MAX, TableOutput
from history.reports.running import make_of
from history.reports.scope import Scope
from history.sql.database import HistoryDatabase
from tests.history.reports.days import RecordedDay
from tests.history.reports.reading import KeptOutput

WIDTHS = 80, 120
AT_NS = 1_795_391_990_500_000_000
COLUMNS = (
    Column("at", Kind.TIME, "Time"),
    Column("market", Kind.TEXT, "Market"),
    Column("price", Kind.DECIMAL, "Stop price"),
    Column("count", Kind.COUNT, "Trades"),
    Column("details", Kind.TEXT, "Details", has_json=True),
)
ASKED = (("from", "2026-11-22T00:00:00.000000000Z"), ("market", "BTC_USD"))
HEADING = Heading("some", "Something", (), ASKED, AT_NS, 77, AT_NS + 1, COLUMNS)


class Terminal(io.StringIO):
    """A file that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    for name in ("COLUMNS", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)


def shown(rows: Sequence[Row], file: io.StringIO, heading: Heading = HEADING) -> str:
    output = TableOutput(file)
    output.begin(heading)
    output.rows(rows)
    output.end(Outcome())
    return file.getvalue()


@pytest.mark.parametrize("history_url", [""])  # The forms know no database.
@pytest.mark.parametrize("width", WIDTHS)
async def test_every_report_fits_and_every_number_and_time_is_whole(
    history: HistoryDatabase, day: RecordedDay, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    scope = Scope(order_id=day.rows.fills[0].order_id, window_ns=10**12)
    for kind in REPORTS.values():
        file, kept = Terminal(), KeptOutput()
        await make_of(history, kind, scope, TableOutput(file))
        await make_of(history, kind, scope, kept)
        lines = file.getvalue().split("\n")
        assert max(map(cell_len, lines)) <= width, kind.name
        words = set(re.split(r"\s+", file.getvalue()))
        for row in kept.taken[:ROWS_SHOWN_MAX]:
            for cell, column in zip(row, kind.columns, strict=True):
                is_whole = cell_text(cell, column) in words
                assert is_whole or column.kind is Kind.TEXT or cell is None, (kind.name, column)


@pytest.mark.parametrize("history_url", [""])
@pytest.mark.parametrize("file_kind", [Terminal, io.StringIO])
async def test_a_trail_has_a_short_line_for_each_row_and_below_what_the_row_has(
    history: HistoryDatabase,
    day: RecordedDay,
    file_kind: type[io.StringIO],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    kind, kept, file = REPORTS["order"], KeptOutput(), file_kind()
    scope = Scope(order_id=day.rows.fills[0].order_id)
    await make_of(history, kind, scope, kept)
    await make_of(history, kind, scope, TableOutput(file))
    lines = file.getvalue().split("\n")
    start = next(index for index, line in enumerate(lines) if line.startswith("Journal time"))
    heads = [line.split() for line in lines[start + 1 :] if line.startswith("20")]
    assert heads == [
        [
            cell_text(cell, column) or "-"
            for cell, column in zip(row, kind.columns[:5], strict=False)
        ]
        for row in kept.taken
    ]
    below = [line for line in lines if line.startswith("    ")]
    assert max(map(len, below)) <= 120
    assert sum("Account: " in line for line in below) == len(kept.taken)
    assert "No row has" not in file.getvalue()
    assert not any(f"{column.means}: -" in line for line in below for column in kind.columns[10:14])


def test_a_column_that_no_row_has_is_named_and_not_shown() -> None:
    rows: list[Row] = [(AT_NS, "BTC_USD", None, 0, ""), (AT_NS + 1, None, None, None, None)]
    assert shown(rows, io.StringIO()).split("\n") == [
        "Something, as of 2026-11-22T23:59:50.5Z",
        "event 77, from 2026-11-22T00:00:00Z, market BTC_USD",
        "",
        "Time                            Market   Trades",
        "2026-11-22T23:59:50.5Z          BTC_USD       0",
        "2026-11-22T23:59:50.500000001Z  -             -",
        "No row has: Stop price, Details.",
        "",
    ]


def test_a_column_that_only_a_row_has_which_is_not_shown_is_there() -> None:
    rows: list[Row] = [(AT_NS, "BTC_USD", None, 0, None)] * ROWS_SHOWN_MAX
    text = shown([*rows, (AT_NS, "BTC_USD", "1.5", 0, None)], io.StringIO())
    assert "1 more row: --format csv shows all." in text
    assert "No row has: Details." in text


def test_a_report_without_rows_says_so() -> None:
    lines = shown([], io.StringIO()).split("\n")
    assert lines[2:] == ["", "No rows.", ""]


def test_a_terminal_that_is_narrow_breaks_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    number = "-9223372036854775808.0123456789"
    text = shown([(AT_NS, "BTC_USD", number, 2**63 - 1, '{"a":1,"b":null}')], Terminal())
    words = text.split()
    assert {"2026-11-22T23:59:50.5Z", number, str(2**63 - 1), '{"a":1}'} <= set(words)


def test_what_is_held_comes_when_it_is_asked_for() -> None:
    file = io.StringIO()
    output = TableOutput(file)
    with output.held() as held:
        output.begin(HEADING)
        output.rows([(AT_NS, "BTC_USD", None, 0, None)])
        output.end(Outcome())
        assert file.getvalue() == ""
    assert file.getvalue() == ""
    assert "BTC_USD" in held.get()
