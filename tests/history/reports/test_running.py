"""A report is of one moment, whatever is recorded meanwhile, and its memory is that of a page."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest
import sqlalchemy as sa

from history.reports.catalogue import REPORTS
from history.reports.form import Outcome, Row, Rows
from history.reports.running import PAGE_ROWS, READING_S, Place, make_of, open_to_read
from history.reports.scope import Scope
from history.reports.source import ReportError, Source, open_source, whole, whole_sum
from history.sql import engines
from history.sql.database import HistoryDatabase, open_history
from history.sql.tables import cursor, ledger, trades
from tests.history.reports.days import RecordedDay
from tests.history.reports.reading import KeptOutput, report
from tests.support.postgres import Postgres


async def test_what_is_recorded_while_a_report_is_made_is_not_in_it(
    history: HistoryDatabase, day: RecordedDay
) -> None:
    expected = await report(history, "balances")
    kept = KeptOutput()
    kind = REPORTS["balances"]

    async def make(source: Source, scope: Scope, outcome: Outcome) -> Rows:
        # The cursor was read: from here on the report's moment stands.
        async with history.writing() as connection:
            await connection.execute(sa.delete(ledger))
            await connection.execute(sa.update(cursor).values(sequence=10**9))
        async for row in kind.make(source, scope, outcome):
            yield row

    await make_of(history, kind._replace(make=make), Scope(), kept)
    assert kept.taken == expected.taken
    assert not kept.faults
    assert kept.heading is not None
    assert kept.heading.sequence == day.exchange.sequence
    assert not (await report(history, "balances")).taken


async def test_rows_come_in_pages(history: HistoryDatabase, day: RecordedDay) -> None:
    first = day.rows.trades[0]
    many = PAGE_ROWS * 2 + 5
    async with history.writing() as connection:
        more = [
            first._replace(trade_id=10**6 + index, sequence=10**6 + index)._asdict()
            for index in range(many)
        ]
        await connection.execute(trades.insert(), more)
    pages: list[int] = []

    class Counting(KeptOutput):
        def rows(self, rows: Sequence[Row]) -> None:
            pages.append(len(rows))

    scope = Scope(market=first.market, thresholds=(("", "0"),))
    seen: list[int] = []
    await make_of(history, REPORTS["large-trades"], scope, Counting(), on_read=seen.append)
    of_market = [trade for trade in day.rows.trades if trade.market == first.market]
    assert sum(pages) == many + len(of_market)
    assert max(pages) == PAGE_ROWS
    assert seen == sorted(seen)
    assert seen[-1] == sum(pages)


async def test_an_empty_history_is_refused(history_database: HistoryDatabase) -> None:
    with pytest.raises(ReportError, match="empty"):
        await report(history_database, "fees")


async def test_sums_are_exact_beyond_64_bits(
    history: HistoryDatabase, day: RecordedDay, seed: int
) -> None:
    draw = Random(seed)
    line = day.rows.ledger[0]
    values = [draw.choice((2**63 - 1, -(2**63), draw.randint(-9, 9))) for _ in range(40)]
    values += [2**63 - 1] * 50
    async with history.writing() as connection:
        await connection.execute(sa.delete(ledger))
        rows = [
            line._replace(sequence=index, available_change=value)._asdict()
            for index, value in enumerate(values)
        ]
        await connection.execute(ledger.insert(), rows)
    async with history.reading() as connection:
        source = await open_source(connection)
        [found] = await source.all(sa.select(*whole_sum(ledger.c.available_change)))
        [empty] = await source.all(sa.select(*whole_sum(trades.c.n)).where(trades.c.n < 0))
    assert whole(*found) == sum(values)
    assert whole(*empty) == 0


async def test_a_server_may_think_for_longer_than_a_page_takes(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.fresh()
    await (await open_history(tmp_path, url)).close()
    monkeypatch.setattr(engines, "COMMAND_TIMEOUT_S", 0.2)
    database = open_to_read(Place(tmp_path, url, tmp_path, tmp_path))
    try:
        async with database.reading(READING_S) as connection:
            assert await connection.scalar(sa.text("SELECT 7 FROM pg_sleep(0.5)")) == 7
    finally:
        await database.close()
