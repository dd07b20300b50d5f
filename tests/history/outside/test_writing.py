"""What was heard outside is stored once, read again exactly, and goes when it is old."""

from random import Random
from typing import Any

import pytest
import sqlalchemy as sa

from history.outside import writing
from history.outside.books import Newest, rows_of
from history.outside.writing import klines, load_newest, load_touch_ns, prune, write_rows
from history.projection.intervals import DAY_S, INTERVALS_S, SECOND_NS
from history.sql.database import HistoryDatabase
from history.sql.outside_tables import (
    OUTSIDE,
    outside_candles,
    outside_gaps,
    outside_touches,
    outside_trades,
)
from tests.history.outside.market import BOOK, FIRST, START_NS, random_trades

DAY_NS = DAY_S * SECOND_NS
TOUCH = {
    "book": BOOK,
    "state": "live",
    "bid": "1",
    "bid_quantity": "2",
    "ask": "3",
    "ask_quantity": "4",
    "venue_at_ns": 0,
}


async def rows_in(database: HistoryDatabase, table: sa.Table) -> list[dict[str, Any]]:
    async with database.reading() as connection:
        found = await connection.execute(sa.select(table).order_by(*table.primary_key))
        return [dict(row) for row in found.mappings()]


async def test_a_recorder_that_begins_anew_after_any_part_goes_on_exactly(
    history_database: HistoryDatabase, seed: int
) -> None:
    # Given trades in parts, of which each begins with what is stored and is written twice.
    heard = random_trades(Random(seed), 60)
    for first in range(0, len(heard), 7):
        async with history_database.reading() as connection:
            newest = await load_newest(connection, BOOK)
        rows = rows_of(BOOK, heard[max(0, first - 2) : first + 7], newest)
        for _ in range(2):
            await write_rows(history_database, [rows], [])
    # Then all is there as if it had been written at once.
    whole = rows_of(BOOK, heard, Newest(0, 0))
    assert await rows_in(history_database, outside_trades) == whole.trades
    assert await rows_in(history_database, outside_gaps) == whole.gaps
    by_key = sorted(whole.candles, key=lambda row: (row["interval_s"], row["open_at_ns"]))
    assert await rows_in(history_database, outside_candles) == by_key
    async with history_database.reading() as connection:
        assert await klines(connection, BOOK, 60, from_ns=0, limit=1_000) == [
            row for row in by_key if row["interval_s"] == 60
        ]
        assert await load_newest(connection, "other:spot:A/B") == Newest(0, 0)


async def test_the_newest_touch_is_known_again(history_database: HistoryDatabase) -> None:
    await write_rows(history_database, [], [{**TOUCH, "at_ns": at_ns} for at_ns in (5, 7, 6)])
    async with history_database.reading() as connection:
        assert await load_touch_ns(connection, BOOK) == 7
        assert await load_touch_ns(connection, "other:spot:A/B") == 0


async def test_what_is_old_goes_in_steps_and_nothing_else_does(
    history_database: HistoryDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "PRUNE_ROWS_MAX", 7)
    heard = random_trades(Random(3), 80)
    rows = rows_of(BOOK, heard, Newest(0, 0))
    now_ns = heard[40].at_ns + 2 * DAY_NS
    touches = [{**TOUCH, "at_ns": at_ns} for at_ns in (START_NS, now_ns)]
    await write_rows(history_database, [rows], touches)
    deleted = await prune(history_database, now_ns, 2)
    cut_ns = now_ns - 2 * DAY_NS
    kept = [each.sequence for each in heard if each.at_ns >= cut_ns]
    assert 0 < len(kept) < len(heard)
    assert [row["sequence"] for row in await rows_in(history_database, outside_trades)] == kept
    for row in await rows_in(history_database, outside_candles):
        assert row["open_at_ns"] + row["interval_s"] * SECOND_NS >= cut_ns
    assert [row["at_ns"] for row in await rows_in(history_database, outside_touches)] == [now_ns]
    assert deleted > 7, "more than one step"
    assert await prune(history_database, now_ns, 2) == 0


async def test_steps_are_as_many_as_may_be(
    history_database: HistoryDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "PRUNE_ROWS_MAX", 5)
    monkeypatch.setattr(writing, "PRUNE_STEPS_MAX", 2)
    heard = random_trades(Random(3), 30)
    await write_rows(history_database, [rows_of(BOOK, heard, Newest(0, 0))], [])
    await prune(history_database, heard[-1].at_ns + 30 * DAY_NS, 1)
    left = [row["sequence"] for row in await rows_in(history_database, outside_trades)]
    assert len(left) == 20
    assert left[0] == FIRST + 10


async def test_every_interval_and_every_table_has_something(
    history_database: HistoryDatabase,
) -> None:
    rows = rows_of(BOOK, random_trades(Random(5), 3), Newest(0, 0))
    await write_rows(history_database, [rows], [{**TOUCH, "at_ns": 1}])
    for table in OUTSIDE.sorted_tables:
        assert await rows_in(history_database, table)
    lengths = {row["interval_s"] for row in await rows_in(history_database, outside_candles)}
    assert lengths == set(INTERVALS_S.values())
