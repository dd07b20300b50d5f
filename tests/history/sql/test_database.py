"""Opening the history: brought to form once, whoever comes at the same time."""

import sqlalchemy as sa

from history.sql.database import HistoryDatabase
from history.sql.tables import METADATA, assets


async def test_every_table_is_there_and_empty(history_database: HistoryDatabase) -> None:
    async with history_database.reading() as connection:
        for table in METADATA.sorted_tables:
            found = await connection.execute(sa.select(table))
            assert found.all() == []


async def test_what_was_written_is_read(history_database: HistoryDatabase) -> None:
    async with history_database.writing() as connection:
        await connection.execute(assets.insert().values(asset="BTC", scale=8, created_at_ns=1))
    async with history_database.reading() as connection:
        assert (await connection.execute(sa.select(assets))).all() == [("BTC", 8, 1)]
