"""Days as Parquet files: whole, exact, once; and nothing leaves the database before its proof."""

import asyncio
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from history.parquet import manifests, writing
from history.parquet.days import begin_ns, name_of
from history.parquet.errors import ParquetError
from history.parquet.kept import LIVING
from history.parquet.manifests import read_day, written_days
from history.parquet.proving import prove_day
from history.parquet.reading import read_days
from history.parquet.retiring import retire
from history.parquet.writing import write_days
from history.sql import tables as t
from history.sql.database import HistoryDatabase, open_history
from tests.history.parquet.rows import BEGIN_DAY, Making, insert, make_room, stored

LAST_DAY = BEGIN_DAY + 5  # It is not over.


@pytest.fixture
async def making(history_database: HistoryDatabase, seed: int) -> Making:
    made = Making(seed)
    for day in range(BEGIN_DAY, LAST_DAY + 1):
        made.day(day)
    await made.insert(history_database)
    return made


async def test_every_day_that_is_over_is_written_and_is_the_databases(
    history_database: HistoryDatabase, making: Making, tmp_path: Path
) -> None:
    done = await write_days(history_database, tmp_path / "days")
    assert done[-1] == LAST_DAY - 1
    assert written_days(tmp_path / "days") == done
    for day in done:
        await prove_day(history_database, tmp_path / "days", day)
    manifest = read_day(tmp_path / "days", BEGIN_DAY)
    trades = next(file for file in manifest.files if file.table == "trades")
    assert (trades.rows, trades.first_sequence, trades.last_sequence) == (40, 1, 40)
    table = pq.read_table(tmp_path / "days" / trades.file)
    assert str(table.schema.field("at_ns").type) == "timestamp[ns, tz=UTC]"
    assert table.num_rows == 40
    assert making.sequence == 6 * 40


async def test_a_day_is_over_only_when_nothing_can_come_any_more(
    history_database: HistoryDatabase, making: Making, tmp_path: Path
) -> None:
    assert making.sequence
    end = begin_ns(LAST_DAY + 1)
    assert (await write_days(history_database, tmp_path, told_ns=end - 1))[-1] == LAST_DAY - 1
    assert await write_days(history_database, tmp_path, told_ns=end) == [LAST_DAY]
    assert await write_days(history_database, tmp_path, told_ns=end) == []


