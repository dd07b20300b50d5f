"""The trades among which candles are asked for are those of a month, in order."""

from history.bench.klines import MARKET, SPAN_NS, START_NS, filling
from history.projection.intervals import INTERVALS_S

TRADES = 60_001


def test_the_trades_of_a_month_come_in_batches_with_their_candles() -> None:
    batches = list(filling(TRADES))
    trades = [trade for batch in batches for trade in batch.trades]
    assert [trade.trade_id for trade in trades] == list(range(1, TRADES + 1))
    times = [trade.at_ns for trade in trades]
    assert times == sorted(times)
    assert START_NS <= times[0] < times[-1] < START_NS + SPAN_NS
    assert times[-1] > START_NS + SPAN_NS * 99 // 100
    assert [list(batch.markets) for batch in batches] == [[MARKET], []]
    candles = {
        (candle.interval_s, candle.open_at_ns): candle.trades
        for batch in batches
        for candle in batch.candles
    }
    for interval_s in INTERVALS_S.values():
        counts = [count for (length_s, _), count in candles.items() if length_s == interval_s]
        assert sum(counts) == TRADES
