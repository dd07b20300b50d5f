"""Candles are what one reckons from the list of trades, however the trades arrive."""

from collections.abc import Iterator
from itertools import groupby
from random import Random

import pytest

from history.projection.candles import MarketCandles, filled
from history.projection.intervals import INTERVALS_S, SECOND_NS, open_of
from history.projection.rows import CandleRow, TradeRow

START_NS = 1_795_228_764_000_000_000
MARKET = "TATA_INR"


def trade(
    trade_id: int, at_ns: int, price: int = 100, lots: int = 1, side: str = "buy"
) -> TradeRow:
    return TradeRow(
        MARKET,
        trade_id,
        at_ns,
        trade_id,
        trade_id,
        price,
        lots,
        price * lots,
        side,
        1,
        1,
        0,
        2,
        2,
        0,
    )


def random_trades(random: Random, count: int) -> list[TradeRow]:
    trades, at_ns = [], START_NS
    for trade_id in range(1, count + 1):
        step = random.choice(
            (0, 0, 1, 1_000, SECOND_NS // 3, SECOND_NS, 90 * SECOND_NS, 2 * 10**13)
        )
        at_ns = (
            open_of(at_ns + step, 60) if random.random() < 0.2 and step > 10**10 else at_ns + step
        )
        side = random.choice(("buy", "sell"))
        trades.append(trade(trade_id, at_ns, random.randint(90, 110), random.randint(1, 9), side))
    return trades


def reckoned(trades: list[TradeRow], interval_s: int) -> list[CandleRow]:
    """What a person would do with the list and a pencil."""
    found = []
    for begin, group in groupby(trades, key=lambda each: open_of(each.at_ns, interval_s)):
        of = list(group)
        bought = [each for each in of if each.taker_side == "buy"]
        found.append(
            CandleRow(
                market=MARKET,
                interval_s=interval_s,
                open_at_ns=begin,
                open_ticks=of[0].price_ticks,
                high_ticks=max(each.price_ticks for each in of),
                low_ticks=min(each.price_ticks for each in of),
                close_ticks=of[-1].price_ticks,
                volume_lots=sum(each.quantity_lots for each in of),
                quote_atoms=sum(each.quote_atoms for each in of),
                trades=len(of),
                taker_buy_lots=sum(each.quantity_lots for each in bought),
                taker_buy_quote_atoms=sum(each.quote_atoms for each in bought),
                first_trade_id=of[0].trade_id,
                last_trade_id=of[-1].trade_id,
            )
        )
    return found


def batches(random: Random, trades: list[TradeRow]) -> Iterator[list[TradeRow]]:
    while trades:
        count = random.randint(0, 7)
        yield trades[:count]
        trades = trades[count:]


@pytest.mark.parametrize("number", range(10))
def test_candles_are_those_of_the_list_however_it_is_cut(seed: int, number: int) -> None:
    random = Random(f"{seed}-{number}")
    trades = random_trades(random, 300)
    candles = MarketCandles(MARKET)
    stored: dict[tuple[int, int], CandleRow] = {}
    for batch in batches(random, trades):
        for row in candles.add(batch):
            stored[row.interval_s, row.open_at_ns] = row
        if random.random() < 0.1:  # It is started anew, from what is stored.
            newest = (
                (
                    max(row for row in stored.values() if row.interval_s == each)
                    for each in INTERVALS_S.values()
                )
                if stored
                else ()
            )
            candles = MarketCandles(MARKET, newest)
    for interval_s in INTERVALS_S.values():
        rows = [row for row in stored.values() if row.interval_s == interval_s]
        assert sorted(rows) == reckoned(trades, interval_s)


def test_a_trade_at_a_boundary_is_in_the_candle_that_begins() -> None:
    minute = open_of(START_NS, 60)
    rows = MarketCandles(MARKET).add([trade(1, minute - 1), trade(2, minute), trade(3, minute + 1)])
    of_minutes = [(row.open_at_ns, row.trades) for row in rows if row.interval_s == 60]
    assert of_minutes == [(minute - 60 * SECOND_NS, 1), (minute, 2)]


def shown(candles: list[CandleRow]) -> list[tuple[int, int, int]]:
    return [(row.open_at_ns // SECOND_NS, row.close_ticks, row.trades) for row in candles]


def test_intervals_without_trades_have_the_last_close_and_nothing_else() -> None:
    rows = MarketCandles(MARKET).add(
        [trade(1, 2 * SECOND_NS, 100), trade(2, 2 * SECOND_NS, 105), trade(3, 5 * SECOND_NS, 90)]
    )
    stored = [row for row in rows if row.interval_s == 1]
    whole = list(filled(stored, None, from_ns=0, until_ns=7 * SECOND_NS))
    assert shown(whole) == [(2, 105, 2), (3, 105, 0), (4, 105, 0), (5, 90, 1), (6, 90, 0)]
    empty = whole[1]
    assert empty.open_ticks == empty.high_ticks == empty.low_ticks == empty.close_ticks == 105
    assert not any(empty[7:12])


def test_a_stretch_without_trades_goes_on_from_the_candle_before_it() -> None:
    (before,) = (row for row in MarketCandles(MARKET).add([trade(1, 0, 77)]) if row.interval_s == 1)
    whole = list(filled([], before, from_ns=5 * SECOND_NS, until_ns=7 * SECOND_NS))
    assert shown(whole) == [(5, 77, 0), (6, 77, 0)]


def test_before_the_first_trade_there_is_nothing() -> None:
    assert list(filled([], None, from_ns=0, until_ns=7 * SECOND_NS)) == []


def test_trades_that_go_back_in_time_are_no_journal() -> None:
    candles = MarketCandles(MARKET)
    candles.add([trade(1, 5 * SECOND_NS)])
    with pytest.raises(AssertionError, match="journal order"):
        candles.add([trade(2, 4 * SECOND_NS)])