async def test_a_run_that_was_killed_is_completed_and_what_is_written_never_changes(
    history_database: HistoryDatabase,
    making: Making,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left = making.random.randrange(2, 40)

    def dying(partial: Path, path: Path) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise KeyboardInterrupt
        real(partial, path)

    real = manifests.rename_whole
    monkeypatch.setattr(writing, "rename_whole", dying)
    with pytest.raises(KeyboardInterrupt):
        await write_days(history_database, tmp_path)
    monkeypatch.undo()
    before = {path: path.read_bytes() for path in (tmp_path / "days").glob("*.json")}
    await write_days(history_database, tmp_path)
    for day in written_days(tmp_path):
        await prove_day(history_database, tmp_path, day)
    assert all(path.read_bytes() == data for path, data in before.items())


async def test_a_byte_that_was_changed_is_found_by_name(
    history_database: HistoryDatabase, making: Making, tmp_path: Path
) -> None:
    await write_days(history_database, tmp_path)
    path = tmp_path / "ledger" / f"{name_of(BEGIN_DAY)}.parquet"
    data = bytearray(path.read_bytes())
    data[making.random.randrange(len(data))] ^= 1
    path.write_bytes(data)
    with pytest.raises(ParquetError, match=str(path)):
        await prove_day(history_database, tmp_path, BEGIN_DAY)
    with pytest.raises(ParquetError, match=str(path)):
        await retire(history_database, tmp_path, 2)
    assert len(await stored(history_database, t.ledger)) == 6 * 40


async def test_a_row_that_is_not_in_the_file_keeps_everything_in_the_database(
    history_database: HistoryDatabase, making: Making, tmp_path: Path
) -> None:
    await write_days(history_database, tmp_path)
    async with history_database.writing() as connection:
        changed = sa.update(t.fills).where(t.fills.c.sequence == 3).values(price_ticks=1)
        await connection.execute(changed)
    before = await stored(history_database, t.trades)
    with pytest.raises(ParquetError, match=f"fills of {name_of(BEGIN_DAY)}"):
        await retire(history_database, tmp_path, 2)
    assert await stored(history_database, t.trades) == before
    assert making.sequence


async def test_what_is_old_leaves_and_what_is_needed_stays(
    history_database: HistoryDatabase, making: Making, tmp_path: Path
) -> None:
    await write_days(history_database, tmp_path)
    before = {table: await stored(history_database, table) for table in t.METADATA.sorted_tables}
    retired = await retire(history_database, tmp_path, 2)
    horizon_ns = begin_ns(LAST_DAY - 2)
    assert retired.rows
    assert (retired.partitions > 0) == (history_database.dialect == "postgresql")
    for table in (t.fills, t.order_changes, t.rejections):
        kept = [row for row in before[table] if row[_at(table)] >= horizon_ns]
        assert await stored(history_database, table) == kept
    for table in (t.deposits, t.withdrawals, t.venue_events):
        assert await stored(history_database, table) == before[table]
    status, updated = _at(t.orders, "status"), _at(t.orders, "updated_at_ns")
    assert await stored(history_database, t.orders) == [
        row for row in before[t.orders] if row[status] in LIVING or row[updated] >= horizon_ns
    ]
    minutes = [row for row in before[t.candles] if row[1] > 1]
    assert [row for row in await stored(history_database, t.candles) if row[1] > 1] == minutes
    await _statements_add_up(history_database, making)
    assert (await retire(history_database, tmp_path, 2)).rows == 0


def _at(table: sa.Table, name: str = "at_ns") -> int:
    return list(table.columns.keys()).index(name)


async def _statements_add_up(database: HistoryDatabase, making: Making) -> None:
    now: dict[tuple[int, str], tuple[int, int]] = {}
    for row in await stored(database, t.ledger):
        name, available, held = (row[0], row[1]), row[9], row[10]
        if name in now:
            assert now[name] == (available - row[7], held - row[8])
        now[name] = available, held
    assert now == making.balances


async def test_days_pass_and_each_lets_go_what_became_old(
    history_database: HistoryDatabase, making: Making, tmp_path: Path
) -> None:
    for day in range(LAST_DAY + 1, LAST_DAY + 5):
        await write_days(history_database, tmp_path)
        await retire(history_database, tmp_path, 1)
        await _statements_add_up(history_database, making)
        making.day(day)
        await making.insert(history_database)
    trades = await stored(history_database, t.trades)
    old = [row for row in trades if row[2] < begin_ns(LAST_DAY + 2)]
    assert len(old) <= 3  # The newest of each market.


async def test_rows_that_are_written_meanwhile_are_none_of_its_business(
    history_database: HistoryDatabase, making: Making, tmp_path: Path
) -> None:
    await write_days(history_database, tmp_path)
    begun = asyncio.create_task(retire(history_database, tmp_path, 2))
    for day in range(LAST_DAY + 1, LAST_DAY + 6):
        making.day(day)
        await making.insert(history_database)
    await begun
    await _statements_add_up(history_database, making)
    trades = await stored(history_database, t.trades)
    assert len([row for row in trades if row[2] >= begin_ns(LAST_DAY)]) == 6 * 40


async def test_days_read_into_an_empty_database_are_equal(
    history_database: HistoryDatabase, making: Making, tmp_path: Path
) -> None:
    days = await write_days(history_database, tmp_path / "days")
    other = await open_history(tmp_path / "other", "")
    try:
        rows = await read_days(other, tmp_path / "days")
        assert rows > 0
        whole = await stored(history_database, t.trades)
        assert await stored(other, t.trades) == [
            row for row in whole if row[2] < begin_ns(days[-1] + 1)
        ]
        with pytest.raises(ParquetError, match="an empty one"):
            await read_days(other, tmp_path / "days")
    finally:
        await other.close()
    assert making.sequence


async def test_a_history_made_again_from_its_beginning_lets_go_the_same_rows_once_more(
    history_database: HistoryDatabase, making: Making, tmp_path: Path
) -> None:
    folder = tmp_path / "kept"
    await write_days(history_database, folder)
    tables = t.METADATA.sorted_tables
    whole = {table: await stored(history_database, table) for table in tables}
    assert (await retire(history_database, folder, 2)).rows
    kept = {table: await stored(history_database, table) for table in tables}
    files = _files(folder)
    async with history_database.writing() as connection:
        for table in tables:
            await connection.execute(table.delete())
    await make_room(history_database)  # As for a recorder, which makes the months it needs.
    for table, rows in whole.items():
        names = table.columns.keys()
        await insert(history_database, table, [dict(zip(names, row, strict=True)) for row in rows])
    assert {table: await stored(history_database, table) for table in tables} == whole
    assert await write_days(history_database, folder) == []
    assert (await retire(history_database, folder, 2)).rows
    assert {table: await stored(history_database, table) for table in tables} == kept
    assert _files(folder) == files
    assert (await retire(history_database, folder, 2)).rows == 0
    assert making.sequence


def _files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
