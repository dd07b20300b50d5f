"""All forms of a report say the same, and none lets a text do harm."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from msgspec import json

from history.reports.catalogue import REPORTS
from history.reports.form import Column, Heading, Kind, Outcome, Row
from history.reports.outputs.csv_form import CsvOutput
from history.reports.outputs.json_form import JsonOutput
from history.reports.outputs.output import Output
from history.reports.outputs.page import PageOutput
from history.reports.outputs.parquet_form import ParquetOutput
from history.reports.outputs.table_form import ROWS_SHOWN_MAX, TableOutput
from history.reports.running import make_of
from history.reports.scope import Scope
from history.sql.database import HistoryDatabase
from tests.history.reports.days import RecordedDay

EVIL = '=1+1,"a"\r\n<script>alert(1)</script>\x1b[2J[red]&amp;\'é€'
# A random day need not have any; they are held against each other where they are made by hand.
NOT_EVERY_DAY = {"pending-withdrawals", "withdrawals", "wash-trades", "rejections"}
AT_NS = 1_795_391_990_123_456_789
COLUMNS = (
    Column("name", Kind.TEXT, "Name <b>"),
    Column("count", Kind.COUNT, "Count"),
    Column("amount", Kind.DECIMAL, "Amount"),
    Column("at", Kind.TIME, "Time"),
    Column("day", Kind.DAY, "Day"),
)
HEADING = Heading(
    "evil", "Evil <i>", ("It's a & b.",), (("market", "<A>"),), AT_NS, 77, AT_NS + 1, COLUMNS
)
ROWS: list[Row] = [
    (EVIL, 2**63 - 1, "-9223372036854775808.0123456789", AT_NS, 20_779),
    ("'quoted", 0, "0", 0, 0),
    ("", None, None, None, None),
    ("+1", -5, "1000000000000000000000000000.5", 1, 1),
]


def outcome() -> Outcome:
    found = Outcome()
    found.total("net", "<USD>", "1.50")
    found.check("It adds up.", [])
    found.check("So does this.", ["1 <too> much."])
    found.notes.append("A <note>.")
    return found


def written(make: Callable[[BinaryIO], Output]) -> bytes:
    file = io.BytesIO()
    output = make(file)
    output.begin(HEADING)
    output.rows(ROWS[:2])
    output.rows(ROWS[2:])
    output.end(outcome())
    return file.getvalue()


class Page(HTMLParser):
    """Reads a page: its tags, its tables by id, and all its text."""

    VOID = frozenset({"meta"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.text = ""
        self.named: dict[int, list[str]] = {}
        self._below: list[str] = []
        self._open: list[str] = []
        self._rows: list[list[str]] = []
        self.feed(text)
        self.close()
        assert not self._open, "every tag is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self._open.append(tag)
        if tag == "table":
            self._rows = self.tables[dict(attrs)["id"] or ""] = []
        elif tag == "tr":
            self._rows.append([])
        elif tag == "dl":
            self._rows.pop()  # The line of named values belongs to the row above it.
            self.named[len(self._rows) - 1] = self._below = []
        elif tag in ("td", "th"):
            self._rows[-1].append("")
        elif tag in ("dt", "dd"):
            self._below.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.text += data
        if self._open and self._open[-1] in ("td", "th"):
            self._rows[-1][-1] += data
        if self._open and self._open[-1] in ("dt", "dd"):
            self._below[-1] += data

    def rows_by_name(self) -> list[dict[str, str]]:
        """The rows of the report by the names that people read."""
        head, *rows = self.tables["rows"]
        found = [dict(zip(head, row, strict=True)) for row in rows]
        for line, texts in self.named.items():
            found[line - 1].update(zip(texts[::2], texts[1::2], strict=True))
        return found


def csv_rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


def without_apostrophe(row: dict[str, str], texts: set[str]) -> dict[str, str]:
    return {
        name: value[1:] if name in texts and value.startswith("'") else value
        for name, value in row.items()
    }


def as_text(value: Any, kind: Kind) -> str:
    """A cell of Parquet as the other forms write it."""
    if value is None:
        return ""
    if kind is Kind.TIME:
        seconds, rest = divmod(value, 10**9)
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
        return f"{at:%Y-%m-%dT%H:%M:%S}.{rest:09}Z"
    if kind is Kind.DECIMAL:
        text = f"{value:f}".rstrip("0").rstrip(".")
        return text or "0"
    return value.isoformat() if isinstance(value, date) else str(value)


def parquet_rows(data: bytes, columns: tuple[Column, ...]) -> list[dict[str, str]]:
    table = pq.read_table(io.BytesIO(data))
    found: list[dict[str, str]] = [{} for _ in range(table.num_rows)]
    for column in columns:
        array = table.column(column.name)
        if column.kind is Kind.TIME:
            assert array.type == pa.timestamp("ns", tz="UTC")
            array = array.cast(pa.int64())
        for row, value in zip(found, array.to_pylist(), strict=True):
            row[column.name] = as_text(value, column.kind)
    return found


def all_alike(columns: tuple[Column, ...], make: Callable[[Any], bytes]) -> list[dict[str, str]]:
    """Make a report in every form, hold the rows of each against the others, and return them."""
    texts = {column.name for column in columns if column.kind is Kind.TEXT}
    of_csv = [without_apostrophe(row, texts) for row in csv_rows(make(CsvOutput))]
    of_json = [
        {name: "" if value is None else str(value) for name, value in row.items()}
        for row in json.decode(make(JsonOutput))["rows"]
    ]
    of_page = Page(make(PageOutput).decode()).rows_by_name()
    assert of_json == of_csv
    assert parquet_rows(make(ParquetOutput), columns) == of_csv
    assert [
        {column.name: row.get(column.means, "") for column in columns} for row in of_page
    ] == of_csv
    assert {name for row in of_page for name in row} <= {column.means for column in columns}
    return of_csv


def test_every_form_has_the_same_rows_whatever_is_in_them() -> None:
    rows = all_alike(COLUMNS, written)
    assert rows[0] == {
        "name": EVIL,
        "count": "9223372036854775807",
        "amount": "-9223372036854775808.0123456789",
        "at": "2026-11-22T23:59:50.123456789Z",
        "day": "2026-11-22",
    }
    assert rows[2] == dict.fromkeys(rows[0], "")


def test_csv_is_rfc_4180_and_calculates_nothing() -> None:
    data = written(CsvOutput)
    lines = data.decode().split("\r\n")
    assert lines[0] == "name,count,amount,at,day"
    assert lines[-1] == ""
    assert data.startswith(b"name")
    names = [row["name"] for row in csv_rows(data)]
    assert names == [f"'{EVIL}", "''quoted", "", "'+1"]
    assert b'"\'=1+1,""a""\r\n' in data


def test_a_page_needs_nothing_runs_nothing_and_closes_every_tag() -> None:
    text = written(PageOutput).decode()
    page = Page(text)
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert not {"href", "src", "onload", "onclick"} & {name for name, _ in page.attributes}
    assert "url(" not in text
    assert "@media print" in text
    assert "prefers-color-scheme: dark" in text
    assert page.tables["totals"] == [["<USD>", "net", "1.50"]]
    for told in ("Evil <i>", "event\n77; market <A>", "It's a & b.", "A <note>.", "1 <too> much."):
        assert told in page.text
    assert "2026-11-22T23:59:50.123456789Z" in page.text
    assert "2026-11-22T23:59:50.123456790Z" in page.text
    assert "NOT reconciled" in page.text


def test_a_page_of_many_columns_has_what_there_is_by_name_and_says_what_it_leaves_out() -> None:
    file = io.BytesIO()
    output = PageOutput(file)
    output.begin(HEADING._replace(head_columns=2))
    output.rows([("a", 1, "1.50", None, None), ("b", 2, None, None, None), ("c", 3, "", 0, None)])
    output.end(Outcome())
    page = Page(file.getvalue().decode())
    assert page.tables["rows"] == [["Name <b>", "Count"], ["a", "1"], ["b", "2"], ["c", "3"]]
    assert page.rows_by_name() == [
        {"Name <b>": "a", "Count": "1", "Amount": "1.50"},
        {"Name <b>": "b", "Count": "2"},
        {"Name <b>": "c", "Count": "3", "Time": "1970-01-01T00:00:00.000000000Z"},
    ]
    assert "No row has: Day." in page.text


def test_json_has_all_that_is_known() -> None:
    found = json.decode(written(JsonOutput))
    assert (found["report"], found["sequence"], found["as_of_ns"]) == ("evil", 77, AT_NS)
    assert found["asked"] == {"market": "<A>"}
    assert found["is_well"] is False
    assert [check["is_well"] for check in found["checks"]] == [True, False]
    assert found["totals"] == [{"name": "net", "of": "<USD>", "value": "1.50"}]
    assert found["notes"] == ["A <note>."]


def test_parquet_has_exact_columns_and_the_rest_as_metadata() -> None:
    data = written(ParquetOutput)
    schema = pq.read_schema(io.BytesIO(data))
    assert [field.type for field in schema] == [
        *(pa.string(), pa.int64(), pa.decimal128(38, 10)),
        *(pa.timestamp("ns", tz="UTC"), pa.date32()),
    ]
    metadata = pq.read_metadata(io.BytesIO(data)).metadata
    assert json.decode(metadata[b"rialto.report"])["sequence"] == 77
    assert json.decode(metadata[b"rialto.outcome"])["is_well"] is False
    amounts = pq.read_table(io.BytesIO(data)).column("amount").to_pylist()
    assert amounts[0] == Decimal("-9223372036854775808.0123456789")


def test_a_report_without_rows_is_whole_in_every_form() -> None:
    def make(kind: Callable[[BinaryIO], Output]) -> bytes:
        file = io.BytesIO()
        output = kind(file)
        output.begin(HEADING)
        output.rows([])
        output.end(Outcome())
        return file.getvalue()

    assert all_alike(COLUMNS, make) == []


def test_a_table_says_all_and_no_control_reaches_the_terminal() -> None:
    file = io.StringIO()
    output = TableOutput(file)
    output.begin(HEADING)
    output.rows(ROWS)
    output.rows([ROWS[1]] * ROWS_SHOWN_MAX)
    output.end(outcome())
    text = file.getvalue()
    assert "\x1b" not in text
    assert "\\x1b[2J[red]" in "".join(text.split("\n"))
    for told in ("Evil <i>", "event 77, market <A>", "NOT SO: So does this. 1 <too> much."):
        assert told in text
    assert "4 more rows" in text
    assert "-9223372036854775808.0123456789" in text


@pytest.mark.parametrize("history_url", [""])  # The forms know no database.
async def test_every_report_of_a_day_is_the_same_in_every_form(
    history: HistoryDatabase, day: RecordedDay
) -> None:
    scope = Scope(order_id=day.rows.fills[0].order_id, window_ns=10**12)
    for kind in REPORTS.values():
        made: dict[Any, bytes] = {}
        for form in (CsvOutput, JsonOutput, PageOutput, ParquetOutput):
            file = io.BytesIO()
            await make_of(history, kind, scope, form(file))
            made[form] = file.getvalue()
        rows = all_alike(kind.columns, made.__getitem__)
        assert rows or kind.name in NOT_EVERY_DAY
