"""Which candles there are to say: each as it grows, once more when it has closed, then the next.

The rule of this file: pure, and forward only. What is said of a market and an interval is what REST
answers at that watermark, the intervals without trades included. Time costs something only when an
interval ends. Trades that come late, since the clock of Redis was set back, change what was said:
it is said anew from there on.
"""

from collections.abc import Iterable

from history.projection.candles import filled
from history.projection.intervals import INTERVALS_S, SECOND_NS, close_of, open_of
from history.projection.rows import CandleRow

# Of one market and interval at once. Who was away for longer, or sees a market's first trades of
# long ago, finds what was left out in REST, and knows it from `open_at_ns`.
STEPS_MAX = 8


class Klines:
    """The newest candle of every market and interval, as it was last said."""

    def __init__(self) -> None:
        self._newest: dict[int, dict[str, CandleRow]] = {
            interval_s: {} for interval_s in INTERVALS_S.values()
        }
        self._open_ns: dict[int, int] = {}  # Of each interval, where the newest one begins.

    def know(self, candles: Iterable[CandleRow]) -> None:
        """Take over the newest stored candles, of each market and interval the oldest first."""
        for candle in candles:
            self._newest[candle.interval_s][candle.market] = candle

    def begin(self, watermark_ns: int) -> list[CandleRow]:
        """Return the newest candle of everything that is known, as it is at the watermark."""
        for interval_s, newest in self._newest.items():
            open_ns = self._open_ns[interval_s] = open_of(watermark_ns, interval_s)
            for market, candle in newest.items():
                newest[market] = [candle, *_moved(candle, [], open_ns)][-1]
        return [candle for newest in self._newest.values() for candle in newest.values()]

    def turn(self, changed: Iterable[CandleRow], watermark_ns: int) -> list[CandleRow]:
        """Return what there is to say, of each market and interval oldest first, when these candles
        were written and the history is at this watermark.
        """
        written: dict[int, dict[str, list[CandleRow]]] = {}
        for candle in changed:
            of_market = written.setdefault(candle.interval_s, {})
            of_market.setdefault(candle.market, []).append(candle)
        said: list[CandleRow] = []
        for interval_s, newest in self._newest.items():
            open_ns = open_of(watermark_ns, interval_s)
            rows = written.get(interval_s, {})
            markets: Iterable[str] = rows
            if open_ns != self._open_ns.get(interval_s):
                self._open_ns[interval_s] = open_ns
                markets = newest | rows
            for market in markets:
                steps = _moved(newest.get(market), rows.get(market, []), open_ns)
                said += steps
                if steps:
                    newest[market] = steps[-1]
        return said


def _moved(last: CandleRow | None, rows: list[CandleRow], open_ns: int) -> list[CandleRow]:
    """Return what leads from the candle that was said last to the newest one."""
    is_new = last is None or (bool(rows) and rows[0].open_at_ns <= last.open_at_ns)
    if is_new:
        last, rows = rows[0], rows[1:]
    assert last is not None, "a candle is known or written"
    assert last.open_at_ns <= open_ns, "a watermark never goes back"
    steps = [last] if is_new or last.open_at_ns < open_ns else []
    length_ns = last.interval_s * SECOND_NS
    from_ns = max(last.open_at_ns + length_ns, open_ns - (STEPS_MAX - 1) * length_ns)
    before = [last, *(row for row in rows if row.open_at_ns < from_ns)][-1]
    later = [row for row in rows if row.open_at_ns >= from_ns]
    until_ns = close_of(open_ns, last.interval_s)
    return [*steps, *filled(later, before, from_ns=from_ns, until_ns=until_ns)]
