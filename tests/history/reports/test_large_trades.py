"""The largest trades, and those at a threshold, of a random day."""

from fractions import Fraction
from typing import Any

import pytest

from history.reports.scope import Scope
from history.reports.source import ReportError
from history.sql.database import HistoryDatabase
from tests.history.reports.days import RecordedDay
from tests.history.reports.facts import trades_of, units
from tests.history.reports.reading import report


def notional(row: dict[str, Any]) -> Fraction:
    return Fraction(row["notional"])


async def test_the_largest_trades_of_each_market_come_first(
    history: HistoryDatabase, day: RecordedDay
) -> None:
    kept = await report(history, "large-trades", Scope(top=3))
    for name in ("AAA_USD", "BBB_USD"):
        found = [row for row in kept.named if row["market"] == name]
        of_market = [trade.event for trade in trades_of(day) if trade.event.market == name]
        largest = sorted(of_market, key=lambda event: (-event.quote_atoms, event.trade_id))[:3]
        assert [row["trade"] for row in found] == [event.trade_id for event in largest]
        for row, event in zip(found, largest, strict=True):
            is_buy = event.taker_side == "buy"
            pair = (event.taker.account_id, event.maker.account_id)
            assert (row["buyer"], row["seller"]) == (pair if is_buy else pair[::-1])
            assert notional(row) == Fraction(row["price"]) * Fraction(row["quantity"])
            assert notional(row) == units("USD", event.quote_atoms)
        assert kept.totals["trades shown", name] == str(len(found))
        summed = sum(notional(row) for row in found)
        assert Fraction(kept.totals["notional shown (USD)", name]) == summed


async def test_a_threshold_takes_what_is_at_it_and_leaves_what_is_below(
    history: HistoryDatabase, day: RecordedDay
) -> None:
    trade = sorted(trades_of(day), key=lambda one: one.event.quote_atoms)[len(trades_of(day)) // 2]
    atoms = trade.event.quote_atoms
    amount = units("USD", atoms)
    text = f"{float(amount):.3f}"
    assert Fraction(text) == amount
    for least, thresholds in [
        (atoms, (("", text),)),
        (atoms + 1, (("", f"{text}1"),)),  # Finer than the asset: no trade is as small.
        (atoms, (("", "999999"), (trade.event.market, text))),
    ]:
        scope = Scope(market=trade.event.market, thresholds=thresholds)
        kept = await report(history, "large-trades", scope)
        expected = [
            one.event.trade_id
            for one in trades_of(day)
            if one.event.market == trade.event.market and one.event.quote_atoms >= least
        ]
        assert [row["trade"] for row in kept.named] == expected
        assert kept.totals["trades", trade.event.market] == str(len(expected))


async def test_thresholds_of_no_market_and_of_no_amount_are_refused(
    history: HistoryDatabase, day: RecordedDay
) -> None:
    for thresholds in ((("NO_USD", "1"),), (("", "1e3"),), (("", "-1"),)):
        with pytest.raises(ReportError):
            await report(history, "large-trades", Scope(thresholds=thresholds))
    with pytest.raises(ReportError, match="AAA_USD, BBB_USD"):
        await report(history, "volumes", Scope(market="AAA_EUR"))
