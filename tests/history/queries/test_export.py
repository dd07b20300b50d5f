"""A CSV has every row of the question once, as many as it said, and the fields of the JSON."""

import csv
import io
from typing import Any

import pytest
from msgspec import Struct, structs

from history.projection.intervals import SECOND_NS
from history.queries import export as exporting
from history.queries.export import Export, export
from history.queries.standing import UnavailableError
from history.sql import tables
from shared.rest import history_queries as hq
from shared.rest.history_queries import HistoryQuery, HistoryRoute, QueryFault
from tests.history.queries.stand import Stand, walk

QUERIES = (
    (hq.KLINES, "klines", HistoryQuery(market="TATA_INR", interval="1h", limit=100)),
    (hq.TRADES, "trades", HistoryQuery(market="BTC_INR", limit=100)),
    (hq.ORDERS, "orders", HistoryQuery(account_id=1, limit=100)),
    (hq.ORDERS, "orders", HistoryQuery(account_id=1, statuses=("open", "filled"), limit=100)),
    (hq.FILLS, "fills", HistoryQuery(account_id=1, limit=100)),
    (hq.LEDGER, "lines", HistoryQuery(account_id=1, limit=100)),
    (hq.LEDGER, "lines", HistoryQuery(account_id=1, asset="INR", limit=100)),
    (hq.REJECTIONS, "rejections", HistoryQuery(account_id=1, limit=100)),
)


@pytest.fixture(autouse=True)
def _short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "PAGE_ROWS", 10)


async def text_of(found: Export) -> str:
    return b"".join([piece async for piece in found.text]).decode()


async def test_a_csv_is_the_pages_of_the_json(stand: Stand) -> None:
    for route, field, query in QUERIES:
        await _is_the_json(stand, route, field, query)


async def _is_the_json(stand: Stand, route: HistoryRoute, field: str, query: HistoryQuery) -> None:
    pages = await walk(stand.queries.answers[route.path], query, field)
    if route is hq.KLINES:
        pages.reverse()
    views: list[Any] = [each for page in pages for each in page]
    found = await export(stand.queries, route, query)
    header, *rows = csv.reader(io.StringIO(await text_of(found), newline=""))
    assert len(views) > 0
    assert header == list(type(views[0]).__struct_fields__)
    assert found.rows == len(views)
    assert rows == [_of(view) for view in views]


def _of(view: Struct) -> list[str]:
    made = []
    for value in structs.astuple(view):
        if value is None:
            made.append("")
        elif isinstance(value, bool):
            made.append("true" if value else "false")
        else:
            made.append(str(value))
    return [
        f"'{text}" if text[:1] in ("=", "+", "-", "@") and not _is_number(text) else text
        for text in made
    ]


def _is_number(text: str) -> bool:
    return text.removeprefix("-").replace(".", "", 1).isdecimal()


async def test_what_comes_in_meanwhile_is_not_in_it(stand: Stand) -> None:
    for route, _, query in QUERIES:
        found = await export(stand.queries, route, query)
        pieces = []
        async for piece in found.text:
            pieces.append(piece)
            if len(pieces) < 6:
                await stand.grow(4)
        rows = list(csv.reader(io.StringIO(b"".join(pieces).decode(), newline="")))
        assert len(rows) == found.rows + 1
        assert len({tuple(row[:5]) for row in rows}) == len(rows), "no row is there twice"


async def test_too_many_rows_are_refused_with_what_to_narrow(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    for route, _, query in QUERIES:
        monkeypatch.setattr(exporting, "ROWS_MAX", 10**6)
        rows = (await export(stand.queries, route, query)).rows
        monkeypatch.setattr(exporting, "ROWS_MAX", rows)
        assert (await export(stand.queries, route, query)).rows == rows
        monkeypatch.setattr(exporting, "ROWS_MAX", rows - 1)
        with pytest.raises(QueryFault, match="from_ns") as caught:
            await export(stand.queries, route, query)
        assert (caught.value.code, caught.value.field) == ("INVALID_PARAMETER", "from_ns")


async def test_nothing_is_a_header_line(stand: Stand) -> None:
    found = await export(stand.queries, hq.FILLS, HistoryQuery(account_id=99))
    assert found.rows == 0
    assert (await text_of(found)).count("\r\n") == 1


async def test_ten_years_of_seconds_are_too_many_and_said_so_at_once(stand: Stand) -> None:
    stand.watermark_ns = stand.cursor.at_ns + 10 * 365 * 86_400 * SECOND_NS
    with pytest.raises(QueryFault):
        await export(stand.queries, hq.KLINES, HistoryQuery(market="TATA_INR", interval="1s"))


async def test_a_cursor_has_no_place_in_a_csv(stand: Stand) -> None:
    with pytest.raises(QueryFault) as caught:
        await export(stand.queries, hq.FILLS, HistoryQuery(account_id=1, cursor="abc"))
    assert caught.value.field == "cursor"


async def test_rows_that_are_gone_break_it_off(stand: Stand) -> None:
    found = await export(stand.queries, hq.FILLS, HistoryQuery(account_id=1))
    pieces = [await anext(found.text), await anext(found.text)]
    async with stand.database.writing() as connection:
        await connection.execute(tables.fills.delete())
    with pytest.raises(UnavailableError):
        pieces += [piece async for piece in found.text]
    assert len(pieces) == 2
