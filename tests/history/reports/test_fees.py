"""Fees against a count of the fills of a random day."""

from collections import Counter
from fractions import Fraction
from random import Random
from typing import Any

import sqlalchemy as sa

from history.reports.scope import Scope
from history.sql.database import HistoryDatabase
from history.sql.tables import ledger
from shared.messages import FeeAsset
from tests.history.reports.days import RecordedDay, store
from tests.history.reports.facts import DAY_NS, markets_of, trades_of, units
from tests.history.reports.reading import report

PARTS = "maker", "taker", "rebates", "net"


def counted(day: RecordedDay, account_id: int | None = None) -> dict[Any, dict[str, Fraction]]:
    """The fees by day, market and asset."""
    sums: dict[Any, Counter[str]] = {}
    for trade in trades_of(day):
        market = markets_of(day)[trade.event.market]
        for fill, is_buy, role in trade.sides:
            if account_id not in (None, fill.account_id):
                continue
            in_base = is_buy and market.fee_asset is FeeAsset.RECEIVED
            asset = market.base if in_base else market.quote
            found = sums.setdefault((trade.day, market.market, asset), Counter())
            found[role if fill.fee_atoms > 0 else "rebates"] += abs(fill.fee_atoms)
            found["net"] += fill.fee_atoms
    return {
        key: {part: units(key[2], parts[part]) for part in PARTS} for key, parts in sums.items()
    }


async def test_fees_are_those_of_the_fills_of_every_day(
    history: HistoryDatabase, day: RecordedDay
) -> None:
    for account_id in (None, 1):
        kept = await report(history, "fees", Scope(account_id=account_id))
        found = {
            (row["day"], row["market"], row["asset"]): {part: Fraction(row[part]) for part in PARTS}
            for row in kept.named
        }
        expected = counted(day, account_id)
        assert found == expected
        assert not kept.faults
        for asset in {key[2] for key in expected}:
            net = sum(parts["net"] for key, parts in expected.items() if key[2] == asset)
            assert Fraction(kept.totals["net", asset]) == net


async def test_a_period_has_the_fees_of_its_days(
    history: HistoryDatabase, day: RecordedDay
) -> None:
    middle = trades_of(day)[len(trades_of(day)) // 2].day
    kept = await report(history, "fees", Scope(middle * DAY_NS, (middle + 1) * DAY_NS))
    assert {row["day"] for row in kept.named} == {middle}
    assert len(kept.named) == len([key for key in counted(day) if key[0] == middle])


async def test_rebates_are_apart_and_make_the_net_smaller(
    history_database: HistoryDatabase, seed: int
) -> None:
    draw = Random(seed)
    day = RecordedDay(draw, 200)
    while not any(fill.fee_atoms < 0 for fill in day.rows.fills):
        day = RecordedDay(draw, 200)
    await store(history_database, day.rows, day.cursor)
    kept = await report(history_database, "fees")
    assert any(row["rebates"] != "0" for row in kept.named)
    for row in kept.named:
        fees = Fraction(row["maker"]) + Fraction(row["taker"])
        assert Fraction(row["net"]) == fees - Fraction(row["rebates"])
    expected = counted(day)
    assert {key: Fraction(kept.totals["rebates", key[2]]) for key in expected} == {
        key: sum(parts["rebates"] for other, parts in expected.items() if other[2] == key[2])
        for key in expected
    }


async def test_a_ledger_that_says_something_else_is_told(
    history: HistoryDatabase, day: RecordedDay
) -> None:
    async with history.writing() as connection:
        is_trade = ledger.c.cause == "trade"
        more = ledger.c.fee_atoms + 1
        await connection.execute(sa.update(ledger).where(is_trade).values(fee_atoms=more))
    kept = await report(history, "fees")
    assert kept.faults
    assert all("fills less ledger is -" in fault for fault in kept.faults)
