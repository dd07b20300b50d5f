"""Pages are read along an index, on both databases: nothing is sorted, and no table is walked."""

import re
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from history.queries.cursors import Place
from history.queries.listings import LISTINGS, Listing
from history.queries.pages import page_statement
from shared.rest.history_queries import HistoryQuery
from tests.history.queries.stand import Stand
from tests.history.queries.world import START_NS

SPANS: Sequence[dict[str, Any]] = ({}, {"from_ns": START_NS + 1, "to_ns": START_NS + 10**14})
ASKED: Sequence[tuple[str, dict[str, Any]]] = (
    ("/trades", {"market": "TATA_INR"}),
    ("/orders", {}),
    ("/orders", {"market": "TATA_INR", "statuses": ("open",)}),
    ("/fills", {}),
    ("/fills", {"market": "TATA_INR", "side": "buy"}),
    ("/ledger", {"asset": "INR"}),
    ("/ledger", {"asset": "INR", "cause": "deposit"}),
    ("/rejections", {}),
)
# Trades of one moment are told apart by their ids: that is not what is meant by sorting.
# Tables of a few rows are walked all the same, unless they are made to look large.
NO_WALKS = {"sqlite": "SELECT 1", "postgresql": "SET LOCAL enable_seqscan = off"}
WALKS = re.compile(r"TEMP B-TREE|SCAN (?!cursor)|Seq Scan on|(?<!Incremental )Sort  \(")


async def plan_of(connection: AsyncConnection, statement: sa.Select[Any]) -> str:
    text = str(statement.compile(connection.sync_engine, compile_kwargs={"literal_binds": True}))
    is_sqlite = connection.dialect.name == "sqlite"
    explain = "EXPLAIN QUERY PLAN " if is_sqlite else "EXPLAIN "
    rows = await connection.exec_driver_sql(explain + text)
    return "\n".join(str(row[-1]) for row in rows)


def places(listing: Listing) -> tuple[Place | None, ...]:
    return None, tuple(
        "maker" if kind is str else START_NS + 10**13 if key == listing.keys[0] else 5
        for key, kind in zip(listing.keys, listing.kinds, strict=True)
    )


async def test_a_page_is_read_along_an_index(stand: Stand) -> None:
    async with stand.queries.snapshots.open() as now:
        for path, asked in ASKED:
            listing = LISTINGS[path]
            for place in places(listing):
                for span in SPANS:
                    query = HistoryQuery(**asked, **span, account_id=1)
                    plan = await plan_of(now.connection, page_statement(listing, query, place, 101))
                    assert not WALKS.search(plan), f"{path} {query} {place}\n{plan}"


async def test_of_a_statement_of_all_assets_a_page_of_each_is_read(stand: Stand) -> None:
    listing = LISTINGS["/ledger"]
    async with stand.queries.snapshots.open() as now:
        asked = page_statement(
            listing, HistoryQuery(account_id=1), None, 101, of_assets=("INR", "TATA")
        )
        plan = await plan_of(now.connection, asked)
    assert not re.search(r"SCAN ledger|Seq Scan on", plan), plan
    assert len(re.findall(r"SEARCH ledger|Append|Merge Append", plan)) >= 2, plan
    # The two pages are sorted together, and not what they were taken from.
    assert not re.search(r"SEARCH ledger[^\n]*\n[^\n]*TEMP B-TREE", plan), plan
    assert len(re.findall(r"(?<!Incremental )Sort  \(", plan)) <= 1, plan


async def test_what_is_of_one_order_or_name_is_found_by_its_own_index(stand: Stand) -> None:
    found_by: dict[str, tuple[str, dict[str, Any]]] = {
        "orders_by_client_order_id": ("/orders", {"client_order_id": "mine-1"}),
        "fills_by_order": ("/fills", {"order_id": 5}),
    }
    async with stand.queries.snapshots.open() as now:
        await now.connection.execute(sa.text(NO_WALKS[now.connection.dialect.name]))
        for index, (path, asked) in found_by.items():
            listing = LISTINGS[path]
            for place in places(listing):
                query = HistoryQuery(**asked, account_id=1)
                plan = await plan_of(now.connection, page_statement(listing, query, place, 101))
                # A month's index is called after its columns, or by the table's own name for it.
                columns = "_".join(listing.found_by)
                assert index in plan or re.search(rf"_{columns}\w*_idx", plan), plan
