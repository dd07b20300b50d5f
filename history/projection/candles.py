"""Candles: the trades of a market, interval by interval, exactly.

The rule of this file: a candle is made of trades alone and only of its own; nothing is rounded and
nothing is guessed. Intervals without trades are not stored: `filled` makes them, for everybody who
shows candles, from the last close before them.
"""

from collections.abc import Iterable, Iterator, Sequence

from history.projection.intervals import INTERVALS_S, SECOND_NS, close_of, open_of
from history.projection.rows import CandleRow, TradeRow
from shared.messages import Side

BASE_S = 1  # Trades go into candles of a second, and those into all others.
_BUY = Side.BUY.value


class MarketCandles:
    """The newest candles of one market, one of each interval that has a trade.

    `newest` is where they stood, by interval in seconds.
    """

    def __init__(self, market: str, newest: Iterable[CandleRow] = ()) -> None:
        self.market = market
        self.newest = {candle.interval_s: candle for candle in newest}

    def add(self, trades: Sequence[TradeRow]) -> list[CandleRow]:
        """Add trades, oldest first, that come after all before; return the candles they changed.

        Of each candle the last state alone is returned, those that were completed included.
        """
        changed: dict[tuple[int, int], CandleRow] = {}
        for second in _seconds_of(trades):
            for interval_s in INTERVALS_S.values():
                candle = self._joined(second, interval_s)
                self.newest[interval_s] = candle
                changed[interval_s, candle.open_at_ns] = candle
        return list(changed.values())

    def _joined(self, second: CandleRow, interval_s: int) -> CandleRow:
        open_at_ns = open_of(second.open_at_ns, interval_s)
        newest = self.newest.get(interval_s)
        if newest is None or newest.open_at_ns != open_at_ns:
            assert newest is None or newest.open_at_ns < open_at_ns, "trades come in journal order"
            return second._replace(interval_s=interval_s, open_at_ns=open_at_ns)
        return join(newest, second)


def join(candle: CandleRow, later: CandleRow) -> CandleRow:
    """Return a candle with the trades of a shorter one that comes after all that it has."""
    return CandleRow(
        candle.market,
        candle.interval_s,
        candle.open_at_ns,
        candle.open_ticks,
        max(candle.high_ticks, later.high_ticks),
        min(candle.low_ticks, later.low_ticks),
        later.close_ticks,
        candle.volume_lots + later.volume_lots,
        candle.quote_atoms + later.quote_atoms,
        candle.trades + later.trades,
        candle.taker_buy_lots + later.taker_buy_lots,
        candle.taker_buy_quote_atoms + later.taker_buy_quote_atoms,
        candle.first_trade_id,
        later.last_trade_id,
    )


def _seconds_of(trades: Sequence[TradeRow]) -> Iterator[CandleRow]:
    start, count = 0, len(trades)
    while start < count:
        close_at_ns = close_of(open_of(trades[start].at_ns, BASE_S), BASE_S)
        end = start + 1
        while end < count and trades[end].at_ns < close_at_ns:
            end += 1
        yield drawn(trades[start:end], close_at_ns - SECOND_NS)
        start = end


def drawn(trades: Sequence[TradeRow], open_at_ns: int, interval_s: int = BASE_S) -> CandleRow:
    """Return the candle of these trades, at least one, oldest first."""
    first, last = trades[0], trades[-1]
    prices = [trade.price_ticks for trade in trades]
    bought = [trade for trade in trades if trade.taker_side == _BUY]
    return CandleRow(
        first.market,
        interval_s,
        open_at_ns,
        first.price_ticks,
        max(prices),
        min(prices),
        last.price_ticks,
        sum([trade.quantity_lots for trade in trades]),
        sum([trade.quote_atoms for trade in trades]),
        len(trades),
        sum([trade.quantity_lots for trade in bought]),
        sum([trade.quote_atoms for trade in bought]),
        first.trade_id,
        last.trade_id,
    )


def filled(
    candles: Iterable[CandleRow], before: CandleRow | None, *, from_ns: int, until_ns: int
) -> Iterator[CandleRow]:
    """Yield a candle for every interval of [from_ns, until_ns), oldest first, both at boundaries.

    `candles` are the stored ones of that time, oldest first, and `before` is the newest stored one
    earlier than it. An interval without trades has the last close as its four prices and nothing
    else; before the first trade there is nothing.
    """
    last, next_ns = before, from_ns
    for candle in candles:
        if last is not None:
            yield from _empty(last, next_ns, candle.open_at_ns)
        yield candle
        last, next_ns = candle, close_of(candle.open_at_ns, candle.interval_s)
    if last is not None:
        yield from _empty(last, next_ns, until_ns)


def _empty(last: CandleRow, from_ns: int, until_ns: int) -> Iterator[CandleRow]:
    close = last.close_ticks
    for open_at_ns in range(from_ns, until_ns, last.interval_s * SECOND_NS):
        yield CandleRow(
            last.market,
            last.interval_s,
            open_at_ns,
            *(close, close, close, close),
            *(0, 0, 0, 0, 0),
            # It is after this trade and before the next one.
            last.last_trade_id + 1,
            last.last_trade_id,
        )
